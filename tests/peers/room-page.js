// The page of room.mjs. `join(settings)` gives the report; what went wrong is its `error`, the rest is then what was seen until then.
"use strict";

window.join = async ({ url, token, seconds, until, since, send, limit }) => {
  const { Room, RoomEvent } = window.LivekitClient;
  const room = new Room({ adaptiveStream: false, dynacast: false });
  const began = performance.now();
  const report = { connected_ms: null, first_frame: null, participants: [], video: null, audio: null, avsync: null, data: [], events: [] };
  const moment = () => Math.round((performance.now() - began) * 10) / 10;
  const note = (event, about) => report.events.push({ at_ms: moment(), event, ...about });

  let ended;
  const end = new Promise((resolve) => { ended = resolve; });
  const both = {};
  const subscribed = new Promise((resolve) => {
    room.on(RoomEvent.TrackSubscribed, (track, publication, from) => {
      note("subscribed", { kind: track.kind, from: from.identity, muted: publication.isMuted });
      const element = track.attach();
      element.style.width = "100%";
      document.body.append(element);
      both[track.kind] = { track, element };
      if (both.video && both.audio) resolve();
    });
  });
  room.on(RoomEvent.TrackUnsubscribed, (track, _, from) => note("unsubscribed", { kind: track.kind, from: from.identity }));
  room.on(RoomEvent.TrackMuted, (publication, from) => note("muted", { kind: publication.kind, from: from.identity }));
  room.on(RoomEvent.TrackUnmuted, (publication, from) => note("unmuted", { kind: publication.kind, from: from.identity }));
  room.on(RoomEvent.ParticipantConnected, (from) => note("participant_connected", { from: from.identity }));
  room.on(RoomEvent.ParticipantDisconnected, (from) => note("participant_disconnected", { from: from.identity }));
  room.on(RoomEvent.Reconnecting, () => note("reconnecting"));
  room.on(RoomEvent.Reconnected, () => note("reconnected"));
  room.on(RoomEvent.Disconnected, (reason) => {
    note("disconnected", { reason });
    ended("the room was left before the end");
  });
  room.on(RoomEvent.DataReceived, (payload, from, kind, topic) => {
    const text = new TextDecoder().decode(payload);
    let message = text;
    try { message = JSON.parse(text); } catch { /* what is no JSON is reported as text */ }
    report.data.push({ at_ms: moment(), topic: topic ?? null, from: from?.identity ?? null, message });
    if (until && (message === until || message.message === until)) ended(null);
  });

  const late = (what) => new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`${what} after ${Math.round(limit)} ms`)), limit - (performance.now() - began));
  });
  let measuring = false;
  try {
    await Promise.race([room.connect(url, token), late('not connected')]);
    report.connected_ms = moment();
    await Promise.race([subscribed, late('not both picture and sound were published')]);
    const { video, audio } = both;
    const first = await Promise.race([window.meter.firstFrame(limit), late("no frame was shown")]);
    report.first_frame = {
      from_start_ms: Math.round(first.at - began),
      from_connected_ms: Math.round(first.at - began - report.connected_ms),
      since_ms: since === null ? null : Math.round(performance.timeOrigin + first.at - since),
    };
    await room.startAudio();
    await window.meter.start(video.element, new MediaStream([audio.track.mediaStreamTrack]));
    measuring = true;
    if (send) {
      await room.localParticipant.publishData(new TextEncoder().encode(send), { reliable: true, topic: "avatar_events" });
      note("sent");
    }
    report.participants = [...room.remoteParticipants.values()].map(({ identity, name, metadata, sid }) => ({ identity, name, metadata, sid }));

    const enough = until ? late(`no ${until} as a data message`) : new Promise((resolve) => setTimeout(resolve, seconds * 1000, null));
    const problem = await Promise.race([end, enough]);
    if (problem) throw new Error(problem);
  } catch (error) {
    report.error = error.message;
  }
  if (measuring) Object.assign(report, await played(both.video.track, both.audio.track));
  if (measuring) await window.screenshot();
  room.removeAllListeners();
  await room.disconnect();
  return report;
};

/** What was played, with what the statistics say of it. */
async function played(videoTrack, audioTrack) {
  const { audio: level, avsync, ...picture } = window.meter.result();
  const [videoStats, audioStats] = [await inbound(videoTrack), await inbound(audioTrack)];
  const video = {
    ...picture,
    codec: videoStats.codec?.mimeType ?? null,
    decoded: videoStats.framesDecoded,
    keyframes: videoStats.keyFramesDecoded,
    lost_packets: videoStats.packetsLost,
    freezes: videoStats.freezeCount,
    jitter_buffer_ms: perUnit(videoStats.jitterBufferDelay, videoStats.jitterBufferEmittedCount),
  };
  const audio = {
    ...level,
    codec: audioStats.codec?.mimeType ?? null,
    lost_packets: audioStats.packetsLost,
    concealed_part: (audioStats.concealedSamples - audioStats.silentConcealedSamples) / audioStats.totalSamplesReceived,
    jitter_buffer_ms: perUnit(audioStats.jitterBufferDelay, audioStats.jitterBufferEmittedCount),
  };
  return { video, audio, avsync };
}

/** Inbound RTP statistics of a track, its codec's with them. */
async function inbound(track) {
  const stats = await track.getRTCStatsReport();
  for (const entry of stats?.values() ?? []) {
    if (entry.type === "inbound-rtp") return { ...entry, codec: stats.get(entry.codecId) };
  }
  return {};
}

function perUnit(sum, count) {
  return count > 0 ? Math.round((sum / count) * 10000) / 10 : null;
}
