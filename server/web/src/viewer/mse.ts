/** Receiving fragmented MP4 over a WebSocket into a SourceBuffer, and staying near its live edge. */
import { openSocket, parseMessage, refusalOfClose, type MediaText, type Refusal } from "../shared/live";
import { AppendQueue } from "./append";
import { LiveEdge, endOf } from "./edge";
import type { Transport, TransportHost } from "./transport";

/** The stream never rests, so a socket that says nothing this long is dead. */
const silentMs = 6_000;

/** The browser's MediaSource; `ManagedMediaSource` where only that exists (iPhone). Null: neither. */
export function mediaSourceClass(): typeof MediaSource | null {
  const managed = (globalThis as { ManagedMediaSource?: typeof MediaSource }).ManagedMediaSource;
  return typeof MediaSource !== "undefined" ? MediaSource : (managed ?? null);
}

export class MseTransport implements Transport {
  readonly kind = "mse";
  private readonly abort = new AbortController();
  private readonly socket: WebSocket;
  private readonly timer: number;
  private source: MediaSource | null = null;
  private queue: AppendQueue | null = null;
  private started = false;
  private ending = false;
  private over = false;
  private heardAt = performance.now();
  private readonly edge: LiveEdge;
  private readonly video: HTMLVideoElement;
  private readonly host: TransportHost;

  constructor(video: HTMLVideoElement, path: string, token: string, host: TransportHost) {
    this.video = video;
    this.edge = new LiveEdge(video);
    this.host = host;
    const { signal } = this.abort;
    this.socket = openSocket(path, token);
    this.socket.addEventListener("message", ({ data }) => this.heard(data), { signal });
    this.socket.addEventListener("close", (event) => this.closed(event), { signal });
    video.addEventListener("waiting", () => this.waits(), { signal });
    video.addEventListener("ended", () => this.finish(), { signal });
    video.addEventListener("error", () => this.lose(`video: ${video.error?.message ?? "error"}`), { signal });
    this.timer = window.setInterval(() => this.tick(), 1_000);
  }

  positionMs(): number | null {
    return this.started ? this.video.currentTime * 1_000 : null;
  }

  delayMs(serverNowMs: number | null): number | null {
    if (!this.started || serverNowMs === null) return null;
    return Math.max(0, serverNowMs - this.video.currentTime * 1_000);
  }

  toLive(): void {
    if (this.started) this.edge.goLive();
  }

  close(): void {
    if (this.over) return;
    this.over = true;
    clearInterval(this.timer);
    this.abort.abort();
    this.socket.close(1000);
    this.video.pause();
    this.video.playbackRate = 1;
  }

  leave(): void {
    this.close();
  }

  private heard(data: unknown): void {
    this.heardAt = performance.now();
    if (data instanceof ArrayBuffer) {
      this.queue?.push(data);
      return;
    }
    const message = parseMessage<MediaText>(data);
    if (message?.type === "init") this.begin(message.mime);
    if (message?.type === "end") this.end();
  }

  /** A new initialisation: the first one, or the same programme with another codec configuration. */
  private begin(mime: string): void {
    const Source = mediaSourceClass();
    if (!Source?.isTypeSupported(mime)) {
      this.lose(`this browser cannot play ${mime}`);
      return;
    }
    if (this.queue) {
      this.queue.changeType(mime);
      return;
    }
    const source = new Source();
    const queue = new AppendQueue(this.video, (reason) => this.lose(reason), () => this.appended());
    this.source = source;
    this.queue = queue;
    const open = () => {
      URL.revokeObjectURL(url);
      try {
        queue.open(source, mime);
      } catch (error) {
        this.lose(`source buffer: ${String(error)}`);
      }
    };
    source.addEventListener("sourceopen", open, { once: true, signal: this.abort.signal });
    const url = URL.createObjectURL(source);
    // ManagedMediaSource refuses to open while casting is possible.
    this.video.disableRemotePlayback = true;
    this.video.srcObject = null;
    this.video.src = url;
    this.host.attached();
  }

  /**
   * The timeline begins at the programme time of joining: the first range says where. Corrections hang
   * on arriving data, not on a timer, which browsers slow down in hidden pages.
   */
  private appended(): void {
    const { buffered } = this.video;
    if (buffered.length === 0) return;
    if (!this.started) {
      this.started = true;
      this.video.currentTime = buffered.start(0);
      this.video.playbackRate = 0;
    }
    if (this.ending) this.end();
    else if (!this.video.paused) this.edge.follow(performance.now());
    this.queue?.trim();
  }

  private tick(): void {
    const silent = performance.now() - this.heardAt > silentMs;
    if (silent && this.ending) this.finish();
    else if (silent && this.started) this.lose("no data any more");
  }

  private waits(): void {
    const { video } = this;
    if (!this.started || this.ending || video.seeking || video.paused || video.playbackRate === 0) return;
    this.edge.stalled(performance.now());
    this.host.stalled();
  }

  /** The server has said everything: play what is there, then stop. */
  private end(): void {
    this.ending = true;
    this.video.playbackRate = 1;
    if (!this.started || this.video.paused) this.finish();
    else if (this.queue?.idle && this.source?.readyState === "open") this.source.endOfStream();
  }

  private finish(): void {
    if (this.over) return;
    this.close();
    this.host.ended();
  }

  private closed({ code, reason }: CloseEvent): void {
    if (this.ending) return;
    const text = reason || (code === 4408 ? "the connection is too slow for the stream" : `socket closed (${code})`);
    this.lose(text, refusalOfClose(code));
  }

  private lose(reason: string, refusal: Refusal | null = null): void {
    if (this.over) return;
    const behind = endOf(this.video.buffered) - this.video.currentTime;
    this.close();
    this.host.lost({ reason: `${reason}, ${Math.max(0, behind).toFixed(1)} s unplayed`, refusal });
  }
}
