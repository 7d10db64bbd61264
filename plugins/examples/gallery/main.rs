//! The gallery: pages of pictures to look at, made by the nodes themselves, written to `docs/gallery/` (`make gallery`).
//!
//! A page is one function that returns a [`Sheet`]; [`PAGES`] lists them. Usage: `cargo run --example gallery -- FOLDER [PAGE...]`; all pages
//! without one. The index is written anew with all of them.

mod captions;
mod sheet;

use sheet::Sheet;
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

/// A page: the name of its file, its title, what is to be seen on it, and what draws it.
struct Page {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    sheet: fn() -> Sheet,
}

/// All pages, in the order of the index.
const PAGES: &[Page] = &[Page {
    name: "captions",
    title: "Captions in ten scripts",
    about: "The node `captions`, with the word that is being spoken in yellow; the last two with an outline in place of the plate.",
    sheet: captions::scripts,
}];

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

/// Writes the pages that are asked for, or all, and the index.
fn write(folder: &Path, asked: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    let mut index = String::from(
        "# Gallery\n\nWhat viewers see, page by page. Made by `make gallery`; look at it after every change of what is drawn.\n",
    );
    for Page { name, title, about, sheet } in PAGES {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            sheet().save(&folder.join(format!("{name}.png")))?;
        }
        write!(index, "\n## {title}\n{about}\n\n![{title}]({name}.png)\n")?;
    }
    Ok(std::fs::write(folder.join("README.md"), index)?)
}
