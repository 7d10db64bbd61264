//! What the engine costs: a hop in a lane, the border between two lanes, a join.

use crate::graph::run;
use crate::measure::{above, cpu, cpu_of, median};
use crate::peers;
use crate::rows::{Mark, Row};
use engine::frame::{PixelFormat, Size, VideoFrame};
use engine::packet::Packet;
use engine::pool::Pool;
use engine::time::Rate;
use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

const SIZE: Size = Size::new(16, 16);
const ROUNDS: usize = 9;

/// A chain of nodes in one lane against the least that a chain of calls with a clock can cost. The bare calls ask the system for the time,
/// as anybody would; the engine reads the processor's counter where Linux keeps time by it (`run/stopwatch.rs`).
pub fn hop() -> Vec<Row> {
    const PACKETS: u64 = 100_000;
    const HOPS: usize = 32;
    let chain = |length: usize| {
        let mut nodes = format!("  n0: {{ type: repeat, config: {{ packets: {PACKETS} }} }}\n");
        for n in 1..=length {
            let _ = writeln!(nodes, "  n{n}: {{ type: pass, inputs: {{ video: n{}.out }} }}", n - 1);
        }
        let _ = writeln!(nodes, "  end: {{ type: null_sink, inputs: {{ video: [n{length}.out] }} }}");
        cpu(|| run(SIZE, &nodes))
    };
    let (mut long, mut short, mut bare) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
    for round in 0..3 * ROUNDS {
        // Where nodes lie in memory decides about a tenth: in each round they lie elsewhere.
        let _taken: Vec<Vec<u8>> = (0..40 * round).map(|n| vec![1; 48 + 16 * (n % 97)]).collect();
        (long, short) = (long.min(chain(HOPS + 1)), short.min(chain(1)));
        bare = bare.min(bare_calls(PACKETS, HOPS));
    }
    let ours = (long - short) / (HOPS as u64 * PACKETS) as f64;
    let what = "a hop between nodes of one lane, against a bare dynamic call with one look at the clock";
    vec![Row::new("hop", what, ours * 1e9, "ns").against(bare * 1e9).mark(Mark::Within(2.0))]
}

trait Call {
    fn call(&mut self, packet: Packet) -> Packet;
}

struct Bare(u64);

impl Call for Bare {
    fn call(&mut self, packet: Packet) -> Packet {
        self.0 += 1;
        packet
    }
}

/// Processor seconds of a dynamic call that hands a packet on, with one look at the clock.
fn bare_calls(packets: u64, hops: usize) -> f64 {
    let mut chain: Vec<Box<dyn Call>> = (0..hops).map(|n| Box::new(Bare(n as u64)) as Box<dyn Call>).collect();
    let frame = Pool::new().black(PixelFormat::I420, SIZE).freeze();
    let rate = Rate::per_second(30);
    let seconds = cpu(|| {
        for index in 0..packets {
            let media = VideoFrame::clone(&frame).into();
            let mut packet = Packet::lasting(rate.time_of(index as i64), rate.interval(), media);
            for node in &mut chain {
                packet = black_box(node).call(packet);
                black_box(Instant::now());
            }
            black_box(packet);
        }
    });
    seconds / (packets * hops as u64) as f64
}

/// A border between two lanes that is always full, against a GStreamer queue. On both sides what follows takes longer than what comes
/// before, or the queue would be empty most of the time and the wakes of a sleeping thread would be measured.
pub fn border() -> Vec<Row> {
    const PACKETS: u64 = 200_000;
    const BEHIND: usize = 8;
    let mut behind = String::new();
    for n in 1..=BEHIND {
        let before = if n == 1 { "m".to_string() } else { format!("p{}", n - 1) };
        let _ = writeln!(behind, "  p{n}: {{ type: pass, inputs: {{ video: {before}.out }} }}");
    }
    let graph = |second: &str| {
        let queue = if second == "cross" { "{ from: n.out, queue: { items: 200 } }" } else { "n.out" };
        let nodes = format!(
            "  n: {{ type: repeat, config: {{ packets: {PACKETS} }} }}\n  m: {{ type: {second}, inputs: {{ video: {queue} }} }}\n{behind}  end: {{ type: null_sink, inputs: {{ video: [p{BEHIND}.out] }} }}\n"
        );
        cpu(|| run(SIZE, &nodes))
    };
    let buffers = PACKETS.to_string();
    let peer = |mode: &str| cpu_of(peers::script("gstreamer-queue").args([mode, &buffers]));
    // On both sides it costs twice as much in one run as in the next, by how the system places the two threads: the middle of rounds in turn
    // says more than the luckiest ones.
    let rounds = (0..ROUNDS).map(|_| (graph("cross") - graph("pass"), peer("work") - peer("read")));
    let (ours, theirs): (Vec<f64>, Vec<f64>) = rounds.unzip();
    let [ours, theirs] = [ours, theirs].map(|costs| median(costs) / PACKETS as f64);
    let row = Row::new("border", "the border between two lanes, always full, against a GStreamer queue", ours * 1e9, "ns");
    vec![row.against(theirs * 1e9).mark(Mark::Faster(5.0))]
}

/// Two streams joined at every tick.
pub fn join() -> Vec<Row> {
    const TICKS: u64 = 100_000;
    let sources =
        format!("  a: {{ type: repeat, config: {{ packets: {TICKS} }} }}\n  b: {{ type: repeat, config: {{ packets: {TICKS} }} }}\n");
    let joined = format!(
        "{sources}  j: {{ type: join, inputs: {{ video: a.out, other: b.out }} }}\n  end: {{ type: null_sink, inputs: {{ video: [j.out] }} }}\n"
    );
    let apart = format!(
        "{sources}  x: {{ type: null_sink, inputs: {{ video: [a.out] }} }}\n  y: {{ type: null_sink, inputs: {{ video: [b.out] }} }}\n"
    );
    let ours = above(ROUNDS, || cpu(|| run(SIZE, &joined)), || cpu(|| run(SIZE, &apart))) / TICKS as f64;
    vec![Row::new("join", "a join of two streams from other lanes, per tick", ours * 1e9, "ns")]
}
