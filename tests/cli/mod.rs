//! The command line: what it prints, where, and with which exit code.

mod config;
mod files;
pub mod google_slides;
mod graphs;
mod help;
mod lessons;
mod runs;
mod signals;

use assert_cmd::Command;
use std::path::Path;

/// `lectern` in a folder, with nothing in its environment that would change what it prints.
pub fn lectern(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lectern"));
    command.current_dir(folder).env_remove("LECTERN_LOG").env_remove("NO_COLOR");
    command
}

/// What a command left behind.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `lectern` with these arguments, separated by spaces.
pub fn run(folder: &Path, arguments: &str) -> Ran {
    run_with(folder, &arguments.split(' ').collect::<Vec<_>>())
}

/// Runs `lectern` with these arguments.
pub fn run_with(folder: &Path, arguments: &[&str]) -> Ran {
    let output = lectern(folder).args(arguments).output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program prints UTF-8");
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Ran {
    /// The output, after it is made sure that the command succeeded.
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self.stdout
    }

    /// The errors, after it is made sure that the command failed with this code and printed no result.
    pub fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "");
        self.stderr
    }

    /// The output as lines of JSON.
    pub fn events(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }
}

/// The names of all files below a folder, sorted.
pub fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
