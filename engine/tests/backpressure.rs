//! How far every producer comes when its consumer stands still: exact counts for every limit and every policy.

mod support;

use engine::media::Media;
use engine::packet::Packet;
use engine::run::ErrorKind;
use engine::testing::Door;
use engine::time::{Span, Time};
use support::{Show, launch, show, shown, sound};

const OFFLINE: &str = "clock: offline\nnodes:\n";

/// A feed and a brake with this queue between them; the brake is held.
fn held(name: &str, port: &str, queue: &str) -> (Door, Door, Show) {
    let (feed, brake) = (Door::open(&format!("{name} feed")), Door::open(&format!("{name} brake")));
    brake.hold(true);
    let show = launch(&format!(
        "{OFFLINE}  f: {{ type: feed, config: {{ door: {name} feed }} }}\n  b: {{ type: brake, inputs: {{ {port}: {{ from: f.{port}{queue} }} }}, config: {{ door: {name} brake }} }}\n"
    ));
    show.handle.idle();
    (feed, brake, show)
}

/// Sends pictures one by one and lets each come as far as it can.
fn send(show: &Show, feed: &Door, pictures: std::ops::Range<i64>) {
    for i in pictures {
        feed.video(shown(i, i as u8));
        show.handle.idle();
    }
}

#[test]
fn a_limit_by_number_is_exact() {
    for items in [1, 2, 4, 8] {
        let (feed, brake, show) = held(&format!("items {items}"), "video", &format!(", queue: {{ items: {items} }}"));
        send(&show, &feed, 0..20);
        // One is in the sink's hands, `items` wait, and one more has been made and has no room.
        assert_eq!(show.node("f").packets_out, 1 + items + 1);
        let edge = show.edge("b.video");
        assert_eq!((edge.depth, edge.max_depth, edge.dropped), (items, items, 0));
        assert_eq!(edge.depth_seconds, items as f64 / 25.0);
        brake.hold(false);
        feed.end();
        show.run.wait().unwrap();
        assert_eq!(brake.taken().len(), 20, "nothing is lost");
    }
}

#[test]
fn the_usual_limit_of_pictures_is_four() {
    let (feed, brake, show) = held("usual", "video", "");
    send(&show, &feed, 0..20);
    assert_eq!(show.node("f").packets_out, 1 + 4 + 1);
    brake.hold(false);
    feed.end();
    show.run.wait().unwrap();
}

#[test]
fn a_limit_by_time_is_exact() {
    let (feed, brake, show) = held("time", "audio", ", queue: { time: 100ms }");
    for i in 0..20 {
        feed.audio(sound(i, 0.5));
        show.handle.idle();
    }
    // Five blocks of 20 ms are 100 ms.
    assert_eq!(show.node("f").packets_out, 1 + 5 + 1);
    brake.hold(false);
    feed.end();
    show.run.wait().unwrap();
    assert_eq!(brake.taken().len(), 20);
}

#[test]
fn a_limit_by_bytes_is_exact() {
    // I420 of 64x36 is 3456 bytes: the third picture reaches 10000.
    let (feed, brake, show) = held("bytes", "video", ", queue: { items: 100, bytes: 10000B }");
    send(&show, &feed, 0..20);
    assert_eq!(show.node("f").packets_out, 1 + 3 + 1);
    brake.hold(false);
    feed.end();
    show.run.wait().unwrap();
}

#[test]
fn every_lane_on_the_way_holds_what_its_own_queue_holds() {
    let (feed, brake) = (Door::open("chain feed"), Door::open("chain brake"));
    brake.hold(true);
    let show = launch(&format!(
        "{OFFLINE}  f: {{ type: feed, config: {{ door: chain feed }} }}\n  e: {{ type: test_encoder, inputs: {{ video: f.video }}, config: {{ bytes: 100, keyframe_every: 50 }} }}\n  b: {{ type: brake, inputs: {{ encoded: [{{ from: e, queue: {{ bytes: 1000B }} }}] }}, config: {{ door: chain brake }} }}\n"
    ));
    show.handle.idle();
    send(&show, &feed, 0..40);
    // The sink has one, ten units are 1000 bytes, the encoder has one that finds no room, four pictures wait for it, the feed has one.
    assert_eq!((show.node("e").packets_out, show.node("f").packets_out), (1 + 10 + 1, 1 + 10 + 1 + 4 + 1));
    brake.hold(false);
    feed.end();
    show.run.wait().unwrap();
    assert_eq!(brake.taken().len(), 40);
}

#[test]
fn offline_one_slow_branch_slows_all() {
    let (feed, slow, fast) = (Door::open("fan feed"), Door::open("fan slow"), Door::open("fan fast"));
    slow.hold(true);
    let show = launch(&format!(
        "{OFFLINE}  f: {{ type: feed, config: {{ door: fan feed }} }}\n  s: {{ type: brake, inputs: {{ video: f.video }}, config: {{ door: fan slow }} }}\n  t: {{ type: brake, inputs: {{ video: f.video }}, config: {{ door: fan fast }} }}\n"
    ));
    show.handle.idle();
    send(&show, &feed, 0..20);
    assert_eq!((show.node("f").packets_out, fast.taken().len()), (6, 5), "the sixth waits for room on the way to the slow one");
    slow.hold(false);
    feed.end();
    show.run.wait().unwrap();
    assert_eq!((slow.taken().len(), fast.taken().len()), (20, 20));
}

/// A live programme of pictures and sound, coded, into a brake that may be held and one that is not.
fn two_viewers(name: &str) -> (Door, Door, Show) {
    let (slow, fast) = (Door::open(&format!("{name} slow")), Door::open(&format!("{name} fast")));
    let show = show(&format!(
        "nodes:\n  v: {{ type: test_video, config: {{ duration: 20s }} }}\n  a: {{ type: test_tone, config: {{ duration: 20s }} }}\n  p: {{ type: playout, inputs: {{ video: v.video, audio: a }} }}\n  h264: {{ type: test_encoder, inputs: {{ video: p.video }}, config: {{ bytes: 100, keyframe_every: 100000 }} }}\n  opus: {{ type: test_encoder, inputs: {{ audio: p.audio }}, config: {{ bytes: 10, keyframe_every: 1 }} }}\n  s: {{ type: brake, inputs: {{ encoded: [h264, opus] }}, config: {{ door: {name} slow }} }}\n  t: {{ type: brake, inputs: {{ encoded: [h264, opus] }}, config: {{ door: {name} fast }} }}\n"
    ));
    (slow, fast, show)
}

/// Units of one track with their keyframe mark: pictures have 100 bytes, sound 10.
fn track(door: &Door, bytes: usize) -> Vec<(Packet, bool)> {
    let unit = |packet: Packet| match &packet.media {
        Media::Encoded(unit) if unit.data.len() == bytes => Some((unit.keyframe, packet.clone())),
        _ => None,
    };
    door.taken().into_iter().filter_map(unit).map(|(keyframe, packet)| (packet, keyframe)).collect()
}

#[test]
fn a_viewer_that_falls_behind_goes_on_at_a_keyframe_with_all_its_tracks() {
    let (slow, fast, mut show) = two_viewers("keyframe");
    show.play(Span::from_millis(1000));
    assert_eq!(track(&fast, 100).len(), 26);
    slow.hold(true);
    show.play(Span::from_millis(5000));
    let keyframes =
        |door: &Door| track(door, 100).iter().filter(|(_, keyframe)| *keyframe).map(|(packet, _)| packet.pts).collect::<Vec<_>>();
    assert_eq!(keyframes(&fast), [Time::ZERO], "nobody else pays for a viewer that stands still");
    assert_eq!(track(&fast, 100).len(), 151, "and nobody waits for it");
    assert_eq!(show.handle.report().playout.unwrap().skipped, 0);
    let dropped = |show: &Show| -> Vec<u64> {
        let edges = show.handle.report().edges;
        edges.into_iter().filter(|edge| edge.to == "s.encoded").map(|edge| edge.dropped).collect()
    };
    let depth = |show: &Show| -> Vec<u64> {
        let edges = show.handle.report().edges;
        edges.into_iter().filter(|edge| edge.to == "s.encoded").map(|edge| edge.depth).collect()
    };
    let waiting = depth(&show);
    assert!(dropped(&show).iter().all(|dropped| *dropped > 0), "{:?}", dropped(&show));
    show.play(Span::from_millis(3000));
    assert_eq!(depth(&show), waiting, "what waits for it does not grow");

    slow.hold(false);
    show.handle.idle();
    show.play(Span::from_millis(1000));
    let released = Time::ZERO + Span::from_millis(9000);
    let (video, audio) = (track(&slow, 100), track(&slow, 10));
    // The first unit after the hold, of sound, finds room and asks for a keyframe; the next picture is one.
    let resumed = video.iter().find(|(packet, _)| packet.pts > released).expect("it goes on");
    assert_eq!((resumed.0.pts, resumed.1, resumed.0.discont), (released + Span::from_millis(40), true, true));
    let with_it = audio.iter().find(|(packet, _)| packet.pts > released).expect("so does the sound");
    // Sound of the keyframe's own time may have come, and been dropped, just before it.
    let later = with_it.0.pts - resumed.0.pts;
    assert!(later == Span::ZERO || later == Span::from_millis(20), "sound goes on {later} after the picture");
    assert!(with_it.0.discont);
    for (track, step) in [(&video, 40), (&audio, 20)] {
        let gaps: Vec<_> = track.windows(2).filter(|pair| pair[1].0.pts - pair[0].0.pts != Span::from_millis(step)).collect();
        assert_eq!(gaps.len(), 1, "one gap");
        assert_eq!(track.iter().filter(|(packet, _)| packet.discont).count(), 1, "and it is marked");
    }
    assert_eq!(keyframes(&fast), [Time::ZERO, resumed.0.pts]);
    // What was taken and what was dropped is all that there was.
    let made = [show.node("h264").packets_out, show.node("opus").packets_out];
    let taken = [video.len() as u64, audio.len() as u64];
    assert_eq!(dropped(&show), [made[0] - taken[0], made[1] - taken[1]]);
    show.handle.stop();
    show.play(Span::from_millis(500));
    show.run.wait().unwrap();
}

#[test]
fn of_a_tap_only_the_newest_is_kept() {
    let (feed, tap) = (Door::open("tap feed"), Door::open("tap brake"));
    tap.hold(true);
    let mut show = launch(
        "clock: live\nlatency: 2s\nnodes:\n  f: { type: feed, config: { door: tap feed } }\n  p: { type: playout, inputs: { video: f.video } }\n  n: { type: null_sink, inputs: { video: [p.video] } }\n  b: { type: brake, inputs: { video: { from: f.video, tap: true, queue: { policy: latest } } }, config: { door: tap brake } }\n",
    );
    show.handle.idle();
    send(&show, &feed, 0..10);
    assert_eq!(show.node("f").packets_out, 10, "a tap holds nobody up");
    let edge = show.edge("b.video");
    assert_eq!((edge.depth, edge.max_depth, edge.dropped), (1, 1, 8));
    tap.hold(false);
    show.handle.idle();
    let taken: Vec<(Time, bool)> = tap.taken().iter().map(|packet| (packet.pts, packet.discont)).collect();
    assert_eq!(taken, [(support::TICK.time_of(0), false), (support::TICK.time_of(9), true)]);
    feed.end();
    show.play(Span::from_millis(600));
    show.run.wait().unwrap();
}

#[test]
fn a_slow_tap_behind_playout_costs_nobody_a_picture() {
    let (tap, door) = (Door::open("late tap"), Door::open("late tap sink"));
    tap.hold(true);
    let mut show = show(
        "nodes:\n  v: { type: test_video, config: { duration: 2s } }\n  p: { type: playout, inputs: { video: v.video } }\n  n: { type: brake, inputs: { video: p.video }, config: { door: late tap sink } }\n  b: { type: brake, inputs: { video: { from: p.video, tap: true, queue: { policy: latest } } }, config: { door: late tap } }\n",
    );
    show.play(Span::from_millis(1500));
    tap.hold(false);
    show.play(Span::from_millis(1000));
    let report = show.run.wait().unwrap();
    assert_eq!(report.playout.unwrap().skipped, 0);
    assert_eq!(door.taken().len(), 50);
}

#[test]
fn a_graph_that_stands_still_says_what_each_lane_waits_for() {
    let door = Door::open("stands still");
    // The join needs sound before it takes another picture, and the feed would send some if there were room for its pictures.
    let show = launch(&format!(
        "{OFFLINE}  f: {{ type: feed, config: {{ door: stands still }} }}\n  j: {{ type: mix, inputs: {{ video: f.video, audio: f.audio }} }}\n  n: {{ type: null_sink, inputs: {{ video: [j] }} }}\n  s: {{ type: null_sink, inputs: {{ audio: [{{ from: f.audio, queue: {{ items: 1 }} }}] }} }}\n"
    ));
    (0..20).for_each(|i| door.video(shown(i, i as u8)));
    (0..40).for_each(|i| door.audio(sound(i, 0.5)));
    let error = show.run.wait().expect_err("nothing can go on");
    assert_eq!((error.kind, error.node.as_str(), error.cascades.len()), (ErrorKind::Failed, "f", 0), "{error}");
    let start = Time::ZERO;
    for expected in [
        "the graph stands still: f has no room for its output, at ".to_string(),
        format!("; j waits for f.audio, settled at {start}; s waits for f.audio, settled at {start}. "),
        "Packets that wait: 4 from f.video to j.video. Give the edge that is full a larger `queue:`".to_string(),
    ] {
        assert!(error.cause.contains(&expected), "{error}");
    }
}
