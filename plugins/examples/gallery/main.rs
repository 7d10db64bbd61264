//! The gallery: pages of pictures to look at, made by the nodes themselves, written to `docs/gallery/` (`make gallery`).
//!
//! A page is one function that draws a picture; [`PAGES`] lists them. Usage: `cargo run --example gallery -- FOLDER [PAGE...]`; all pages
//! without one. The index is written anew with all of them.

mod captions;
mod edges;
mod overlays;
mod presenters;
mod sheet;
mod transitions;

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use plugins::avatar::rig;
use std::fmt::Write;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::process::ExitCode;

/// A page: the name of its file, its title, what is to be seen on it, and what draws it.
struct Page {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    picture: fn() -> RgbImage,
}

/// All pages, in the order of the index.
const PAGES: &[Page] = &[
    Page {
        name: "visemes",
        title: "Presenters and their mouths",
        about: "Each presenter with each of the 15 visemes.",
        picture: || presenters::all(rig::Sheet::Visemes),
    },
    Page { name: "heads", title: "Heads", about: "Turned, tilted, raised and lowered.", picture: || presenters::all(rig::Sheet::Heads) },
    Page {
        name: "emotions",
        title: "Moods",
        about: "What lids, brows, gaze and smile can say.",
        picture: || presenters::all(rig::Sheet::Emotions),
    },
    Page {
        name: "captions",
        title: "Captions in ten scripts",
        about: "The node `captions`, with the word that is being spoken in yellow; the last two with an outline in place of the plate.",
        picture: || captions::scripts().picture(),
    },
    Page {
        name: "overlays",
        title: "Overlays",
        about: "Bullets, names, texts, pictures and the line of progress while they come, stand and go.",
        picture: || overlays::overlays().picture(),
    },
    Page {
        name: "edges",
        title: "Edges",
        about: "Hair in front of slides, four times as large: by the alpha that presenters are drawn with, and keyed from a green screen in 4:2:0.",
        picture: || edges::edges().picture(),
    },
    Page { name: "transitions", title: "Transitions", about: "How slides come in.", picture: || transitions::transitions().picture() },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(folder) = arguments.next() else {
        eprintln!("usage: gallery FOLDER [PAGE...]; pages: {}", PAGES.iter().map(|page| page.name).collect::<Vec<_>>().join(" "));
        return ExitCode::from(2);
    };
    let (folder, asked) = (Path::new(&folder), arguments.collect::<Vec<_>>());
    if let Some(unknown) = asked.iter().find(|name| PAGES.iter().all(|page| page.name != *name)) {
        eprintln!("there is no page {unknown}");
        return ExitCode::from(2);
    }
    match write(folder, &asked) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

/// The films that `scripts/gallery` puts beside the pages, one of each presenter.
fn films() -> String {
    let films: Vec<String> = rig::names().map(|name| format!("[{name}]({name}.mp4)")).collect();
    format!("\n## Speaking\nTen seconds of each presenter: {}.\n", films.join(", "))
}

/// Writes the pages that are asked for, or all, and the index.
fn write(folder: &Path, asked: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    let mut index = String::from(
        "# Gallery\n\nWhat viewers see, page by page. Made by `make gallery`; look at it after every change of what is drawn.\n",
    );
    for Page { name, title, about, picture } in PAGES {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            // Small enough to be kept with the source.
            let file = BufWriter::new(File::create(folder.join(format!("{name}.jpg")))?);
            JpegEncoder::new_with_quality(file, 85).encode_image(&picture())?;
        }
        write!(index, "\n## {title}\n{about}\n\n![{title}]({name}.jpg)\n")?;
    }
    index += &films();
    Ok(std::fs::write(folder.join("README.md"), index)?)
}
