//! `make bench`: what Lectern costs, beside what others take for the same work on the same machine in the same minutes.
//!
//! Everything is processor time (user and system, all threads and children), given as ratios: machines differ, ratios hold. Peers run
//! in the same rounds as we do; the best or the middle of the rounds counts. Figures go to `benches/results/NAME.json` and `.md`, where those
//! of benches that are not run again stay;
//! `--publish` also puts the table into the README and draws `docs/speed.svg`.
//!
//! Usage: `cargo bench --profile dev -- [BENCH...] [--name NAME] [--publish]`, where BENCH is one of [`BENCHES`] (all without one) or of [`LONG`]. Ends
//! with an error when a mark is missed, or before it begins when a peer is not installed.

mod engine;
mod graph;
mod keying;
mod layers;
mod lecture;
mod machine;
mod measure;
mod overlays;
mod peers;
mod publish;
mod rows;
mod scene;
mod segments;

use machine::Machine;
use rows::{Row, table};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// All benches, in the order of the table.
const BENCHES: [&str; 13] =
    ["hop", "border", "join", "key", "captions", "overlays", "render", "slides", "rig", "speech", "memory", "segments", "scheduler"];

/// Those that take too long for every day: only when they are named, as `scripts/soak` does.
const LONG: [&str; 1] = ["long"];

/// What a session measured.
#[derive(Serialize, Deserialize)]
struct Results {
    machine: Machine,
    rows: Vec<Row>,
}

struct Options {
    benches: Vec<String>,
    name: String,
    publish: bool,
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    if let Err(missing) = peers::are_there(&options.benches) {
        eprintln!("{missing}");
        return ExitCode::from(2);
    }
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("target/tmp can be written");
    let lectern = Path::new(env!("CARGO_BIN_EXE_lectern"));
    let machine = Machine::here();
    println!("{}\n", machine.describe());
    let mut rows = Vec::new();
    for bench in &options.benches {
        let since = Instant::now();
        rows.extend(match bench.as_str() {
            "hop" => engine::hop(),
            "border" => engine::border(),
            "join" => engine::join(),
            "key" => keying::key(folder.path()),
            "captions" => layers::captions(folder.path()),
            "overlays" => overlays::overlays(folder.path()),
            "render" => keying::render(folder.path(), lectern),
            "slides" => lecture::slides(folder.path(), lectern),
            "rig" => lecture::rig(folder.path(), lectern),
            "speech" => lecture::speech(folder.path(), lectern),
            "segments" => segments::edits(folder.path(), lectern),
            "scheduler" => segments::scheduler(),
            "long" => segments::long(folder.path(), lectern),
            _ => lecture::memory(folder.path(), lectern),
        });
        println!("{bench}: {:.0} s", since.elapsed().as_secs_f64());
        for row in rows.iter().filter(|row| row.bench == *bench) {
            println!("  {}", row.line());
        }
    }
    let results = Results { rows: with_earlier(rows, &machine, &options.name), machine };
    keep(&results, &options.name);
    println!("\n{}", table(&results.rows));
    if options.publish {
        publish::publish(&results);
    }
    match results.rows.iter().filter(|row| row.holds() == Some(false)).count() {
        0 => ExitCode::SUCCESS,
        missed => {
            println!("{missed} marks missed");
            ExitCode::FAILURE
        }
    }
}

fn options(arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { benches: Vec::new(), name: today(), publish: false };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => {} // Cargo says so itself.
            "--publish" => options.publish = true,
            "--name" => options.name = arguments.next().ok_or("--name needs a name")?,
            bench if BENCHES.contains(&bench) || LONG.contains(&bench) => options.benches.push(bench.into()),
            other => return Err(format!("there is no bench called {other}; there are: {}", BENCHES.join(" "))),
        }
    }
    if options.benches.is_empty() {
        options.benches = BENCHES.map(String::from).to_vec();
    }
    Ok(options)
}

/// The day by UTC, as 2026-01-31. Howard Hinnant, "chrono-compatible low-level date algorithms": `civil_from_days`.
fn today() -> String {
    let days = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() / 86_400) + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{}-{month:02}-{day:02}", year_of_era + era * 400 + carry)
}

/// The rows, in the order of the table, and those of other benches that were kept under this name on this machine before.
fn with_earlier(rows: Vec<Row>, machine: &Machine, name: &str) -> Vec<Row> {
    let kept = std::fs::read(result_path(name, "json")).ok().and_then(|bytes| serde_json::from_slice::<Results>(&bytes).ok());
    let mut earlier = kept.filter(|kept| kept.machine == *machine).map(|kept| kept.rows).unwrap_or_default();
    earlier.retain(|row| rows.iter().all(|new| new.bench != row.bench));
    let mut rows = [rows, earlier].concat();
    rows.sort_by_key(|row| BENCHES.iter().position(|bench| *bench == row.bench));
    rows
}

fn result_path(name: &str, ending: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/results").join(format!("{name}.{ending}"))
}

/// Writes the results where they are kept.
fn keep(results: &Results, name: &str) {
    let json = serde_json::to_string_pretty(results).expect("results are plain data") + "\n";
    let text = format!("# {name}\n\n{}\n\n{}", results.machine.describe(), table(&results.rows));
    for (ending, content) in [("json", json), ("md", text)] {
        let path = result_path(name, ending);
        std::fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}
