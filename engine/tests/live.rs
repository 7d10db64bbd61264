//! Live runs with a clock that is cranked by hand: exact, whatever the machine is busy with.

mod support;

use engine::cue::Cue;
use engine::packet::Packet;
use engine::run::Report;
use engine::testing::Door;
use engine::time::{Rate, Span, Time};
use support::{TEST_SOURCES, TICK, TO_HASH, assert_gapless, launch, of_kind, show, shown, sound};

#[test]
fn on_time_a_live_programme_is_the_offline_one_packet_by_packet() {
    let mut live = show(&format!("nodes:\n{TEST_SOURCES}{TO_HASH}"));
    live.play(Span::from_millis(3500));
    let (report, live) = live.end();
    let report = report.unwrap_or_else(|error| panic!("{error}"));
    let playout = report.playout.expect("a live run has a programme");
    assert_eq!((playout.held, playout.late, playout.underruns, playout.skipped), (0, 0, 0, 0));
    assert_eq!(report.av_skew_seconds, 0.0);
    let (_, offline) = launch(&format!("clock: offline\nnodes:\n{TEST_SOURCES}{TO_HASH}")).end();
    for kind in ["video", "audio"] {
        assert_eq!(of_kind(&live, kind), of_kind(&offline, kind));
    }
    assert_eq!((of_kind(&live, "video").len(), of_kind(&live, "audio").len()), (75, 150));
}

#[test]
fn nothing_is_made_beyond_the_horizon_and_nothing_goes_out_before_its_time() {
    let mut live = show(&format!("nodes:\n{TEST_SOURCES}{TO_HASH}"));
    live.play(Span::from_millis(1000));
    let report = live.handle.report();
    let packets = |name: &str| report.nodes.iter().find(|node| node.node == name).map(|node| node.packets_out).unwrap();
    // Ticks 0 to 25 have gone out; sources are 200 ms ahead.
    assert_eq!(packets("v"), 26 + 5);
    assert_eq!(packets("a"), 51 + 10);
    live.handle.stop();
    live.play(Span::from_millis(400));
    live.end().0.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn missing_sound_delays_the_programme_and_sound_and_picture_stay_together() {
    let door = Door::open("missing sound");
    let mut live = show(&format!(
        "nodes:\n  v: {{ type: test_video, config: {{ duration: 3s }} }}\n  a: {{ type: feed, config: {{ door: missing sound }} }}\n{TO_HASH}"
    ));
    (0..25).for_each(|i| door.audio(sound(i, 0.5)));
    live.handle.idle();
    // 500 ms of sound: at 500 ms there is none.
    live.play(Span::from_millis(700));
    let playout = live.handle.report().playout.unwrap();
    // Blocks at 500 and 520 (one tick of silence), 540 and 560, … up to the one due at 700 ms.
    assert_eq!(playout.underruns, 6, "{playout:?}");
    (25..100).for_each(|i| door.audio(sound(i, 0.5)));
    door.end();
    live.play(Span::from_millis(4000));
    let (report, out) = live.end();
    let report = report.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(report.av_skew_seconds, 0.0);
    let (video, audio) = (of_kind(&out, "video"), of_kind(&out, "audio"));
    assert_gapless(&video);
    assert_gapless(&audio);
    let behind = 6 * TICK.interval().0;
    assert_eq!(video.last().map(|line| line.pts + line.dur), Some(Time::ZERO + Span::from_seconds(3) + Span(behind)));
    // The picture that was shown at 480 ms stands for as long as the sound was silent, then the next one follows.
    let stands = video[12..].iter().take_while(|line| line.hash == video[12].hash).count();
    assert_eq!(stands, 7, "one tick of its own and six of waiting");
}

#[test]
fn a_missing_picture_holds_the_one_before_and_the_programme_goes_on() {
    let door = Door::open("missing picture");
    let mut live = show(&format!(
        "nodes:\n  v: {{ type: feed, config: {{ door: missing picture }} }}\n  a: {{ type: test_tone, config: {{ duration: 3s }} }}\n{TO_HASH}"
    ));
    (0..10).for_each(|i| door.video(shown(i, i as u8)));
    live.handle.idle();
    live.play(Span::from_millis(600));
    let playout = live.handle.report().playout.unwrap();
    assert_eq!((playout.underruns, playout.held), (0, 6), "ticks 10 to 15");
    (10..75).for_each(|i| door.video(shown(i, i as u8)));
    door.end();
    live.play(Span::from_millis(3000));
    let (report, out) = live.end();
    let playout = report.unwrap_or_else(|error| panic!("{error}")).playout.unwrap();
    assert_eq!((playout.late, playout.underruns), (6, 0));
    let video = of_kind(&out, "video");
    assert_gapless(&video);
    assert_eq!(video.len(), 75);
    assert_eq!(video[15].hash, video[9].hash);
    assert_ne!(video[16].hash, video[9].hash);
    let alone = Rate::per_second(25).time_of(16);
    assert_eq!(video[16].pts, alone);
}

#[test]
fn pictures_that_come_late_leave_apart_from_their_sound_and_the_report_says_by_how_much() {
    let door = Door::open("late pictures");
    let mut live = show(&format!(
        "nodes:\n  v: {{ type: feed, config: {{ door: late pictures }} }}\n  a: {{ type: test_tone, config: {{ duration: 3s }} }}\n{TO_HASH}"
    ));
    (0..10).for_each(|i| door.video(shown(i, i as u8)));
    live.handle.idle();
    live.play(Span::from_millis(600));
    let report = live.handle.report();
    assert_eq!((report.av_skew_seconds, report.playout.unwrap().held), (0.0, 6), "ticks 10 to 15 show what was there");
    // The newest of these leaves at tick 16, with the sound of that tick.
    (10..13).for_each(|i| door.video(shown(i, i as u8)));
    live.handle.idle();
    live.play(Span::from_millis(40));
    assert_eq!(live.handle.report().av_skew_seconds, 0.16);
    (13..75).for_each(|i| door.video(shown(i, i as u8)));
    door.end();
    live.play(Span::from_millis(3000));
    let (report, out) = live.end();
    let report = report.unwrap_or_else(|error| panic!("{error}"));
    let playout = report.playout.unwrap();
    assert_eq!((report.av_skew_seconds, playout.held, playout.late, playout.underruns), (0.16, 6, 7, 0), "the rest is in time");
    assert_eq!(of_kind(&out, "video").len(), 75);
}

#[test]
fn a_flush_throws_away_what_has_not_gone_out_and_the_rest_follows_without_a_gap() {
    let mut live = show(&format!("nodes:\n{TEST_SOURCES}{TO_HASH}"));
    live.play(Span::from_millis(1000));
    let before = live.handle.report();
    let cut = live.handle.flush().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(cut, TICK.time_of(26), "tick 25 has gone out, and sound up to 1.02 s");
    live.handle.idle();
    let after = live.handle.report();
    let made = |report: &Report, name: &str| report.nodes.iter().find(|node| node.node == name).map(|node| node.packets_out).unwrap();
    assert!(made(&after, "v") > made(&before, "v"), "the pictures from the cut on are made again");
    live.play(Span::from_millis(2500));
    let (report, out) = live.end();
    let playout = report.unwrap_or_else(|error| panic!("{error}")).playout.unwrap();
    assert_eq!((playout.underruns, playout.late), (0, 0), "{playout:?}");
    let (video, audio) = (of_kind(&out, "video"), of_kind(&out, "audio"));
    assert_gapless(&video);
    assert_gapless(&audio);
    let (_, offline) = launch(&format!("clock: offline\nnodes:\n{TEST_SOURCES}{TO_HASH}")).end();
    assert_eq!(video, of_kind(&offline, "video"), "the sources make the same again");
}

#[test]
fn cues_leave_in_order_at_their_time_and_a_late_one_at_once() {
    let door = Door::open("cues");
    let nodes = "nodes:\n  f: { type: feed, config: { door: cues } }\n  p: { type: playout, inputs: { video: f.video, cues: f.cues } }\n  out: { type: hash, inputs: { video: p.video, cues: p.cues }, config: { path: \"${out}\" } }\n";
    let mut live = show(nodes);
    let at = |millis| Time::ZERO + Span::from_millis(millis);
    door.cue(Packet::new(at(100), Cue::Marker("one".into())));
    (0..50).for_each(|i| door.video(shown(i, i as u8)));
    door.settle(at(200));
    live.handle.idle();
    live.play(Span::from_millis(400));
    door.cue(Packet::new(at(250), Cue::Marker("late".into())));
    door.cue(Packet::new(at(1200), Cue::Marker("two".into())));
    door.end();
    live.play(Span::from_millis(2500));
    let (report, out) = live.end();
    report.unwrap_or_else(|error| panic!("{error}"));
    let cues: Vec<Time> = of_kind(&out, "cues").iter().map(|line| line.pts).collect();
    assert_eq!(cues, [at(100), at(400), at(1200)]);
}

#[test]
fn a_command_reaches_its_node_between_two_calls() {
    let mut live = show(&format!("nodes:\n{TEST_SOURCES}{TO_HASH}"));
    live.play(Span::from_millis(500));
    assert!(live.handle.command("v", serde_json::json!({})).is_err());
    assert!(live.handle.command("a", serde_json::json!({ "volume": 3 })).is_err());
    live.handle.command("a", serde_json::json!({ "frequency": 880 })).unwrap();
    live.play(Span::from_millis(3000));
    let (report, out) = live.end();
    report.unwrap_or_else(|error| panic!("{error}"));
    let (_, offline) = launch(&format!("clock: offline\nnodes:\n{TEST_SOURCES}{TO_HASH}")).end();
    let (audio, plain) = (of_kind(&out, "audio"), of_kind(&offline, "audio"));
    let first = audio.iter().zip(&plain).position(|(a, b)| a != b).expect("the pitch has changed");
    assert_eq!(first, 36, "what had been made before the command (500 ms and the 200 ms ahead) is as it was");
}

#[test]
fn a_slow_sink_of_pictures_costs_ticks_but_never_sound() {
    let (brake, ears) = (Door::open("slow pictures"), Door::open("slow pictures, sound"));
    let mut live = show(&format!(
        "nodes:\n{TEST_SOURCES}  p: {{ type: playout, inputs: {{ video: v.video, audio: a.audio }} }}\n  b: {{ type: brake, inputs: {{ video: p.video }}, config: {{ door: slow pictures }} }}\n  e: {{ type: brake, inputs: {{ audio: p.audio }}, config: {{ door: \"slow pictures, sound\" }} }}\n"
    ));
    live.play(Span::from_millis(1000));
    brake.hold(true);
    live.play(Span::from_millis(1000));
    // Ticks 26 to 50: one goes into the sink's hands, four wait, 20 are left out.
    assert_eq!(live.handle.report().playout.unwrap().skipped, 20);
    assert_eq!(ears.taken().len(), 101, "the sound goes on");
    brake.hold(false);
    live.handle.idle();
    live.play(Span::from_millis(1500));
    let report = live.end().0.unwrap_or_else(|error| panic!("{error}"));
    let playout = report.playout.unwrap();
    assert_eq!((playout.skipped, playout.underruns, playout.held), (20, 0, 0), "{playout:?}");
    assert_eq!((brake.taken().len(), ears.taken().len()), (75 - 20, 150));
    assert_eq!(report.av_skew_seconds, 0.0);
}

/// A programme into a sink that fails after three pictures and another one.
fn with_trip(on_error: &str, other: &str) -> String {
    format!(
        "nodes:\n  v: {{ type: test_video, config: {{ duration: 2s }} }}\n  p: {{ type: playout, inputs: {{ video: v.video }} }}\n  t: {{ type: trip, {on_error}inputs: {{ video: p.video }}, config: {{ after: 3 }} }}\n{other}"
    )
}

#[test]
fn a_sink_that_fails_is_left_out_and_the_others_go_on() {
    let door = Door::open("others go on");
    let mut live = show(&with_trip("", "  b: { type: brake, inputs: { video: p.video }, config: { door: others go on } }\n"));
    live.play(Span::from_millis(2500));
    let report = live.end().0.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(door.taken().len(), 50);
    assert_eq!(report.warnings.len(), 1);
    let failed: Vec<&str> = report.nodes.iter().filter(|node| node.errors == 1).map(|node| node.node.as_str()).collect();
    assert_eq!(failed, ["t"]);
    assert_eq!(
        (report.warnings[0].node.as_str(), report.warnings[0].text.as_str()),
        ("t", "left out after it failed in process: the wire is cut")
    );
}

#[test]
fn a_sink_that_hangs_is_left_behind_and_the_others_go_on() {
    let door = Door::open("beside one that hangs");
    let brake = "  b: { type: brake, inputs: { video: p.video }, config: { door: beside one that hangs } }\n";
    let nodes = with_trip("", brake)
        .replace("after: 3", "after: 3, then: hang")
        .replace("p.video }, config: { after", "{ from: p.video, queue: { items: 100 } } }, config: { after");
    let support::Show { run, handle, clock, folder: _folder, .. } = show(&nodes);
    let waiting = std::thread::spawn(move || run.wait());
    for tick in 0..250 {
        clock.crank(Time::ZERO + Span::from_millis(10) * tick);
        // Returns only when the one that hangs does not count any more.
        handle.idle();
    }
    let report = waiting.join().unwrap().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(door.taken().len(), 50);
    let warned: Vec<&str> = report.warnings.iter().map(|warning| warning.text.as_str()).collect();
    assert_eq!(warned, ["left out after it failed in process: it has been in one call for more than 1.000s"]);
    handle.cancel().cancel();
}

#[test]
fn a_sink_that_must_not_fail_ends_the_run() {
    let _door = Door::open("must not fail");
    let mut live =
        show(&with_trip("on_error: abort, ", "  b: { type: brake, inputs: { video: p.video }, config: { door: must not fail } }\n"));
    live.play(Span::from_millis(500));
    let error = live.end().0.expect_err("it was cut");
    assert_eq!((error.node.as_str(), error.phase.as_str(), error.cause.as_str()), ("t", "process", "the wire is cut"));
}

#[test]
fn the_last_sink_that_fails_ends_the_run() {
    let mut live = show(&with_trip("", ""));
    live.play(Span::from_millis(500));
    assert_eq!(live.end().0.expect_err("it was the only one").node, "t");
    // Also when it is the last because others have failed, and when they fail at once.
    let mut live = show(&with_trip("", "  u: { type: trip, inputs: { video: p.video }, config: { after: 3 } }\n"));
    live.play(Span::from_millis(500));
    let error = live.end().0.expect_err("both failed");
    assert!(["t", "u"].contains(&error.node.as_str()), "{error}");
    // And when another has ended in order.
    let mut live = show(&with_trip("", "  u: { type: trip, inputs: { video: p.video }, config: { after: 1, then: end } }\n"));
    live.play(Span::from_millis(500));
    assert_eq!(live.end().0.expect_err("the other is gone").node, "t");
}

/// What the same nodes make offline.
fn offline(nodes: &str) -> Vec<support::Line> {
    launch(&format!("clock: offline\nnodes:\n{nodes}")).end().1
}

/// The sound is the same but for the 10 ms after each cut, where what went out before fades.
fn assert_same_sound(live: &[support::Line], plain: &[support::Line], cuts: &[Time]) {
    assert_eq!(live.len(), plain.len());
    for (a, b) in live.iter().zip(plain) {
        let fades = cuts.iter().any(|cut| a.pts <= *cut && *cut < a.pts + a.dur);
        assert!((a.pts, a.dur) == (b.pts, b.dur) && (a.hash == b.hash || fades), "{a:?} {b:?}");
    }
}

#[test]
fn two_flushes_in_a_row_and_one_while_a_producer_waits_for_room() {
    // One picture waits at most, so the source that makes all anew stands before a full queue when the next flush comes.
    let nodes = format!(
        "{TEST_SOURCES}  p: {{ type: playout, inputs: {{ video: {{ from: v.video, queue: {{ items: 1 }} }}, audio: a.audio }} }}\n  out: {{ type: hash, inputs: {{ video: p.video, audio: p.audio }}, config: {{ path: \"${{out}}\" }} }}\n"
    );
    let mut live = show(&format!("nodes:\n{nodes}"));
    live.play(Span::from_millis(1000));
    let mut cuts = vec![live.handle.flush().unwrap(), live.handle.flush().unwrap()];
    assert_eq!(cuts[0], cuts[1], "nothing has gone out between them");
    live.handle.idle();
    assert!(live.node("v").state.starts_with("has no room for its output"), "{}", live.node("v").state);
    cuts.push(live.handle.flush().unwrap());
    live.handle.idle();
    live.play(Span::from_millis(500));
    cuts.push(live.handle.flush().unwrap());
    live.play(Span::from_millis(2500));
    let (report, out) = live.end();
    let playout = report.unwrap_or_else(|error| panic!("{error}")).playout.unwrap();
    assert_eq!((playout.underruns, playout.refills, playout.held), (0, 0, 0), "{playout:?}");
    let plain = offline(&nodes);
    assert_eq!(of_kind(&out, "video"), of_kind(&plain, "video"));
    assert_same_sound(&of_kind(&out, "audio"), &of_kind(&plain, "audio"), &cuts);
}

#[test]
fn a_flush_during_preroll_begins_anew() {
    let door = Door::open("flush in preroll");
    let mut live = show(&format!(
        "nodes:\n  v: {{ type: test_video, config: {{ duration: 3s }} }}\n  a: {{ type: feed, config: {{ door: flush in preroll }} }}\n{TO_HASH}"
    ));
    (0..5).for_each(|i| door.audio(sound(i, 0.9)));
    live.handle.idle();
    assert_eq!(live.handle.flush().unwrap(), Time::ZERO);
    live.handle.idle();
    assert_eq!(door.cuts(), [Time::ZERO]);
    (0..150).for_each(|i| door.audio(sound(i, 0.0)));
    door.end();
    live.play(Span::from_millis(3500));
    let (report, out) = live.end();
    report.unwrap_or_else(|error| panic!("{error}"));
    let audio = of_kind(&out, "audio");
    assert_gapless(&audio);
    assert_eq!(audio.len(), 150);
    assert!(audio.iter().all(|line| line.hash == audio[100].hash), "nothing of what was flushed is heard");
}

#[test]
fn a_delay_a_join_and_a_tap_are_flushed_with_the_rest() {
    let tap = Door::open("flushed tap");
    let nodes = |tap: &str| {
        format!(
            "{TEST_SOURCES}  w: {{ type: test_video, config: {{ duration: 3s, flash: true }} }}\n  d: {{ type: delay, inputs: {{ video: v.video }}, config: {{ frames: 3 }} }}\n  j: {{ type: mix, inputs: {{ video: d, more: w.video, audio: a }} }}\n  p: {{ type: playout, inputs: {{ video: j, audio: a.audio, cues: w.cues }} }}\n  out: {{ type: hash, inputs: {{ video: p.video, audio: p.audio, cues: p.cues }}, config: {{ path: \"${{out}}\" }} }}\n{tap}"
        )
    };
    let mut live = show(&format!(
        "nodes:\n{}",
        nodes("  t: { type: brake, inputs: { video: { from: j, tap: true } }, config: { door: flushed tap } }\n")
    ));
    let mut cuts = Vec::new();
    for span in [700, 130, 10, 600] {
        live.play(Span::from_millis(span));
        cuts.push(live.handle.flush().unwrap());
        live.handle.idle();
    }
    live.play(Span::from_millis(3000));
    let (report, out) = live.end();
    let playout = report.unwrap_or_else(|error| panic!("{error}")).playout.unwrap();
    assert_eq!((playout.underruns, playout.late, playout.held), (0, 0, 0), "{playout:?}");
    let plain = offline(&nodes(""));
    for kind in ["video", "cues"] {
        assert_eq!(of_kind(&out, kind), of_kind(&plain, kind));
    }
    assert_same_sound(&of_kind(&out, "audio"), &of_kind(&plain, "audio"), &cuts);
    assert_eq!(tap.cuts(), cuts);
    let seen: Vec<Time> = tap.taken().iter().map(|packet| packet.pts).collect();
    assert_eq!(seen, (0..75).map(|i| TICK.time_of(i)).collect::<Vec<_>>(), "the tap has seen everything once");
}

#[test]
fn a_node_that_waits_for_its_worker_is_interrupted_by_a_flush() {
    let office = support::nodes::Office::open("flush");
    let mut live = support::launch(&format!(
        "clock: live\nlatency: 200ms\nnodes:\n{TEST_SOURCES}  e: {{ type: errand, inputs: {{ audio: a }}, config: {{ office: flush }} }}\n  p: {{ type: playout, inputs: {{ video: v.video, audio: e }} }}\n  out: {{ type: hash, inputs: {{ video: p.video, audio: p.audio }}, config: {{ path: \"${{out}}\" }} }}\n"
    ));
    let answers = office.answers.recv().unwrap();
    // Ten blocks come to the horizon at 200 ms, and one more when the first has gone out.
    for _ in 0..11 {
        answers.send(office.asked.recv().unwrap()).unwrap();
    }
    live.handle.idle();
    // The clock goes on by one tick: two more blocks are made, and the node waits for an answer to the first.
    live.now = Time::ZERO + Span::from_millis(40);
    live.clock.crank(live.now);
    let waiting = office.asked.recv().unwrap();
    assert_eq!(waiting.pts, Time::ZERO + Span::from_millis(220));
    // All that is due has gone out: two pictures and three blocks. What were still due would be missing right after the flush.
    while live.node("p").packets_out < 5 {
        std::thread::yield_now();
    }
    let cut = live.handle.flush().unwrap();
    assert_eq!(office.cuts.recv().unwrap(), cut, "the node is told without an answer");
    // From here on the worker answers; what is asked anew begins at the cut.
    let worker = std::thread::spawn(move || {
        let mut first = None;
        while let Ok(packet) = office.asked.recv() {
            first.get_or_insert(packet.pts);
            if answers.send(packet).is_err() {
                break;
            }
        }
        first
    });
    live.play(Span::from_millis(3500));
    let (report, out) = live.end();
    let playout = report.unwrap_or_else(|error| panic!("{error}")).playout.unwrap();
    assert_eq!((playout.underruns, playout.late), (0, 0), "{playout:?}");
    assert_eq!(worker.join().unwrap(), Some(cut));
    let audio = of_kind(&out, "audio");
    assert_gapless(&audio);
    assert_same_sound(&audio, &of_kind(&offline(&format!("{TEST_SOURCES}{TO_HASH}")), "audio"), &[cut]);
}

#[test]
fn a_command_wakes_a_source_that_waits_at_the_horizon() {
    let mut live = show(&format!("nodes:\n  v: {{ type: test_video, config: {{ duration: 1s }} }}\n  a: {{ type: listener }}\n{TO_HASH}"));
    live.handle.command("a", serde_json::json!({ "word": "wake up" })).unwrap();
    live.handle.idle();
    let heard: Vec<i64> =
        support::nodes::HEARD.lock().unwrap().iter().filter(|(word, _)| word == "wake up").map(|(_, made)| *made).collect();
    assert_eq!(heard, [11], "at once, and without running ahead of what has gone out and 200 ms");
    live.play(Span::from_millis(100));
    live.handle.stop();
    live.play(Span::from_millis(1200));
    live.end().0.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_trace_names_every_call() {
    let options = engine::run::RunOptions { trace: true, ..Default::default() };
    let text = format!("clock: offline\nnodes:\n{TEST_SOURCES}{TO_HASH}");
    let show = support::try_launch(&text, options).unwrap_or_else(|error| panic!("{error}"));
    let handle = show.handle.clone();
    show.end().0.unwrap_or_else(|error| panic!("{error}"));
    let trace: serde_json::Value = serde_json::from_str(&handle.trace().to_string()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let lanes: std::collections::BTreeSet<&str> =
        events.iter().filter(|event| event["ph"] == "M").map(|event| event["args"]["name"].as_str().unwrap()).collect();
    assert_eq!(lanes, ["a", "out", "p", "v"].into());
    let calls = |name: &str, phase: &str| {
        events.iter().filter(|event| event["ph"] == "X" && event["name"] == name && event["cat"] == phase).count()
    };
    assert_eq!((calls("v", "process"), calls("v", "finish"), calls("out", "finish")), (76, 1, 1));
    for event in events.iter().filter(|event| event["ph"] == "X") {
        assert!(event["ts"].as_f64().unwrap() >= 0.0 && event["dur"].as_f64().unwrap() >= 0.0 && event["args"]["pts_seconds"].is_number());
    }
}
