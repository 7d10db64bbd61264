/** Receiving by WebRTC, set up by WHEP: one POST with the offer, one answer, no trickled candidates. */
import { refusalOfStatus } from "../shared/live";
import type { Transport, TransportHost } from "./transport";

/** A gathering that has not ended by then goes with the candidates it has. */
const gatherMs = 1_500;
/** ICE says "disconnected" for short gaps, too; after this long it is a loss. */
const disconnectedMs = 4_000;
/** The stream never rests, so no data for this long means that the sender is gone. */
const silentMs = 6_000;
/**
 * How long sound and picture wait in their jitter buffers at least. Left to itself a browser shows the picture at once and the sound up
 * to 300 ms later, and takes some ten seconds to bring them together. The picture waits longer by what the way to the loudspeaker takes.
 */
const bufferMs = { audio: 100, video: 130 };
/** Captions are told when they are spoken; the jitter buffer shows the mouth about this much later. */
const captionDelayMs = 200;

export class WhepTransport implements Transport {
  readonly kind = "whep";
  private readonly pc = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
  private readonly stream = new MediaStream();
  private readonly abort = new AbortController();
  private readonly timer: number;
  private resource: URL | null = null;
  private over = false;
  private delay: number | null = null;
  private last = { emitted: 0, buffered: 0, freezes: 0, bytes: 0, heardAt: 0 };
  private readonly video: HTMLVideoElement;
  private readonly path: string;
  private readonly token: string;
  private readonly host: TransportHost;

  constructor(video: HTMLVideoElement, path: string, token: string, host: TransportHost) {
    this.video = video;
    this.path = path;
    this.token = token;
    this.host = host;
    this.timer = window.setInterval(() => void this.measure(), 1_000);
    this.pc.addEventListener("track", ({ track, receiver }) => {
      // A browser that does not know it does as it likes.
      receiver.jitterBufferTarget = track.kind === "audio" ? bufferMs.audio : bufferMs.video;
      this.stream.addTrack(track);
    });
    this.pc.addEventListener("connectionstatechange", () => this.connectionChanged());
    this.connect().catch((error: unknown) => this.lose(`WHEP: ${String(error)}`));
  }

  positionMs(serverNowMs: number | null): number | null {
    return serverNowMs === null ? null : serverNowMs - captionDelayMs;
  }

  delayMs(): number | null {
    return this.delay;
  }

  toLive(): void {
    // A media stream has no past: playing it again is live.
  }

  close(): void {
    if (this.over) return;
    this.over = true;
    clearInterval(this.timer);
    this.abort.abort();
    this.pc.close();
    this.video.pause();
    this.deleteResource();
  }

  leave(): void {
    this.close();
  }

  private async connect(): Promise<void> {
    this.pc.addTransceiver("video", { direction: "recvonly" });
    this.pc.addTransceiver("audio", { direction: "recvonly" });
    await this.pc.setLocalDescription();
    await this.gathered();
    const answer = await fetch(this.path, {
      method: "POST",
      headers: { "content-type": "application/sdp", authorization: `Bearer ${this.token}` },
      body: this.pc.localDescription?.sdp ?? "",
      signal: this.abort.signal,
    });
    if (answer.status !== 201) {
      this.lose(`WHEP: the server answered ${answer.status}`, refusalOfStatus(answer.status));
      return;
    }
    this.resource = this.resourceOf(answer);
    const sdp = await answer.text();
    if (this.over) {
      this.deleteResource();
      return;
    }
    await this.pc.setRemoteDescription({ type: "answer", sdp });
    this.video.removeAttribute("src");
    this.video.srcObject = this.stream;
    this.host.attached();
  }

  /** The token goes with the DELETE, so the resource must be on the page's own server. */
  private resourceOf(answer: Response): URL | null {
    const place = answer.headers.get("location");
    if (!place) return null;
    const url = new URL(place, answer.url);
    return url.origin === location.origin ? url : null;
  }

  private deleteResource(): void {
    if (!this.resource) return;
    const headers = { authorization: `Bearer ${this.token}` };
    fetch(this.resource, { method: "DELETE", headers, keepalive: true }).catch(() => undefined);
    this.resource = null;
  }

  private gathered(): Promise<void> {
    return new Promise((done) => {
      const check = () => this.pc.iceGatheringState === "complete" && done();
      this.pc.addEventListener("icegatheringstatechange", check);
      window.setTimeout(done, gatherMs);
      check();
    });
  }

  private connectionChanged(): void {
    const state = this.pc.connectionState;
    if (state === "failed" || state === "closed") this.lose(`WebRTC: the connection ${state}`);
    if (state !== "disconnected") return;
    window.setTimeout(() => {
      if (this.pc.connectionState === "disconnected") this.lose("WebRTC: the connection was lost");
    }, disconnectedMs);
  }

  /**
   * The delay over the last second: mean time in the video jitter buffer plus one round trip (half of
   * it is the way here, the other half allows for the sender's pacing). Also notices a silent sender.
   */
  private async measure(): Promise<void> {
    if (this.pc.connectionState !== "connected") return;
    const report = await this.pc.getStats();
    if (this.over) return;
    let roundTripMs = 0;
    for (const stat of report.values()) {
      if (stat.type === "candidate-pair" && stat.nominated) roundTripMs = (stat.currentRoundTripTime ?? 0) * 1_000;
    }
    for (const stat of report.values()) {
      if (stat.type !== "inbound-rtp" || stat.kind !== "video") continue;
      const now = performance.now();
      // Bytes, not frames: a hidden page may rest from decoding.
      const bytes: number = stat.bytesReceived ?? 0;
      const heardAt = bytes > this.last.bytes || this.last.heardAt === 0 ? now : this.last.heardAt;
      const emitted: number = stat.jitterBufferEmittedCount ?? 0;
      const buffered: number = stat.jitterBufferDelay ?? 0;
      const freezes: number = stat.freezeCount ?? 0;
      if (emitted > this.last.emitted) {
        this.delay = ((buffered - this.last.buffered) / (emitted - this.last.emitted)) * 1_000 + roundTripMs;
      }
      if (freezes > this.last.freezes && !this.video.paused) this.host.stalled();
      this.last = { emitted, buffered, freezes, bytes, heardAt };
      if (now - heardAt > silentMs) this.lose("WebRTC: no data any more");
    }
  }

  private lose(reason: string, refusal: ReturnType<typeof refusalOfStatus> = null): void {
    if (this.over) return;
    this.close();
    this.host.lost({ reason, refusal });
  }
}
