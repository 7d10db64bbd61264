//! One connection after the other to a LiveKit server.

use super::LiveKitSinkConfig;
use super::data;
use super::signaller::RoomSignaller;
use crate::peer_connection;
use crate::token::{LiveKitClaims, sign};
use engine::media::{EncodedAudioCaps, EncodedVideoCaps};
use engine::run::Events;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstrswebrtc::signaller::Signallable;
use plugins::gst::{GstError, Peer, Pipeline, encoded_audio_caps, encoded_video_caps, redacted};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What the sink and all its connections know.
#[derive(Default)]
pub(super) struct Shared {
    /// The tracks are muted.
    pub(super) muted: AtomicBool,
    /// Somebody has come, or has lost something.
    pub(super) wants_keyframe: AtomicBool,
}

/// How to reach the server.
pub(super) struct Connection {
    config: LiveKitSinkConfig,
    video: Option<EncodedVideoCaps>,
    audio: Option<EncodedAudioCaps>,
    events: Events,
    shared: Arc<Shared>,
}

impl Connection {
    pub(super) fn new(
        config: LiveKitSinkConfig,
        video: Option<EncodedVideoCaps>,
        audio: Option<EncodedAudioCaps>,
        events: Events,
        shared: Arc<Shared>,
    ) -> Connection {
        Connection { config, video, audio, events, shared }
    }

    fn token(&self) -> Result<String, GstError> {
        let config = &self.config;
        let mut claims = LiveKitClaims::presenter(config.api_key.reveal(), &config.room, &config.identity, config.token_ttl.0.to_std());
        (claims.name, claims.metadata) = (config.name.clone(), config.metadata.clone());
        let token = sign(&claims, None, config.api_secret.reveal().as_bytes());
        token.map_err(|error| GstError::Launch { text: error.to_string() })
    }
}

impl Peer for Connection {
    fn connect(&mut self) -> Result<Pipeline, GstError> {
        let mut text = String::from("webrtcsink name=sink stun-server=\"\" congestion-control=disabled do-fec=false ");
        let mut tracks = Vec::new();
        if let Some(video) = &self.video {
            text += "appsrc name=video is-live=true ! sink.video_0 ";
            tracks.push(("video", encoded_video_caps(video)));
        }
        if let Some(audio) = &self.audio {
            text += "appsrc name=audio is-live=true ! sink.audio_0 ";
            tracks.push(("audio", encoded_audio_caps(audio)));
        }
        let token = self.token()?;
        let (config, events, muted) = (&self.config, &self.events, self.shared.muted.load(Ordering::SeqCst));
        events.tell(json!({ "connection": "connecting" }));
        Pipeline::launch_with(&text, &tracks, |pipeline| {
            let missing = || GstError::Missing { element: "webrtcsink".into() };
            let sink = pipeline.element("sink").ok_or_else(missing)?;
            let signaller = RoomSignaller::new(&config.url, token, events.clone());
            signaller.mute(muted);
            let addresses = config.candidates();
            let weak = signaller.downgrade();
            signaller.connect("webrtcbin-ready", false, move |values| {
                let webrtcbin = values.get(2).and_then(|value| value.get::<gst::Element>().ok())?;
                peer_connection::prepare(&webrtcbin, &addresses);
                if let Some(signaller) = weak.upgrade() {
                    data::open(&webrtcbin, &signaller);
                }
                None
            });
            let shared = self.shared.clone();
            peer_connection::hear_keyframe_requests(pipeline, move || shared.wants_keyframe.store(true, Ordering::SeqCst));
            sink.set_property("signaller", signaller.upcast::<Signallable>());
            Ok(())
        })
    }

    fn has_video(&self) -> bool {
        self.video.is_some()
    }

    fn lost(&mut self, error: &GstError, wait: Duration, _: bool) {
        let text = redacted(&error.to_string());
        tracing::warn!(error = %text, ?wait, room = %self.config.room, "the LiveKit server is not reached");
        self.events.tell(json!({ "connection": "lost", "cause": text, "retry_ms": wait.as_millis() as u64 }));
    }
}
