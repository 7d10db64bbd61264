//! What goes wrong inside GStreamer, named by element and free of secrets.

use engine::frame::{PixelFormat, Size};
use engine::time::Time;
use gstreamer as gst;
use gstreamer::prelude::*;

/// An error of a pipeline or an encoder. Texts of elements are redacted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GstError {
    /// GStreamer itself did not start.
    #[error("GStreamer did not start: {text}")]
    Init {
        /// Its reason.
        text: String,
    },
    /// An element is not installed.
    #[error("the GStreamer element {element} is not installed{}", how_to_get(.element))]
    Missing {
        /// Its factory's name.
        element: String,
    },
    /// A pipeline could not be built.
    #[error("a GStreamer pipeline could not be built: {text}")]
    Launch {
        /// What is wrong with it.
        text: String,
    },
    /// An element gave up.
    #[error("GStreamer element {element} failed: {text}")]
    Element {
        /// Its name.
        element: String,
        /// What it says.
        text: String,
    },
    /// A film cannot be read, or not further. The text continues a sentence about the file.
    #[error("{text}")]
    Film {
        /// What is wrong with it.
        text: String,
    },
    /// Nothing moves.
    #[error("GStreamer did not {action} within {seconds} s; what it sends to does not answer, or is too slow for the stream")]
    Stalled {
        /// What was waited for.
        action: &'static str,
        /// For how long.
        seconds: u64,
    },
    /// An encoder was asked for something it does not do.
    #[error("the {codec} encoder cannot be set up: {text}")]
    Settings {
        /// Codec.
        codec: &'static str,
        /// What to change.
        text: String,
    },
    /// None of several encoders works.
    #[error("no encoder of {codec} works here: {tried}")]
    NoEncoder {
        /// Codec.
        codec: &'static str,
        /// Each with its reason.
        tried: String,
    },
    /// A frame is not of the kind that was announced.
    #[error("the video encoder was set up for I420 frames of {expected} and got {format:?} of {size}")]
    Frame {
        /// The announced size.
        expected: Size,
        /// The frame's size.
        size: Size,
        /// The frame's format.
        format: PixelFormat,
    },
    /// Pictures or samples do not follow each other.
    #[error("the {codec} encoder got a packet at {at} where {rule}")]
    Order {
        /// Codec.
        codec: &'static str,
        /// The packet's time.
        at: Time,
        /// What was expected.
        rule: String,
    },
    /// An encoder's output cannot be used.
    #[error("the {codec} encoder gave something unusable: {text}")]
    Output {
        /// Codec.
        codec: &'static str,
        /// What is wrong with it.
        text: String,
    },
}

impl GstError {
    /// Of a film; the text continues a sentence about the file.
    pub(super) fn film(text: impl Into<String>) -> GstError {
        GstError::Film { text: text.into() }
    }

    /// From an error message on the bus.
    pub(super) fn from_message(message: &gst::message::Error) -> GstError {
        let element = message.src().map_or_else(|| "pipeline".to_owned(), |source| source.name().to_string());
        let debug = message.debug().map(|text| format!(" ({text})")).unwrap_or_default();
        GstError::Element { element, text: redacted(&format!("{}{debug}", message.error())) }
    }

    /// From the parser of launch texts. The text itself may hold secrets and is not repeated.
    pub(super) fn from_parser(error: &gst::glib::Error) -> GstError {
        let text = error.message();
        if error.matches(gst::ParseError::NoSuchElement)
            && let Some(element) = text.split('"').nth(1)
        {
            return GstError::Missing { element: element.to_owned() };
        }
        GstError::Launch { text: redacted(text) }
    }
}

/// The Debian package that holds an element.
pub fn package_of(element: &str) -> Option<&'static str> {
    Some(match element {
        "x264enc" => "gstreamer1.0-plugins-ugly",
        "avenc_aac" | "avdec_h264" | "avdec_aac" => "gstreamer1.0-libav",
        "voaacenc" | "h264parse" | "h265parse" | "aacparse" | "rtmp2sink" | "webrtcbin" | "dtlssrtpenc" => "gstreamer1.0-plugins-bad",
        "openh264enc" | "x265enc" | "av1enc" => "gstreamer1.0-plugins-bad",
        "appsrc" | "appsink" | "decodebin" | "audioconvert" | "audioresample" | "videoconvert" | "videoscale" | "opusenc" => {
            "gstreamer1.0-plugins-base"
        }
        "capssetter" | "deinterlace" | "videoflip" | "flvmux" | "rtph264pay" | "rtpopuspay" | "vp8enc" | "vp9enc" | "qtdemux"
        | "lamemp3enc" | "souphttpsrc" => "gstreamer1.0-plugins-good",
        "nicesink" | "nicesrc" => "gstreamer1.0-nice",
        _ => return None,
    })
}

/// A chip's encoder is in a package, but shows itself only where there is the chip.
const CHIPS: [(&str, &str, &str); 5] = [
    ("nvh26", "gstreamer1.0-plugins-bad", "NVIDIA's driver"),
    ("qsvh26", "gstreamer1.0-plugins-bad", "Intel's driver (intel-media-va-driver, libmfx-gen)"),
    ("vah26", "gstreamer1.0-plugins-bad", "a VA-API driver (mesa-va-drivers or intel-media-va-driver)"),
    ("vaapih26", "gstreamer1.0-vaapi", "a VA-API driver (mesa-va-drivers or intel-media-va-driver)"),
    ("v4l2h26", "gstreamer1.0-plugins-good", "an encoder that Linux offers at /dev/video*"),
];

fn how_to_get(element: &str) -> String {
    let chip = CHIPS.iter().find(|(start, ..)| element.starts_with(start));
    match (chip, package_of(element)) {
        (Some((_, package, needs)), _) => format!(" or finds no chip: it needs the package {package} and {needs}"),
        (None, Some(package)) => format!("; install the package {package}"),
        (None, None) => String::new(),
    }
}

/// The text without tokens, passwords, stream keys and the paths and queries of addresses, each replaced by `***`.
pub fn redacted(text: &str) -> String {
    text.split_inclusive(|c: char| c.is_whitespace() || "\"'(),;<>".contains(c)).map(redacted_word).collect()
}

fn redacted_word(word: &str) -> String {
    let end = word.trim_end_matches(|c: char| c.is_whitespace() || "\"'(),;<>".contains(c)).len();
    let (word, tail) = word.split_at(end);
    if let Some((scheme, rest)) = word.split_once("://") {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (secret, name) = host.rsplit_once('@').map_or(("", host), |(_, name)| ("***@", name));
        let more = if rest.len() > host.len() { "/***" } else { "" };
        return format!("{scheme}://{secret}{name}{more}{tail}");
    }
    if let Some((name, _)) = word.split_once(['=', ':'])
        && ["token", "key", "secret", "password", "authorization"].iter().any(|secret| name.to_ascii_lowercase().ends_with(secret))
    {
        return format!("{}***{tail}", &word[..=name.len()]);
    }
    // A JSON Web Token: three base64 parts, of which the first begins with `{"`.
    if let Some(start) = word.find("eyJ")
        && word[start..].bytes().filter(|&c| c == b'.').count() >= 2
    {
        return format!("{}***{tail}", &word[..start]);
    }
    format!("{word}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_reach_messages() {
        let text = "Could not connect to rtmp://user:pw@live.example.org/app/abcd-key?x=1 (token=abc): eyJhbGciOi.eyJzdWIi.c2ln refused; stream_key:zz9 at 10:32";
        assert_eq!(
            redacted(text),
            "Could not connect to rtmp://***@live.example.org/*** (token=***): *** refused; stream_key:*** at 10:32"
        );
        assert_eq!(redacted("not negotiated"), "not negotiated");
    }
}
