//! What `lectern doctor` looks at. A check reads and starts harmless programs; it changes nothing. A new check is one entry.

use crate::outputs::takes_files;
use plugins::browser::PageSettings;
use plugins::lesson::ImportOptions;
use plugins::models::{self, DEFAULT_VOICE};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The script that installs everything.
const SETUP: &str = "scripts/setup";

/// What was found.
pub enum Finding {
    /// It is there: which, where.
    There(String),
    /// It is not.
    Missing {
        /// What is missing, and what does not work without it.
        what: String,
        /// The command that gets it.
        fix: String,
    },
}

impl Finding {
    /// The command that gets it; `None` when it is there.
    pub fn fix(&self) -> Option<&str> {
        if let Finding::Missing { fix, .. } = self { Some(fix) } else { None }
    }

    fn missing(what: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding::Missing { what: what.into(), fix: fix.into() }
    }
}

/// Something that Lectern uses.
pub struct Check {
    /// What it is called.
    pub name: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// `lectern render` does not work without it.
    pub needed: bool,
    /// Looks for it.
    pub look: fn() -> Finding,
}

/// All checks, in the order in which a render needs them.
pub const CHECKS: &[Check] = &[
    Check { name: "voice", purpose: "speech", needed: true, look: voice },
    Check { name: "ONNX Runtime", purpose: "speech", needed: true, look: onnxruntime },
    Check { name: "espeak-ng", purpose: "phonemes for the voice", needed: true, look: espeak },
    Check { name: "H.264 encoder", purpose: "pictures of the film", needed: true, look: || element(&["x264enc"]) },
    Check { name: "AAC encoder", purpose: "sound of the film", needed: true, look: || element(&["avenc_aac", "voaacenc"]) },
    Check { name: "LibreOffice", purpose: "decks: .pptx, .ppt, .odp; PDFs and pictures work without", needed: true, look: office },
    Check { name: "cache folder", purpose: "converted decks and spoken clauses are kept there", needed: true, look: cache },
    Check { name: "fonts", purpose: "decks look as their authors made them", needed: false, look: fonts },
    Check { name: "Chromium", purpose: "live pages in a film; all else works without", needed: false, look: chromium },
    Check {
        name: "ffmpeg",
        purpose: "an independent look at films, for the tests",
        needed: false,
        look: || program("ffmpeg", "-version", "ffmpeg"),
    },
];

fn voice() -> Finding {
    match models::locate(&format!("voice:{DEFAULT_VOICE}")) {
        Ok(path) => Finding::There(format!("{DEFAULT_VOICE}: {}", path.display())),
        Err(error) => Finding::missing(error.to_string(), SETUP),
    }
}

fn onnxruntime() -> Finding {
    // Starting it is the only way to know that it fits this machine.
    match models::onnxruntime().and_then(|path| models::environment().map(|_| path)) {
        Ok(path) => Finding::There(path.display().to_string()),
        Err(error) => Finding::missing(error.to_string(), SETUP),
    }
}

fn espeak() -> Finding {
    program("espeak-ng", "--version", "espeak-ng")
}

fn office() -> Finding {
    // It takes seconds to start: that it is there has to do.
    let name = ImportOptions::default().libreoffice;
    match on_path(&name) {
        Some(path) => Finding::There(path.display().to_string()),
        None => {
            let what = format!("there is no program {}: decks cannot be read, PDFs and pictures can", name.display());
            Finding::missing(what, format!("{SETUP}, or: sudo apt-get install libreoffice-impress"))
        }
    }
}

fn chromium() -> Finding {
    // It takes seconds to start: that it is there has to do.
    let name = PageSettings::default().program;
    match on_path(&name) {
        Some(path) => Finding::There(path.display().to_string()),
        None => Finding::missing(
            "there is no Chromium: live pages without a poster are a plain ground in films",
            "sudo apt-get install chromium",
        ),
    }
}

fn cache() -> Finding {
    let folder = ImportOptions::default().cache_dir;
    // The nearest folder that is there decides: what is missing below it will be made.
    let nearest = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/"));
    match takes_files(nearest) {
        Ok(()) => Finding::There(folder.display().to_string()),
        Err(error) => Finding::missing(format!("{} cannot be written: {error}", nearest.display()), "export XDG_CACHE_HOME=FOLDER"),
    }
}

/// One of these elements of GStreamer.
fn element(names: &[&str]) -> Finding {
    let fix = format!("{SETUP}, or: sudo apt-get install gstreamer1.0-plugins-ugly gstreamer1.0-libav gstreamer1.0-tools");
    if on_path(Path::new("gst-inspect-1.0")).is_none() {
        return Finding::missing("there is no program gst-inspect-1.0, so GStreamer cannot be asked", fix);
    }
    let exists = |name: &&&str| quietly(Command::new("gst-inspect-1.0").args(["--exists", name])).is_some();
    match names.iter().find(exists) {
        Some(name) => Finding::There(format!("GStreamer's {name}")),
        None => Finding::missing(format!("GStreamer has none of: {}", names.join(", ")), fix),
    }
}

fn fonts() -> Finding {
    // Metric-compatible stand-ins of Calibri, Cambria and Arial, the scripts of the world, emoji, and the ones that LibreOffice can draw.
    let wanted = ["Carlito", "Caladea", "Liberation Sans", "Noto Sans CJK", "Noto Color Emoji", "Symbola"];
    let fix = format!(
        "{SETUP}, or: sudo apt-get install fonts-crosextra-carlito fonts-crosextra-caladea fonts-liberation2 fonts-noto-cjk fonts-noto-color-emoji fonts-symbola"
    );
    let Some(list) = quietly(Command::new("fc-list").args([":", "family"])) else {
        return Finding::missing("there is no program fc-list, so fonts cannot be listed", "sudo apt-get install fontconfig");
    };
    let absent: Vec<&str> = wanted.into_iter().filter(|font| !list.contains(font)).collect();
    match absent.as_slice() {
        [] => Finding::There(wanted.join(", ")),
        absent => Finding::missing(format!("not installed: {}", absent.join(", ")), fix),
    }
}

/// A program that tells its version.
fn program(name: &str, version: &str, package: &str) -> Finding {
    let fix = || format!("{SETUP}, or: sudo apt-get install {package}");
    let Some(path) = on_path(Path::new(name)) else { return Finding::missing(format!("there is no program {name}"), fix()) };
    match quietly(Command::new(name).arg(version)) {
        Some(said) => Finding::There(said.lines().next().unwrap_or_default().trim().to_string()),
        None => Finding::missing(format!("{} does not run", path.display()), fix()),
    }
}

fn on_path(name: &Path) -> Option<PathBuf> {
    if name.components().count() > 1 {
        return name.is_file().then(|| name.to_path_buf());
    }
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// What a program that succeeds prints.
fn quietly(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
