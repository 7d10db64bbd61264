//! Chips that encode. They take NV12, hold the quantizer where a quality is asked for, and make no B-frames.

use super::coder::{Coder, H264, HEVC};
use super::{Encoder, RateControl, VideoSettings};
use engine::media::{VideoCaps, VideoCodec};

pub(super) const NVENC_H264: Coder =
    chip(VideoCodec::H264, Encoder::Nvenc, "nvh264enc", |caps, settings| nvenc("nvh264enc", caps, settings));
pub(super) const NVENC_HEVC: Coder =
    chip(VideoCodec::Hevc, Encoder::Nvenc, "nvh265enc", |caps, settings| nvenc("nvh265enc", caps, settings));
pub(super) const QSV_H264: Coder = chip(VideoCodec::H264, Encoder::Qsv, "qsvh264enc", |caps, settings| qsv("qsvh264enc", caps, settings));
pub(super) const QSV_HEVC: Coder = chip(VideoCodec::Hevc, Encoder::Qsv, "qsvh265enc", |caps, settings| qsv("qsvh265enc", caps, settings));
pub(super) const VA_H264: Coder = chip(VideoCodec::H264, Encoder::Vaapi, "vah264enc", |caps, settings| va("vah264enc", caps, settings));
/// The only one that some of Intel's chips have.
pub(super) const VA_LOW_POWER_H264: Coder =
    chip(VideoCodec::H264, Encoder::Vaapi, "vah264lpenc", |caps, settings| va("vah264lpenc", caps, settings));
pub(super) const VA_HEVC: Coder = chip(VideoCodec::Hevc, Encoder::Vaapi, "vah265enc", |caps, settings| va("vah265enc", caps, settings));
/// The older plug-in for the same chips.
pub(super) const VAAPI_H264: Coder =
    chip(VideoCodec::H264, Encoder::Vaapi, "vaapih264enc", |caps, settings| vaapi("vaapih264enc", caps, settings));
pub(super) const VAAPI_HEVC: Coder =
    chip(VideoCodec::Hevc, Encoder::Vaapi, "vaapih265enc", |caps, settings| vaapi("vaapih265enc", caps, settings));
pub(super) const V4L2_H264: Coder =
    chip(VideoCodec::H264, Encoder::V4l2, "v4l2h264enc", |caps, settings| v4l2("v4l2h264enc", caps, settings));
pub(super) const V4L2_HEVC: Coder =
    chip(VideoCodec::Hevc, Encoder::V4l2, "v4l2h265enc", |caps, settings| v4l2("v4l2h265enc", caps, settings));

type Launch = fn(&VideoCaps, &VideoSettings) -> Result<String, String>;

const fn chip(codec: VideoCodec, encoder: Encoder, element: &'static str, launch: Launch) -> Coder {
    Coder { codec, encoder, element, launch, tells_delay: false, rate: ("bitrate", 1) }
}

/// The whole chain around `element` with these properties.
fn chain(element: &str, properties: &str, settings: &VideoSettings) -> Result<String, String> {
    let (profile, rest) = match settings.codec {
        VideoCodec::H264 => (format!("video/x-h264,profile={}", settings.profile.as_str()), H264),
        _ => ("video/x-h265,profile=main".into(), HEVC),
    };
    Ok(format!(
        "videoconvert dither=none ! capsfilter caps=video/x-raw,format=NV12 ! {element} name=encoder {properties} \
         ! capsfilter caps={profile} ! {rest}"
    ))
}

fn nvenc(element: &str, caps: &VideoCaps, settings: &VideoSettings) -> Result<String, String> {
    let rate_control = match settings.rate_control {
        RateControl::Crf(quantizer) => format!("rc-mode=constqp qp-const={quantizer}"),
        RateControl::Bitrate(kilobits) => format!("rc-mode=cbr bitrate={kilobits}"),
    };
    let (keyint, at_once) = (settings.keyframe_distance(caps), settings.zero_latency());
    chain(element, &format!("gop-size={keyint} bframes=0 zerolatency={at_once} {rate_control}"), settings)
}

fn qsv(element: &str, caps: &VideoCaps, settings: &VideoSettings) -> Result<String, String> {
    let rate_control = match settings.rate_control {
        RateControl::Crf(quantizer) => format!("rate-control=cqp qp-i={0} qp-p={0} qp-b={0}", quantizer.max(1)),
        RateControl::Bitrate(kilobits) => format!("rate-control=cbr bitrate={kilobits}"),
    };
    let (keyint, at_once) = (settings.keyframe_distance(caps), settings.zero_latency());
    chain(element, &format!("gop-size={keyint} b-frames=0 low-latency={at_once} {rate_control}"), settings)
}

fn va(element: &str, caps: &VideoCaps, settings: &VideoSettings) -> Result<String, String> {
    let rate_control = match settings.rate_control {
        RateControl::Crf(quantizer) => format!("rate-control=cqp qpi={quantizer} qpp={quantizer} qpb={quantizer}"),
        RateControl::Bitrate(kilobits) => format!("rate-control=cbr bitrate={kilobits}"),
    };
    chain(element, &format!("key-int-max={} b-frames=0 {rate_control}", settings.keyframe_distance(caps)), settings)
}

fn vaapi(element: &str, caps: &VideoCaps, settings: &VideoSettings) -> Result<String, String> {
    let rate_control = match settings.rate_control {
        RateControl::Crf(quantizer) => format!("rate-control=cqp init-qp={quantizer}"),
        RateControl::Bitrate(kilobits) => format!("rate-control=cbr bitrate={kilobits}"),
    };
    chain(element, &format!("keyframe-period={} max-bframes=0 {rate_control}", settings.keyframe_distance(caps)), settings)
}

/// Its names are those of the kernel's controls; its rate is in bits.
fn v4l2(element: &str, caps: &VideoCaps, settings: &VideoSettings) -> Result<String, String> {
    let RateControl::Bitrate(kilobits) = settings.rate_control else {
        return Err("v4l2 holds a rate only; write bitrate instead of crf".into());
    };
    let (keyint, bits) = (settings.keyframe_distance(caps), u64::from(kilobits) * 1000);
    chain(element, &format!("extra-controls=\"controls,video_gop_size={keyint},video_bitrate={bits}\""), settings)
}
