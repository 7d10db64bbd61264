/** One SourceBuffer's appends and removals, in order and one at a time, within the browser's quota. */
import { endOf } from "./edge";

/** What is older than this (seconds before the newest) is removed. */
const keepS = 30;
/** On a full buffer this much is kept, less at each attempt, before the transport gives up. */
const keepWhenFullS = [10, 3] as const;

export class AppendQueue {
  private buffer: SourceBuffer | null = null;
  private waiting: ArrayBuffer[] = [];
  private nextMime: string | null = null;
  private fullTimes = 0;
  private readonly video: HTMLVideoElement;
  private readonly failed: (reason: string) => void;
  private readonly appended: () => void;

  constructor(video: HTMLVideoElement, failed: (reason: string) => void, appended: () => void) {
    this.video = video;
    this.failed = failed;
    this.appended = appended;
  }

  /** True when nothing is being appended nor waits. */
  get idle(): boolean {
    return this.buffer !== null && !this.buffer.updating && this.waiting.length === 0;
  }

  /** Throws what `addSourceBuffer` throws. */
  open(source: MediaSource, mime: string): void {
    const buffer = source.addSourceBuffer(mime);
    // Segments carry programme time in their tfdt, and keep it.
    buffer.mode = "segments";
    buffer.addEventListener("updateend", () => {
      this.appended();
      this.work();
    });
    buffer.addEventListener("error", () => this.failed("a segment could not be read"));
    this.buffer = buffer;
    this.work();
  }

  push(data: ArrayBuffer): void {
    this.waiting.push(data);
    this.work();
  }

  /** From the next segment on, which is an initialisation segment. What still waits is left out. */
  changeType(mime: string): void {
    this.waiting = [];
    this.nextMime = mime;
  }

  /** Removes what nobody will watch again. */
  trim(): void {
    this.removeBefore(endOf(this.video.buffered) - keepS, 5);
  }

  private work(): void {
    const { buffer } = this;
    if (!buffer || buffer.updating || this.waiting.length === 0) return;
    try {
      if (this.nextMime !== null) buffer.changeType(this.nextMime);
      this.nextMime = null;
      const data = joined(this.waiting);
      this.waiting = [data];
      buffer.appendBuffer(data);
      this.waiting = [];
      this.fullTimes = 0;
    } catch (error) {
      if ((error as DOMException).name === "QuotaExceededError") this.makeRoom();
      else this.failed(`append: ${String(error)}`);
    }
  }

  /** The removal ends with `updateend`, which tries the same data again. */
  private makeRoom(): void {
    const end = endOf(this.video.buffered);
    const levels = keepWhenFullS.slice(this.fullTimes);
    this.fullTimes += 1;
    if (!levels.some((keep) => this.removeBefore(end - keep, 0.5))) this.failed("the browser's buffer is full");
  }

  /** Starts a removal when it is worth at least `worth` seconds. */
  private removeBefore(time: number, worth: number): boolean {
    const { buffer } = this;
    if (!buffer || buffer.updating || buffer.buffered.length === 0) return false;
    if (time - buffer.buffered.start(0) < worth) return false;
    buffer.remove(0, time);
    return true;
  }
}

/** Several segments as one: a browser that was busy catches up with one append. */
function joined(parts: ArrayBuffer[]): ArrayBuffer {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    all.set(new Uint8Array(part), at);
    at += part.byteLength;
  }
  return all.buffer;
}
