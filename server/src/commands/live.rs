//! `lectern live`: a deck given by the clock, to browsers, rooms, servers and files.

use crate::auth::{Auth, Claims, Denied, Keys, Role};
use crate::compat::{Rapido, RapidoAuth, is_origin};
use crate::console::Console;
use crate::decks::{DeckOptions, LectureOptions, Source, must_exist};
use crate::execute::{Figures, execute_with};
use crate::failure::Failure;
use crate::graphs::{GraphFile, must_have_sink};
use crate::http::{App, Journal, Keep, Server, links};
use crate::live::{Command, LIMIT, Lecture, OnState, Outputs, Premises, Session, Sessions, State};
use crate::outputs;
use crate::progress::{Doing, clock};
use crate::quality::PictureOptions;
use crate::state;
use clap::Args;
use engine::graph::check::Depth;
use engine::graph::document::Clock;
use engine::graph::unit::DurationSetting;
use engine::time::Span;
use plugins::lesson;
use serde_json::json;
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  lectern live talk.pptx                              prints a link; the lecture begins when somebody opens it
  lectern live talk.pptx --livekit wss://HOST --room talk    into a LiveKit room (LIVEKIT_API_KEY, LIVEKIT_API_SECRET)
  lectern live talk.pptx --hls /var/www/talk --record talk.mp4
  lectern live talk.pptx --rtmp rtmp://HOST/app/KEY --loop
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
    /// Where browsers reach it; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
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
    /// Lessons that sessions may be made from, through `POST /v1/live`.
    #[arg(long, value_name = "DIR")]
    lessons: Option<PathBuf>,
    /// Who may use the paths of the "Rapido" room service (/api/v1/livekit/token and others): `none` lets everybody in who reaches this
    /// server, `token` asks for an author's token. Default: none on loopback, token elsewhere.
    #[arg(long, value_name = "none|token", hide_possible_values = true)]
    rapido: Option<RapidoAuth>,
    /// Let web pages of this origin use those paths, too; may be repeated. Without tokens, only pages of this server may.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// How browsers reach this server, for the printed links, such as https://talks.example; without it, the address that it listens on.
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// How often the tokens of those who watch are looked at again.
    #[arg(long, value_name = "TIME", default_value = "30s")]
    recheck: DurationSetting,
    /// Wait for `start` or the first viewer, whatever else is served.
    #[arg(long)]
    wait: bool,
    /// Begin again after the last slide, until Ctrl-C.
    #[arg(long = "loop")]
    repeat: bool,
    /// How long the lecture may last at most.
    #[arg(long, value_name = "TIME", default_value = "12h")]
    limit: DurationSetting,
    /// Keep the event log in this folder, a file a day; without it, in the state folder.
    #[arg(long, value_name = "DIR")]
    logs: Option<PathBuf>,
    /// Remove event logs after so many days.
    #[arg(long, value_name = "DAYS", default_value_t = 14)]
    keep_logs: u32,
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
    if let Some(record) = &options.record {
        outputs::check(record, &[deck])?;
    }
    options.figures.check(&[deck])?;
    let kept = state::folder();
    let keys = Keys::load(&kept).map_err(|error| Failure::Invalid(error.to_string()))?;
    if !options.listen.ip().is_loopback() {
        keys.must_be_given().map_err(|error| Failure::Invalid(error.to_string()))?;
    }
    let taken = |error: std::io::Error| {
        Failure::Failed(format!("cannot listen on {}: {error}; choose another address with --listen", options.listen))
    };
    let listener = Server::listen(options.listen).map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;

    let origin = match &options.origin {
        Some(given) => origin(given)?,
        None => format!("http://{address}"),
    };
    if options.recheck.0 < Span::from_millis(100) {
        return Err(Failure::Invalid(format!("--recheck {} is too often; use 100ms or more", options.recheck)));
    }

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
    source.iter().for_each(|source| console.lesson_warnings(source.warnings()));
    let slides = lesson.as_ref().map(|lesson| options.lecture.choose(lesson)).transpose()?.map_or(0, |slides| slides.len());
    let room = options.room.clone().or_else(|| lesson.as_ref().map(|lesson| lesson.id.clone())).unwrap_or_else(|| "lecture".into());
    let lecture = lecture(&options, source.as_ref().map_or(deck, Source::path), &file, &room);
    let (document, plan) = file.plan(&lecture.options(&file), Depth::Environment)?;
    console.lints(&document.warnings, "");
    must_have_sink(&file, &document, &plan)?;
    if plan.clock != Clock::Live {
        return Err(Failure::Invalid(format!("{} is no live graph; write clock: live, or a profile `live` that does", file.name())));
    }

    let journal = Journal::new(Some(options.logs.clone().unwrap_or_else(|| kept.join("logs"))), Keep::all(options.keep_logs));
    let rapido = Rapido::new(options.rapido, (address, &origin), &options.allow_origin, options.livekit.clone(), kept.join("texts"))?;
    tracing::info!("rapido adapter: {}", rapido.describe());
    journal.backend("", "adapter", &format!("rapido: {}", rapido.describe()), None);
    let app = Arc::new(App {
        auth: Auth::new(keys, Denied::open(&kept)),
        sessions: Arc::new(Sessions::new(options.lessons.clone(), lecture.address.clone())),
        journal,
        origin,
        peers: Default::default(),
        joins: Default::default(),
        recheck: options.recheck.0.to_std(),
        rapido,
        service: None,
    });
    let defaults = plan.defaults;
    let premises = Premises {
        room: room.clone(),
        title: lesson.as_ref().map_or_else(|| room.clone(), |lesson| lesson.title.clone()),
        language: lesson.as_ref().map_or_else(String::new, |lesson| lesson.language.clone()),
        slides,
        waits: lecture.waits,
        limit: options.limit.0.to_std().min(LIMIT),
    };
    let server = Server::start(listener, app.clone()).map_err(taken)?;
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
    let underruns = playout.map_or(0, |playout| playout.underruns);
    let list = options.hls.as_ref().map(|folder| folder.join("index.m3u8"));
    console.event(&json!({
        "event": "done", "hls": list, "record": options.record, "media_seconds": media, "wall_seconds": report.wall_seconds,
        "underruns": underruns,
    }));
    let several = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    console.say(&format!("live for {}  {}  {}", clock(media), several(slides as u64, "slide"), several(underruns, "underrun")));
    console.warnings(&report.warnings);
    Ok(())
}

/// An origin as it was given, without a slash at its end.
pub(super) fn origin(given: &str) -> Result<String, Failure> {
    let origin = given.trim_end_matches('/');
    let text = || format!("--origin {given:?} is no origin; write scheme and host, as in https://talks.example");
    if is_origin(origin) { Ok(origin.to_string()) } else { Err(Failure::Invalid(text())) }
}

/// A YAML file with nodes, and no lesson.
fn is_graph(path: &Path) -> bool {
    let yaml = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
    yaml && GraphFile::new(Some(path)).has("nodes")
}

fn lecture(options: &Options, deck: &Path, file: &GraphFile, room: &str) -> Lecture {
    let outputs =
        Outputs { hls: options.hls.clone(), record: options.record.clone(), rtmp: options.rtmp.clone(), livekit: options.livekit.clone() };
    let pictures = options.pictures.variables(file).map(|(name, value, _)| (name.to_string(), value));
    let asked = options.lecture.variables().map(|(name, value)| (name.to_string(), value.clone())).chain(pictures);
    Lecture {
        deck: deck.into(),
        room: room.to_string(),
        waits: options.wait || !outputs.any(),
        outputs,
        repeat: options.repeat,
        address: address_for(options.listen.ip()),
        small: options.small.clone(),
        set: asked.chain(options.set.clone()).collect(),
    }
}

/// A server that only one address reaches tells viewers by WebRTC that one, too.
pub(super) fn address_for(ip: IpAddr) -> Option<String> {
    (!ip.is_unspecified()).then(|| ip.to_string())
}

/// What is printed and logged at a change of state.
fn told(app: &Arc<App>, console: &Console, room: &str, options: &Options) -> OnState {
    let (app, console, room) = (app.clone(), console.clone(), room.to_string());
    let list = options.hls.as_ref().map(|folder| folder.join("index.m3u8"));
    let ready = std::sync::Once::new();
    Box::new(move |session, state| {
        app.journal.backend(&room, "session_state", &state.to_string(), None);
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
