//! The figures for the README: its table, and a plot.

use crate::Results;
use crate::rows::{Row, digits, table};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The table stands between these in the README.
const BEGIN: &str = "<!-- speed: written by make bench -->\n";
const PLOT: &str = "![Bars: processor time of Lectern, ffmpeg and GStreamer for the same work](docs/speed.svg)\n\n";
const END: &str = "<!-- end of speed -->";

/// Puts the table into the README and draws `docs/speed.svg`.
pub fn publish(results: &Results) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = root.join("README.md");
    let text = read(&readme);
    let found = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = found.unwrap_or_else(|| panic!("{} has no lines {BEGIN} and {END}", readme.display()));
    let table = table(&results.rows);
    write(&readme, &format!("{before}{BEGIN}{PLOT}{table}\nMeasured on: {}.\n{END}{after}", results.machine.describe()));
    write(&root.join("docs/speed.svg"), &plot(&results.rows));
}

fn read(path: &PathBuf) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

const WIDTH: f64 = 760.0;
/// Where bars begin and how long the longest is.
const LEFT: f64 = 210.0;
const LONGEST: f64 = 400.0;
const BAR: f64 = 20.0;
const STEP: f64 = 28.0;

/// Two groups of bars: processor time of key + place, and of a whole render. On a light ground of its own, so that it can be read on a
/// dark page, too.
fn plot(rows: &[Row]) -> String {
    let groups =
        [("key", "Key + place: processor time for a 1080p picture"), ("render", "Whole render: processor time for a minute of 1080p film")];
    let (mut bars, mut y) = (String::new(), 20.0);
    for (bench, title) in groups {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.bench == bench && row.peer.is_some()).collect();
        let Some(first) = rows.first() else { continue };
        let most = rows.iter().filter_map(|row| row.peer).fold(first.ours, f64::max);
        let _ = writeln!(bars, r#"<text x="20" y="{}" font-size="15" font-weight="bold">{title}</text>"#, y + 14.0);
        y += STEP;
        let name = |row: &Row| row.what.rsplit("against ").next().unwrap_or_default().to_string();
        let ours = ("Lectern".to_string(), first.ours, String::new());
        let theirs = rows.iter().filter_map(|row| Some((name(row), row.peer?, format!("  ({}x)", digits(row.times()?)))));
        for (index, (name, value, times)) in std::iter::once(ours).chain(theirs).enumerate() {
            let (length, color) = ((value / most * LONGEST).max(2.0), if index == 0 { "#0b6e4f" } else { "#8a93a3" });
            let (middle, end) = (y + BAR * 0.72, LEFT + length + 8.0);
            let _ = writeln!(bars, r#"<text x="{}" y="{middle}" text-anchor="end">{name}</text>"#, LEFT - 10.0);
            let _ = writeln!(bars, r#"<rect x="{LEFT}" y="{y}" width="{length:.1}" height="{BAR}" rx="2" fill="{color}"/>"#);
            let _ = writeln!(bars, r#"<text x="{end:.1}" y="{middle}">{} {}{times}</text>"#, digits(value), first.unit);
            y += STEP;
        }
        y += STEP / 2.0;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y}\" width=\"{WIDTH}\" height=\"{y}\" role=\"img\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#1c2330\">\n<title>Processor time of Lectern and of others for the same work; shorter is better</title>\n<rect width=\"{WIDTH}\" height=\"{y}\" rx=\"8\" fill=\"#f7f8fa\"/>\n{bars}</svg>\n"
    )
}
