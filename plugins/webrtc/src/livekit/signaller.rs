//! Signalling with a LiveKit server: how `webrtcsink` comes into a room, publishes its tracks there and mutes them.
//!
//! The plug-in's own signaller publishes only: it has no way to mute, and a server lets nobody else unmute. This one speaks through the
//! same client (`livekit-api`). One task owns the connection; everything that is sent goes through its queue, in order.
//!
//! Source: the messages of `livekit_rtc.proto` (`livekit-protocol`), and LiveKit's "Client protocol" documentation.

use super::data::Said;
use super::people::People;
use engine::run::Events;
use gstreamer::glib;
use gstreamer::glib::subclass::prelude::*;
use gstreamer::prelude::*;
use gstreamer_webrtc::gst_sdp::SDPMessage;
use gstreamer_webrtc::{WebRTCDataChannel, WebRTCSDPType, WebRTCSessionDescription};
use gstrswebrtc::RUNTIME;
use gstrswebrtc::signaller::{Signallable, SignallableImpl};
use livekit_api::signal_client::{SignalClient, SignalEvent, SignalOptions};
use livekit_protocol as proto;
use plugins::gst::redacted;
use proto::signal_request::Message as Request;
use proto::signal_response::Message as Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// The one session that this end has with the element.
const SESSION: &str = "unique";
/// How long the server may take to accept a track.
const PUBLISH: Duration = Duration::from_secs(10);
/// How long leaving the room may take.
const LEAVE: Duration = Duration::from_secs(1);

glib::wrapper! {
    /// See the module docs.
    pub struct RoomSignaller(ObjectSubclass<imp::RoomSignaller>) @implements Signallable;
}

/// Where and as whom, and who hears of what happens there.
struct Place {
    url: String,
    token: String,
    events: Events,
}

/// What is known of the connection.
#[derive(Default)]
struct Line {
    /// To the task that owns it; `None` before and after.
    requests: Option<mpsc::UnboundedSender<Request>>,
    /// Ends when the task does.
    ended: Option<std::sync::mpsc::Receiver<()>>,
    /// Tracks that the server has not accepted yet, by our id.
    pending: HashMap<String, oneshot::Sender<()>>,
    /// The server's ids of those that it has.
    tracks: Vec<String>,
    muted: bool,
    /// Candidates found before the offer was sent.
    early: Vec<Request>,
    offered: bool,
    is_published: bool,
    channel: Option<WebRTCDataChannel>,
    people: People,
}

impl Line {
    fn send(&self, request: Request) {
        if let Some(requests) = &self.requests {
            // Without a task there is no connection, which the element has been told.
            let _ = requests.send(request);
        }
    }
}

/// A candidate as both sides write it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(default)]
    sdp_mid: String,
    sdp_m_line_index: u32,
    candidate: String,
}

impl RoomSignaller {
    /// For the room of a token; `events` hear when the tracks are published, and what is said in the room.
    pub(super) fn new(url: &str, token: String, events: Events) -> RoomSignaller {
        let signaller: RoomSignaller = glib::Object::new();
        // Nobody else has it yet.
        let _ = signaller.imp().place.set(Place { url: url.into(), token, events });
        signaller
    }

    /// Mutes or unmutes all tracks, also those that are published later: everybody in the room is told.
    pub(super) fn mute(&self, muted: bool) {
        let mut line = self.line();
        line.muted = muted;
        for sid in &line.tracks {
            line.send(Request::Mute(proto::MuteTrackRequest { sid: sid.clone(), muted }));
        }
    }

    /// The channel on which data messages arrive for certain.
    pub(super) fn channel(&self) -> Option<WebRTCDataChannel> {
        self.line().channel.clone()
    }

    pub(super) fn set_channel(&self, channel: WebRTCDataChannel) {
        self.line().channel = Some(channel);
    }

    /// Somebody in the room has said something.
    pub(super) fn hear_said(&self, said: Said) {
        let event = self.line().people.hear(said);
        self.report(event);
    }

    /// The server tells who is there.
    fn hear_people(&self, people: &[proto::ParticipantInfo]) {
        let events = self.line().people.note(people);
        self.report(events);
    }

    /// Tells the owner of the run.
    fn report(&self, events: impl IntoIterator<Item = serde_json::Value>) {
        if let Some(place) = self.imp().place.get() {
            events.into_iter().for_each(|event| place.events.tell(event));
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.imp().line()
    }

    /// Tells the element something, unless it has stopped us: afterwards it may be gone.
    fn tell(&self, signal: &str, about: &[&dyn glib::prelude::ToValue]) {
        let is_on = self.imp().is_on.read().unwrap_or_else(PoisonError::into_inner);
        if *is_on {
            self.emit_by_name::<()>(signal, about);
        }
    }

    fn fail(&self, text: &str) {
        self.tell("error", &[&redacted(text)]);
    }

    /// Handles a message of the server.
    fn hear(&self, message: Response) {
        match message {
            Response::Answer(answer) => match SDPMessage::parse_buffer(answer.sdp.as_bytes()) {
                Ok(sdp) => {
                    let answer = WebRTCSessionDescription::new(WebRTCSDPType::Answer, sdp);
                    self.tell("session-description", &[&SESSION, &answer]);
                    if !std::mem::replace(&mut self.line().is_published, true) {
                        tracing::info!("published in the LiveKit room");
                        self.report([json!({ "connection": "published" })]);
                    }
                }
                Err(_) => self.fail("the server's answer is no SDP"),
            },
            Response::Trickle(trickle) if trickle.target() == proto::SignalTarget::Publisher => {
                if let Ok(found) = serde_json::from_str::<Candidate>(&trickle.candidate_init) {
                    let Candidate { sdp_mid, sdp_m_line_index, candidate } = found;
                    self.tell("handle-ice", &[&SESSION, &sdp_m_line_index, &Some(sdp_mid), &candidate]);
                }
            }
            Response::TrackPublished(published) => {
                let mut line = self.line();
                if let Some(track) = published.track {
                    line.tracks.push(track.sid);
                }
                if let Some(waiting) = line.pending.remove(&published.cid) {
                    // Who waited has gone when it took too long.
                    let _ = waiting.send(());
                }
            }
            Response::Update(update) => self.hear_people(&update.participants),
            Response::Leave(leave) => {
                let reason = leave.reason().as_str_name().to_lowercase().replace('_', " ");
                self.fail(&format!("the server has ended the connection: {reason}"));
            }
            _ => {}
        }
    }
}

/// Owns the connection: joins, sends what is asked for and handles what comes, until either end leaves.
async fn keep(
    signaller: glib::WeakRef<RoomSignaller>,
    mut requests: mpsc::UnboundedReceiver<Request>,
    _ended: std::sync::mpsc::Sender<()>,
) {
    let place = signaller.upgrade().and_then(|signaller| signaller.imp().place.get().map(|place| (place.url.clone(), place.token.clone())));
    let Some((url, token)) = place else { return };
    let mut options = SignalOptions::default();
    options.auto_subscribe = false;
    let tell = |text: &str| {
        if let Some(signaller) = signaller.upgrade() {
            signaller.fail(text);
        }
    };
    let connected = tokio::select! {
        connected = SignalClient::connect(&url, &token, options, None) => connected,
        // It was stopped meanwhile.
        _ = closed(&mut requests) => return,
    };
    let (client, joined, mut events) = match connected {
        Ok(connected) => connected,
        Err(error) => return tell(&error.to_string()),
    };
    if let Some(signaller) = signaller.upgrade() {
        signaller.hear_people(&joined.other_participants);
        signaller.tell("session-requested", &[&SESSION, &SESSION, &None::<WebRTCSessionDescription>]);
    }
    loop {
        tokio::select! {
            request = requests.recv() => match request {
                Some(request) => client.send(request).await,
                None => break,
            },
            event = events.recv() => match (event, signaller.upgrade()) {
                (Some(SignalEvent::Message(message)), Some(signaller)) => signaller.hear(*message),
                (Some(SignalEvent::Close(_)) | None, _) => {
                    tell("the server is disconnected");
                    break;
                }
                (_, None) => break,
            },
        }
    }
    client.close().await;
}

/// Waits until nobody can ask for anything any more.
async fn closed(requests: &mut mpsc::UnboundedReceiver<Request>) {
    while requests.recv().await.is_some() {}
}

/// Announces the tracks of an offer, waits until the server has accepted them, and sends the offer.
async fn publish(signaller: glib::WeakRef<RoomSignaller>, sdp: String, tracks: Vec<proto::AddTrackRequest>) {
    for track in tracks {
        let Some(signaller) = signaller.upgrade() else { return };
        let (accepted, waiting) = oneshot::channel();
        {
            let mut line = signaller.line();
            line.pending.insert(track.cid.clone(), accepted);
            let muted = line.muted;
            line.send(Request::AddTrack(proto::AddTrackRequest { muted, ..track }));
        }
        match tokio::time::timeout(PUBLISH, waiting).await {
            Ok(Ok(())) => {}
            // The connection has ended, and the element knows.
            Ok(Err(_)) => return,
            Err(_) => return signaller.fail("the server does not accept the tracks; may this token publish?"),
        }
    }
    let Some(signaller) = signaller.upgrade() else { return };
    let mut line = signaller.line();
    line.send(Request::Offer(proto::SessionDescription { r#type: "offer".into(), sdp, ..Default::default() }));
    line.offered = true;
    for candidate in std::mem::take(&mut line.early) {
        line.send(candidate);
    }
}

/// The sound and pictures that an offer holds, as the server wants them announced.
fn tracks_of(offer: &WebRTCSessionDescription) -> Vec<proto::AddTrackRequest> {
    let sdp = offer.sdp();
    let of = |media: &gstreamer_webrtc::gst_sdp::SDPMediaRef| {
        let (kind, source) = match media.media()? {
            "audio" => (proto::TrackType::Audio, proto::TrackSource::Microphone),
            "video" => (proto::TrackType::Video, proto::TrackSource::Camera),
            _ => return None,
        };
        // `a=ssrc:N msid:STREAM TRACK` names it; the track's id is what the server knows it by (RFC 8830).
        let named = media.attributes().filter(|attribute| attribute.key() == "ssrc").find_map(|attribute| {
            let mut parts = attribute.value()?.split_whitespace().skip(1);
            Some((parts.next()?.strip_prefix("msid:")?.to_string(), parts.next()?.to_string()))
        });
        let (name, cid) = named.unwrap_or_else(|| (media.attribute_val("mid").unwrap_or_default().to_string(), String::new()));
        let whole = proto::VideoLayer { quality: proto::VideoQuality::High as i32, ..Default::default() };
        Some(proto::AddTrackRequest {
            cid,
            name,
            r#type: kind as i32,
            source: source as i32,
            disable_red: true,
            layers: if kind == proto::TrackType::Video { vec![whole] } else { Vec::new() },
            ..Default::default()
        })
    };
    sdp.medias().filter_map(of).collect()
}

mod imp {
    use super::*;

    /// The state behind the object.
    #[derive(Default)]
    pub struct RoomSignaller {
        pub(super) place: OnceLock<Place>,
        line: Mutex<Line>,
        /// Between start and stop. Held while the element is told something, so that nothing is told after the stop.
        pub(super) is_on: RwLock<bool>,
    }

    impl RoomSignaller {
        pub(super) fn line(&self) -> MutexGuard<'_, Line> {
            self.line.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    #[glib::object_subclass]
    impl ObjectSubclass for RoomSignaller {
        const NAME: &'static str = "LecternRoomSignaller";
        type Type = super::RoomSignaller;
        type Interfaces = (Signallable,);
    }

    impl ObjectImpl for RoomSignaller {
        fn properties() -> &'static [glib::ParamSpec] {
            static PROPERTIES: OnceLock<[glib::ParamSpec; 1]> = OnceLock::new();
            PROPERTIES.get_or_init(|| [glib::ParamSpecOverride::for_interface::<Signallable>("manual-sdp-munging")])
        }

        fn property(&self, _: usize, _: &glib::ParamSpec) -> glib::Value {
            false.to_value()
        }
    }

    impl SignallableImpl for RoomSignaller {
        fn start(&self) {
            let (requests, received) = mpsc::unbounded_channel();
            let (ending, ended) = std::sync::mpsc::channel();
            *self.is_on.write().unwrap_or_else(PoisonError::into_inner) = true;
            let mut line = self.line();
            *line =
                Line { requests: Some(requests), ended: Some(ended), muted: line.muted, channel: line.channel.take(), ..Line::default() };
            RUNTIME.spawn(keep(self.obj().downgrade(), received, ending));
        }

        fn stop(&self) {
            *self.is_on.write().unwrap_or_else(PoisonError::into_inner) = false;
            let ended = {
                let mut line = self.line();
                line.send(Request::Leave(proto::LeaveRequest {
                    reason: proto::DisconnectReason::ClientInitiated as i32,
                    ..Default::default()
                }));
                line.requests = None;
                line.pending.clear();
                line.ended.take()
            };
            // A server that hangs keeps nobody.
            if let Some(ended) = ended {
                let _ = ended.recv_timeout(LEAVE);
            }
        }

        fn send_sdp(&self, _: &str, description: &WebRTCSessionDescription) {
            if description.type_() == WebRTCSDPType::Offer {
                RUNTIME.spawn(publish(self.obj().downgrade(), description.sdp().to_string(), tracks_of(description)));
            }
        }

        fn add_ice(&self, _: &str, candidate: &str, sdp_m_line_index: u32, sdp_mid: Option<String>) {
            let found = Candidate { sdp_mid: sdp_mid.unwrap_or_default(), sdp_m_line_index, candidate: candidate.into() };
            let request = Request::Trickle(proto::TrickleRequest {
                candidate_init: serde_json::to_string(&found).expect("plain texts and a number"),
                target: proto::SignalTarget::Publisher as i32,
                ..Default::default()
            });
            let mut line = self.line();
            if line.offered { line.send(request) } else { line.early.push(request) }
        }

        fn end_session(&self, _: &str) {}
    }
}
