//! From started nodes to segments: the timeline, where it is cut, and the key of each piece.

use super::cut::lead;
use super::fingerprint::settings_hash;
use super::{Fingerprint, Hash, Part, Segment, Track};
use crate::graph::plan::Plan;
use crate::graph::problem::{Code, Problem, Problems};
use crate::media::Kind;
use crate::node::{Failure, Result};
use crate::registry::Starts;
use crate::run::{Started, Warning};
use crate::time::{Rate, Span, Time};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Parts are cut every so often from their beginning, as long as more than one and a half pieces are left. Shorter pieces would make an
/// edit cheaper, but each one costs a tenth of a second in which an encoder fills and empties.
const PIECE: Span = Span::from_seconds(15);

/// Nodes of sound do not look further ahead.
const AHEAD: Span = Span::SECOND;

/// Why a render is not made in segments.
pub(super) enum NotCut {
    /// It must go from beginning to end, for this reason.
    Whole(String),
    /// The graph cannot be rendered in segments.
    Problems(Problems),
    /// A node failed.
    Node(usize, Failure),
}

/// A source that lists parts, and these.
type Timeline = (usize, Arc<[Part]>);

/// A plan of encoders and all that leads to them, its nodes started.
pub(super) struct Prepared {
    pub(super) plan: Plan,
    pub(super) started: Started,
    /// By node: the parts that a source lists.
    parts: BTreeMap<usize, Arc<[Part]>>,
    settings: Vec<Hash>,
    pub(super) warnings: Vec<Warning>,
}

impl Prepared {
    /// Asks the sources for their parts.
    pub(super) fn new(plan: Plan, mut started: Started) -> std::result::Result<Prepared, NotCut> {
        let mut parts = BTreeMap::new();
        for source in (0..plan.nodes.len()).filter(|&node| plan.edges.iter().all(|edge| edge.to != node)) {
            let failed = |failure| NotCut::Node(source, failure);
            let mut listed = started.nodes[source].0.parts().map_err(failed)?;
            listed.retain(|part| part.length() > Span::ZERO);
            are_in_order(&listed, plan.defaults.fps).map_err(failed)?;
            if !listed.is_empty() {
                parts.insert(source, listed.into());
            }
        }
        let settings = plan.nodes.iter().map(|node| settings_hash(&node.settings)).collect();
        Ok(Prepared { plan, started, parts, settings, warnings: Vec::new() })
    }

    /// The parts of what an encoder takes, and the source that lists them.
    fn timeline(&self, encoder: usize, nodes: &[bool]) -> std::result::Result<Option<Timeline>, NotCut> {
        let mut sources = self.parts.iter().filter(|(source, _)| nodes[**source]);
        let Some((first, parts)) = sources.next() else { return Ok(None) };
        if let Some((second, _)) = sources.next() {
            let (plan, name) = (&self.plan, |node: usize| &self.plan.nodes[node].name);
            let text = format!(
                "segment_by: slide cannot cut what node \"{}\" encodes: both \"{}\" and \"{}\" say where its parts begin",
                name(encoder),
                name(*first),
                name(*second)
            );
            let problem = Problem::new(Code::NotJoined, &plan.nodes[encoder].at, text);
            return Err(NotCut::Problems(problem.with_help("Leave one of them, or write segment_by: null.").into()));
        }
        Ok(Some((*first, parts.clone())))
    }

    /// The segments of what an encoder of pictures makes.
    pub(super) fn video_track(&mut self, encoder: usize) -> std::result::Result<Track, NotCut> {
        let (nodes, edges) = lead(&self.plan, &[encoder]);
        let name = self.plan.nodes[encoder].name.clone();
        let Some((source, parts)) = self.timeline(encoder, &nodes)? else {
            return Err(NotCut::Whole(format!("no source before node \"{name}\" says where its parts begin")));
        };
        let starts = self.starts(&nodes, source)?;
        let mut segments = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            for (piece, (from, to)) in pieces(part.length(), starts, self.plan.defaults.fps).into_iter().enumerate() {
                let mut inputs = self.common((&nodes, &edges), (from, to));
                inputs.push(("pictures left out".into(), Hash::of([u8::from(self.plan.sparse)])));
                self.ask((&nodes, &edges), (index, &parts), Some((from, to)), &mut inputs)?;
                segments.push(Segment { part: Some(index), piece, from, to, ..Segment::new(part.start + from, inputs) });
            }
        }
        Ok(Track { encoder: name, parts, segments })
    }

    /// What an encoder of sound makes, in the pieces that it works in; nothing where its length is not known beforehand. The key of a piece
    /// holds all that was heard up to its end: nodes of sound may remember.
    pub(super) fn audio_track(&mut self, encoder: usize) -> std::result::Result<Option<Track>, NotCut> {
        let (nodes, edges) = lead(&self.plan, &[encoder]);
        let name = self.plan.nodes[encoder].name.clone();
        let Some((_, parts)) = self.timeline(encoder, &nodes)? else { return Ok(None) };
        let end = parts.last().map_or(Span::ZERO, |part| part.end.since_start());
        let length = self.started.nodes[encoder].0.pieces().filter(|length| *length > Span::ZERO).unwrap_or(end);
        let mut heard = Hash::of("");
        let mut next = 0;
        let mut segments = Vec::new();
        for from in (0..).map(|piece| Span(length.0 * piece)).take_while(|from| *from < end) {
            let to = (from + length).min(end);
            while let Some(part) = parts.get(next).filter(|part| part.start.since_start() < to + AHEAD) {
                let mut inputs = vec![("length".into(), Hash::of(part.length().0.to_le_bytes()))];
                self.ask((&nodes, &edges), (next, &parts), None, &mut inputs)?;
                heard = Hash::of_all(std::iter::once(heard).chain(inputs.into_iter().map(|(_, input)| input)));
                next += 1;
            }
            let mut inputs = self.common((&nodes, &edges), (from, to));
            inputs.push(("sound".into(), heard));
            segments.push(Segment { from, to, ..Segment::new(Time::ZERO + from, inputs) });
        }
        Ok(Some(Track { encoder: name, parts, segments }))
    }

    /// Where what leads to an encoder may begin.
    fn starts(&self, nodes: &[bool], source: usize) -> std::result::Result<Starts, NotCut> {
        let mut all = Starts::Anywhere;
        for node in (0..nodes.len()).filter(|&node| nodes[node]) {
            let planned = &self.plan.nodes[node];
            let has_input = self.plan.edges.iter().any(|edge| edge.to == node);
            let (name, kind) = (&planned.name, planned.node_type.name);
            let why = match planned.node_type.starts {
                _ if !has_input && node != source => "goes by its own time, whatever slide shows",
                Starts::Never => "remembers things from one slide to the next",
                starts => {
                    all = all.max(starts);
                    continue;
                }
            };
            return Err(NotCut::Whole(format!("node \"{name}\" ({kind}) {why}")));
        }
        Ok(all)
    }

    /// What all nodes have in common.
    fn common(&self, (nodes, edges): (&[bool], &[bool]), (from, to): (Span, Span)) -> Vec<(String, Hash)> {
        let Plan { defaults, nodes: planned, edges: connections, .. } = &self.plan;
        let mut shape = Vec::new();
        for node in (0..nodes.len()).filter(|&node| nodes[node]) {
            shape.push(format!("{} {}", planned[node].node_type.name, planned[node].node_type.revision));
        }
        let place = |node: usize| nodes[..node].iter().filter(|kept| **kept).count();
        for (edge, _) in connections.iter().zip(edges).filter(|(_, kept)| **kept) {
            let output = planned[edge.from].node_type.outputs[edge.from_port].name;
            let input = planned[edge.to].node_type.inputs[edge.to_port].name;
            shape.push(format!("{}.{output} -> {}.{input}", place(edge.from), place(edge.to)));
        }
        let rate = |rate: Rate| format!("{}/{}", rate.num(), rate.den());
        let sizes = [defaults.size.to_string(), rate(defaults.fps), rate(defaults.sample_rate)];
        vec![
            ("the graph".into(), Hash::of_all(shape)),
            ("picture size or rates".into(), Hash::of_all(sizes)),
            ("length".into(), Hash::of_all([from.0.to_le_bytes(), to.0.to_le_bytes()])),
        ]
    }

    /// Asks all nodes for what shapes their output in a part: of pictures those of a piece of it, else sound.
    fn ask(
        &mut self,
        (nodes, edges): (&[bool], &[bool]),
        (index, parts): (usize, &[Part]),
        pictures: Option<(Span, Span)>,
        inputs: &mut Vec<(String, Hash)>,
    ) -> std::result::Result<(), NotCut> {
        let shows_before = pictures.is_some_and(|(from, _)| from < parts[index].overlap);
        for node in (0..nodes.len()).filter(|&node| nodes[node]) {
            let planned = &self.plan.nodes[node];
            let used = self.plan.edges.iter().zip(edges).filter(|(edge, kept)| **kept && edge.from == node);
            let wanted: Vec<&'static str> = used.map(|(edge, _)| planned.node_type.outputs[edge.from_port].name).collect();
            let mut key = Fingerprint {
                node: &planned.name,
                settings: self.settings[node],
                before: index.checked_sub(1).filter(|_| shows_before).map(|before| &parts[before]),
                pictures,
                wanted: &wanted,
                end: parts.last().map_or(Time::ZERO, |part| part.end),
                inputs,
                warnings: &mut self.warnings,
            };
            self.started.nodes[node].0.fingerprint(&parts[index], &mut key).map_err(|failure| NotCut::Node(node, failure))?;
        }
        Ok(())
    }

    /// The encoders of this kind that can be replaced by what they made before.
    pub(super) fn encoders(&self, kind: Kind) -> Vec<usize> {
        self.plan.encoders(kind).filter(|&node| self.plan.nodes[node].node_type.outputs.len() == 1).collect()
    }
}

/// Parts follow each other and are whole pictures long.
fn are_in_order(parts: &[Part], fps: Rate) -> Result {
    let mut at = Time::ZERO;
    for part in parts {
        let is_whole = (part.end - part.start).0 % fps.interval().0 == 0;
        if part.start != at || !is_whole {
            let text =
                format!("part \"{}\" lasts from {} to {}; it must begin at {at} and last whole pictures", part.id, part.start, part.end);
            return Err(Failure::msg(text));
        }
        at = part.end;
    }
    Ok(())
}

/// Where a part is cut.
fn pieces(length: Span, starts: Starts, fps: Rate) -> Vec<(Span, Span)> {
    let step = PIECE.round_up_to(fps.interval());
    let mut pieces = Vec::new();
    let mut from = Span::ZERO;
    while starts == Starts::Anywhere && (length - from).0 > step.0 + step.0 / 2 {
        pieces.push((from, from + step));
        from += step;
    }
    pieces.push((from, length));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_parts_are_cut_every_15_seconds_of_whole_pictures() {
        let seconds = |parts: Vec<(Span, Span)>| parts.iter().map(|(from, to)| (from.as_seconds(), to.as_seconds())).collect::<Vec<_>>();
        let fps = Rate::per_second(30);
        let cut = |length: i64, starts| seconds(pieces(Span::from_seconds(length), starts, fps));
        assert_eq!(cut(22, Starts::Anywhere), [(0.0, 22.0)]);
        assert_eq!(cut(24, Starts::Anywhere), [(0.0, 15.0), (15.0, 24.0)]);
        assert_eq!(cut(50, Starts::Anywhere), [(0.0, 15.0), (15.0, 30.0), (30.0, 50.0)]);
        assert_eq!(cut(30, Starts::Anywhere), [(0.0, 15.0), (15.0, 30.0)]);
        assert_eq!(cut(45, Starts::Slide), [(0.0, 45.0)]);
        let ntsc = Rate::new(30_000, 1001).expect("a rate");
        assert!(pieces(ntsc.span_of(1000), Starts::Anywhere, ntsc).iter().all(|(from, _)| from.0 % ntsc.interval().0 == 0));
    }

    #[test]
    fn parts_with_gaps_or_half_pictures_are_refused() {
        let fps = Rate::per_second(30);
        let part = |start: i64, end: i64| Part {
            id: "a".into(),
            number: 1,
            start: fps.time_of(start),
            end: fps.time_of(end),
            content: Hash::of(""),
            overlap: Span::ZERO,
        };
        assert!(are_in_order(&[part(0, 3), part(3, 5)], fps).is_ok());
        assert!(are_in_order(&[part(0, 3), part(4, 5)], fps).is_err());
        let half = Part { end: Time(part(0, 3).end.0 + 1), ..part(0, 3) };
        assert!(are_in_order(&[half], fps).is_err());
    }
}
