//! Renders in segments, with pictures that are all different and an encoder that keeps their fingerprints.

mod support;

use bytes::Bytes;
use engine::graph::check::{Depth, check};
use engine::graph::{GraphDocument, LoadOptions, Problems, load};
use engine::nodes::ENGINE_NODES;
use engine::registry::Registry;
use engine::run::{Cancel, Report, Run, SegmentsReport};
use engine::segments::{Cut, Hash, MemoryStore, Page, Render, RenderError, RenderOptions, Store, Watch, page_hash};
use engine::testing::TEST_NODES;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use support::{Line, lines, nodes};

/// 4 s of pictures in parts, a tone beside them, and a text file of what comes out of both encoders.
struct Lab {
    folder: tempfile::TempDir,
    store: Arc<MemoryStore>,
}

const NODES: &str = "  v: { type: test_video, config: { duration: 4s, parts: 5 } }
  p: { type: playout, inputs: { video: v.video, cues: v.cues } }
  e: { type: test_encoder, inputs: { video: p.video }, config: { bytes: 9, keyframe_every: 12, ahead: 15, print: true } }
";

impl Lab {
    fn new() -> Lab {
        Lab { folder: tempfile::tempdir().expect("a folder"), store: Arc::default() }
    }

    fn document(&self, nodes: &str) -> GraphDocument {
        let out = self.folder.path().join("packets.txt");
        let text = format!(
            "version: 1\ngraph: t\nsegment_by: slide\ndefaults: {{ video: {{ size: 64x36, fps: 25 }} }}\nnodes:\n{nodes}  out: {{ type: hash, inputs: {{ encoded: e.encoded, cues: p.cues }}, config: {{ path: {:?} }} }}\n",
            out.display()
        );
        load(&text, "test.yaml", &LoadOptions::default()).unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn render(&self, nodes: &str, jobs: usize) -> Result<(SegmentsReport, Vec<Line>), String> {
        self.report(nodes, jobs).map(|(report, lines)| (report.segments.expect("in segments"), lines))
    }

    fn report(&self, nodes: &str, jobs: usize) -> Result<(Report, Vec<Line>), String> {
        let document = self.document(nodes);
        let registry = registry();
        let plan = || check(&document, &registry, Depth::Pure);
        let options =
            RenderOptions { jobs, memory: u64::MAX, store: self.store.clone(), helping: false, cancel: Cancel::default(), trace: true };
        let watch = Watch::new();
        let report = match Render::prepare(&plan, options, &watch).map_err(|error| error.to_string())? {
            Cut::Segments(render) => render.run().map_err(|error: RenderError| error.to_string())?,
            Cut::Whole(why) => return Err(why.unwrap_or_default()),
        };
        Ok((report, lines(&std::fs::read_to_string(self.folder.path().join("packets.txt")).expect("the sink wrote its file"))))
    }

    /// Helps somebody else with it, until `most` segments are there; the keys of all segments.
    fn help(&self, nodes: &str, most: usize) -> Vec<Hash> {
        let document = self.document(nodes);
        let registry = registry();
        let plan = || check(&document, &registry, Depth::Pure);
        let cancel = Cancel::default();
        let store = Arc::new(UpTo { store: self.store.clone(), left: AtomicUsize::new(most), cancel: cancel.clone() });
        let options = RenderOptions { jobs: 1, memory: u64::MAX, store, helping: true, cancel, trace: false };
        let Cut::Segments(render) = Render::prepare(&plan, options, &Watch::new()).expect("it can be cut") else { panic!("it is cut") };
        let keys = render.segments().map(|(_, segment)| segment.key).collect();
        // Cancelled, it says so.
        let _ = render.help();
        keys
    }

    /// The same from beginning to end.
    fn whole(&self, nodes: &str) -> Vec<Line> {
        let plan = check(&self.document(nodes), &registry(), Depth::Pure).unwrap_or_else(|problems: Problems| panic!("{problems}"));
        Run::launch(plan).and_then(Run::wait).unwrap_or_else(|error| panic!("{error}"));
        lines(&std::fs::read_to_string(self.folder.path().join("packets.txt")).expect("the sink wrote its file"))
    }
}

/// A store that lets a render put so many segments there.
struct UpTo {
    store: Arc<MemoryStore>,
    left: AtomicUsize,
    cancel: Cancel,
}

impl Store for UpTo {
    fn get(&self, hash: &Hash) -> std::io::Result<Option<Bytes>> {
        self.store.get(hash)
    }

    fn put(&self, hash: &Hash, content: &[u8]) -> std::io::Result<()> {
        self.store.put(hash, content)?;
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.cancel.cancel();
        }
        Ok(())
    }

    fn remove(&self, hash: &Hash) {
        self.store.remove(hash);
    }
}

/// Counts who puts something into it at once; until two have met, they wait for each other, where they shall.
#[derive(Default)]
struct Meeting {
    store: MemoryStore,
    wait: bool,
    /// Who is here, and the most that ever were.
    here: Mutex<(usize, usize)>,
    met: Condvar,
}

impl Store for Meeting {
    fn get(&self, hash: &Hash) -> std::io::Result<Option<Bytes>> {
        self.store.get(hash)
    }

    fn put(&self, hash: &Hash, content: &[u8]) -> std::io::Result<()> {
        let mut here = self.here.lock().unwrap();
        here.0 += 1;
        here.1 = here.1.max(here.0);
        self.met.notify_all();
        let alone = |(_, most): &mut (usize, usize)| self.wait && *most < 2;
        here = self.met.wait_timeout_while(here, Duration::from_secs(60), alone).unwrap().0;
        here.0 -= 1;
        drop(here);
        self.store.put(hash, content)
    }

    fn remove(&self, hash: &Hash) {
        self.store.remove(hash);
    }
}

fn registry() -> Registry {
    Registry::new(&[ENGINE_NODES, TEST_NODES, nodes::NODES])
}

fn counts(total: usize, encoded: usize) -> SegmentsReport {
    SegmentsReport { total, encoded, reused: total - encoded }
}

#[test]
fn no_picture_is_missing_repeated_or_black_at_any_joint() {
    let lab = Lab::new();
    let whole = lab.whole(NODES);
    assert_eq!(whole.iter().filter(|line| line.kind == "encoded").count(), 100);
    let (segments, first) = lab.render(NODES, 1).expect("renders");
    assert_eq!((segments, &first), (counts(5, 5), &whole));
    let (segments, again) = lab.render(NODES, 4).expect("renders");
    assert_eq!((segments, &again), (counts(5, 0), &whole), "everything is there");
    let (segments, many) = Lab::new().render(NODES, 8).expect("renders");
    assert_eq!((segments, &many), (counts(5, 5), &whole));
}

#[test]
fn who_helps_begins_at_the_end_and_what_it_made_is_not_made_again() {
    let lab = Lab::new();
    let keys = lab.help(NODES, 2);
    let made: Vec<bool> = keys.iter().map(|key| lab.store.get(key).expect("readable").is_some()).collect();
    assert_eq!(made, [false, false, false, true, true]);
    let (segments, lines) = lab.render(NODES, 1).expect("renders");
    assert_eq!((segments, lines), (counts(5, 3), lab.whole(NODES)));
    let all = Lab::new();
    all.help(NODES, 100);
    assert_eq!(all.render(NODES, 1).expect("renders").0, counts(5, 0));
}

#[test]
fn as_many_are_made_at_once_as_are_wanted_and_there_is_memory_for() {
    let lab = Lab::new();
    let document = lab.document(NODES);
    let (registry, watch) = (registry(), Watch::new());
    let plan = || check(&document, &registry, Depth::Pure);
    let most = |jobs: usize, memory: u64| {
        let store = Arc::new(Meeting { wait: jobs > 1 && memory > 0, ..Meeting::default() });
        let options = RenderOptions { jobs, memory, store: store.clone(), helping: false, cancel: Cancel::default(), trace: false };
        let Cut::Segments(render) = Render::prepare(&plan, options, &watch).expect("it can be cut") else { panic!("it is cut") };
        render.run().expect("renders");
        let (_, most) = *store.here.lock().unwrap();
        most
    };
    assert_eq!(most(1, u64::MAX), 1);
    assert_eq!(most(2, u64::MAX), 2);
    assert_eq!(most(2, 0), 1, "without memory for two, one after the other");
}

#[test]
fn a_long_part_is_cut_and_each_piece_begins_in_its_middle() {
    // A join over pictures of its own, a delay before the encoder: both must begin at the window.
    let nodes = NODES.replace("duration: 4s, parts: 5", "duration: 70s, parts: 2").replace(
        "  p: { type: playout, inputs: { video: v.video,",
        "  m: { type: mix, inputs: { video: v.video, more: v.video } }\n  d: { type: delay, inputs: { video: m.video }, config: { frames: 3 } }\n  p: { type: playout, inputs: { video: d.video,",
    );
    let lab = Lab::new();
    let whole = lab.whole(&nodes);
    let (segments, made) = lab.render(&nodes, 2).expect("renders");
    assert_eq!((segments, made == whole), (counts(4, 4), true), "two parts of 35 s, cut after 15 s");
}

#[test]
fn only_what_has_changed_is_made_again() {
    let lab = Lab::new();
    lab.render(NODES, 2).expect("renders");
    let longer = NODES.replace("duration: 4s, parts: 5", "duration: 4800ms, parts: 6");
    assert_eq!(lab.render(&longer, 2).expect("renders").0, counts(6, 6), "the settings of the source are other ones");
    let other = NODES.replace("bytes: 9", "bytes: 10");
    assert_eq!(lab.render(&other, 2).expect("renders").0, counts(5, 5), "so are those of the encoder");
    let renamed = NODES.replace("  p: {", "  p: { on_error: null,");
    assert_eq!(lab.render(&renamed, 2).expect("renders").0, counts(5, 0));
}

#[test]
fn a_damaged_segment_is_made_again_and_one_that_does_not_fit_is_told() {
    let lab = Lab::new();
    let (_, first) = lab.render(NODES, 2).expect("renders");
    let (hash, bytes) = lab.store.entries().into_iter().next().expect("five of them");
    let mut damaged = bytes.to_vec();
    damaged[60] ^= 1;
    lab.store.replace(hash, damaged.into());
    assert_eq!(lab.render(NODES, 2).expect("renders"), (counts(5, 1), first));
    let mut page = Page::read(&bytes).expect("whole");
    if let engine::media::Caps::EncodedVideo(caps) = &mut page.caps {
        caps.config = b"other".as_slice().into();
    }
    lab.store.replace(hash, page.write().into());
    let error = lab.render(NODES, 2).expect_err("it does not fit");
    assert!(error.contains("cannot be joined") && error.contains("cache clear"), "{error}");
}

#[test]
fn a_long_segment_lies_in_several_pages() {
    let lab = Lab::new();
    let nodes = NODES.replace("bytes: 9", "bytes: 1000000").replace("parts: 5", "parts: 1");
    let whole = lab.whole(&nodes);
    let (segments, made) = lab.render(&nodes, 2).expect("renders");
    assert_eq!((segments, made == whole), (counts(1, 1), true));
    let entries = lab.store.entries();
    assert!(entries.len() > 5 && entries.values().all(|page| page.len() < 10 << 20), "{} pages", entries.len());
    let first = entries.keys().find(|key| entries.contains_key(&page_hash(key, 1))).expect("the first page");
    lab.store.replace(page_hash(first, 3), Vec::new().into());
    let (segments, made) = lab.render(&nodes, 2).expect("renders");
    assert_eq!((segments, made == whole), (counts(1, 1), true), "a segment that is not whole is made again");
}

#[test]
fn a_graph_that_cannot_be_cut_says_why() {
    let lab = Lab::new();
    let why = |nodes: &str| lab.render(nodes, 2).expect_err("it is not cut");
    assert!(why(&NODES.replace(", parts: 5", "")).contains("no source before node \"e\""));
    let logo = NODES.replace(
        "  p: { type: playout, inputs: { video: v.video,",
        "  logo: { type: color, config: { color: \"#ff0000\", duration: 4s } }\n  m: { type: mix, inputs: { video: v.video, more: logo } }\n  p: { type: playout, inputs: { video: m.video,",
    );
    assert!(why(&logo).contains("node \"logo\" (color) goes by its own time"), "{}", why(&logo));
    let two =
        logo.replace("type: color, config: { color: \"#ff0000\", duration: 4s }", "type: test_video, config: { duration: 4s, parts: 2 }");
    let two = two.replace("more: logo", "more: logo.video");
    let error = why(&two);
    assert!(error.contains("error[G035]") && error.contains("both \"v\" and \"logo\""), "{error}");
}

#[test]
fn a_failure_names_its_node_and_what_was_finished_stays() {
    let lab = Lab::new();
    let nodes = NODES.replace(
        "  p: { type: playout, inputs: { video: v.video,",
        "  f: { type: fault, inputs: { video: v.video }, config: { phase: finish, kind: error } }\n  p: { type: playout, inputs: { video: f.video,",
    );
    let error = lab.render(&nodes, 3).expect_err("it fails");
    assert!(error.contains("node \"f\" (fault) failed in finish"), "{error}");
}

#[test]
fn figures_are_those_of_all_runs_together() {
    let lab = Lab::new();
    let (report, _) = lab.report(NODES, 3).expect("renders");
    let of = |name: &str, kind: &str| report.nodes.iter().find(|node| node.node == name && node.node_type == kind).expect("there");
    assert_eq!(of("e", "test_encoder").packets_out, 100);
    assert_eq!(of("e", "segment_reader").packets_out, 100);
    assert!((of("e", "test_encoder").fps_media - 25.0).abs() < 1e-6, "{}", of("e", "test_encoder").fps_media);
    assert!((report.media_seconds - 4.0).abs() < 1e-9, "{}", report.media_seconds);
}
