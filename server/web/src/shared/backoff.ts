/** Waiting times between attempts: doubling, with jitter so that many viewers do not return at once. */
export class Backoff {
  private failures = 0;
  private readonly least: number;
  private readonly most: number;

  /** Milliseconds. */
  constructor(least = 500, most = 10_000) {
    this.least = least;
    this.most = most;
  }

  /** Milliseconds to wait before the next attempt, from `least` to `most`. */
  next(random: number = Math.random()): number {
    const full = Math.min(this.most, this.least * 2 ** (this.failures + 1));
    this.failures += 1;
    return Math.max(this.least, full * (0.5 + random / 2));
  }

  reset(): void {
    this.failures = 0;
  }
}
