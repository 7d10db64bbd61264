//! What holds for any graph, any split into lanes, any feed and any moment of a flush.

mod support;

use engine::cue::Cue;
use engine::packet::Packet;
use engine::testing::Door;
use engine::time::{Rate, Span, Time};
use proptest::prelude::*;
use proptest::sample::Index;
use std::sync::atomic::{AtomicU64, Ordering};
use support::{Show, assert_gapless, launch, of_kind, show, shown, sound, try_launch};

/// A node of a random graph; its inputs are any outputs made before.
#[derive(Clone, Debug)]
enum Made {
    Video { millis: u64, flash: bool },
    Color { millis: u64 },
    Tone { millis: u64 },
    Delay { frames: u32, busy_us: u64, video: Index },
    Mix { video: Index, more: Index, audio: Option<Index> },
}

/// How an edge is written: fused or as usual, or with a queue of so many packets.
type Queues = Vec<Option<u8>>;

fn made() -> impl Strategy<Value = Made> {
    let millis = 100..700u64;
    prop_oneof![
        2 => (millis.clone(), any::<bool>()).prop_map(|(millis, flash)| Made::Video { millis, flash }),
        1 => millis.clone().prop_map(|millis| Made::Color { millis }),
        1 => millis.prop_map(|millis| Made::Tone { millis }),
        3 => (0..4u32, 0..300u64, any::<Index>()).prop_map(|(frames, busy_us, video)| Made::Delay { frames, busy_us, video }),
        3 => (any::<Index>(), any::<Index>(), proptest::option::of(any::<Index>()))
            .prop_map(|(video, more, audio)| Made::Mix { video, more, audio }),
    ]
}

/// The graph as text, and how many sinks it has. Every output that nobody takes goes to a sink; with `playout` the last ones go through it.
fn text(nodes: &[Made], playout: bool, queues: &Queues, busy: bool) -> (String, usize) {
    let mut edges = 0;
    let mut edge = |from: &str| {
        let queue = queues.get(edges).copied().flatten();
        edges += 1;
        queue.map_or_else(|| from.to_string(), |items| format!("{{ from: {from}, queue: {{ items: {items} }} }}"))
    };
    let mut text = String::from("clock: offline\nnodes:\n");
    let (mut videos, mut audios): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut open: Vec<(String, &str)> = Vec::new();
    let first = [Made::Video { millis: 400, flash: true }, Made::Tone { millis: 500 }];
    for (i, node) in first.iter().chain(nodes).enumerate() {
        let mut take = |outputs: &[String], index: &Index, open: &mut Vec<(String, &str)>| {
            let from = outputs[index.index(outputs.len())].clone();
            open.retain(|(name, _)| *name != from);
            edge(&from)
        };
        let (line, kind) = match node {
            Made::Video { millis, flash } => (format!("type: test_video, config: {{ duration: {millis}ms, flash: {flash} }}"), "video"),
            Made::Color { millis } => (format!("type: color, config: {{ color: \"#336699\", duration: {millis}ms }}"), "video"),
            Made::Tone { millis } => (format!("type: test_tone, config: {{ duration: {millis}ms }}"), "audio"),
            Made::Delay { frames, busy_us, video } => {
                let busy = if busy { *busy_us } else { 0 };
                let video = take(&videos, video, &mut open);
                (format!("type: delay, inputs: {{ video: {video} }}, config: {{ frames: {frames}, busy_us: {busy} }}"), "video")
            }
            Made::Mix { video, more, audio } => {
                let (video, more) = (take(&videos, video, &mut open), take(&videos, more, &mut open));
                let audio = audio.as_ref().map_or_else(String::new, |audio| format!(", audio: {}", take(&audios, audio, &mut open)));
                (format!("type: mix, inputs: {{ video: {video}, more: {more}{audio} }}"), "video")
            }
        };
        text += &format!("  n{i}: {{ {line} }}\n");
        let output = format!("n{i}.{kind}");
        open.push((output.clone(), kind));
        if kind == "video" { videos.push(output) } else { audios.push(output) }
    }
    if playout {
        let (video, audio) = (videos[videos.len() - 1].clone(), audios[audios.len() - 1].clone());
        open.retain(|(name, _)| *name != video && *name != audio);
        text += &format!(
            "  p: {{ type: playout, inputs: {{ video: {}, audio: {}, cues: {} }} }}\n",
            edge(&video),
            edge(&audio),
            edge("n0.cues")
        );
        open.extend([("p.video".to_string(), "video"), ("p.audio".to_string(), "audio"), ("p.cues".to_string(), "cues")]);
    }
    for (i, (from, kind)) in open.iter().enumerate() {
        text += &format!("  s{i}: {{ type: hash, inputs: {{ {kind}: {} }}, config: {{ path: \"${{out}}.{i}\" }} }}\n", edge(from));
    }
    (text, open.len())
}

/// What every sink of a graph got; `None` when the plan says that a queue is too small for what the other path holds back.
fn outcome(text: &str, sinks: usize) -> Option<Vec<String>> {
    let show = match try_launch(text, engine::run::RunOptions::default()) {
        Err(error) if error.to_string().contains("the graph would stand still") => return None,
        Err(error) => panic!("{error}\n{text}"),
        Ok(show) => show,
    };
    let (out, folder) = (show.out(), show.folder);
    show.run.wait().unwrap_or_else(|error| panic!("{error}\n{text}"));
    let read = |i| std::fs::read_to_string(format!("{}.{i}", out.display())).unwrap();
    let files = (0..sinks).map(read).collect();
    drop(folder);
    Some(files)
}

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Plays until the programme is over.
fn play_out(show: &mut Show) {
    while show.node("p").state != "has ended" {
        assert!(show.now < Time::ZERO + Span::from_seconds(60), "the programme does not end");
        show.play(Span::from_millis(100));
    }
}

/// What a random feed does next.
#[derive(Clone, Debug)]
enum Step {
    /// A picture of so many ticks, or one that holds.
    Picture(Option<u8>),
    /// So many blocks of sound.
    Sound(u8),
    /// Nothing is heard for so many blocks.
    Silence(u8),
    Cue,
    /// The clock goes on by so many times 10 ms.
    Play(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => proptest::option::of(1..5u8).prop_map(Step::Picture),
        4 => (1..8u8).prop_map(Step::Sound),
        1 => (1..8u8).prop_map(Step::Silence),
        1 => Just(Step::Cue),
        3 => (1..20u8).prop_map(Step::Play),
    ]
}

/// Few in the common tests, as many as `PROPTEST_CASES` says in long ones.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lanes_queues_and_delays_do_not_change_a_packet(
        nodes in proptest::collection::vec(made(), 0..7),
        playout in any::<bool>(),
        queues in proptest::collection::vec(proptest::option::of(1..=8u8), 24),
    ) {
        let (plain, sinks) = text(&nodes, playout, &Vec::new(), false);
        let fused = outcome(&plain, sinks).expect("without a written queue every graph runs");
        prop_assert!(fused.iter().any(|text| !text.is_empty()));
        let (split, sinks) = text(&nodes, playout, &queues, true);
        if let Some(split) = outcome(&split, sinks) {
            prop_assert_eq!(fused, split);
        }
    }

    #[test]
    fn whatever_is_fed_the_programme_is_whole(steps in proptest::collection::vec(step(), 1..40), latency in 60..300u64) {
        let name = format!("fed {}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let (pictures, voice) = (Door::open(&format!("{name} v")), Door::open(&format!("{name} a")));
        let mut live = launch(&format!(
            "clock: live\nlatency: {latency}ms\nnodes:\n  v: {{ type: feed, config: {{ door: {name} v }} }}\n  a: {{ type: feed, config: {{ door: {name} a }} }}\n  p: {{ type: playout, inputs: {{ video: v.video, audio: a.audio, cues: v.cues }} }}\n  out: {{ type: hash, inputs: {{ video: p.video, audio: p.audio, cues: p.cues }}, config: {{ path: \"${{out}}\" }} }}\n"
        ));
        live.handle.idle();
        let (mut tick, mut block, mut cue, mut cues) = (0i64, 0i64, Time::ZERO, 0);
        let (mut video_end, mut audio_end) = (Time::ZERO, Time::ZERO);
        for step in &steps {
            match step {
                Step::Picture(ticks) => {
                    let mut packet = shown(tick, tick as u8);
                    packet.dur = ticks.map(|ticks| support::TICK.span_of(i64::from(ticks)));
                    tick += i64::from(ticks.unwrap_or(1));
                    video_end = Packet::from(packet.clone()).settles();
                    pictures.video(packet);
                    pictures.settle(video_end);
                }
                Step::Sound(blocks) => {
                    for _ in 0..*blocks {
                        voice.audio(sound(block, 0.25));
                        block += 1;
                        audio_end = Rate::per_second(50).time_of(block);
                    }
                }
                Step::Silence(blocks) => {
                    block += i64::from(*blocks);
                    audio_end = Rate::per_second(50).time_of(block);
                    voice.settle(audio_end);
                }
                Step::Cue => {
                    cue = cue.max(video_end);
                    pictures.cue(Packet::new(cue, Cue::Marker("here".into())));
                    cues += 1;
                }
                Step::Play(times) => live.play(Span::from_millis(10) * i64::from(*times)),
            }
        }
        pictures.end();
        voice.end();
        live.handle.idle();
        play_out(&mut live);
        let (report, out) = live.end();
        let report = report.unwrap_or_else(|error| panic!("{error}"));
        let playout = report.playout.expect("a live run has a programme");
        // A picture is as late as the time that others were held for it.
        let held = support::TICK.span_of(playout.held as i64).as_seconds();
        prop_assert!(report.av_skew_seconds <= held + 1e-9, "{} s apart, {playout:?}", report.av_skew_seconds);
        let media = video_end.max(audio_end).max(cue);
        let end = media + support::TICK.span_of(playout.underruns as i64);
        let (video, audio) = (of_kind(&out, "video"), of_kind(&out, "audio"));
        if end > Time::ZERO {
            assert_gapless(&video);
            assert_gapless(&audio);
            prop_assert_eq!(video.len() as i64, support::TICK.index_from(end));
            let samples = Rate::per_second(48_000);
            let last = |lines: &[support::Line]| lines.last().map(|line| line.pts + line.dur);
            // A picture that has gone out before the end was known is shown to its end, and the sound lasts as long.
            let picture = support::TICK.time_of(support::TICK.index_from(end));
            let whole = if last(&video) == Some(picture) { picture } else { end };
            prop_assert_eq!(last(&video), Some(whole));
            prop_assert_eq!(last(&audio), Some(samples.time_of(samples.index_from(whole))));
        }
        let out_cues = of_kind(&out, "cues");
        prop_assert_eq!(out_cues.len(), cues);
        prop_assert!(out_cues.windows(2).all(|pair| pair[0].pts <= pair[1].pts));
        prop_assert_eq!((playout.refills, playout.skipped), (0, 0));
    }

    #[test]
    fn a_flush_at_any_moment_changes_nothing_that_is_made_anew(
        spans in proptest::collection::vec(0..70u64, 1..6),
        frames in 0..4u32,
    ) {
        let nodes = format!(
            "  v: {{ type: test_video, config: {{ duration: 3s, flash: true }} }}\n  w: {{ type: test_video, config: {{ duration: 3s }} }}\n  a: {{ type: test_tone, config: {{ duration: 3s }} }}\n  d: {{ type: delay, inputs: {{ video: v.video }}, config: {{ frames: {frames} }} }}\n  j: {{ type: mix, inputs: {{ video: d, more: w.video, audio: a }} }}\n  p: {{ type: playout, inputs: {{ video: j, audio: a, cues: v.cues }} }}\n  out: {{ type: hash, inputs: {{ video: p.video, audio: p.audio, cues: p.cues }}, config: {{ path: \"${{out}}\" }} }}\n"
        );
        let mut live = show(&format!("nodes:\n{nodes}"));
        let mut cuts = Vec::new();
        for span in spans {
            live.play(Span::from_millis(10) * span as i64);
            // What has ended makes nothing anew.
            if live.now < Time::ZERO + Span::from_millis(2400) {
                cuts.push(live.handle.flush().unwrap_or_else(|error| panic!("{error}")));
                live.handle.idle();
            }
        }
        play_out(&mut live);
        let (report, out) = live.end();
        let playout = report.unwrap_or_else(|error| panic!("{error}")).playout.expect("a live run has a programme");
        prop_assert_eq!((playout.underruns, playout.refills, playout.held, playout.late), (0, 0, 0, 0));
        let plain = launch(&format!("clock: offline\nnodes:\n{nodes}")).end().1;
        prop_assert_eq!(of_kind(&out, "video"), of_kind(&plain, "video"));
        prop_assert_eq!(of_kind(&out, "cues"), of_kind(&plain, "cues"));
        for (a, b) in of_kind(&out, "audio").iter().zip(of_kind(&plain, "audio")) {
            // After a cut what went out before fades for 10 ms.
            let fades = cuts.iter().any(|cut| a.pts <= *cut && *cut < a.pts + a.dur);
            prop_assert!((a.pts, a.dur) == (b.pts, b.dur) && (a.hash == b.hash || fades), "{:?} {:?}", a, b);
        }
    }
}
