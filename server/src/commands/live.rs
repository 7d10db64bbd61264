//! `lectern live`: a deck given by the clock, to browsers, rooms, servers and files.

use super::hosting::{Hosting, Place, taken};
use super::several;
use crate::auth::{Claims, Role};
use crate::captions::LiveCaptions;
use crate::config::Flags;
use crate::console::Console;
use crate::decks::{DeckOptions, LectureOptions, Source, must_exist};
use crate::execute::{Figures, execute_with};
use crate::failure::Failure;
use crate::graphs::{GraphFile, must_have_sink};
use crate::http::{App, Server, links, note_state};
use crate::live::{Command, LIMIT, Lecture, OnState, Outputs, Premises, Session, State};
use crate::outputs;
use crate::progress::{Doing, clock};
use crate::quality::PictureOptions;
use clap::Args;
use engine::graph::check::Depth;
use engine::graph::document::Clock;
use engine::graph::unit::DurationSetting;
use plugins::lesson;
use plugins::speech::voice::must_be_voice;
use serde_json::json;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  lectern live talk.pptx                              prints a link; the lecture begins when somebody opens it
  lectern live talk.pptx --livekit wss://HOST --room talk    into a LiveKit room (LIVEKIT_API_KEY, LIVEKIT_API_SECRET)
  lectern live talk.pptx --hls /var/www/talk --record talk.mp4
  lectern live talk.pptx --rtmp rtmp://HOST/app/KEY --captions burned --loop
  echo 'Any questions?' | lectern live talk.pptx --say-from -

The lecture goes by the clock and ends after its last slide, unless --loop is given. Ctrl-C lets it end in order, with a whole recording; a second one
ends it at once.";

/// Give a deck live.
///
/// Reads slides and speaker notes and plays the lecture by the clock: to browsers that open the printed link, into a LiveKit room, to an RTMP
/// server, as HLS, into a recording, or all of them.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The deck: .pptx, .ppt, .odp, .pdf, a lesson (.yaml, .json), a folder of pictures with script.md, or the address of a Google Slides
    /// presentation; content: .docx, .md, .txt; or a graph file of your own.
    #[arg(value_name = "DECK|GRAPH")]
    deck: PathBuf,
    /// Where it answers; port 0 takes a free one. [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    hosting: Hosting,
    /// The name that viewers join; without it, the lesson's.
    #[arg(long, value_name = "NAME")]
    room: Option<String>,
    /// Into a room of this LiveKit server: ws://HOST:PORT or wss://HOST.
    #[arg(long, value_name = "URL")]
    livekit: Option<String>,
    /// To this RTMP server, stream key included.
    #[arg(long, value_name = "URL")]
    rtmp: Option<String>,
    /// Stream as HLS into this folder.
    #[arg(long, value_name = "DIR")]
    hls: Option<PathBuf>,
    /// Record to this MP4 file.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Offer a second, smaller picture size, such as 640x360; slow viewers are moved to it.
    #[arg(long, value_name = "SIZE")]
    small: Option<String>,
    /// Say each line of this file at a sentence border; `-` reads standard input while the lecture is given.
    #[arg(long, value_name = "FILE")]
    say_from: Option<PathBuf>,
    /// Captions: soft (on the viewers' page and a track of a recording) or burned (in the pictures, for rooms and servers that show none).
    #[arg(long, value_name = "WHERE", value_enum, default_value = "soft")]
    captions: LiveCaptions,
    /// Wait for `start` or the first viewer, whatever else is served.
    #[arg(long)]
    wait: bool,
    /// Begin again after the last slide, until Ctrl-C.
    #[arg(long = "loop")]
    repeat: bool,
    /// How long the lecture may last at most.
    #[arg(long, value_name = "TIME", default_value = "12h")]
    limit: DurationSetting,
    #[command(flatten)]
    lecture: LectureOptions,
    #[command(flatten)]
    pictures: PictureOptions,
    #[command(flatten)]
    deck_options: DeckOptions,
    /// Give a variable of the graph another value; may be repeated: `--set size=854x480`.
    #[arg(long, value_name = "NAME=VALUE", value_parser = crate::graphs::assignment)]
    set: Vec<(String, String)>,
    #[command(flatten)]
    figures: Figures,
}

/// Plays the lecture to its end, or until it is told to stop.
pub fn run(mut options: Options, console: &Console) -> Result<(), Failure> {
    must_exist(&options.deck)?;
    options.deck = {
        let _reading = lesson::address(&options.deck).map(|address| Doing::start("reading", address, console));
        options.deck_options.fetch(&options.deck)?
    };
    let deck = options.deck.as_path();
    let named = options.lecture.variables().map(|(_, value)| value).chain(options.set.iter().map(|(_, value)| value));
    let mut inputs: Vec<PathBuf> = named.flat_map(|value| outputs::named_by(value)).collect();
    inputs.extend(options.pictures.variables(&GraphFile::new(None)).map(|(_, value, _)| PathBuf::from(value)));
    inputs.extend(outputs::beside_deck(deck));
    inputs.extend(options.say_from.clone());
    let inputs: Vec<&Path> = inputs.iter().map(PathBuf::as_path).chain([deck]).collect();
    for path in options.record.iter().chain(options.figures.files()) {
        outputs::check(path, &inputs)?;
    }
    options.lecture.variables().filter(|(name, _)| *name == "voice").try_for_each(|(_, voice)| must_be_voice(voice))?;
    let livekit = options.livekit.clone().map(|url| ("livekit.url", url, "--livekit"));
    let flags = Flags { listen: options.listen.map(|address| address.to_string()), ..Flags::default() };
    let place = Place::take(options.hosting.settings(&flags, livekit.into_iter().collect(), console)?)?;
    let (address, only) = (place.address, place.only_address());

    let file = GraphFile::new(is_graph(deck).then_some(deck));
    // Held until the end: the nodes of the run share it.
    let source = match file.is_built_in() {
        true => {
            let _reading = Doing::start("reading", &deck.display().to_string(), console);
            Some(options.deck_options.source(deck, || ())?)
        }
        false => None,
    };
    let lesson = source.as_ref().map(Source::lesson).transpose()?;
    if let Some(lesson) = &lesson {
        let files = outputs::files_of(lesson);
        options.record.iter().chain(options.figures.files()).try_for_each(|path| outputs::is_none_of(path, &files))?;
    }
    source.iter().for_each(|source| console.lesson_warnings(source.warnings()));
    let slides = lesson.as_ref().map(|lesson| options.lecture.choose(lesson)).transpose()?.map_or(0, |slides| slides.len());
    let room = options.room.clone().or_else(|| lesson.as_ref().map(|lesson| lesson.id.clone())).unwrap_or_else(|| "lecture".into());
    let title = lesson.as_ref().map(|lesson| lesson.title.clone()).unwrap_or_default();
    let lecture = lecture(&options, source.as_ref().map_or(deck, Source::path), &file, (&room, title), only);
    let (document, plan) = file.plan(&lecture.options(&file), Depth::Environment)?;
    console.lints(&document.warnings, "");
    must_have_sink(&file, &document, &plan)?;
    if plan.clock != Clock::Live {
        return Err(Failure::Invalid(format!("{} is no live graph; write clock: live, or a profile `live` that does", file.name())));
    }

    let (listener, app) = place.open(None)?;
    let defaults = plan.defaults;
    let premises = Premises {
        room: room.clone(),
        title: lesson.as_ref().map_or_else(|| room.clone(), |lesson| lesson.title.clone()),
        language: lesson.as_ref().map_or_else(String::new, |lesson| lesson.language.clone()),
        slides,
        waits: lecture.waits,
        limit: options.limit.0.to_std().min(LIMIT),
    };
    let server = Server::start(listener, app.clone()).map_err(|error| taken(address, &error))?;
    let begin = |handle: engine::run::Handle| {
        let session = Session::attach(premises, handle, told(&app, console, &room, &options));
        app.sessions.add(session.clone(), &defaults);
        if let Some(path) = &options.say_from {
            say_from(path, session.clone());
        }
        session
    };
    let report = execute_with(plan, &options.figures, console, begin, |session| session.end())?;
    drop(server);
    let (media, playout) = (report.media_seconds, report.playout.as_ref());
    let (underruns, skipped) = playout.map_or((0, 0), |playout| (playout.underruns, playout.skipped));
    let list = options.hls.as_ref().map(|folder| folder.join("index.m3u8"));
    console.event(&json!({
        "event": "done", "hls": list, "record": options.record, "media_seconds": media, "wall_seconds": report.wall_seconds,
        "underruns": underruns, "skipped": skipped,
    }));
    console.say(&format!("live for {}  {}  {}", clock(media), several(slides, "slide"), several(underruns as usize, "underrun")));
    if skipped > 0 {
        let pictures = several(skipped as usize, "picture");
        console.note(&format!("{pictures} left out: this machine did not encode them in time; a smaller size or fewer pictures a second help (--set size=854x480, --set fps=25)"));
    }
    console.warnings(&report.warnings);
    Ok(())
}

/// A YAML file with nodes, and no lesson.
fn is_graph(path: &Path) -> bool {
    let yaml = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
    yaml && GraphFile::new(Some(path)).has("nodes")
}

fn lecture(options: &Options, deck: &Path, file: &GraphFile, (room, title): (&str, String), address: Option<String>) -> Lecture {
    let outputs =
        Outputs { hls: options.hls.clone(), record: options.record.clone(), rtmp: options.rtmp.clone(), livekit: options.livekit.clone() };
    let pictures = options.pictures.variables(file).map(|(name, value, _)| (name.to_string(), value));
    let asked = options.lecture.variables().map(|(name, value)| (name.to_string(), value.clone())).chain(pictures);
    Lecture {
        deck: deck.into(),
        room: room.to_string(),
        title,
        waits: options.wait || !outputs.any(),
        outputs,
        repeat: options.repeat,
        address,
        burned_captions: options.captions == LiveCaptions::Burned,
        small: options.small.clone(),
        set: asked.chain(options.set.clone()).collect(),
    }
}

/// What is printed and logged at a change of state.
fn told(app: &Arc<App>, console: &Console, room: &str, options: &Options) -> OnState {
    let (app, console, room) = (app.clone(), console.clone(), room.to_string());
    let list = options.hls.as_ref().map(|folder| folder.join("index.m3u8"));
    let ready = std::sync::Once::new();
    Arc::new(move |session, state| {
        note_state(&app.journal, session, state);
        if matches!(state, State::Ready | State::Live) {
            ready.call_once(|| match links(&app, &room, "first-viewer") {
                Ok(mut links) => {
                    let control = app.auth.mint(&Claims::new(Role::Author, Some(room.clone()), "presenter", session.premises().limit));
                    links["event"] = "ready".into();
                    links["control_token"] = json!(control.ok());
                    console.event(&links);
                    console.say(&format!("watch it at {}", links["viewer_url"].as_str().unwrap_or_default()));
                    if let Some(list) = &list {
                        console.say(&format!("streaming to {}", list.display()));
                    }
                }
                Err(problem) => console.note(problem.detail()),
            });
        }
        console.event(&json!({ "event": "state", "room": room, "state": state }));
    })
}

/// Says each line of a file, or of standard input, at a sentence border.
fn say_from(path: &Path, session: Arc<Session>) {
    let path = path.to_path_buf();
    let work = move || {
        let source: Box<dyn Read> = match path.as_os_str() == "-" {
            true => Box::new(std::io::stdin()),
            false => match std::fs::File::open(&path) {
                Ok(file) => Box::new(file),
                Err(error) => return tracing::error!(%error, "cannot read {}", path.display()),
            },
        };
        for line in BufReader::new(source).lines().map_while(Result::ok).filter(|line| !line.trim().is_empty()) {
            // What is said before the first picture is out waits for it.
            while session.state() == State::Preparing {
                std::thread::sleep(Duration::from_millis(50));
            }
            if let Err(error) = session.command(&Command::Say { text: line, interrupt: false }) {
                tracing::warn!(%error, "a line was not said");
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("say-from".into()).spawn(work) {
        tracing::error!(%error, "nothing is said");
    }
}
