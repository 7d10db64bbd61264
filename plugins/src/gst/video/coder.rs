//! The elements that encode, and how each is told what the settings say.

use super::{Encoder, Preset, RateControl, Tune, VideoSettings, hardware};
use engine::media::{VideoCaps, VideoCodec};

/// An element that encodes, and what is known of it.
pub(super) struct Coder {
    pub(super) codec: VideoCodec,
    /// The name it is asked for by.
    pub(super) encoder: Encoder,
    pub(super) element: &'static str,
    /// The launch text; takes I420 pictures, the element itself is called `encoder`. Errors say what to write instead.
    pub(super) launch: fn(&VideoCaps, &VideoSettings) -> Result<String, String>,
    /// It says itself, in whole pictures, how many it holds back; of others that is measured.
    pub(super) tells_delay: bool,
    /// Its property for the rate, and how much of that is a kilobit a second.
    pub(super) rate: (&'static str, u32),
}

/// All of them: of each codec the best first.
static CODERS: [&Coder; 16] = [
    &hardware::NVENC_H264,
    &hardware::QSV_H264,
    &hardware::VA_H264,
    &hardware::VA_LOW_POWER_H264,
    &hardware::VAAPI_H264,
    &hardware::V4L2_H264,
    &X264,
    &OPENH264,
    &hardware::NVENC_HEVC,
    &hardware::QSV_HEVC,
    &hardware::VA_HEVC,
    &hardware::VAAPI_HEVC,
    &hardware::V4L2_HEVC,
    &X265,
    &VP9,
    &AV1,
];

/// Those that the settings allow, best first. Never empty.
///
/// # Errors
/// Nobody of that name makes this codec.
pub(super) fn candidates(settings: &VideoSettings) -> Result<Vec<&'static Coder>, String> {
    let VideoSettings { codec, encoder, .. } = settings;
    let of_codec = CODERS.iter().copied().filter(|coder| coder.codec == *codec);
    let wanted = match encoder {
        Encoder::Software if *codec == VideoCodec::H264 => Encoder::X264,
        other => *other,
    };
    let found: Vec<&Coder> = of_codec.filter(|coder| wanted == Encoder::Auto || coder.encoder == wanted).collect();
    if found.is_empty() {
        return Err(format!("{} does not make {}; write encoder: software, or auto", encoder.as_str(), codec.as_str()));
    }
    Ok(found)
}

/// What comes after an encoder of H.264 or HEVC that is not x264, so that it is as in a file.
pub(super) const H264: &str = "h264parse ! capsfilter caps=video/x-h264,stream-format=avc,alignment=au";
pub(super) const HEVC: &str = "h265parse ! capsfilter caps=video/x-h265,stream-format=hvc1,alignment=au";

const X264: Coder =
    Coder { codec: VideoCodec::H264, encoder: Encoder::X264, element: "x264enc", launch: x264, tells_delay: true, rate: ("bitrate", 1) };

fn x264(caps: &VideoCaps, settings: &VideoSettings) -> Result<String, String> {
    let tune = match settings.tune {
        None => "",
        Some(Tune::Stillimage) => " tune=stillimage",
        Some(Tune::Fastdecode) => " tune=fastdecode",
        Some(Tune::Zerolatency) => " tune=zerolatency",
    };
    let rate_control = match settings.rate_control {
        // The element limits the rate of constant quality, too, unless the limit's buffer is off.
        RateControl::Crf(crf) => format!("pass=qual quantizer={crf} vbv-buf-capacity=0"),
        RateControl::Bitrate(kilobits) => format!("pass=cbr bitrate={kilobits} vbv-buf-capacity=1000"),
    };
    // x264's AVX-512 code is left out: its macroblock tree gives other bytes each time (seen with version 164).
    let processor = if has_avx512() { " option-string=asm=avx2" } else { "" };
    let bframes = settings.bframes.map(|count| format!(" bframes={count}")).unwrap_or_default();
    let VideoSettings { preset, threads, profile, .. } = settings;
    let (preset, profile, keyint) = (preset.as_str(), profile.as_str(), settings.keyframe_distance(caps));
    Ok(format!(
        "x264enc name=encoder speed-preset={preset}{tune} threads={threads} key-int-max={keyint} {rate_control}{bframes}{processor} aud=false \
         ! capsfilter caps=video/x-h264,stream-format=avc,alignment=au,profile={profile}"
    ))
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    std::arch::is_x86_feature_detected!("avx512f")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx512() -> bool {
    false
}

const OPENH264: Coder = Coder {
    codec: VideoCodec::H264,
    encoder: Encoder::Openh264,
    element: "openh264enc",
    launch: openh264,
    tells_delay: false,
    rate: ("bitrate", 1000),
};

/// Has no constant quality: the quantizer is held instead, at the number that CRF has for an average picture.
fn openh264(caps: &VideoCaps, settings: &VideoSettings) -> Result<String, String> {
    let rate_control = match settings.rate_control {
        RateControl::Crf(crf) => format!("rate-control=quality qp-min={crf} qp-max={crf} bitrate=100000000"),
        // The most that its highest level allows.
        RateControl::Bitrate(kilobits) => format!("rate-control=bitrate bitrate={}", kilobits.min(288_000) * 1000),
    };
    let complexity = match settings.preset {
        Preset::Ultrafast | Preset::Superfast | Preset::Veryfast => "low",
        Preset::Faster | Preset::Fast | Preset::Medium => "medium",
        Preset::Slow | Preset::Slower | Preset::Veryslow => "high",
    };
    // Its threads give other bytes each time: one.
    let (profile, keyint) = (settings.profile.as_str(), settings.keyframe_distance(caps));
    Ok(format!(
        "openh264enc name=encoder complexity={complexity} gop-size={keyint} {rate_control} multi-thread=1 slice-mode=n-slices \
         num-slices=1 ! capsfilter caps=video/x-h264,profile={profile} ! {H264}"
    ))
}

const X265: Coder = Coder {
    codec: VideoCodec::Hevc,
    encoder: Encoder::Software,
    element: "x265enc",
    launch: x265,
    tells_delay: false,
    rate: ("bitrate", 1),
};

/// CRF 28 of x265 is meant to look as 23 of x264 does.
fn x265(caps: &VideoCaps, settings: &VideoSettings) -> Result<String, String> {
    let tune = match settings.tune {
        None => "tune=0",
        Some(Tune::Zerolatency) => "tune=zerolatency",
        Some(Tune::Fastdecode) => "tune=fastdecode",
        Some(Tune::Stillimage) => return Err("x265 knows no tune: stillimage; leave it out".into()),
    };
    let rate_control = match settings.rate_control {
        RateControl::Crf(crf) => format!("crf={}", (crf + 5).min(51)),
        RateControl::Bitrate(kilobits) => format!("bitrate={kilobits}:vbv-maxrate={kilobits}:vbv-bufsize={kilobits}"),
    };
    let bframes = settings.bframes.map(|count| format!(":bframes={count}")).unwrap_or_default();
    // Its frame threads give other bytes for each number: one, and rows in parallel.
    let (preset, threads, keyint) = (settings.preset.as_str(), settings.threads, settings.keyframe_distance(caps));
    Ok(format!(
        "x265enc name=encoder speed-preset={preset} {tune} key-int-max={keyint} \
         option-string={rate_control}{bframes}:open-gop=0:pools={threads}:frame-threads=1:info=0:aud=0 ! {HEVC}"
    ))
}

const VP9: Coder = Coder {
    codec: VideoCodec::Vp9,
    encoder: Encoder::Software,
    element: "vp9enc",
    launch: vp9,
    tells_delay: false,
    rate: ("target-bitrate", 1000),
};

/// The scale of libvpx and libaom, 0 to 63: 31 is meant to look as 23 of x264 does.
fn quantizer(crf: u32) -> u32 {
    ((crf * 63 + 25) / 51 + 3).min(63)
}

fn vp9(caps: &VideoCaps, settings: &VideoSettings) -> Result<String, String> {
    no_special_tune(settings)?;
    let rate_control = match settings.rate_control {
        // The quality is kept within a rate, so a rate that is never reached is given.
        RateControl::Crf(crf) => format!("end-usage=cq cq-level={} target-bitrate=2000000000", quantizer(crf)),
        RateControl::Bitrate(kilobits) => {
            let bits = (u64::from(kilobits) * 1000).min(i32::MAX as u64);
            format!("end-usage=cbr target-bitrate={bits} buffer-size=1000 buffer-initial-size=500 buffer-optimal-size=600")
        }
    };
    // Deadline 1 is libvpx's real-time mode.
    let (deadline, speed) = match (settings.preset, settings.zero_latency()) {
        (Preset::Ultrafast, _) => (1, 8),
        (Preset::Superfast, _) => (1, 7),
        (Preset::Veryfast, true) => (1, 6),
        (_, true) => (1, 5),
        (Preset::Veryfast, _) => (1_000_000, 5),
        (Preset::Faster, _) => (1_000_000, 4),
        (Preset::Fast, _) => (1_000_000, 3),
        (Preset::Medium, _) => (1_000_000, 2),
        (Preset::Slow | Preset::Slower, _) => (1_000_000, 1),
        (Preset::Veryslow, _) => (1_000_000, 0),
    };
    let ahead = if settings.zero_latency() { "lag-in-frames=0" } else { "lag-in-frames=25 auto-alt-ref=true" };
    // Rows in parallel give other bytes each time; columns do not.
    let (threads, keyint) = (settings.threads, settings.keyframe_distance(caps));
    let columns = u32::BITS - 1 - threads.clamp(1, 64).leading_zeros();
    Ok(format!(
        "vp9enc name=encoder deadline={deadline} cpu-used={speed} threads={threads} tile-columns={columns} row-mt=false {ahead} \
         keyframe-max-dist={keyint} {rate_control}"
    ))
}

const AV1: Coder = Coder {
    codec: VideoCodec::Av1,
    encoder: Encoder::Software,
    element: "av1enc",
    launch: av1,
    tells_delay: false,
    rate: ("target-bitrate", 1),
};

fn av1(caps: &VideoCaps, settings: &VideoSettings) -> Result<String, String> {
    no_special_tune(settings)?;
    let rate_control = match settings.rate_control {
        RateControl::Crf(crf) => format!("end-usage=q min-quantizer={0} max-quantizer={0}", quantizer(crf)),
        RateControl::Bitrate(kilobits) => {
            format!("end-usage=cbr target-bitrate={kilobits} max-quantizer=63 buf-sz=1000 buf-initial-sz=500 buf-optimal-sz=600")
        }
    };
    let (usage, speed) = match (settings.preset, settings.zero_latency()) {
        (Preset::Ultrafast, _) => ("realtime", 10),
        (Preset::Superfast, _) => ("realtime", 8),
        (Preset::Veryfast, true) => ("realtime", 7),
        (_, true) => ("realtime", 6),
        (Preset::Veryfast, _) => ("good-quality", 6),
        (Preset::Faster, _) => ("good-quality", 5),
        (Preset::Fast | Preset::Medium, _) => ("good-quality", 4),
        (Preset::Slow, _) => ("good-quality", 3),
        (Preset::Slower, _) => ("good-quality", 2),
        (Preset::Veryslow, _) => ("good-quality", 1),
    };
    let ahead = if usage == "realtime" { 0 } else { 19 };
    let (threads, keyint) = (settings.threads, settings.keyframe_distance(caps));
    Ok(format!(
        "av1enc name=encoder usage-profile={usage} cpu-used={speed} threads={threads} row-mt=true lag-in-frames={ahead} \
         keyframe-max-dist={keyint} {rate_control}"
    ))
}

/// `zerolatency` is about when units come; the others are about how x264 decides.
fn no_special_tune(settings: &VideoSettings) -> Result<(), String> {
    match settings.tune {
        None | Some(Tune::Zerolatency) => Ok(()),
        Some(_) => Err("tune: stillimage and fastdecode are x264's; leave them out".into()),
    }
}
