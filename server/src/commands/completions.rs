//! `lectern completions`: what a shell needs to complete commands.

use crate::cli::Cli;
use crate::console::Console;
use crate::failure::Failure;
use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

const EXAMPLES: &str = "\
Examples:
  lectern completions bash > ~/.local/share/bash-completion/completions/lectern
  lectern completions zsh > \"${fpath[1]}/_lectern\"
  lectern completions fish > ~/.config/fish/completions/lectern.fish";

/// Print completions for a shell.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// Which shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(options.shell, &mut Cli::command(), "lectern", &mut script);
    console.answer(&String::from_utf8_lossy(&script));
    Ok(())
}
