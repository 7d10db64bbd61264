//! Viewers by WebRTC: WHEP (draft-ietf-wish-whep), with all candidates inside offer and answer.
//!
//! `whepserversink` takes our encoded pictures and sound once and sends them to every peer. Its own HTTP server stays off: offers come
//! by [`Whep::offer`], after whoever calls it has checked that the viewer may come in. There is no trickle: its `patch` is never called.

use super::{Counters, Place};
use crate::peer_connection;
use bytes::Bytes;
use engine::media::{EncodedAudioCaps, EncodedUnit, EncodedVideoCaps};
use engine::packet::Packet;
use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_webrtc::WebRTCPeerConnectionState;
use gstrswebrtc::signaller::Signallable;
use plugins::gst::{Fed, Feed, GstError, Pipeline, encoded_audio_caps, encoded_video_caps};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// How long an offer may take to be answered; candidates of this machine are found in far less.
const ANSWER: Duration = Duration::from_secs(10);

/// Why an offer was not answered.
#[derive(Debug, thiserror::Error)]
pub enum WhepError {
    /// The viewer is not let in.
    #[error(transparent)]
    Refused(#[from] super::Refused),
    /// `web_sink` is set to do without.
    #[error("WebRTC is off here (`whep: false` of the web_sink); take fragmented MP4 instead")]
    Off,
    /// The offer is no SDP, or asks for nothing that is sent here.
    #[error("this offer cannot be answered: {0}")]
    BadOffer(String),
    /// The peer connection could not be made.
    #[error("the connection could not be made: {0}")]
    Failed(String),
}

/// A peer that has not been heard of for so long has gone without a word. Every one that plays reports what it gets, several times in this.
const SILENT: Duration = Duration::from_secs(15);

/// A peer that is in, or whose offer is being answered.
struct WhepPeer {
    /// When it was last heard of. Pages that are closed say nothing, and the element misses nobody.
    heard: Arc<Mutex<Instant>>,
    _place: Place,
}

/// Peers by id.
type Peers = Arc<Mutex<HashMap<String, WhepPeer>>>;

/// The peers of one rung.
pub(crate) struct Whep {
    pipeline: Pipeline,
    signaller: Signallable,
    feed: Mutex<Feed>,
    wanted: Arc<AtomicBool>,
    /// The element has seen what it is to send.
    ready: watch::Receiver<bool>,
    peers: Peers,
    /// When the silent ones were last looked for.
    swept: Mutex<Instant>,
    counters: Arc<Counters>,
}

/// One answer after the other, in all rooms: the element loses some of the offers that come while it answers another one.
static ANSWERING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

impl Whep {
    /// Starts with the caps of what will be pushed. Candidates are those of `addresses`, or of all networks where there is none.
    pub(crate) fn start(
        video: &EncodedVideoCaps,
        audio: Option<&EncodedAudioCaps>,
        addresses: &[IpAddr],
        counters: &Arc<Counters>,
    ) -> Result<Whep, GstError> {
        crate::init()?;
        let mut text = String::from(
            "whepserversink name=sink stun-server=\"\" congestion-control=disabled do-fec=false \
             appsrc name=video is-live=true ! sink.video_0 ",
        );
        let mut tracks = vec![("video", encoded_video_caps(video))];
        if let Some(audio) = audio {
            text += "appsrc name=audio is-live=true ! sink.audio_0";
            tracks.push(("audio", encoded_audio_caps(audio)));
        }
        let (wanted, peers): (Arc<AtomicBool>, Peers) = Default::default();
        let (seen, ready) = watch::channel(false);
        let mut found = None;
        let prepare = |pipeline: &Pipeline| {
            let missing = || GstError::Missing { element: "whepserversink".into() };
            let sink = pipeline.element("sink").ok_or_else(missing)?;
            let signaller = sink.property::<Signallable>("signaller");
            signaller.set_property("host-addr", None::<String>);
            signaller.set_property("stun-server", None::<String>);
            signaller.set_property("timeout", ANSWER.as_secs() as u32);
            // It begins to signal when it knows its tracks.
            signaller.connect("start", false, move |_| {
                seen.send_replace(true);
                Some(true.to_value())
            });
            watch(&signaller, addresses, &peers, counters);
            let gone = peers.clone();
            sink.connect("consumer-removed", false, move |values| {
                let peer = values.get(1).and_then(|value| value.get::<String>().ok()).unwrap_or_default();
                forget(&gone, &peer);
                None
            });
            let asked = wanted.clone();
            peer_connection::hear_keyframe_requests(pipeline, move || asked.store(true, Ordering::Relaxed));
            found = Some(signaller);
            Ok(())
        };
        let pipeline = Pipeline::launch_with(&text, &tracks, prepare)?;
        let signaller = found.ok_or_else(|| GstError::Missing { element: "whepserversink".into() })?;
        let swept = Mutex::new(Instant::now());
        Ok(Whep { pipeline, signaller, feed: Mutex::default(), wanted, ready, peers, swept, counters: counters.clone() })
    }

    /// A peer has asked for a keyframe since the last question.
    pub(crate) fn takes_keyframe(&self) -> bool {
        self.wanted.swap(false, Ordering::Relaxed)
    }

    /// Sends a picture (track 0) or a piece of sound (track 1) to all peers.
    pub(crate) fn push(&self, track: usize, packet: &Packet<EncodedUnit>) -> Result<(), GstError> {
        self.sweep();
        let mut feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
        if feed.push(&self.pipeline, (track, track == 0), packet, Duration::ZERO)? == Fed::Full {
            self.wanted.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Once a second: ends the peers that have gone without a word.
    fn sweep(&self) {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.elapsed() < Duration::from_secs(1) {
            return;
        }
        *swept = Instant::now();
        let is_silent = |heard: &Mutex<Instant>| heard.lock().unwrap_or_else(PoisonError::into_inner).elapsed() > SILENT;
        let peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let gone: Vec<String> = peers.iter().filter(|(_, peer)| is_silent(&peer.heard)).map(|(id, _)| id.clone()).collect();
        drop(peers);
        for id in gone {
            tracing::debug!(id, "a viewer has gone without a word");
            if forget(&self.peers, &id) {
                self.signaller.emit_by_name::<()>("delete", &[&id, &gst::Promise::new()]);
            }
        }
    }

    /// Lets a peer in that has a place, for as long as it is there.
    pub(super) async fn offer(&self, id: &str, offer: Bytes, place: Place) -> Result<String, WhepError> {
        // An offer that comes before is lost: the element looks for tracks in it that it does not have yet.
        let mut ready = self.ready.clone();
        let is_ready = tokio::time::timeout(ANSWER, ready.wait_for(|ready| *ready)).await.is_ok_and(|seen| seen.is_ok());
        if !is_ready {
            return Err(WhepError::Failed("nothing is sent here yet; ask again".into()));
        }
        let _alone = ANSWERING.lock().await;
        let (reply, answered) = oneshot::channel();
        let promise = gst::Promise::with_change_func(move |result| {
            let reply_of = |fields: &gst::StructureRef| {
                let body = fields.get::<glib::Bytes>("body").map(|body| String::from_utf8_lossy(&body).into_owned());
                (fields.get::<u32>("status").unwrap_or_default(), body.unwrap_or_default())
            };
            let _ = reply.send(result.ok().flatten().map(reply_of));
        });
        let peer = WhepPeer { heard: Arc::new(Mutex::new(Instant::now())), _place: place };
        self.peers.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_string(), peer);
        self.signaller.emit_by_name::<()>("post", &[&Some(id), &glib::Bytes::from_owned(offer), &promise]);
        let answer = tokio::time::timeout(ANSWER + Duration::from_secs(2), answered).await;
        let result = match answer {
            Ok(Ok(Some((201, answer)))) if answer.starts_with("v=") => Ok(answer),
            Ok(Ok(Some((406, text)))) => Err(WhepError::BadOffer(text)),
            Ok(Ok(Some((_, text)))) => {
                // It names files of the machine that it was built on.
                tracing::warn!(id, text, "no answer to an offer");
                Err(WhepError::Failed("the element has given up; ask again".into()))
            }
            Ok(_) => Err(WhepError::Failed("the element gave no answer".into())),
            Err(_) => Err(WhepError::BadOffer(format!("no answer was found within {} s", ANSWER.as_secs()))),
        };
        match &result {
            Ok(_) => _ = self.counters.joined.fetch_add(1, Ordering::Relaxed),
            Err(_) => self.leave(id).await,
        }
        result
    }

    pub(super) async fn leave(&self, id: &str) {
        if !forget(&self.peers, id) {
            return;
        }
        let (reply, left) = oneshot::channel();
        let promise = gst::Promise::with_change_func(move |_| _ = reply.send(()));
        self.signaller.emit_by_name::<()>("delete", &[&id, &promise]);
        // It is gone for us, whatever the element says.
        let _ = tokio::time::timeout(ANSWER, left).await;
    }
}

/// A peer has its place no more; `false` when it had none.
fn forget(peers: &Peers, id: &str) -> bool {
    peers.lock().unwrap_or_else(PoisonError::into_inner).remove(id).is_some()
}

/// Tells each new peer connection which addresses it has; a peer whose connection closes is gone.
fn watch(signaller: &Signallable, addresses: &[IpAddr], peers: &Peers, counters: &Arc<Counters>) {
    let addresses = addresses.to_vec();
    let (peers, counters, weak) = (peers.clone(), counters.clone(), signaller.downgrade());
    signaller.connect("webrtcbin-ready", false, move |values| {
        let id = values.get(1).and_then(|value| value.get::<String>().ok()).unwrap_or_default();
        let webrtcbin = values.get(2).and_then(|value| value.get::<gst::Element>().ok())?;
        peer_connection::prepare(&webrtcbin, &addresses);
        let heard = peers.lock().unwrap_or_else(PoisonError::into_inner).get(&id).map(|peer| peer.heard.clone());
        if let (Some(heard), Some(bin)) = (heard, webrtcbin.downcast_ref::<gst::Bin>()) {
            hear(bin, heard);
        }
        let (peers, counters, weak) = (peers.clone(), counters.clone(), weak.clone());
        webrtcbin.connect_notify(Some("connection-state"), move |webrtcbin, _| {
            match webrtcbin.property::<WebRTCPeerConnectionState>("connection-state") {
                WebRTCPeerConnectionState::Connected => counters.sees(),
                WebRTCPeerConnectionState::Closed => {
                    forget(&peers, &id);
                    // A page that is closed says no more than that. The element ends by itself what fails, but not what is closed.
                    if let Some(signaller) = weak.upgrade() {
                        signaller.emit_by_name::<()>("delete", &[&id, &gst::Promise::new()]);
                    }
                }
                _ => {}
            }
        });
        None
    });
}

/// Notes when anything comes from a peer: `nicesrc` is where it comes in.
fn hear(bin: &gst::Bin, heard: Arc<Mutex<Instant>>) {
    bin.connect_deep_element_added(move |_, _, element| {
        let is_door = element.factory().is_some_and(|factory| factory.name() == "nicesrc");
        let Some(pad) = element.static_pad("src").filter(|_| is_door) else { return };
        let heard = heard.clone();
        pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, _| {
            *heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            gst::PadProbeReturn::Ok
        });
    });
}
