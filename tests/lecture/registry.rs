//! What holds for every node type.

use crate::support::root;
use engine::registry::{NodeType, Registry};
use engine::testing::compliance::Subject;

/// Recordings, films and pictures that sources are pointed at.
struct Stage {
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Stage {
        let stage = Stage { folder: tempfile::tempdir().unwrap() };
        let spec = hound::WavSpec { channels: 1, sample_rate: 48_000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
        let mut wav = hound::WavWriter::create(stage.path("sound.wav"), spec).unwrap();
        (0..3 * 48_000).for_each(|i| wav.write_sample(((i % 480) * 40) as i16).unwrap());
        wav.finalize().unwrap();
        let mut film = b"YUV4MPEG2 W64 H36 F25:1 Ip C420mpeg2\n".to_vec();
        std::fs::create_dir(stage.path("frames")).unwrap();
        for i in 0..75u8 {
            film.extend(b"FRAME\n");
            film.extend(std::iter::repeat_n(i * 3, 64 * 36 * 3 / 2));
            let picture = image::RgbImage::from_pixel(64, 36, image::Rgb([i * 3, 0, 0]));
            picture.save(stage.path(&format!("frames/{i:04}.png"))).unwrap();
        }
        std::fs::write(stage.path("film.y4m"), film).unwrap();
        stage
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// A type with what its example names, where that is not there.
    fn subject<'a>(&self, registry: &'a Registry, node_type: &'static NodeType) -> Subject<'a> {
        let subject = Subject::new(registry, node_type);
        let path = |name: &str| self.path(name).display().to_string();
        let deck = root().join("graphs/demo/lectern.pptx").display().to_string();
        let speech = format!("speech: {{ type: tts_chunker, config: {{ lesson: {deck:?}, slides: \"1\" }} }}");
        match node_type.name {
            "tts_chunker" => subject.config(format!("{{ lesson: {deck:?}, slides: \"1\" }}")),
            "slide_source" => subject.config(format!("{{ lesson: {deck:?} }}")).feed("cues", "speech.cues", &speech).sparse("audio"),
            "lip_sync" => subject.size("320x180").feed("audio", "speech.audio", &speech).feed("cues", "speech.cues", ""),
            "audio_mix" => subject.config("{ duck_db: 12 }"),
            "music_bed" => subject.config(format!("{{ file: {:?} }}", path("sound.wav"))),
            "audio_file" => subject.config(format!("{{ path: {:?} }}", path("sound.wav"))),
            "y4m_source" => subject.config(format!("{{ path: {:?} }}", path("film.y4m"))),
            "frame_folder" => subject.config(format!("{{ folder: {:?}, fps: 25 }}", path("frames"))),
            "jpeg_preview" => subject.config(format!("{{ path: {:?} }}", path("preview.jpg"))),
            "frame_sink" => subject.config(format!("{{ path: {:?} }}", path("shown"))),
            "audio_sink" => subject.config(format!("{{ path: {:?} }}", path("heard.wav"))),
            "subtitle_sink" => subject.config(format!("{{ path: {:?} }}", path("said.srt"))),
            "hls_sink" => encoded(subject.config(format!("{{ path: {:?} }}", path("hls"))), &[("audio", "aac")]),
            "mp4_sink" => encoded(subject.config(format!("{{ path: {:?} }}", path("film.mp4"))), &[("audio", "aac")]),
            // Nobody is there: the servers of these two are not, and no viewer comes. With them: tests/live.
            "rtmp_sink" => encoded(subject.config(format!("{{ url: \"rtmp://{NOBODY}/app/key\" }}")), &[("audio", "aac")]),
            "livekit_sink" => {
                let config = format!("{{ url: \"ws://{NOBODY}\", room: compliance, api_key: key, api_secret: secret }}");
                encoded(subject.config(config), &[("audio", "opus")])
            }
            "web_sink" => encoded(subject.config("{ room: compliance }"), &[("opus", "opus"), ("aac", "aac")]),
            "hash" => subject.config(format!("{{ path: {:?} }}", path("packets.txt"))),
            _ => subject,
        }
    }
}

/// An address where nothing listens.
const NOBODY: &str = "127.0.0.1:9";

/// Fed with what the encoders make of a programme: H.264, and sound by port and codec.
fn encoded<'a>(subject: Subject<'a>, sounds: &[(&str, &str)]) -> Subject<'a> {
    let given = "given: { type: playout, inputs: { video: test_pictures.video, audio: test_sound.audio } }";
    let subject = subject.with(given).feed("video", "h264.encoded", "h264: { type: video_encoder, inputs: { video: given.video } }");
    sounds.iter().fold(subject, |subject, (port, codec)| {
        let encoder = format!("{codec}: {{ type: audio_encoder, inputs: {{ audio: given.audio }}, config: {{ codec: {codec} }} }}");
        subject.feed(port, &format!("{codec}.encoded"), &encoder)
    })
}

#[test]
fn every_node_type_keeps_to_the_contract() {
    let (stage, registry) = (Stage::new(), plugins_webrtc::registry());
    let check = |node_type: &&'static NodeType| {
        let subject = stage.subject(&registry, node_type);
        // What takes what encoders make stands behind `playout`, and is never flushed.
        match node_type.name {
            "mp4_sink" | "hls_sink" | "rtmp_sink" | "web_sink" | "livekit_sink" => {
                let found = subject.is_documented().and_then(|()| subject.builds()).and_then(|()| subject.ends());
                found.map_err(|text| format!("{}: {text}", node_type.name))
            }
            _ => subject.check(),
        }
    };
    let wrong: Vec<String> = registry.types().iter().filter_map(|node_type| check(node_type).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
