/**
 * Staying near the live edge. All times in seconds of the media timeline, which is programme time.
 *
 * A little behind the edge is what absorbs the network's jitter. Small errors are corrected by speed
 * (pitch is kept by the browser), large ones and gaps by a jump. Where the usual distance is not enough,
 * which stalls show, it grows, and shrinks again when all is calm.
 */

/** The usual distance: where playing starts, and where corrections stop. */
export const targetS = 0.6;
const farthestTargetS = 1.8;
const targetStepS = 0.3;
const calmMs = 20_000;
const slowerBelowS = 0.25;
const jumpAboveS = 4;
/** What is left of a range when its last frame is on screen. */
const frameS = 0.05;
const faster = 1.1;
const slower = 0.95;

type Ranges = readonly (readonly [number, number])[];

/**
 * Playback rate for this distance to the edge: faster above twice the target. A correction lasts until
 * the target is reached; rate 0 is the rest before playing starts and after the data ran out.
 */
export function rateFor(behind: number, rate: number, target: number = targetS): number {
  if (rate === 0 && behind < target) return 0;
  if (behind > 2 * target) return faster;
  if (behind < slowerBelowS) return slower;
  const corrected = rate > 1 ? behind <= target : behind >= target;
  return corrected ? 1 : rate;
}

/** Where to jump to, or null to play on. `ranges` are the buffered ones, in order. */
export function jumpFor(now: number, ranges: Ranges, target: number = targetS): number | null {
  const last = ranges.at(-1);
  if (!last) return null;
  if (last[1] - now > jumpAboveS) return Math.max(last[0], last[1] - target);
  const inside = ranges.some(([from, to]) => now >= from && now < to - frameS);
  return inside ? null : (ranges.find(([from]) => from > now)?.[0] ?? null);
}

/** The newest buffered time; 0 when there is nothing. */
export function endOf(buffered: TimeRanges): number {
  return buffered.length > 0 ? buffered.end(buffered.length - 1) : 0;
}

/** Applies the rules to one element. */
export class LiveEdge {
  private target = targetS;
  private changedAt = 0;
  private readonly video: HTMLVideoElement;

  constructor(video: HTMLVideoElement) {
    this.video = video;
  }

  /** The distance aimed at, at this moment (milliseconds of any clock that `stalled` shares). */
  targetAt(nowMs: number): number {
    if (this.target > targetS && nowMs - this.changedAt > calmMs) this.setTarget(this.target - targetStepS, nowMs);
    return this.target;
  }

  /** The data ran out: rests until the distance is there again, rather than stutter, and keeps more. */
  stalled(nowMs: number): void {
    this.video.playbackRate = 0;
    this.setTarget(this.target + targetStepS, nowMs);
  }

  /** To be called while playing, as often as data arrives. */
  follow(nowMs: number): void {
    const { video } = this;
    const target = this.targetAt(nowMs);
    const jump = jumpFor(video.currentTime, rangesOf(video.buffered), target);
    if (jump !== null) video.currentTime = jump;
    const rate = rateFor(endOf(video.buffered) - video.currentTime, video.playbackRate, target);
    if (rate !== video.playbackRate) video.playbackRate = rate;
  }

  /** Leaves the past behind, after a local pause. */
  goLive(): void {
    const last = rangesOf(this.video.buffered).at(-1);
    if (last) this.video.currentTime = Math.max(last[0], last[1] - this.target);
  }

  private setTarget(target: number, nowMs: number): void {
    this.target = Math.min(farthestTargetS, Math.max(targetS, target));
    this.changedAt = nowMs;
  }
}

function rangesOf(buffered: TimeRanges): [number, number][] {
  return Array.from({ length: buffered.length }, (_, i) => [buffered.start(i), buffered.end(i)]);
}
