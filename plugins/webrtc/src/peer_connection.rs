//! What the peer connections of a viewer and of a LiveKit server have in common: addresses, keyframe requests, and when they may be sent to.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_webrtc::WebRTCPeerConnectionState;
use plugins::gst::Pipeline;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// To be called with each new `webrtcbin`. Its candidates are those of `addresses`, or of all networks where there is none, and nothing is
/// sent before what encrypts it is at work.
pub(crate) fn prepare(webrtcbin: &gst::Element, addresses: &[IpAddr]) {
    offer_addresses(webrtcbin, addresses);
    Gate::before(webrtcbin);
}

/// Calls back whenever a peer asks for a keyframe of the track `video` (RTCP PLI or FIR), which the element passes on upstream.
pub(crate) fn hear_keyframe_requests(pipeline: &Pipeline, asked: impl Fn() + Send + Sync + 'static) {
    let Some(pad) = pipeline.element("video").and_then(|source| source.static_pad("src")) else { return };
    pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
        let is_request = info.event().and_then(|event| event.structure().map(|fields| fields.name() == "GstForceKeyUnit"));
        if is_request == Some(true) {
            asked();
        }
        gst::PadProbeReturn::Ok
    });
}

/// Holds back what is sent to a peer until its encryption is at work. `webrtcbin` lets it go as soon as the keys are agreed on, which on a busy
/// machine may be before the element that encrypts has started: whoever pushes into that is told that all is over, and never sends again
/// (gst-plugins-bad 1.22, `transportsendbin.c`).
struct Gate {
    /// The tracks that are held; `None` once it is open.
    held: Mutex<Option<Vec<(gst::Pad, gst::PadProbeId)>>>,
}

impl Gate {
    /// How often it is looked whether the elements have started, and how often at most.
    const LOOK: Duration = Duration::from_millis(5);
    const LOOKS: u32 = 2000;

    /// One before all tracks that a peer connection will have. It opens by itself once the peer is connected.
    fn before(webrtcbin: &gst::Element) {
        let gate = Arc::new(Gate { held: Mutex::new(Some(Vec::new())) });
        let closed = gate.clone();
        webrtcbin.connect_pad_added(move |_, pad| {
            if pad.direction() == gst::PadDirection::Sink {
                closed.hold(pad);
            }
        });
        webrtcbin.connect_notify(Some("connection-state"), move |webrtcbin, _| {
            if webrtcbin.property::<WebRTCPeerConnectionState>("connection-state") == WebRTCPeerConnectionState::Connected {
                gstrswebrtc::RUNTIME.spawn(gate.clone().open(webrtcbin.downgrade()));
            }
        });
    }

    fn hold(&self, pad: &gst::Pad) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_mut() {
            let types = gst::PadProbeType::BLOCK | gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
            held.extend(pad.add_probe(types, |_, _| gst::PadProbeReturn::Ok).map(|probe| (pad.clone(), probe)));
        }
    }

    /// Lets everything go once what encrypts it has started.
    async fn open(self: Arc<Gate>, webrtcbin: glib::WeakRef<gst::Element>) {
        let mut looks = 0;
        loop {
            let Some(webrtcbin) = webrtcbin.upgrade() else { return };
            if encrypts(&webrtcbin) {
                break;
            }
            if looks == Gate::LOOKS {
                tracing::warn!(waited = ?(Gate::LOOK * looks), "a peer is sent to, though its encryption is not seen to be at work");
                break;
            }
            looks += 1;
            drop(webrtcbin);
            tokio::time::sleep(Gate::LOOK).await;
        }
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        for (pad, probe) in held.into_iter().flatten() {
            pad.remove_probe(probe);
        }
    }
}

/// All that encrypts what goes to a connected peer is at work. Those whose state is locked belong to transports that are not used.
fn encrypts(webrtcbin: &gst::Element) -> bool {
    let Some(bin) = webrtcbin.downcast_ref::<gst::Bin>() else { return true };
    let is_encoder = |element: &gst::Element| element.factory().is_some_and(|factory| factory.name() == "dtlssrtpenc");
    let mut encoders = bin.iterate_recurse().into_iter().flatten().filter(|element| is_encoder(element) && !element.is_locked_state());
    encoders.all(|encoder| encoder.current_state() == gst::State::Playing)
}

/// Restricts the candidates of a peer connection to these addresses; without any, libnice offers those of all networks but loopback.
fn offer_addresses(webrtcbin: &gst::Element, addresses: &[IpAddr]) {
    let Some(ice) = webrtcbin.property::<Option<gst::Object>>("ice-agent") else { return };
    for address in addresses {
        let added = ice.emit_by_name::<bool>("add-local-ip-address", &[&address.to_string()]);
        tracing::debug!(%address, added, "candidate address");
    }
    // libnice would ask a router for a way through, and wait for its answer before it is done.
    if let Some(nice) = ice.has_property("agent").then(|| ice.property::<Option<glib::Object>>("agent")).flatten()
        && nice.has_property("upnp")
    {
        nice.set_property("upnp", false);
    }
}
