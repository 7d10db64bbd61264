//! Which track of a film is decoded, and why there is none.

use super::Track;
use super::picture::check_size;
use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_video::{VideoColorRange, VideoInfo};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(super) const NO_TRACK: &str = "there is no track of that kind in it, or the file is damaged";
/// BT.709 with chroma sited left. The range stays what it was: between two planar formats GStreamer 1.22 does not change it.
const COLOURS: [&str; 2] = ["2:3:5:1", "1:3:5:1"];
/// How long a demuxer may have ended before the track that it found is there: its first picture is still being decoded.
const LAST_CHANCE: Duration = Duration::from_secs(5);

/// What the pipeline's threads tell.
#[derive(Default)]
pub(super) struct Found {
    wanted: AtomicBool,
    sound: AtomicBool,
    fault: Mutex<Option<String>>,
    demuxer: Mutex<Demuxer>,
}

#[derive(Default)]
struct Demuxer {
    input: Option<glib::WeakRef<gst::Pad>>,
    ended: Option<Instant>,
}

impl Found {
    /// The wanted track is there.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// There is sound in the film.
    pub(super) fn has_sound(&self) -> bool {
        self.sound.load(Ordering::Relaxed)
    }

    /// The first fault counts.
    pub(super) fn fail(&self, text: String) {
        locked(&self.fault).get_or_insert(text);
    }

    pub(super) fn fault(&self) -> Option<String> {
        locked(&self.fault).clone()
    }

    /// The wanted track is not there and will not come. A demuxer that has come to its end without it counts, too: what it says while it is
    /// being started, decodebin may lose.
    pub(super) fn is_hopeless(&self) -> bool {
        if self.is_wanted() {
            return false;
        }
        let mut demuxer = locked(&self.demuxer);
        let input = demuxer.input.as_ref().and_then(glib::WeakRef::upgrade);
        let at_end = input.is_some_and(|input| input.task_state() == gst::TaskState::Paused);
        demuxer.ended = if at_end { demuxer.ended.or_else(|| Some(Instant::now())) } else { None };
        if demuxer.ended.is_some_and(|since| since.elapsed() >= LAST_CHANCE) {
            self.fail(NO_TRACK.into());
        }
        locked(&self.fault).is_some()
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Links the wanted track to `chain` when it is found, and keeps decoders away from everything else.
pub(super) fn watch(decode: &gst::Element, chain: &gst::Bin, track: Track, found: &Arc<Found>) {
    let told = Arc::clone(found);
    decode.connect("autoplug-continue", false, move |values| {
        let caps = values.get(2).and_then(|value| value.get::<gst::Caps>().ok());
        let fields = caps.as_ref().and_then(|caps| caps.structure(0));
        let Some(fields) = fields else { return Some(true.to_value()) };
        let name = fields.name().as_str();
        let number = |key| fields.get::<i32>(key).ok().map_or(0, |number| number.max(0) as u32);
        let is_picture = name.starts_with("video/") || name.starts_with("image/");
        if is_picture && let Err(text) = check_size(number("width"), number("height")) {
            if track == Track::Pictures {
                told.fail(text);
            }
            return Some(false.to_value());
        }
        let is_other = if track == Track::Pictures { is_sound(name) } else { is_picture && fields.has_field("width") };
        Some((!is_other).to_value())
    });
    if let Some(bin) = decode.downcast_ref::<gst::Bin>() {
        let told = Arc::clone(found);
        bin.connect_element_added(move |_, element| {
            let is_demuxer = element.factory().is_some_and(|factory| factory.has_type(gst::ElementFactoryType::DEMUXER));
            if is_demuxer && let Some(input) = element.static_pad("sink") {
                locked(&told.demuxer).input = Some(input.downgrade());
            }
        });
    }
    let told = Arc::clone(found);
    decode.connect_no_more_pads(move |_| {
        if !told.wanted.load(Ordering::Relaxed) {
            told.fail(NO_TRACK.into());
        }
    });
    let (told, chain) = (Arc::clone(found), chain.downgrade());
    decode.connect_pad_added(move |_, pad| {
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let name = caps.structure(0).map(|fields| fields.name().as_str().to_owned()).unwrap_or_default();
        if is_sound(&name) {
            told.sound.store(true, Ordering::Relaxed);
        }
        let raw = if track == Track::Pictures { "video/x-raw" } else { "audio/x-raw" };
        let input = chain.upgrade().and_then(|chain| chain.static_pad("sink"));
        if name == raw
            && let Some(input) = input.filter(|input| !input.is_linked())
        {
            if track == Track::Pictures {
                keep_range(&caps, &input);
            }
            match pad.link(&input) {
                Ok(_) => told.wanted.store(true, Ordering::Relaxed),
                Err(error) => told.fail(format!("its pictures or its sound are of a kind that is not known here ({error})")),
            }
        }
    });
}

/// What comes out of the chain that begins at `input` is to have the range of `caps`.
fn keep_range(caps: &gst::Caps, input: &gst::Pad) {
    let chain = input.parent_element().and_then(|chain| chain.downcast::<gst::Bin>().ok());
    let element = |name| chain.as_ref().and_then(|chain| chain.by_name(name));
    let info = VideoInfo::from_caps(caps).ok();
    let is_full = info.is_some_and(|info| info.is_yuv() && info.colorimetry().range() == VideoColorRange::Range0_255);
    let colour = COLOURS[usize::from(is_full || element("named").is_some())];
    let wanted = gst::Caps::builder("video/x-raw").field("format", "I420").field("colorimetry", colour).field("chroma-site", "mpeg2");
    if let Some(filter) = element("colour") {
        filter.set_property("caps", wanted.build());
    }
}

fn is_sound(name: &str) -> bool {
    name.starts_with("audio/")
}
