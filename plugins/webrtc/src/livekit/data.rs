//! Data messages of a LiveKit room: `DataPacket` of its protocol, through the data channels of the publishing element.

use super::signaller::RoomSignaller;
use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_webrtc::{WebRTCDataChannel, WebRTCDataChannelState};
use gstrswebrtc::signaller::Signallable;
use livekit_protocol::{DataPacket, UserPacket, data_packet};
use plugins::gst::Pipeline;
use prost::Message;
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// The topic of everything that is sent and heard.
pub const TOPIC: &str = "avatar_events";
/// Longer messages are not read.
const LONGEST: usize = 16 << 10;

/// The longest wait for the last message to leave.
const LAST: Duration = Duration::from_millis(500);

/// A message of a fixed kind: `streamStarting`, `showEmbed`, `resumeStream`, `streamEnd`.
pub(super) fn message(kind: &str) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    json!({ "id": Uuid::new_v4().to_string(), "message": kind, "timestamp": now })
}

/// Sends a message to everybody, reliably; without a connection it is lost.
pub(super) fn send(pipeline: &Pipeline, message: &Value) {
    match reliable(pipeline) {
        Some(channel) => _ = send_by(&channel, message),
        None => tracing::debug!("no data channel yet"),
    }
}

/// The same for the last message: waits a moment until it has left.
pub(super) fn send_last(pipeline: &Pipeline, message: &Value) {
    let Some(channel) = reliable(pipeline).filter(|channel| send_by(channel, message)) else { return };
    let deadline = Instant::now() + LAST;
    // What has left the buffer is on its way for a moment longer.
    while Instant::now() < deadline && channel.property::<u64>("buffered-amount") > 0 {
        std::thread::sleep(LAST / 50);
    }
    std::thread::sleep(LAST / 5);
}

fn reliable(pipeline: &Pipeline) -> Option<WebRTCDataChannel> {
    signaller(pipeline)?.channel()
}

/// The signaller of a pipeline.
pub(super) fn signaller(pipeline: &Pipeline) -> Option<RoomSignaller> {
    pipeline.element("sink")?.property::<Signallable>("signaller").downcast().ok()
}

/// Whether it was sent. GStreamer 1.22 ends in a segmentation fault when something is sent by a channel that has not been opened.
fn send_by(channel: &WebRTCDataChannel, message: &Value) -> bool {
    if channel.ready_state() != WebRTCDataChannelState::Open {
        tracing::debug!("the data channel is not open");
        return false;
    }
    let bytes = glib::Bytes::from_owned(packet(message).encode_to_vec());
    let sent = channel.send_data_full(Some(&bytes));
    sent.inspect_err(|error| tracing::warn!(%error, "a data message was not sent")).is_ok()
}

fn packet(message: &Value) -> DataPacket {
    let user = UserPacket { payload: message.to_string().into_bytes(), topic: Some(TOPIC.into()), ..Default::default() };
    DataPacket { value: Some(data_packet::Value::User(user)), ..Default::default() }
}

/// What somebody in the room has said on our topic.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    /// By the server's word: the identity of the token.
    pub(super) from: String,
    pub(super) payload: Value,
}

/// Opens the channels of a connection that is being made, by the names that the server knows; the signaller hears what comes.
pub(super) fn open(webrtcbin: &gst::Element, signaller: &RoomSignaller) {
    for name in ["_reliable", "_lossy"] {
        let mut settings = gst::Structure::builder("config").field("ordered", true);
        if name == "_lossy" {
            settings = settings.field("max-retransmits", 0);
        }
        let channel = webrtcbin.emit_by_name::<Option<WebRTCDataChannel>>("create-data-channel", &[&name, &settings.build()]);
        let Some(channel) = channel else { continue };
        if name == "_reliable" {
            channel.connect_on_open(|channel| _ = send_by(channel, &message("streamStarting")));
            signaller.set_channel(channel.clone());
        }
        // The signaller has the channel.
        let weak = signaller.downgrade();
        channel.connect_on_message_data(move |_, bytes| {
            if let (Some(said), Some(signaller)) = (bytes.and_then(|bytes| read(bytes)), weak.upgrade()) {
                signaller.hear_said(said);
            }
        });
    }
}

/// A message on our topic.
fn read(bytes: &[u8]) -> Option<Said> {
    if bytes.len() > LONGEST {
        return None;
    }
    let packet = DataPacket::decode(bytes).ok()?;
    let from = packet.participant_identity;
    let Some(data_packet::Value::User(user)) = packet.value else { return None };
    if user.topic.as_deref() != Some(TOPIC) {
        return None;
    }
    Some(Said { from, payload: serde_json::from_slice(&user.payload).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_before_the_channel_is_open() {
        gst::init().unwrap();
        let webrtcbin = gst::ElementFactory::make("webrtcbin").build().unwrap();
        webrtcbin.set_state(gst::State::Ready).unwrap();
        let settings: Option<gst::Structure> = None;
        let channel = webrtcbin.emit_by_name::<WebRTCDataChannel>("create-data-channel", &[&"_reliable", &settings]);
        assert!(!send_by(&channel, &message("streamEnd")));
        webrtcbin.set_state(gst::State::Null).unwrap();
    }

    #[test]
    fn what_the_room_hears_has_a_name_of_its_own_and_the_time_in_milliseconds() {
        let ms = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        let before = ms();
        let (one, other) = (message("streamStarting"), message("streamEnd"));
        assert_eq!((&one["message"], &other["message"]), (&"streamStarting".into(), &"streamEnd".into()));
        assert!(one["id"].is_string() && one["id"] != other["id"]);
        assert!((before..=ms()).contains(&one["timestamp"].as_u64().unwrap()), "{one}");
    }

    #[test]
    fn messages_on_the_topic_are_read_and_others_are_not() {
        let message = json!({ "id": "1", "message": "resumeStream", "timestamp": 1 });
        let mut sent = packet(&message);
        sent.participant_identity = "eve".into();
        assert_eq!(read(&sent.encode_to_vec()), Some(Said { from: "eve".into(), payload: message }));
        let other = UserPacket { payload: b"{}".to_vec(), topic: Some("chat".into()), ..Default::default() };
        let other = DataPacket { value: Some(data_packet::Value::User(other)), ..Default::default() };
        assert_eq!(read(&other.encode_to_vec()), None);
        assert_eq!(read(b"\xff\xff\xff"), None);
        assert_eq!(read(&vec![0; LONGEST + 1]), None);
    }
}
