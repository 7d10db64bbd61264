/**
 * Staying near the live edge. All times in seconds of the media timeline, which is programme time.
 *
 * A little behind the edge is what absorbs the network's jitter. Small errors are corrected by speed
 * (pitch is kept by the browser), large ones and gaps by a jump.
 */

/** Where playing starts, and where corrections stop. */
export const targetS = 0.6;
const fasterAboveS = 1.2;
const slowerBelowS = 0.25;
const jumpAboveS = 4;
/** What is left of a range when its last frame is on screen. */
const frameS = 0.05;
const faster = 1.1;
const slower = 0.95;

/**
 * Playback rate for this distance to the edge. A correction lasts until the target is reached; rate 0 is
 * the rest before playing starts and after the data ran out.
 */
export function rateFor(behind: number, rate: number): number {
  if (rate === 0 && behind < targetS) return 0;
  if (behind > fasterAboveS) return faster;
  if (behind < slowerBelowS) return slower;
  const corrected = rate > 1 ? behind <= targetS : behind >= targetS;
  return corrected ? 1 : rate;
}

type Ranges = readonly (readonly [number, number])[];

/** Where to jump to, or null to play on. `ranges` are the buffered ones, in order. */
export function jumpFor(now: number, ranges: Ranges): number | null {
  const last = ranges.at(-1);
  if (!last) return null;
  if (last[1] - now > jumpAboveS) return liveStart(last);
  const inside = ranges.some(([from, to]) => now >= from && now < to - frameS);
  return inside ? null : (ranges.find(([from]) => from > now)?.[0] ?? null);
}

function liveStart([start, end]: readonly [number, number]): number {
  return Math.max(start, end - targetS);
}

function rangesOf(buffered: TimeRanges): [number, number][] {
  return Array.from({ length: buffered.length }, (_, i) => [buffered.start(i), buffered.end(i)]);
}

/** The newest buffered time; 0 when there is nothing. */
export function endOf(buffered: TimeRanges): number {
  return buffered.length > 0 ? buffered.end(buffered.length - 1) : 0;
}

/** Applies both rules to a playing element. */
export function followEdge(video: HTMLVideoElement): void {
  const jump = jumpFor(video.currentTime, rangesOf(video.buffered));
  if (jump !== null) video.currentTime = jump;
  const rate = rateFor(endOf(video.buffered) - video.currentTime, video.playbackRate);
  if (rate !== video.playbackRate) video.playbackRate = rate;
}

/** Leaves the past behind, after a local pause. */
export function goLive(video: HTMLVideoElement): void {
  const last = rangesOf(video.buffered).at(-1);
  if (last) video.currentTime = liveStart(last);
}
