//! Makes `plugins/src/speech/viseme/shapes.bin`: `cargo run -p plugins --example train_visemes -- TEXT OUT`, where TEXT is a file of some
//! thousand words of English. Speech of the default voice, whose mouth shapes are known exactly, teaches the model.

use plugins::speech::text::{Options, narrate};
use plugins::speech::viseme::{Viseme, train};
use plugins::speech::voice::{SAMPLES, Settings, Timed, open};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(text), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("usage: train_visemes TEXT OUT".into());
    };
    let voice = open("default", Settings::default())?;
    let mut samples = Vec::new();
    let mut shapes = Vec::new();
    for clause in narrate(&std::fs::read_to_string(text)?, "en", Options::default()).clauses {
        let offset = SAMPLES.span_of(samples.len() as i64);
        let synthesis = voice.synthesize(&clause)?;
        shapes.extend(synthesis.visemes.iter().map(|shape| Timed { at: offset + shape.at, ..shape.clone() }));
        samples.extend(synthesis.samples);
        let end = SAMPLES.span_of(samples.len() as i64);
        samples.resize(samples.len() + SAMPLES.count_in(clause.pause_after) as usize, 0.0);
        shapes.push(Timed { at: end, dur: clause.pause_after, value: Viseme::Sil });
    }
    std::fs::write(out, train(&[(samples, shapes)]))?;
    Ok(())
}
