//! `lip_sync` [audio, cues -> video]: frames of a presenter who says what is heard.
//!
//! The backend is `rig`: a layered drawing moved by visemes. A pose is a pure function of the slide's seed, the time in the slide and
//! the cues around it, so the node keeps no state but the cues of the last moments; it runs behind its inputs by the rig's look-ahead.

use super::rig::{LOOKAHEAD, Painter, Performance, Rest, Rig, SentenceEnd, SpeechTrack, Stress, TimedViseme, WINDOW, load};
use crate::pixels::{Alpha, Changing, Rgba};
use engine::cue::{Cue, Placement, SlideCue};
use engine::frame::{PixelFormat, Point, Rect, Size, VideoFrame};
use engine::graph::unit::Percent;
use engine::media::{AudioBlock, Caps, VideoCaps};
use engine::node::{Cx, Flow, In, Node, Out, Result, Start};
use engine::packet::Packet;
use engine::registry::{ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::segments::{Fingerprint, Part};
use engine::time::{Span, Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::VecDeque;
use std::sync::Arc;

const AUDIO: In<AudioBlock> = In::new("audio");
const CUES: In<Cue> = In::new("cues");
const VIDEO: Out<VideoFrame> = Out::new("video");

/// The presenter who stands in when none is named: goes with the default voice.
pub const DEFAULT_AVATAR: &str = "henrik";
/// Painters kept for other heights than the one in use.
const PAINTERS: usize = 3;

/// The node's entry in the registry.
pub const LIP_SYNC: NodeType = NodeType {
    name: "lip_sync",
    family: "avatar",
    revision: 5,
    summary: "A presenter who says what is heard",
    inputs: &[AUDIO.port("the speech").optional(), CUES.port("visemes, words, slides and rests")],
    outputs: &[VIDEO.port("the presenter with alpha, at its final height; only when it moves")],
    sync: Sync::Join,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: None,
    config: ConfigType::of::<LipSyncConfig>("{ avatar: maya, height: 40% }"),
};

/// Settings of `lip_sync`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LipSyncConfig {
    /// A presenter by name (`lectern avatars`), or the path of a folder with `rig.svg`, `poses.json` and `rig.toml`.
    #[serde(default = "default_avatar")]
    avatar: String,
    /// Height as part of the picture's, where a slide does not say otherwise: 10% to 100%.
    #[serde(default = "default_height")]
    height: Percent,
}

fn default_avatar() -> String {
    "default".into()
}
fn default_height() -> Percent {
    Percent(40.0)
}

impl LipSyncConfig {
    fn rig(&self) -> std::result::Result<Rig, super::rig::RigError> {
        load(if self.avatar == "default" { DEFAULT_AVATAR } else { &self.avatar })
    }
}

impl NodeConfig for LipSyncConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        match (0.1..=1.0).contains(&self.height.fraction()) {
            true => Ok(()),
            false => Err(format!("height {} is out of range; it goes from 10% to 100%", self.height)),
        }
    }

    fn check_env(&self) -> std::result::Result<(), String> {
        self.rig().map(drop).map_err(|error| error.to_string())
    }

    fn build(self, defaults: &Defaults) -> Result<Box<dyn Node>> {
        let rig = Arc::new(self.rig()?);
        // Whole ticks, and one more tick of cues is there than the look-ahead needs.
        let behind = defaults.fps.index_from(Time::ZERO + LOOKAHEAD);
        Ok(Box::new(LipSync {
            rig,
            height: self.height.fraction(),
            frame: defaults.size,
            behind,
            slides: VecDeque::new(),
            painters: Vec::new(),
            frames: Changing::new(),
            sent: None,
            seq: 0,
        }))
    }
}

/// How far a flush may go back: cues are remembered for as much longer.
const REACH: Span = Span::from_seconds(5);

/// One slide's cues, and how it is performed.
struct Scene {
    start: Time,
    performance: Performance,
    track: SpeechTrack,
    placement: Placement,
    /// Where somebody who goes is seen for a while, and until when.
    goes: Option<(Placement, Span)>,
}

impl Scene {
    /// Where the presenter is seen, so far on; nothing when nobody is.
    fn seen(&self, at: Span) -> Option<Placement> {
        let goes = self.goes.filter(|(_, until)| at < *until).map(|(place, _)| place);
        Some(self.placement).filter(|place| place.visible).or(goes)
    }
}

struct LipSync {
    rig: Arc<Rig>,
    height: f64,
    /// Size of the picture that the presenter will stand in.
    frame: Size,
    /// Ticks that output lags behind input.
    behind: i64,
    /// The slide that shows, and those that have begun within the look-ahead.
    slides: VecDeque<Scene>,
    /// By height, the one in use last.
    painters: Vec<(u16, Painter)>,
    frames: Changing,
    /// Size of the frame sent last, if it is the one that holds.
    sent: Option<Size>,
    seq: u64,
}

impl Node for LipSync {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        let defaults = start.defaults();
        let (width, height) = self.rig.picture_size(defaults.size.height as u16);
        let size = Size::new(u32::from(width), u32::from(height));
        start.set_caps(VIDEO, Caps::Video(VideoCaps { format: PixelFormat::A420, size, rate: defaults.fps }));
        start.set_latency(defaults.fps.span_of(self.behind));
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        while let Some(cue) = cx.take(CUES) {
            self.hear(cue);
        }
        cx.again();
        self.show(cx.tick().index - self.behind, cx)?;
        Ok(Flow::More)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) -> Result {
        let (first, end) = (cx.tick().index - self.behind, cx.end());
        let rate = cx.rate();
        for index in first.max(0)..rate.index_from(end) {
            self.show(index, cx)?;
        }
        Ok(())
    }

    fn fingerprint(&mut self, _: &Part, key: &mut Fingerprint<'_>) -> Result {
        key.add("drawing of the presenter", self.rig.content());
        key.add("height of the presenter", self.height.to_le_bytes());
        Ok(())
    }

    fn flush(&mut self, cut: Time) {
        // The slide that holds at the cut goes on; it is stated again by a cue with the time in it.
        self.slides.retain(|scene| scene.start < cut);
        for scene in &mut self.slides {
            scene.track.unhear(cut - scene.start);
        }
        // What was sent last is not what holds: the next picture is sent whole.
        self.sent = None;
    }
}

impl LipSync {
    /// Notes a cue with the slide it belongs to.
    fn hear(&mut self, cue: Packet<Cue>) {
        if let Cue::Slide(slide) = &cue.media {
            let start = cue.pts - slide.elapsed;
            if let Some(scene) = self.slides.back_mut().filter(|scene| scene.start == start && slide.elapsed > Span::ZERO) {
                (scene.placement, scene.goes) = (slide.placement, goes(slide));
                return;
            }
            self.slides.push_back(self.scene(cue.pts, slide));
            return;
        }
        if self.slides.is_empty() {
            // Speech without a lesson: one endless slide.
            let scene = Scene {
                start: Time::ZERO,
                performance: Performance::new(&self.rig, 0),
                track: SpeechTrack::new(),
                placement: Placement::default(),
                goes: None,
            };
            self.slides.push_back(scene);
        }
        let Some(scene) = self.slides.back_mut() else { return };
        let at = cue.pts - scene.start;
        let until = cue.dur.map(|dur| at + dur);
        match cue.media {
            Cue::Viseme(viseme) => {
                let (end, strength) = (until.unwrap_or(at), f64::from(viseme.strength));
                scene.track.viseme(TimedViseme { start: at, end, viseme: viseme.viseme, strength });
            }
            Cue::Word(word) if word.stressed || word.emphasis => {
                scene.track.stress(Stress { at, strength: 1.0, emphasis: word.emphasis });
            }
            Cue::SentenceEnd { question } => scene.track.sentence_end(SentenceEnd { at, question }),
            Cue::Rest => scene.track.rest(Rest { from: at, until }),
            Cue::Slide(_) | Cue::Word(_) | Cue::Phoneme(_) | Cue::Caption(_) | Cue::Marker(_) => {}
        }
    }

    fn scene(&self, start: Time, slide: &Arc<SlideCue>) -> Scene {
        let performance = Performance::new(&self.rig, slide.seed);
        let (placement, goes) = (slide.placement, goes(slide));
        Scene { start: start - slide.elapsed, performance, track: SpeechTrack::new(), placement, goes }
    }

    /// Emits the frame of tick `index`, if it differs from the one before.
    fn show(&mut self, index: i64, cx: &mut Cx<'_>) -> Result {
        let time = cx.rate().time_of(index);
        while self.slides.get(1).is_some_and(|next| next.start <= time) {
            self.slides.pop_front();
        }
        let Some(scene) = self.slides.front_mut() else { return Ok(()) };
        let at = time - scene.start;
        let Some(place) = scene.seen(at).filter(|_| index >= 0) else { return Ok(()) };
        scene.track.forget(at - WINDOW - REACH);
        let pose = scene.performance.pose_at(at, &scene.track);
        let height = if place.fill { 1.0 } else { place.height.unwrap_or(self.height) };
        let height = (f64::from(self.frame.height) * height / 2.0).round() as u16 * 2;
        // Heights that give the same picture have one painter: what changed since is told by what it painted last.
        let (_, height) = self.rig.picture_size(height);
        let painter = LipSync::painter(&mut self.painters, &self.rig, height);
        let changed = painter.paint(&pose);
        let picture = painter.picture();
        let size = Size::new(u32::from(picture.width()), u32::from(picture.height()));
        let rgba = Rgba::new(picture.data_as_u8_slice(), size, Alpha::Premultiplied)?;
        let before = self.sent.filter(|before| *before == size);
        let changed = match (before, changed) {
            (None, _) => size.rect(),
            (Some(_), None) => return Ok(()),
            (Some(_), Some(region)) => Rect::new(
                Point { x: i32::from(region.x0), y: i32::from(region.y0) },
                Size::new(u32::from(region.x1 - region.x0), u32::from(region.y1 - region.y0)),
            ),
        };
        let (frame, differs) = self.frames.frame(rgba, vec![changed], &[size.rect()])?;
        let damage = before.map(|_| (self.seq, differs));
        self.sent = Some(size);
        self.seq += 1;
        let frame = VideoFrame { seq: self.seq, damage, ..frame };
        cx.emit(VIDEO, Packet::new(time, frame));
        Ok(())
    }

    /// The painter for a height; painters are dear, so a few are kept.
    fn painter<'a>(painters: &'a mut Vec<(u16, Painter)>, rig: &Arc<Rig>, height: u16) -> &'a mut Painter {
        match painters.iter().position(|(known, _)| *known == height) {
            Some(index) => {
                let used = painters.remove(index);
                painters.push(used);
            }
            None => {
                if painters.len() == PAINTERS {
                    painters.remove(0);
                }
                painters.push((height, Painter::new(rig.clone(), height)));
            }
        }
        let last = painters.len() - 1;
        &mut painters[last].1
    }
}

fn goes(slide: &SlideCue) -> Option<(Placement, Span)> {
    slide.fades_from.filter(|before| before.visible).map(|before| (before, slide.fading()))
}

#[cfg(test)]
mod tests {
    use super::super::rig::builtin;
    use super::*;
    use crate::pixels::rgba_to_a420;
    use engine::cue::{Transition, Viseme, VisemeCue, WordCue};
    use engine::pool::Pool;
    use engine::testing::{NodeTest, Outputs};
    use engine::time::{Rate, Span};

    fn slide(at: Time, seed: u64, placement: Placement) -> Packet<Cue> {
        let cue = SlideCue { id: "s".into(), number: 1, seed, placement, ..SlideCue::default() };
        Packet::new(at, Cue::Slide(Arc::new(cue)))
    }

    fn speech(from: Time) -> Vec<Packet<Cue>> {
        let shapes = [Viseme::Aa, Viseme::Pp, Viseme::Oh, Viseme::Ss, Viseme::E, Viseme::Ff, Viseme::Aa, Viseme::Nn];
        let viseme = |(i, viseme): (usize, Viseme)| {
            Packet::lasting(
                from + Span::from_millis(300 + 100 * i as i64),
                Span::from_millis(100),
                Cue::Viseme(VisemeCue { viseme, strength: 1.0 }),
            )
        };
        let mut cues: Vec<_> = shapes.into_iter().enumerate().map(viseme).collect();
        cues.push(Packet::lasting(from + Span::from_millis(1100), Span::from_millis(900), Cue::Rest));
        cues
    }

    fn run(cues: Vec<Packet<Cue>>, end: Time) -> Outputs {
        NodeTest::new(&LIP_SYNC, "{ avatar: maya, height: 60% }").input(CUES, cues, end).run().expect("runs")
    }

    #[test]
    fn both_ends_of_a_slide_are_the_same_picture_and_the_mouth_moves_between() {
        let second = |n: i64| Time(n * engine::time::FLICKS_PER_SECOND);
        let mut cues = vec![slide(Time::ZERO, 7, Placement::default())];
        cues.extend(speech(Time::ZERO));
        cues.push(slide(second(2), 8, Placement::default()));
        cues.extend(speech(second(2)));
        let out = run(cues, second(4));
        let frames = out.packets(VIDEO);
        assert!(frames.len() > 40, "it moved in only {} frames", frames.len());
        assert_eq!(out.end(VIDEO), Some(second(4)));
        assert_eq!(out.latency, Rate::per_second(30).span_of(6));
        let at =
            |time: Time| frames.iter().rev().find(|frame| frame.pts <= time).expect("a frame holds here").media.picture.bytes().to_vec();
        let rest = at(Time::ZERO);
        assert_eq!(frames[0].pts, Time::ZERO);
        assert!(
            rest == at(second(2) - Span(1)) && rest == at(second(2)) && rest == at(second(4) - Span(1)),
            "slides begin and end at rest"
        );
        assert!(rest != at(Time(second(1).0 * 6 / 10)), "it speaks in between");
    }

    #[test]
    fn partly_redrawn_frames_equal_whole_ones() {
        let mut cues = vec![slide(Time::ZERO, 3, Placement::default())];
        cues.extend(speech(Time::ZERO));
        let end = Time(2 * engine::time::FLICKS_PER_SECOND);
        let rig = Arc::new(builtin("maya").expect("built in"));
        let mut track = SpeechTrack::new();
        for cue in speech(Time::ZERO) {
            let at = cue.pts.since_start();
            match cue.media {
                Cue::Viseme(v) => track.viseme(TimedViseme { start: at, end: at + cue.dur.unwrap(), viseme: v.viseme, strength: 1.0 }),
                _ => track.rest(Rest { from: at, until: cue.dur.map(|dur| at + dur) }),
            }
        }
        let performance = Performance::new(&rig, 3);
        for frame in run(cues, end).packets(VIDEO).iter().step_by(5) {
            let mut painter = Painter::new(rig.clone(), frame.media.size().height as u16);
            painter.paint(&performance.pose_at(frame.pts.since_start(), &track));
            let rgba = painter.picture().data_as_u8_slice();
            let whole = rgba_to_a420(rgba, frame.media.size(), Alpha::Premultiplied, &Pool::new()).unwrap();
            assert!(whole.picture.bytes() == frame.media.picture.bytes(), "the frame at {} differs", frame.pts);
        }
    }

    #[test]
    fn an_emphasised_word_is_seen_though_it_is_not_stressed() {
        let end = Time(2 * engine::time::FLICKS_PER_SECOND);
        let frames = |emphasis: bool| {
            let word = WordCue { text: "not".into(), range: None, stressed: false, emphasis, estimated: false };
            let mut cues = vec![slide(Time::ZERO, 7, Placement::default())];
            cues.extend(speech(Time::ZERO));
            cues.push(Packet::lasting(Time::ZERO + Span::from_millis(600), Span::from_millis(200), Cue::Word(word.into())));
            cues.sort_by_key(|cue| cue.pts);
            run(cues, end)
        };
        let (plain, strong) = (frames(false), frames(true));
        let at = |out: &Outputs, millis: i64| {
            let time = Time::ZERO + Span::from_millis(millis);
            let frames = out.packets(VIDEO);
            frames.iter().rev().find(|frame| frame.pts <= time).expect("a frame holds here").media.picture.bytes().to_vec()
        };
        assert!(at(&plain, 300) == at(&strong, 300), "before it nothing differs");
        assert!(at(&plain, 700) != at(&strong, 700), "brows and nod");
        assert!(at(&plain, 1999) == at(&strong, 1999), "both come to rest");
    }

    #[test]
    fn a_hidden_presenter_is_not_drawn_and_a_placement_sets_the_height() {
        let second = |n: i64| Time(n * engine::time::FLICKS_PER_SECOND);
        let hidden = Placement { visible: false, ..Placement::default() };
        assert!(run(vec![slide(Time::ZERO, 1, hidden)], second(1)).packets(VIDEO).is_empty());
        let fill = Placement { fill: true, ..Placement::default() };
        // Who fades away is drawn for as long, as large as before.
        let mut gone = slide(second(1), 2, hidden);
        if let Cue::Slide(slide) = &mut gone.media {
            let slide = Arc::make_mut(slide);
            (slide.transition, slide.fades_from) = (Transition::Fade(Span::from_millis(500)), Some(fill));
        }
        let end = second(1) + Span::from_millis(500);
        let mut cues = vec![gone];
        cues.extend(speech(second(1)));
        let out = run(cues, second(3));
        let frames = out.packets(VIDEO);
        assert!(frames.len() > 3 && frames.iter().all(|frame| frame.pts < end && frame.media.size().height == 180), "{}", frames.len());
        let out = run(vec![slide(Time::ZERO, 1, Placement::default()), slide(second(1), 2, fill)], second(2));
        let heights: Vec<u32> = out.packets(VIDEO).iter().map(|frame| frame.media.size().height).collect();
        assert_eq!((heights[0], heights[heights.len() - 1]), (108, 180));
    }

    #[test]
    fn an_unknown_presenter_is_refused_by_name() {
        let error = NodeTest::new(&LIP_SYNC, "{ avatar: nobody }").run().err().expect("there is no such presenter").to_string();
        assert!(error.contains("nobody") && error.contains("maya"), "{error}");
    }
}
