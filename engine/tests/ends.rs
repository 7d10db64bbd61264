//! How live runs end: by themselves, and when they are stopped. The clock is cranked by hand.

mod support;

use engine::run::ErrorKind;
use engine::testing::Door;
use engine::time::{Span, Time};
use support::{TEST_SOURCES, TO_HASH, assert_gapless, of_kind, show, shown, sound};

#[test]
fn a_stop_during_preroll_ends_in_order() {
    let door = Door::open("preroll");
    let live = show(&format!(
        "nodes:\n  v: {{ type: test_video, config: {{ duration: 3s }} }}\n  a: {{ type: feed, config: {{ door: preroll }} }}\n{TO_HASH}"
    ));
    live.handle.stop();
    door.end();
    let mut live = live;
    live.play(Span::from_millis(400));
    let (report, out) = live.end();
    report.unwrap_or_else(|error| panic!("{error}"));
    assert!(!of_kind(&out, "video").is_empty(), "what had been made goes out");
}

#[test]
fn a_run_that_does_not_drain_names_the_laggards() {
    let door = Door::open("laggard");
    let nodes = "drain: 50ms\nnodes:\n  v: { type: test_video, config: { duration: 3s } }\n  p: { type: playout, inputs: { video: v.video } }\n  b: { type: brake, inputs: { video: p.video }, config: { door: laggard } }\n";
    door.hold(true);
    let mut live = show(nodes);
    live.play(Span::from_millis(1000));
    assert!(live.handle.report().playout.unwrap().skipped > 0, "ticks are left out while the sink is stuck");
    live.handle.stop();
    let error = live.end().0.expect_err("the sink never goes on");
    assert_eq!(error.kind, ErrorKind::Laggards);
    assert!(error.to_string().contains("b (brake)"), "{error}");
}

#[test]
fn a_stop_while_a_sink_is_full_drains_in_order() {
    let brake = Door::open("stop while full");
    brake.hold(true);
    let mut live = show(
        "nodes:\n  v: { type: test_video, config: { duration: 30s } }\n  p: { type: playout, inputs: { video: v.video } }\n  b: { type: brake, inputs: { video: p.video }, config: { door: stop while full } }\n",
    );
    live.play(Span::from_millis(1000));
    live.handle.stop();
    live.play(Span::from_millis(500));
    brake.hold(false);
    live.play(Span::from_millis(100));
    live.end().0.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(brake.taken().len(), 5, "what had room");
}

#[test]
fn when_all_sinks_are_done_the_run_ends_also_for_sources_at_the_horizon() {
    let mut live = show(
        "nodes:\n  v: { type: test_video, config: { duration: 60s } }\n  p: { type: playout, inputs: { video: v.video } }\n  t: { type: trip, inputs: { video: p.video }, config: { after: 3, then: end } }\n",
    );
    live.play(Span::from_millis(500));
    live.end().0.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_source_that_is_only_looked_at_does_not_outlive_the_programme() {
    let mut live = show(&format!(
        "nodes:\n  w: {{ type: test_video, config: {{ duration: 60s }} }}\n  n: {{ type: null_sink, inputs: {{ video: [w.video] }} }}\n{TEST_SOURCES}{TO_HASH}"
    ));
    live.play(Span::from_millis(3500));
    let (report, out) = live.end();
    report.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(of_kind(&out, "video").len(), 75);
}

#[test]
fn all_tracks_end_together_also_between_two_ticks() {
    // Known in time: the last picture is shorter. Known too late: the sound goes on until the picture ends.
    for (name, known) in [("an end in time", true), ("an end too late", false)] {
        let door = Door::open(name);
        let feed = format!("nodes:\n  f: {{ type: feed, config: {{ door: {name} }} }}\n");
        let mut live = show(&(feed + &TO_HASH.replace("v.video", "f.video").replace("a.audio", "f.audio")));
        (0..10).for_each(|i| door.video(shown(i, i as u8)));
        (0..21).for_each(|i| door.audio(sound(i, 0.5)));
        if known {
            door.end();
        }
        live.handle.idle();
        live.play(Span::from_millis(410));
        door.end();
        live.handle.idle();
        live.play(Span::from_millis(300));
        let (report, out) = live.end();
        report.unwrap_or_else(|error| panic!("{error}"));
        let ends = ["video", "audio"].map(|kind| {
            let lines = of_kind(&out, kind);
            assert_gapless(&lines);
            lines.last().map(|line| line.pts + line.dur)
        });
        let due = Time::ZERO + Span::from_millis(if known { 420 } else { 440 });
        assert_eq!(ends, [Some(due), Some(due)], "{name}");
    }
}
