//! The arguments of the program. Each command's own are in its file.

use crate::commands::{
    avatars, cache, check, completions, config, doctor, graph, jobs, join, lesson, live, nodes, podcast, render, run, schema, serve, speak,
    subtitles, token, top, voices, watch, worker,
};
use clap::{Args, Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  lectern render talk.pptx                    the film of a deck: talk.mp4, talk.srt, talk.vtt
  lectern render talk.pptx --slides 3-5       only these slides
  lectern render talk.pptx --dry-run          what would be said, and how long it takes to say
  lectern watch talk.pptx                     the film again on every change of the deck
  lectern join intro.mp4 talk.pptx -o all.mp4 a film and a lecture as one film
  lectern subtitles talk.srt --to fr          its subtitles in another language
  lectern podcast report.pdf -o report.mp3    a conversation of two voices about it
  lectern live talk.pptx --hls out/hls        the lecture by the clock, as a stream
  lectern serve                               takes decks, makes films: a service with a web API
  lectern check graphs/lecture.yaml           everything that is wrong with a graph file
  lectern nodes lip_sync                      ports and settings of a node type
  lectern doctor                              what this machine lacks, and how to get it

Exit codes: 0 done, 1 the run failed, 2 graph, input or usage invalid, 3 a live run did not drain in
time, 130 and 143 aborted (SIGINT, SIGTERM).";

/// Your slides, given as a lecture: slides and speaker notes in, a film with a talking presenter out.
#[derive(Debug, Parser)]
#[command(name = "lectern", version, after_help = EXAMPLES, propagate_version = true, max_term_width = 110, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub output: OutputOptions,
    #[command(subcommand)]
    pub command: Command,
}

/// How much is printed, and for whom.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct OutputOptions {
    /// Print errors only.
    #[arg(short, long, global = true, help_heading = "Output")]
    pub quiet: bool,
    /// Log in detail what happens, on standard error; LECTERN_LOG says it more finely.
    #[arg(short, long, global = true, help_heading = "Output")]
    pub verbose: bool,
    /// Print JSON for programs: one object a line while something runs, one document otherwise.
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Render(render::Options),
    Watch(watch::Options),
    Join(join::Options),
    Podcast(podcast::Options),
    Live(Box<live::Options>),
    Serve(Box<serve::Options>),
    Jobs(jobs::Options),
    Worker(worker::Options),
    Run(run::Options),
    Check(check::Options),
    Graph(graph::Options),
    Nodes(nodes::Options),
    Schema(schema::Options),
    Lesson(lesson::Options),
    Speak(speak::Options),
    Subtitles(subtitles::Options),
    Token(token::Options),
    Top(top::Options),
    Voices(voices::Options),
    Avatars(avatars::Options),
    Cache(cache::Options),
    Config(config::Options),
    Doctor(doctor::Options),
    Completions(completions::Options),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }
}
