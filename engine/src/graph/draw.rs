//! Pictures of a plan: as text by lanes, for Graphviz, for Mermaid, and as JSON for programs.
//!
//! Every form shows the same facts in the plan's own order, so equal graphs give equal text: which nodes there are, what travels
//! between them, which of them share a thread, and how much each inbox may hold. Node names are checked when the file is read
//! (lower-case letters, digits, `_`), port and type names are constants: none needs escaping, but some are words of a language
//! (`end`, `node`), which is why they are quoted or prefixed.

use std::fmt::Write;

use serde_json::{Value, json};

use super::plan::{Plan, PlanEdge};
use super::unit::{Bytes, DurationSetting};
use crate::run::Limit;
use crate::time::Span;

/// How a plan is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Graphviz: `dot -Tsvg`.
    Dot,
    /// Mermaid, which many Markdown viewers draw.
    Mermaid,
    /// Text: one paragraph a lane.
    Lanes,
    /// For programs; see `json()`.
    Json,
}

/// Draws `plan`; the text ends with a line end.
pub fn draw(plan: &Plan, format: Format) -> String {
    match format {
        Format::Dot => dot(plan),
        Format::Mermaid => mermaid(plan),
        Format::Lanes => lanes(plan),
        Format::Json => format!("{:#}\n", json(plan)),
    }
}

/// Graphviz: lanes as boxes, inboxes as bold arrows with their limits, calls inside a lane as thin ones.
fn dot(plan: &Plan) -> String {
    let mut text = format!("digraph \"{}\" {{\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n", plan.name);
    text.push_str("  edge [fontname=\"sans-serif\", fontsize=10];\n");
    for (number, lane) in plan.lanes().iter().enumerate() {
        line(
            &mut text,
            format_args!("  subgraph cluster_{} {{ label=\"lane {}\"; style=dotted; fontname=\"sans-serif\";", number + 1, number + 1),
        );
        for &node in lane {
            let (name, type_name) = (name_of(plan, node), plan.nodes[node].node_type.name);
            line(&mut text, format_args!("    \"{name}\" [label=\"{name}\\n{type_name}\"];"));
        }
        text.push_str("  }\n");
    }
    for edge in &plan.edges {
        let (from, to) = (name_of(plan, edge.from), name_of(plan, edge.to));
        let (label, style) = match plan.is_fused(edge) {
            true => (ports(plan, edge), "style=dashed"),
            false => (format!("{}\\n{}", ports(plan, edge), holds(&edge.limit)), "penwidth=2"),
        };
        line(&mut text, format_args!("  \"{from}\" -> \"{to}\" [label=\"{label}\", {style}];"));
    }
    text.push_str("}\n");
    text
}

/// Mermaid: lanes as subgraphs, inboxes as thick arrows, calls inside a lane as dotted ones.
fn mermaid(plan: &Plan) -> String {
    let mut text = String::from("flowchart LR\n");
    for (number, lane) in plan.lanes().iter().enumerate() {
        line(&mut text, format_args!("  subgraph lane{0}[\"lane {0}\"]", number + 1));
        for &node in lane {
            // The prefix keeps a node called `end` from ending the subgraph.
            line(&mut text, format_args!("    n_{0}[\"{0}<br/>{1}\"]", name_of(plan, node), plan.nodes[node].node_type.name));
        }
        text.push_str("  end\n");
    }
    for edge in &plan.edges {
        let arrow = if plan.is_fused(edge) { "-.->" } else { "==>" };
        line(&mut text, format_args!("  n_{} {arrow}|{}| n_{}", name_of(plan, edge.from), ports(plan, edge), name_of(plan, edge.to)));
    }
    text
}

/// Text: a paragraph a lane, its head first, under it what waits at its inbox, indented what it calls.
fn lanes(plan: &Plan) -> String {
    let lanes = plan.lanes();
    let waiting = plan.edges.iter().filter(|edge| !plan.is_fused(edge)).count();
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let mut text = format!(
        "graph {}: {} nodes in {} lanes, {waiting} inboxes of at most {} MiB together ({} MiB allowed)\n",
        plan.name,
        plan.nodes.len(),
        lanes.len(),
        mib(plan.memory_needed()),
        mib(plan.memory)
    );
    for (number, lane) in lanes.iter().enumerate() {
        line(&mut text, format_args!("\nlane {}", number + 1));
        for &node in lane {
            let fused = plan.edges.iter().find(|edge| edge.to == node && plan.is_fused(edge));
            let how = fused.map_or_else(String::new, |edge| format!(", called by {}.{}", name_of(plan, edge.from), out_port(plan, edge)));
            line(&mut text, format_args!("  {} ({}){how}", name_of(plan, node), plan.nodes[node].node_type.name));
            for edge in plan.edges.iter().filter(|edge| edge.to == node && !plan.is_fused(edge)) {
                let (port, from, out) = (in_port(plan, edge), name_of(plan, edge.from), out_port(plan, edge));
                let written = if edge.explicit { ", as the file says" } else { "" };
                line(&mut text, format_args!("    {port} <- {from}.{out}: {}{written}", holds(&edge.limit)));
            }
        }
    }
    text
}

/// For programs: `{graph, video: {width, height, fps}, audio: {rate}, memory_bytes, memory_needed_bytes, nodes: [{name, type, lane}],
/// edges: [{from, to, kind, fused, explicit, items, seconds, bytes}]}`. Lanes count from 1; `from` and `to` are `node.port`; a limit
/// that does not exist is null, and an edge inside a lane has none.
pub fn json(plan: &Plan) -> Value {
    let mut lane_of = vec![0; plan.nodes.len()];
    for (number, lane) in plan.lanes().iter().enumerate() {
        lane.iter().for_each(|&node| lane_of[node] = number + 1);
    }
    let node =
        |(index, lane): (usize, &usize)| json!({ "name": name_of(plan, index), "type": plan.nodes[index].node_type.name, "lane": lane });
    let edge = |edge: &PlanEdge| {
        let limit = (!plan.is_fused(edge)).then_some(edge.limit);
        json!({
            "from": format!("{}.{}", name_of(plan, edge.from), out_port(plan, edge)),
            "to": format!("{}.{}", name_of(plan, edge.to), in_port(plan, edge)),
            "kind": plan.nodes[edge.to].node_type.inputs[edge.to_port].kind.as_str(),
            "fused": limit.is_none(),
            "explicit": edge.explicit,
            "items": limit.map(|limit| limit.items).filter(|&items| items != usize::MAX),
            "seconds": limit.map(|limit| limit.time).filter(|time| time.0 != i64::MAX).map(Span::as_seconds),
            "bytes": limit.map(|limit| limit.bytes),
        })
    };
    json!({
        "graph": plan.name,
        "video": { "width": plan.defaults.size.width, "height": plan.defaults.size.height, "fps": plan.defaults.fps.to_string() },
        "audio": { "rate": plan.defaults.sample_rate.to_string() },
        "memory_bytes": plan.memory,
        "memory_needed_bytes": plan.memory_needed(),
        "nodes": lane_of.iter().enumerate().map(node).collect::<Vec<_>>(),
        "edges": plan.edges.iter().map(edge).collect::<Vec<_>>(),
    })
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    writeln!(text, "{content}").expect("writing to a string");
}

fn name_of(plan: &Plan, node: usize) -> &str {
    &plan.nodes[node].name
}

fn out_port(plan: &Plan, edge: &PlanEdge) -> &'static str {
    plan.nodes[edge.from].node_type.outputs[edge.from_port].name
}

fn in_port(plan: &Plan, edge: &PlanEdge) -> &'static str {
    plan.nodes[edge.to].node_type.inputs[edge.to_port].name
}

/// `video`, or `video to slide` where the two ports are called differently.
fn ports(plan: &Plan, edge: &PlanEdge) -> String {
    let (from, to) = (out_port(plan, edge), in_port(plan, edge));
    if from == to { from.to_string() } else { format!("{from} to {to}") }
}

/// What a limit says: `4 packets or 1GiB`.
fn holds(limit: &Limit) -> String {
    let items = (limit.items != usize::MAX).then(|| format!("{} packets", limit.items));
    let time = (limit.time.0 != i64::MAX).then(|| DurationSetting(limit.time).to_string());
    let bytes = Some(Bytes(limit.bytes as u64).to_string());
    [items, time, bytes].into_iter().flatten().collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::check::{Depth, check};
    use crate::graph::{LoadOptions, load};
    use crate::nodes::ENGINE_NODES;
    use crate::registry::Registry;

    const GRAPH: &str = "
version: 1
graph: sample
defaults: { video: { size: 64x36 } }
nodes:
  end: { type: test_video, config: { duration: 1s } }
  tone: { type: test_tone, config: { duration: 1s } }
  late: { type: fault, inputs: { video: end.video }, config: { phase: process, after: 9, kind: error } }
  out: { type: playout, inputs: { video: { from: late, queue: { items: 7 } }, audio: tone } }
  nowhere: { type: null_sink, inputs: { video: out.video, audio: out.audio } }
";

    fn plan() -> Plan {
        let document = load(GRAPH, "sample.yaml", &LoadOptions::default()).unwrap_or_else(|problems| panic!("{problems}"));
        check(&document, &Registry::new(&[ENGINE_NODES]), Depth::Pure).unwrap_or_else(|problems| panic!("{problems}"))
    }

    #[test]
    fn lanes_name_every_node_once_and_every_inbox() {
        let text = lanes(&plan());
        assert!(text.starts_with("graph sample: 5 nodes in 4 lanes, 4 inboxes of at most "), "{text}");
        let expected = "
lane 1
  end (test_video)
  late (fault), called by end.video

lane 2
  tone (test_tone)

lane 3
  out (playout)
    video <- late.video: 7 packets or 1GiB, as the file says
    audio <- tone.audio: 500ms or 4MiB

lane 4
  nowhere (null_sink)
    video <- out.video: 4 packets or 1GiB
    audio <- out.audio: 500ms or 4MiB
";
        assert_eq!(text.split_once('\n').expect("a first line").1, expected);
    }

    #[test]
    fn a_node_called_like_a_word_of_the_language_is_drawn() {
        let plan = plan();
        let text = mermaid(&plan);
        assert!(text.contains("    n_end[\"end<br/>test_video\"]\n") && text.contains("  n_end -.->|video| n_late\n"), "{text}");
        assert!(text.contains("  n_late ==>|video| n_out\n"), "{text}");
        assert_eq!(text.matches("subgraph").count(), text.matches("\n  end\n").count());
    }

    #[test]
    fn dot_boxes_the_lanes_and_labels_the_inboxes() {
        let text = dot(&plan());
        assert!(text.starts_with("digraph \"sample\" {\n") && text.ends_with("}\n"));
        assert!(text.contains("\"late\" -> \"out\" [label=\"video\\n7 packets or 1GiB\", penwidth=2];"), "{text}");
        assert!(text.contains("\"end\" -> \"late\" [label=\"video\", style=dashed];"), "{text}");
        assert_eq!(text.matches('{').count(), text.matches('}').count());
    }

    #[test]
    fn json_says_what_holds_and_what_has_no_limit() {
        let value = json(&plan());
        assert_eq!(value["nodes"][2], json!({ "name": "late", "type": "fault", "lane": 1 }));
        let edge = |to: &str| value["edges"].as_array().and_then(|edges| edges.iter().find(|edge| edge["to"] == to)).expect(to);
        assert_eq!(edge("out.video")["items"], 7);
        assert_eq!(edge("out.video")["seconds"], Value::Null);
        assert_eq!(edge("out.audio")["seconds"], 0.5);
        assert_eq!((&edge("late.video")["fused"], &edge("late.video")["bytes"]), (&json!(true), &Value::Null));
    }
}
