//! A render from beginning to end: what is missing is made, several segments at once; then all is put together.

use super::cut::{assembly, leading_to, node_of, segment_run};
use super::keys::{NotCut, Prepared};
use super::nodes::{ReaderConfig, WriterConfig};
use super::page::{Page, page_hash};
use super::{Hash, Segment, Shared, Store, Track, Window};
use crate::graph::plan::Plan;
use crate::graph::problem::Problems;
use crate::media::Kind;
use crate::run::{
    Activity, Cancel, ErrorKind, Handle, Phase, Progress, RenderShare, Report, Run, RunError, RunOptions, SegmentsReport, Threads, Warning,
    WorkStage, start_nodes,
};
use crate::time::{Span, Time};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

/// What a second of sound costs, in percent of a second of pictures.
const SOUND: i64 = 10;
/// What it costs to put a second of the programme in its place.
const PLACED: i64 = 2;

/// How a render is to be made.
#[derive(Clone)]
pub struct RenderOptions {
    /// So many segments are made at once at most.
    pub jobs: usize,
    /// Bytes that the queues and nodes of all that is made at once may hold; one segment is made whatever it takes.
    pub memory: u64,
    /// Where segments are kept.
    pub store: Arc<dyn Store>,
    /// It [helps](Render::help) another process with the same render: it begins at the end.
    pub helping: bool,
    /// To stop it.
    pub cancel: Cancel,
    /// Keep the last calls of every lane of every run.
    pub trace: bool,
}

/// Why a render was not made.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A node failed, or the render was cancelled.
    #[error(transparent)]
    Run(#[from] Box<RunError>),
    /// The graph cannot be rendered so.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// Segments that were made before cannot be looked for.
    #[error("the store of segments cannot be read: {0}")]
    Store(#[from] io::Error),
}

/// What was found out about a graph before anything is made.
pub enum Cut<'a> {
    /// It is rendered in segments.
    Segments(Render<'a>),
    /// It has to be run from beginning to end; why, where the graph asks for segments.
    Whole(Option<String>),
}

/// Makes a plan of the graph; each run uses one up.
type MakePlan<'a> = &'a (dyn Fn() -> Result<Plan, Problems> + Sync);

/// A render in segments: what it consists of, and what is there already.
pub struct Render<'a> {
    plan: MakePlan<'a>,
    options: RenderOptions,
    watch: Watch,
    shared: Arc<Shared>,
    threads: Threads,
    warnings: Vec<Warning>,
    video: Vec<Track>,
    audio: Vec<Track>,
}

/// To watch a render from outside.
#[derive(Clone)]
pub struct Watch(Arc<Watched>);

struct Watched {
    began: Instant,
    progress: Arc<Progress>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Vec<Handle>,
    /// The figures of runs that have ended.
    ended: Report,
    traces: Vec<serde_json::Value>,
    segments: SegmentsReport,
}

impl Watch {
    /// One for a render that begins now.
    pub fn new() -> Watch {
        Watch(Arc::new(Watched { began: Instant::now(), progress: Arc::default(), state: Mutex::default() }))
    }

    /// How far it is.
    pub fn progress(&self) -> Arc<Progress> {
        self.0.progress.clone()
    }

    /// The figures so far, of all runs together.
    pub fn report(&self) -> Report {
        let state = self.state();
        let mut report = state.ended.clone();
        state.running.iter().for_each(|handle| report.absorb(handle.report()));
        report.segments = Some(state.segments);
        report.rescale(self.0.began.elapsed().as_secs_f64(), report.media_seconds);
        report
    }

    /// The last calls of every lane of every run that has ended, in Chrome's trace format; each run is a process there.
    pub fn trace(&self) -> serde_json::Value {
        let events: Vec<_> =
            self.state().traces.iter().flat_map(|trace| trace["traceEvents"].as_array().cloned().unwrap_or_default()).collect();
        serde_json::json!({ "displayTimeUnit": "ms", "traceEvents": events })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("nobody panics with this lock")
    }

    /// Runs a plan to its end as a part of the render.
    fn run(&self, plan: Plan, options: RunOptions) -> Result<Report, Box<RunError>> {
        let (trace, since) = (options.trace, self.0.began.elapsed());
        let run = Run::launch_with(plan, options)?;
        let handle = run.handle();
        self.state().running.push(handle.clone());
        let result = run.wait();
        let mut state = self.state();
        state.running.retain(|running| !running.is(&handle));
        if trace {
            let mut events = handle.trace();
            let number = state.traces.len();
            for event in events["traceEvents"].as_array_mut().into_iter().flatten() {
                event["pid"] = number.into();
                if let Some(at) = event["ts"].as_f64() {
                    event["ts"] = (at + since.as_secs_f64() * 1e6).into();
                }
            }
            state.traces.push(events);
        }
        if let Ok(report) = &result {
            state.ended.absorb(Report { media_seconds: 0.0, ..report.clone() });
        }
        result
    }
}

impl Default for Watch {
    fn default() -> Watch {
        Watch::new()
    }
}

impl<'a> Render<'a> {
    /// Starts the encoders of a graph and all that leads to them, asks what the programme consists of, and looks what is there already.
    /// `watch` shows how far it is.
    ///
    /// # Errors
    /// What is wrong with the graph, the first node that fails, or a store that cannot be read.
    pub fn prepare(plan: MakePlan<'a>, options: RenderOptions, watch: &Watch) -> Result<Cut<'a>, RenderError> {
        let mut whole = plan()?;
        whole.sparse = whole.may_be_sparse();
        if whole.segment_by.is_none() {
            return Ok(Cut::Whole(None));
        }
        if whole.video_encoders().next().is_none() {
            return Ok(Cut::Whole(Some("no node encodes pictures".into())));
        }
        let encoders: Vec<usize> = whole.encoders(Kind::Video).chain(whole.encoders(Kind::Audio)).collect();
        let mut cones = leading_to(whole, &encoders);
        let shared = Arc::<Shared>::default();
        let progress = Arc::new(Progress::part_of(watch.progress(), 0));
        let share = RenderShare { from_the_end: options.helping, shared: shared.clone(), progress, ..RenderShare::default() };
        let run = RunOptions { cancel: options.cancel.clone(), share, ..RunOptions::default() };
        let started = start_nodes(&mut cones, &run.env(), None, &Activity::new(Arc::default()))?;
        let nodes: Vec<_> = cones.nodes.iter().map(|node| (node.name.clone(), node.node_type)).collect();
        let (threads, warnings) = (Threads::default(), Vec::new());
        let mut render = Render { plan, options, watch: watch.clone(), shared, threads, warnings, video: Vec::new(), audio: Vec::new() };
        match render.find_tracks(cones, started) {
            Ok(()) => {}
            Err(NotCut::Whole(why)) => return Ok(Cut::Whole(Some(why))),
            Err(NotCut::Problems(problems)) => return Err(problems.into()),
            Err(NotCut::Node(node, failure)) => {
                let (name, node_type) = &nodes[node];
                return Err(RunError::of_node(name, node_type, Phase::Start, Time::ZERO, failure).into());
            }
        }
        for segment in render.video.iter_mut().chain(&mut render.audio).flat_map(|track| &mut track.segments) {
            if render.options.cancel.is_cancelled() {
                return Err(RunError::cancelled().into());
            }
            segment.known = is_whole(&*render.options.store, &segment.key)?;
        }
        let all = render.segments().count();
        let reused = render.segments().filter(|(_, segment)| segment.known).count();
        watch.state().segments = SegmentsReport { total: all, encoded: 0, reused };
        Ok(Cut::Segments(render))
    }

    fn find_tracks(&mut self, cones: Plan, started: crate::run::Started) -> Result<(), NotCut> {
        let warnings = started.nodes.first().map(|(_, env)| env.warnings.clone());
        let mut prepared = Prepared::new(cones, started)?;
        for encoder in prepared.encoders(Kind::Video) {
            self.video.push(prepared.video_track(encoder)?);
        }
        for encoder in prepared.encoders(Kind::Audio) {
            self.audio.extend(prepared.audio_track(encoder)?);
        }
        self.warnings = warnings.map(|warnings| warnings.lock().expect("nobody panics with this lock").clone()).unwrap_or_default();
        self.warnings.append(&mut prepared.warnings);
        Ok(())
    }

    /// What the encoders of pictures make.
    pub fn tracks(&self) -> &[Track] {
        &self.video
    }

    /// All segments of pictures, each with its track.
    pub fn segments(&self) -> impl Iterator<Item = (&Track, &Segment)> {
        self.video.iter().flat_map(|track| track.segments.iter().map(move |segment| (track, segment)))
    }

    /// Makes what is missing and puts everything together.
    ///
    /// # Errors
    /// The first failure of any run; the others are stopped then, and what was finished stays in the store.
    pub fn run(self) -> Result<Report, RenderError> {
        let pictures: Vec<Work<'_>> = self.segments().filter(|(_, segment)| !segment.known).map(Work::of_one).collect();
        let sounds: Vec<Work<'_>> = self.audio.iter().filter_map(Work::from_first_missing).collect();
        let end = self.video.iter().filter_map(|track| track.parts.last()).map(|part| part.end).max().unwrap_or(Time::ZERO);
        let length = |missing: &[Work<'_>]| missing.iter().map(Work::length).sum::<Span>().0 / 100;
        let progress = &self.watch.0.progress;
        progress.expect_more(Span(100 * length(&pictures) + SOUND * length(&sounds) + PLACED * (end.0 / 100)));
        progress.begin(WorkStage::Encoding);
        self.make(&pictures, &sounds)?;
        progress.begin(WorkStage::Assembling);
        let track = |track: &Track| {
            let segments = track.segments.iter().map(|segment| (segment.key, segment.start)).collect();
            let end = track.parts.last().map_or(Time::ZERO, |part| part.end);
            (track.encoder.to_string(), ReaderConfig { store: self.options.store.clone(), segments, end })
        };
        let readers: Vec<_> = self.video.iter().chain(&self.audio).map(track).collect();
        let plan = assembly((self.plan)()?, readers);
        let report = self.watch.run(plan, self.run_options(PLACED))?;
        let mut all = self.watch.report();
        all.warnings = self.warnings;
        let found = std::mem::take(&mut self.watch.state().ended.warnings);
        found.into_iter().for_each(|warning| {
            if !all.warnings.contains(&warning) {
                all.warnings.push(warning);
            }
        });
        let (wall, media) = (self.watch.0.began.elapsed().as_secs_f64(), report.media_seconds);
        all.rescale(wall, media);
        // Each run had a programme of its own; together they have made this one.
        all.nodes.iter_mut().filter(|_| media > 0.0).for_each(|node| node.fps_media = node.fps_wall * wall / media);
        Ok(all)
    }

    /// Makes what is missing of the pictures, from the last segment to the first, and puts nothing together: whoever renders the same from the
    /// first segment on, with the same store, finds it there. Ends when both have met.
    ///
    /// # Errors
    /// As [`run`](Render::run).
    pub fn help(self) -> Result<(), RenderError> {
        let pictures: Vec<Work<'_>> = self.segments().filter(|(_, segment)| !segment.known).map(Work::of_one).collect();
        self.make(&pictures.into_iter().rev().collect::<Vec<_>>(), &[])
    }

    /// Makes segments, several at once, and the sound beside them.
    fn make(&self, pictures: &[Work<'_>], sounds: &[Work<'_>]) -> Result<(), RenderError> {
        let errors = Mutex::new(Vec::new());
        let work = |segments: &[Work<'_>], next: &AtomicUsize| {
            while let Some(segments) = segments.get(next.fetch_add(1, Ordering::SeqCst))
                && !self.options.cancel.is_cancelled()
            {
                if let Err(error) = self.make_one(segments) {
                    errors.lock().expect("nobody panics with this lock").push(error);
                    self.options.cancel.cancel();
                }
            }
        };
        let next = (AtomicUsize::new(0), AtomicUsize::new(0));
        let jobs = self.jobs(pictures.first())?.min(pictures.len());
        std::thread::scope(|scope| {
            let spawn = |name: String, segments, next| {
                let work = &work;
                // With fewer threads than wanted it takes longer.
                let started = std::thread::Builder::new().name(name).spawn_scoped(scope, move || work(segments, next));
                started.inspect_err(|error| tracing::warn!(%error, "a thread for segments cannot be started")).ok();
            };
            if !sounds.is_empty() {
                spawn("sound".into(), sounds, &next.1);
            }
            for job in 1..jobs {
                spawn(format!("segments-{job}"), pictures, &next.0);
            }
            work(pictures, &next.0);
        });
        work(sounds, &next.1);
        let errors = errors.into_inner().expect("nobody panics with this lock");
        // What failed first has stopped the others.
        let is_cause = |error: &RenderError| !matches!(error, RenderError::Run(error) if error.kind == ErrorKind::Cancelled);
        let (mut causes, mut stopped): (Vec<_>, Vec<_>) = errors.into_iter().partition(is_cause);
        match (causes.is_empty(), stopped.pop()) {
            (false, _) => Err(causes.remove(0)),
            (true, Some(error)) => Err(error),
            (true, None) if self.options.cancel.is_cancelled() => Err(RunError::cancelled().into()),
            (true, None) => Ok(()),
        }
    }

    /// How many runs may go on at once.
    fn jobs(&self, first: Option<&Work<'_>>) -> Result<usize, RenderError> {
        let Some(Work { track, .. }) = first else { return Ok(1) };
        let plan = (self.plan)()?;
        let encoder = node_of(&plan, &track.encoder);
        let run = leading_to(plan, &[encoder]);
        let nodes: u64 = run.nodes.iter().map(|node| node.config.memory(&run.defaults)).sum();
        let one = run.memory_needed() + nodes;
        let RenderOptions { jobs: wanted, memory, .. } = self.options;
        let jobs = wanted.min((memory / one.max(1)) as usize).max(1);
        if jobs < wanted {
            tracing::warn!(jobs, wanted, one, memory, "there is memory for fewer segments at once");
        }
        Ok(jobs)
    }

    fn make_one(&self, Work { track, segments }: &Work<'_>) -> Result<(), RenderError> {
        let store = &self.options.store;
        let Some(first) = segments.first() else { return Ok(()) };
        // Another render, or the same slide twice in this one.
        let known = is_whole(&**store, &first.key)?;
        if !known || first.part.is_none() {
            let made = segments.iter().map(|segment| (segment.key, segment.from, segment.to)).collect();
            let mut whole = (self.plan)()?;
            whole.sparse = whole.may_be_sparse();
            let plan = segment_run(whole, &track.encoder, WriterConfig { store: store.clone(), segments: made });
            self.watch.run(plan, self.segment_options(track, first))?;
        }
        if first.part.is_some() {
            let counts = &mut self.watch.state().segments;
            *if known { &mut counts.reused } else { &mut counts.encoded } += 1;
        }
        Ok(())
    }

    /// Of the run that makes a segment of pictures, or all sound from a segment on.
    fn segment_options(&self, track: &Track, first: &Segment) -> RunOptions {
        let Some(index) = first.part else {
            let mut options = self.run_options(SOUND);
            options.share.first_piece = first.from;
            options.share.end = track.parts.last().map(|part| part.end);
            return options;
        };
        let mut options = self.run_options(100);
        let (part, before) = (track.parts[index].clone(), index.checked_sub(1).map(|before| track.parts[before].clone()));
        options.share.window = Some(Arc::new(Window { part, before, from: first.from, to: first.to }));
        options
    }

    fn run_options(&self, percent: i64) -> RunOptions {
        let progress = Arc::new(Progress::part_of(self.watch.progress(), percent));
        let share = RenderShare { shared: self.shared.clone(), progress, threads: self.threads.clone(), ..RenderShare::default() };
        RunOptions { cancel: self.options.cancel.clone(), trace: self.options.trace, share, ..RunOptions::default() }
    }
}

/// What one run makes: a segment of pictures, or all sound from the first missing piece on.
struct Work<'a> {
    track: &'a Track,
    segments: &'a [Segment],
}

impl<'a> Work<'a> {
    fn of_one((track, segment): (&'a Track, &'a Segment)) -> Work<'a> {
        Work { track, segments: std::slice::from_ref(segment) }
    }

    /// What lies behind an edit is missing, too: it is keyed by all that was heard before.
    fn from_first_missing(track: &'a Track) -> Option<Work<'a>> {
        let first = track.segments.iter().position(|segment| !segment.known)?;
        Some(Work { track, segments: &track.segments[first..] })
    }

    /// How much of the programme passes through the run.
    fn length(&self) -> Span {
        match self.segments {
            [one] if one.part.is_some() => one.length(),
            sound => sound.last().map_or(Span::ZERO, |last| last.to),
        }
    }
}

/// All pages of a segment are there and undamaged. What is damaged is removed, so that it can be put anew.
fn is_whole(store: &dyn Store, key: &Hash) -> io::Result<bool> {
    for number in 0.. {
        let hash = page_hash(key, number);
        let Some(bytes) = store.get(&hash)? else { return Ok(false) };
        match Page::read(&bytes) {
            Some(page) if page.last => return Ok(true),
            Some(_) => {}
            None => {
                tracing::warn!(%hash, "a segment is damaged and is made again");
                store.remove(&hash);
                return Ok(false);
            }
        }
    }
    Ok(false)
}
