//! `livekit_sink` [video, audio, cues]: the lecture into a room of a LiveKit server.
//!
//! A thread of its own keeps the connection alive ([`plugins::gst::Link`]): a server that is lost costs its viewers a moment, and the
//! lecture nothing. Every connection has a new token. Data messages go both ways, on topic `avatar_events`: what comes is told to the
//! owner of the run as an event `{"data": {"from", "author", "topic", "payload"}}`, where `author` says that the sender's token allows
//! commands; a change of the connection as `{"connection": "..."}`. While a page is shown the tracks are muted, as everybody in the room is
//! told by the server.

mod connection;
mod data;
mod people;
mod signaller;

pub use data::TOPIC;

use crate::web_sink::check_room;
use connection::{Connection, Shared};
use engine::cue::Cue;
use engine::graph::secret::Secret;
use engine::graph::unit::DurationSetting;
use engine::media::{AudioCodec, EncodedUnit};
use engine::node::{Cx, Failure, Flow, In, Node, Result, Start};
use engine::registry::{CommandType, ConfigType, Defaults, Lane, NodeConfig, NodeType, Starts, Sync};
use engine::run::Command;
use engine::time::Span;
use plugins::gst::Link;
use plugins::outputs::must_be_h264;
use schemars::JsonSchema;
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

const VIDEO: In<EncodedUnit> = In::new("video");
const AUDIO: In<EncodedUnit> = In::new("audio");
const CUES: In<Cue> = In::new("cues");

/// The node's entry in the registry.
pub const LIVEKIT_SINK: NodeType = NodeType {
    name: "livekit_sink",
    family: "outputs",
    revision: 1,
    summary: "The lecture into a room of a LiveKit server",
    inputs: &[
        VIDEO.port("H.264 units").optional(),
        AUDIO.port("Opus units").optional(),
        CUES.port("slides that show a page: the tracks are muted meanwhile, and the room is told").optional(),
    ],
    outputs: &[],
    sync: Sync::Merge,
    lane: Lane::Own,
    starts: Starts::Anywhere,
    time_limit: NodeType::TIME_LIMIT,
    command: Some(CommandType::of::<LiveKitCommand>()),
    config: ConfigType::of::<LiveKitSinkConfig>(
        "{ url: \"ws://127.0.0.1:7880\", room: demo, api_key: \"${env:LIVEKIT_API_KEY:-devkey}\", api_secret: \"${env:LIVEKIT_API_SECRET:-secret}\" }",
    ),
};

/// What a LiveKit sink can be told.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LiveKitCommand {
    /// Send this message, as JSON, to everybody in the room.
    Send(serde_json::Value),
    /// Mute the tracks, while a page is shown; the room hears `showEmbed`.
    Mute,
    /// Unmute them, from the next keyframe on; the room hears `resumeStream`.
    Unmute,
}

/// Settings of `livekit_sink`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiveKitSinkConfig {
    /// The server: `ws://` or `wss://`.
    url: String,
    /// The room; it is made when it is not there.
    room: String,
    /// The server's API key: `${env:LIVEKIT_API_KEY}`.
    api_key: Secret,
    /// The secret that belongs to the key: `${env:LIVEKIT_API_SECRET}`.
    api_secret: Secret,
    /// Who is seen to send: one of a kind in the room.
    #[serde(default = "presenter")]
    identity: String,
    /// Its name, for people.
    #[serde(default = "lecture")]
    name: String,
    /// Whatever viewers should know of it: a text, often JSON.
    #[serde(default)]
    metadata: String,
    /// How long a token is valid, 1s to 24h; every connection has a new one.
    #[serde(default = "ten_minutes")]
    token_ttl: DurationSetting,
    /// The addresses under which the server finds this machine; none: those of all its networks, or loopback for a server on loopback.
    #[serde(default)]
    addresses: Vec<IpAddr>,
}

impl LiveKitSinkConfig {
    /// The addresses to offer. The usual candidates leave loopback out, and a server there would never be reached.
    fn candidates(&self) -> Vec<IpAddr> {
        let host = self.url.split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host).trim_matches(['[', ']']);
        let is_loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if self.addresses.is_empty() && is_loopback { vec![Ipv4Addr::LOCALHOST.into()] } else { self.addresses.clone() }
    }
}

fn presenter() -> String {
    "lectern".into()
}
fn lecture() -> String {
    "Lectern".into()
}
fn ten_minutes() -> DurationSetting {
    DurationSetting(Span::from_seconds(600))
}

impl NodeConfig for LiveKitSinkConfig {
    fn validate(&self, _: &Defaults) -> std::result::Result<(), String> {
        check_room(&self.room)?;
        if !self.url.starts_with("ws://") && !self.url.starts_with("wss://") {
            return Err(format!("url is {:?}; a LiveKit server is reached by ws:// or wss://", self.url));
        }
        if self.api_key.reveal().is_empty() || self.api_secret.reveal().is_empty() {
            return Err("api_key and api_secret must be given; set LIVEKIT_API_KEY and LIVEKIT_API_SECRET in the environment".into());
        }
        if self.identity.is_empty() {
            return Err("identity is empty; a participant needs one".into());
        }
        if !(Span::SECOND..=Span::from_seconds(86_400)).contains(&self.token_ttl.0) {
            return Err(format!("token_ttl is {}; it goes from 1s to 24h", self.token_ttl.0));
        }
        Ok(())
    }

    fn build(self, _: &Defaults) -> Result<Box<dyn Node>> {
        Ok(Box::new(LiveKitSink { config: Some(self), link: None, tracks: (None, None), shared: Arc::default(), slide: "".into() }))
    }
}

struct LiveKitSink {
    config: Option<LiveKitSinkConfig>,
    link: Option<Link>,
    /// Numbers of the tracks of pictures and sound.
    tracks: (Option<usize>, Option<usize>),
    shared: Arc<Shared>,
    /// The slide that is shown.
    slide: Arc<str>,
}

impl LiveKitSink {
    /// A page is shown instead, or no more: publishing rests meanwhile, and the room is told.
    fn rest(&mut self, rests: bool) {
        if self.shared.muted.swap(rests, Ordering::SeqCst) == rests {
            return;
        }
        let mut message = data::message(if rests { "showEmbed" } else { "resumeStream" });
        if rests {
            message["slideId"] = (*self.slide).into();
        }
        self.send(message);
        let Some(link) = &mut self.link else { return };
        link.with(move |pipeline| {
            if let Some(signaller) = data::signaller(pipeline) {
                signaller.mute(rests);
            }
        });
        if !rests {
            link.resume();
        }
    }

    fn send(&self, message: serde_json::Value) {
        if let Some(link) = &self.link {
            link.with(move |pipeline| data::send(pipeline, &message));
        }
    }

    /// A slide that shows a page begins or ends.
    fn hear(&mut self, cue: &Cue) {
        match cue {
            Cue::Slide(slide) => self.slide = slide.id.clone(),
            Cue::Marker(text) if text.starts_with("embed:") => self.rest(true),
            Cue::Marker(text) if &**text == "embed_over" => self.rest(false),
            _ => {}
        }
    }
}

impl Node for LiveKitSink {
    fn start(&mut self, start: &mut Start<'_>) -> Result {
        crate::init()?;
        let config = self.config.take().ok_or_else(|| Failure::msg("started twice"))?;
        let (video, audio) = (start.encoded_video(VIDEO), start.encoded_audio(AUDIO));
        must_be_h264(video.as_ref(), "LiveKit")?;
        if audio.as_ref().is_some_and(|caps| caps.codec != AudioCodec::Opus) {
            return Err(Failure::msg("LiveKit takes Opus; set codec: opus in the audio_encoder before it"));
        }
        if video.is_none() && audio.is_none() {
            return Err(Failure::msg("neither video nor audio is connected; connect at least one of them to an encoder"));
        }
        self.tracks = (video.as_ref().map(|_| 0), audio.as_ref().map(|_| usize::from(video.is_some())));
        let connection = Connection::new(config, video, audio, start.events(), self.shared.clone());
        self.link = Some(Link::start("livekit", connection)?);
        Ok(())
    }

    fn process(&mut self, cx: &mut Cx<'_>) -> Result<Flow> {
        let (video, audio) = (cx.take(VIDEO), cx.take(AUDIO));
        while let Some(packet) = cx.take(CUES) {
            self.hear(&packet.media);
        }
        let Some(link) = self.link.as_mut().filter(|_| !self.shared.muted.load(Ordering::SeqCst)) else { return Ok(Flow::More) };
        if let (Some(packet), Some(track)) = (video, self.tracks.0) {
            link.push(track, true, packet);
        }
        if let (Some(packet), Some(track)) = (audio, self.tracks.1) {
            link.push(track, false, packet);
        }
        if link.takes_keyframe() | self.shared.wants_keyframe.swap(false, Ordering::SeqCst) {
            cx.ask_keyframe(VIDEO);
        }
        Ok(Flow::More)
    }

    fn finish(&mut self, _: &mut Cx<'_>) -> Result {
        if let Some(link) = self.link.take() {
            link.with(|pipeline| data::send_last(pipeline, &data::message("streamEnd")));
        }
        Ok(())
    }

    fn command(&mut self, command: Command) -> Result {
        match command.typed::<LiveKitCommand>() {
            Some(LiveKitCommand::Send(message)) => self.send(message),
            Some(LiveKitCommand::Mute) => self.rest(true),
            Some(LiveKitCommand::Unmute) => self.rest(false),
            None => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> LiveKitSinkConfig {
        serde_json::from_value(serde_json::json!({ "url": url, "room": "r", "api_key": "k", "api_secret": "s" })).unwrap()
    }

    #[test]
    fn a_server_on_loopback_is_offered_loopback() {
        for url in ["ws://127.0.0.1:7880", "ws://localhost", "ws://[::1]:7880/rtc"] {
            assert_eq!(config(url).candidates(), [IpAddr::from([127, 0, 0, 1])], "{url}");
        }
        assert!(config("wss://lectures.example").candidates().is_empty());
    }
}
