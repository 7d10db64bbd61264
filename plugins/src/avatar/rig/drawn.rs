//! Poses as drawings: for whoever draws a presenter, `poses.json` is written by this program.
//!
//! Each pose but the first of its channel, which `rig.svg` shows, is a copy of `rig.svg` named `poses/CHANNEL-POSE.svg` in which nodes
//! have been moved. [`write_drawings`] makes the copies from `poses.json`, [`read_drawings`] makes `poses.json` from them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, Writer};
use serde_json::{Map, Value, json};
use vello_cpu::kurbo::{Affine, BezPath, PathEl};

use super::error::RigError;
use super::figure::read;
use super::poses::{Channel, Poses, cubic};
use super::svg;
use crate::part_file;

/// The folder of the drawings in that of the rig.
const FOLDER: &str = "poses";
/// Coordinates that differ by less are the same: drawings are written with one decimal.
const SAME: f64 = 0.051;

/// Writes each pose of `folder/poses.json` as `folder/poses/CHANNEL-POSE.svg`. Drawings that are there are kept. Returns how many were
/// written.
///
/// # Errors
/// [`RigError`]: a file of the rig is wrong, or a drawing cannot be written.
pub fn write_drawings(folder: &Path) -> Result<usize, RigError> {
    let (svg, poses) = (read(folder, "rig.svg")?, read(folder, "poses.json")?);
    let poses = Poses::parse(&poses.0, &poses.1)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| RigError::Write { path, source }
    };
    let drawings = folder.join(FOLDER);
    std::fs::create_dir_all(&drawings).map_err(failed(&drawings))?;
    let mut written = 0;
    for channel in Channel::ALL {
        for (index, pose) in channel.poses().iter().enumerate().skip(1) {
            let path = drawings.join(format!("{}-{pose}.svg", channel.name()));
            if path.exists() {
                continue;
            }
            let mut shapes: BTreeMap<&str, String> = BTreeMap::new();
            for morph in poses.morphs.iter().filter(|m| m.channel == channel) {
                shapes.insert(&morph.id, morph.pose(index).to_svg());
            }
            for (clip, source) in &poses.alias {
                if let Some(shape) = shapes.get(source.as_str()).cloned() {
                    shapes.insert(clip, shape);
                }
            }
            let text = with_shapes(&svg.1, &shapes).map_err(|problem| RigError::invalid(&svg.0, problem))?;
            part_file::write(&path, text.as_bytes()).map_err(|error| failed(&path)(error.cause))?;
            written += 1;
        }
    }
    Ok(written)
}

/// `svg` with other outlines of the paths with these ids.
fn with_shapes(svg: &str, shapes: &BTreeMap<&str, String>) -> Result<String, String> {
    let mut reader = Reader::from_str(svg);
    let mut writer = Writer::new(Vec::new());
    loop {
        let event = match reader.read_event().map_err(|error| error.to_string())? {
            Event::Eof => break,
            Event::Start(tag) => Event::Start(reshaped(tag, shapes)?),
            Event::Empty(tag) => Event::Empty(reshaped(tag, shapes)?),
            other => other,
        };
        writer.write_event(event).map_err(|error| error.to_string())?;
    }
    String::from_utf8(writer.into_inner()).map_err(|error| error.to_string())
}

fn reshaped<'a>(tag: BytesStart<'a>, shapes: &BTreeMap<&str, String>) -> Result<BytesStart<'a>, String> {
    let id = tag.try_get_attribute("id").map_err(|error| error.to_string())?;
    let Some(shape) = id.and_then(|id| shapes.get(&*id.value)).filter(|_| tag.name().as_ref() == "path") else { return Ok(tag) };
    let mut new = BytesStart::new(tag.name().as_ref().to_owned());
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.as_ref() == "d" {
            new.push_attribute(("d", shape.as_str()));
        } else {
            new.push_attribute(attribute);
        }
    }
    Ok(new)
}

/// Makes `folder/poses.json` from `rig.svg`, the drawings in `folder/poses`, and for poses without a drawing what it held before. Every
/// path that a drawing of a channel shows otherwise than `rig.svg` belongs to that channel from then on. Returns how many paths change
/// their shape.
///
/// # Errors
/// [`RigError`] naming the drawing and the path: one is missing, has other nodes than in `rig.svg`, or is moved in two channels.
pub fn read_drawings(folder: &Path) -> Result<usize, RigError> {
    let (name, text) = read(folder, "poses.json")?;
    Poses::parse(&name, &text)?;
    let mut file: Value = serde_json::from_str(&text).map_err(|error| RigError::invalid(&name, error.to_string()))?;
    let (svg_name, svg_text) = read(folder, "rig.svg")?;
    let rest = outlines(&svg_name, &svg_text)?;
    let mut channels = Map::new();
    let mut owner: BTreeMap<String, Channel> = BTreeMap::new();
    for channel in Channel::ALL {
        let before = file["channels"][channel.name()].take();
        let mut drawings = Vec::new();
        for pose in channel.poses().iter().skip(1) {
            let own = format!("{FOLDER}/{}-{pose}.svg", channel.name());
            if folder.join(&own).is_file() {
                let (name, text) = read(folder, &own)?;
                drawings.push((*pose, outlines(&name, &text)?, name));
            }
        }
        let known = before.as_object().into_iter().flat_map(|paths| paths.keys().cloned()).filter(|id| rest.contains_key(id));
        let mut ids: BTreeSet<String> = known.collect();
        for (_, drawn, _) in &drawings {
            ids.extend(
                drawn.iter().filter(|(id, shape)| rest.get(*id).is_some_and(|at_rest| differ(at_rest, shape))).map(|(id, _)| id.clone()),
            );
        }
        let mut paths = Map::new();
        for id in ids {
            if let Some(other) = owner.insert(id.clone(), channel) {
                let (one, two) = (other.name(), channel.name());
                return Err(RigError::invalid(
                    &svg_name,
                    format!("the path \"{id}\" moves in drawings of {one} and of {two}; a path belongs to one channel"),
                ));
            }
            let at_rest = &rest[&id];
            let mut poses = Map::new();
            poses.insert(channel.poses()[0].into(), coordinates(at_rest));
            for pose in channel.poses().iter().skip(1) {
                let fits = before[&id]["topology"] == topology(at_rest).as_str();
                let kept = || Some(before[&id]["poses"][*pose].clone()).filter(|_| fits);
                let value = match drawings.iter().find(|(drawn, ..)| drawn == pose) {
                    None => kept().unwrap_or_else(|| coordinates(at_rest)),
                    Some((_, drawn, name)) => {
                        let shape = drawn.get(&id).ok_or_else(|| RigError::invalid(name, format!("the path \"{id}\" is missing")))?;
                        if topology(shape) != topology(at_rest) {
                            let (has, needs) = (topology(shape), topology(at_rest));
                            let problem =
                                format!("the path \"{id}\" is {has}, in rig.svg it is {needs}: move nodes, but add and remove none");
                            return Err(RigError::invalid(name, problem));
                        }
                        coordinates(shape)
                    }
                };
                poses.insert((*pose).into(), value);
            }
            paths.insert(id, json!({ "topology": topology(at_rest), "poses": poses }));
        }
        channels.insert(channel.name().into(), Value::Object(paths));
    }
    file["channels"] = Value::Object(channels);
    let text = written(&file);
    Poses::parse(&name, &text)?;
    let path = folder.join("poses.json");
    part_file::write(&path, text.as_bytes()).map_err(|error| RigError::Write { path, source: error.cause })?;
    Ok(owner.len())
}

/// The outlines of all paths with an id inside the group "figure", as curves in the coordinates of their layers.
fn outlines(name: &str, text: &str) -> Result<BTreeMap<String, BezPath>, RigError> {
    let tree = usvg::Tree::from_str(text, &usvg::Options::default()).map_err(|error| RigError::invalid(name, error.to_string()))?;
    let figure = svg::find_group(tree.root(), "figure", 0);
    let figure = figure.ok_or_else(|| RigError::invalid(name, "there is no group with the id \"figure\""))?;
    let mut found = BTreeMap::new();
    collect(figure, Affine::IDENTITY, 0, &mut found);
    Ok(found)
}

fn collect(group: &usvg::Group, at: Affine, depth: usize, found: &mut BTreeMap<String, BezPath>) {
    for node in group.children() {
        match node {
            usvg::Node::Group(inner) if depth < svg::MAX_DEPTH => {
                collect(inner, at * crate::drawing::svg::affine(inner.transform()), depth + 1, found);
            }
            usvg::Node::Path(path) if !path.id().is_empty() => {
                found.insert(path.id().to_owned(), at * cubic(&crate::drawing::svg::bez_path(path)));
            }
            _ => {}
        }
    }
}

fn topology(path: &BezPath) -> String {
    path.iter()
        .map(|element| {
            if let PathEl::MoveTo(_) = element {
                'M'
            } else if element == PathEl::ClosePath {
                'Z'
            } else {
                'C'
            }
        })
        .collect()
}

fn numbers(path: &BezPath) -> impl Iterator<Item = f64> {
    let points = path.iter().flat_map(|element| match element {
        PathEl::MoveTo(p) => vec![p],
        PathEl::CurveTo(a, b, c) => vec![a, b, c],
        _ => vec![],
    });
    points.flat_map(|p| [p.x, p.y])
}

fn coordinates(path: &BezPath) -> Value {
    numbers(path)
        .map(|value| (value * 10.0).round() / 10.0)
        .map(|value| if value.fract() == 0.0 { json!(value as i64) } else { json!(value) })
        .collect()
}

fn differ(a: &BezPath, b: &BezPath) -> bool {
    topology(a) != topology(b) || numbers(a).zip(numbers(b)).any(|(a, b)| (a - b).abs() > SAME)
}

/// One pose a line, so that changes can be read.
fn written(file: &Value) -> String {
    let mut out = String::from("{\n");
    let empty = Map::new();
    for (key, value) in file.as_object().unwrap_or(&empty).iter().filter(|(key, _)| *key != "channels") {
        out += &format!("{}: {value},\n", json!(key));
    }
    out += "\"channels\": {\n";
    let channels: Vec<String> = Channel::ALL
        .into_iter()
        .map(|channel| {
            let paths = file["channels"][channel.name()].as_object().unwrap_or(&empty).iter().map(|(id, path)| {
                let poses: Vec<String> =
                    channel.poses().iter().map(|pose| format!("   {}: {}", json!(pose), path["poses"][*pose])).collect();
                format!("  {}: {{\"topology\": {}, \"poses\": {{\n{}}}}}", json!(id), path["topology"], poses.join(",\n"))
            });
            format!(" {}: {{\n{}\n }}", json!(channel.name()), paths.collect::<Vec<_>>().join(",\n"))
        })
        .collect();
    out + &channels.join(",\n") + "\n}\n}\n"
}

#[cfg(test)]
mod tests {
    use super::super::Rig;
    use super::*;

    fn copy_of_the_template() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in ["rig.svg", "poses.json", "rig.toml"] {
            std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("presenters/template").join(file), folder.path().join(file)).unwrap();
        }
        folder
    }

    fn poses_of(folder: &Path) -> Poses {
        let (name, text) = read(folder, "poses.json").unwrap();
        Poses::parse(&name, &text).unwrap()
    }

    #[test]
    fn poses_survive_being_drawn_and_read() {
        let folder = copy_of_the_template();
        let before = poses_of(folder.path());
        assert_eq!(write_drawings(folder.path()).unwrap(), 15 + 3 + 2 + 1);
        assert_eq!(write_drawings(folder.path()).unwrap(), 0, "drawings are kept");
        assert_eq!(read_drawings(folder.path()).unwrap(), before.morphs.len());
        let after = poses_of(folder.path());
        assert_eq!((before.jaw, before.cheek, &before.alias), (after.jaw, after.cheek, &after.alias));
        for (a, b) in before.morphs.iter().zip(&after.morphs) {
            assert_eq!((&a.id, &a.topology), (&b.id, &b.topology));
            for (a, b) in a.poses.iter().flatten().zip(b.poses.iter().flatten()) {
                assert!((a - b).abs() < 0.11, "{a} became {b}");
            }
        }
        Rig::from_folder(folder.path()).unwrap();
    }

    #[test]
    fn a_path_that_is_moved_in_a_drawing_moves_with_its_channel() {
        let folder = copy_of_the_template();
        write_drawings(folder.path()).unwrap();
        let drawing = folder.path().join("poses/brows-raised.svg");
        let text = std::fs::read_to_string(&drawing).unwrap();
        let hair = "<path id=\"hair\"";
        assert!(text.contains(hair));
        std::fs::write(&drawing, text.replace(hair, "<path transform=\"translate(0 -5)\" id=\"hair\"")).unwrap();
        read_drawings(folder.path()).unwrap();
        let poses = poses_of(folder.path());
        let hair = &poses.morphs[poses.morph_of("hair").unwrap()];
        assert_eq!((hair.channel, hair.poses.len()), (Channel::Brows, 3));
        assert_eq!((hair.poses[0][1] - hair.poses[1][1], hair.poses[0][1] - hair.poses[2][1]), (5.0, 0.0));
        Rig::from_folder(folder.path()).unwrap();
    }

    #[test]
    fn what_cannot_be_mixed_is_named() {
        let folder = copy_of_the_template();
        write_drawings(folder.path()).unwrap();
        let drawing = folder.path().join("poses/mouth-aa.svg");
        let text = std::fs::read_to_string(&drawing).unwrap();
        let fails = |text: &str| {
            std::fs::write(&drawing, text).unwrap();
            read_drawings(folder.path()).unwrap_err().to_string()
        };
        let (id, rest) = text.split_once("id=\"mouth_line\"").unwrap();
        let (_, rest) = rest.split_once(" d=\"").unwrap();
        let (_, rest) = rest.split_once('"').unwrap();
        let other = fails(&format!("{id}id=\"mouth_line\" fill=\"#000000\" d=\"M0 0C1 1 2 2 3 9Z\"{rest}"));
        assert!(other.contains("mouth-aa.svg: the path \"mouth_line\" is MCZ, in rig.svg it is MCCCCZ"), "{other}");
        assert!(fails(&text.replace("id=\"mouth_line\"", "id=\"line\"")).contains("the path \"mouth_line\" is missing"));
        assert!(fails("<svg").contains("mouth-aa.svg"));
        std::fs::remove_file(folder.path().join("poses.json")).unwrap();
        assert!(write_drawings(folder.path()).unwrap_err().to_string().contains("poses.json"));
    }
}
