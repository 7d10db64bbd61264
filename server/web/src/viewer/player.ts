/**
 * Keeps one lecture on one video element: chooses the transport, falls back, reconnects, ends.
 *
 * At most one transport lives at a time; whatever an older one still says is not heard.
 */
import { Backoff } from "../shared/backoff";
import type { EventLog } from "../shared/eventlog";
import { roomPath, type LectureState, type Refusal } from "../shared/live";
import { MseTransport, mediaSourceClass } from "./mse";
import type { Loss, Transport, TransportHost, TransportKind } from "./transport";
import { WhepTransport } from "./whep";

export type PlayerState =
  | "idle" | "connecting" | "playing" | "paused" | "reconnecting" | "ended" | "refused" | "unsupported";

const firstFrameMs = { whep: 4_000, mse: 10_000 };
/** Playing this long makes the next loss a new one, with short waits again. */
const steadyMs = 5_000;
/** When the lecture is over, how long what is still under way may take to be played. */
const lastWordsMs = { whep: 1_000, mse: 5_000 };

export interface PlayerOptions {
  video: HTMLVideoElement;
  room: string;
  forced: TransportKind | null;
  log: EventLog;
  lectureState: () => LectureState | null;
  changed: () => void;
}

export class Player {
  state: PlayerState = "idle";
  refusal: Refusal | null = null;
  /** From the token to the first frame, in milliseconds; null before. */
  joinMs: number | null = null;
  stalls = 0;
  /** The browser wants a gesture before it plays sound (or anything at all). */
  soundRefused = false;
  playRefused = false;
  /** A frame has been shown with this token: it stays on screen while we reconnect. */
  everShown = false;
  private transport: Transport | null = null;
  private token = "";
  private tokenAt = 0;
  private shown = false;
  private whepFailed = false;
  private lostWhilePaused = false;
  private pausedAtMs: number | null = null;
  private attempts = 0;
  private framesBefore = 0;
  private hasSource = false;
  private timer = 0;
  private readonly backoff = new Backoff();
  private readonly options: PlayerOptions;

  constructor(options: PlayerOptions) {
    this.options = options;
    const { video } = options;
    // Picture-in-picture windows and media keys act on the element itself.
    video.addEventListener("pause", () => this.state === "playing" && !video.ended && this.pause());
    video.addEventListener("play", () => this.state === "paused" && this.resume());
    window.addEventListener("online", () => this.state === "reconnecting" && this.attempt());
  }

  get kind(): TransportKind | null {
    return this.transport?.kind ?? null;
  }

  join(token: string): void {
    this.stop("idle");
    this.token = token;
    this.tokenAt = performance.now();
    this.refusal = null;
    this.everShown = false;
    this.backoff.reset();
    this.attempt();
  }

  /** Freezes picture and sound here only; the lecture goes on. */
  pause(): void {
    if (this.state !== "playing") return;
    this.pausedAtMs = this.transport?.positionMs(null) ?? this.pausedAtMs;
    this.enter("paused");
    this.options.video.pause();
  }

  /** Back to live. */
  resume(): void {
    if (this.state !== "paused") return;
    this.pausedAtMs = null;
    if (this.lostWhilePaused) {
      this.lostWhilePaused = false;
      this.attempt();
      return;
    }
    this.enter("playing");
    this.transport?.toLive();
    void this.play();
  }

  /** Someone has clicked: what the browser refused before is allowed now. */
  allow(): void {
    this.soundRefused = false;
    this.playRefused = false;
    this.options.video.muted = false;
    void this.play();
    this.options.changed();
  }

  refuse(refusal: Refusal): void {
    this.refusal = refusal;
    // Without a right to the room there is none to its log either.
    if (refusal === "missing" || refusal === "full") this.options.log.add("refused", refusal, "error");
    this.stop("refused");
  }

  /** The lecture is over: lets the last words be played. */
  lectureEnded(): void {
    const { transport } = this;
    if (!transport || this.state !== "playing") {
      this.finish();
      return;
    }
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.finish(), lastWordsMs[transport.kind]);
  }

  /** The page is going away; `join` may follow when it comes back. */
  leave(): void {
    this.transport?.leave();
    this.stop("idle");
  }

  /** Programme time on screen, in milliseconds; null: not known. */
  positionMs(serverNowMs: number | null): number | null {
    if (this.state === "paused" && this.kind !== "mse") return this.pausedAtMs;
    const position = this.transport?.positionMs(serverNowMs) ?? null;
    if (this.state === "playing") this.pausedAtMs = position;
    return position;
  }

  delayMs(serverNowMs: number | null): number | null {
    return this.state === "playing" ? (this.transport?.delayMs(serverNowMs) ?? null) : null;
  }

  /** Frames shown since the page was opened, over all transports. */
  framesShown(): number {
    return this.framesBefore + (this.hasSource ? framesOf(this.options.video) : 0);
  }

  private attempt(): void {
    const { video, room, forced, log } = this.options;
    clearTimeout(this.timer);
    this.drop();
    const kind = this.choose();
    if (kind === null) {
      log.add("error", "neither WebRTC nor MediaSource", "error");
      this.stop("unsupported");
      return;
    }
    this.shown = false;
    this.enter(this.everShown ? "reconnecting" : "connecting");
    const mine = this.attempts;
    const current = (act: () => void) => () => mine === this.attempts && act();
    const host: TransportHost = {
      attached: current(() => this.attached(mine)),
      stalled: current(() => this.stalled()),
      ended: current(() => this.finish()),
      lost: (loss) => mine === this.attempts && this.lost(loss, kind, forced !== null),
    };
    const Kind = kind === "whep" ? WhepTransport : MseTransport;
    try {
      this.transport = new Kind(video, roomPath(room, kind === "whep" ? "whep" : "media"), this.token, host);
      this.expectFrame(kind, host);
    } catch (error) {
      host.lost({ reason: String(error), refusal: null });
    }
  }

  private choose(): TransportKind | null {
    const whep = typeof RTCPeerConnection !== "undefined";
    const mse = mediaSourceClass() !== null;
    const able = { whep, mse };
    const { forced } = this.options;
    if (forced) return able[forced] ? forced : null;
    if (whep && !(this.whepFailed && mse)) return "whep";
    return mse ? "mse" : null;
  }

  /** No frame in time is a loss, except while the lecture itself is not ready to send one. */
  private expectFrame(kind: TransportKind, host: TransportHost): void {
    this.timer = window.setTimeout(() => {
      if (this.shown || this.playRefused) return;
      if (this.options.lectureState() === "preparing") this.expectFrame(kind, host);
      else host.lost({ reason: `${kind}: no frame within ${firstFrameMs[kind] / 1_000} s`, refusal: null });
    }, firstFrameMs[kind]);
  }

  private attached(mine: number): void {
    const { video } = this.options;
    this.hasSource = true;
    const first = () => mine === this.attempts && this.firstFrame();
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(first);
    else (video as HTMLVideoElement).addEventListener("loadeddata", first, { once: true });
    void this.play();
  }

  private firstFrame(): void {
    const { log } = this.options;
    const transport = this.kind ?? "none";
    clearTimeout(this.timer);
    this.shown = true;
    if (this.joinMs === null) {
      this.joinMs = Math.round(performance.now() - this.tokenAt);
      log.add("joined", `first frame by ${transport}`, "info", { join_ms: this.joinMs, transport });
    } else {
      log.add("rejoined", `first frame again by ${transport}`, "info", { transport });
    }
    this.everShown = true;
    this.enter("playing");
    this.timer = window.setTimeout(() => this.backoff.reset(), steadyMs);
  }

  private stalled(): void {
    this.stalls += 1;
    this.options.log.add("stall", `no data in time (${this.kind})`, "warning", { stalls: this.stalls });
    this.options.changed();
  }

  private lost(loss: Loss, kind: TransportKind, forced: boolean): void {
    const { log } = this.options;
    const fallBack = !this.shown && kind === "whep" && !forced && mediaSourceClass() !== null;
    this.drop();
    if (this.options.lectureState() === "ended") {
      this.finish();
      return;
    }
    // Whether a room is missing or full is for the media socket to say; WHEP may be switched off.
    const final = fallBack ? loss.refusal === "token" || loss.refusal === "room" : loss.refusal !== null;
    if (final && loss.refusal) {
      this.refuse(loss.refusal);
      return;
    }
    if (!this.shown) this.whepFailed = fallBack;
    if (fallBack) {
      log.add("fallback", loss.reason, "warning");
      this.attempt();
      return;
    }
    log.add("reconnect", loss.reason, "warning", { transport: kind });
    if (this.state === "paused") {
      this.lostWhilePaused = true;
      return;
    }
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.attempt(), this.backoff.next());
    this.enter("reconnecting");
  }

  private finish(): void {
    if (this.state === "ended" || this.state === "idle" || this.state === "refused") return;
    this.options.log.add("ended", "the lecture has ended", "info", { stalls: this.stalls });
    this.stop("ended");
  }

  private async play(): Promise<void> {
    const { video } = this.options;
    try {
      await video.play();
    } catch (error) {
      // Anything else is a source that was replaced meanwhile.
      if ((error as DOMException).name !== "NotAllowedError") return;
      if (video.muted) {
        this.playRefused = true;
        this.options.changed();
        return;
      }
      video.muted = true;
      this.soundRefused = true;
      this.options.changed();
      await this.play();
    }
  }

  private drop(): void {
    this.attempts += 1;
    if (!this.transport) return;
    this.framesBefore = this.framesShown();
    this.hasSource = false;
    this.transport.close();
    this.transport = null;
  }

  private stop(state: PlayerState): void {
    clearTimeout(this.timer);
    this.enter(state);
    this.lostWhilePaused = false;
    this.drop();
  }

  private enter(state: PlayerState): void {
    this.state = state;
    this.options.changed();
  }
}

function framesOf(video: HTMLVideoElement): number {
  const quality = video.getVideoPlaybackQuality();
  return quality.totalVideoFrames - quality.droppedVideoFrames;
}
