/** What is to be shown when, in programme time (milliseconds). */

interface Entry<T> {
  from: number;
  until: number;
  value: T;
}

/** Enough for an hour of captions ahead of any screen, little enough to forget about. */
const most = 500;

export class Timeline<T> {
  private entries: Entry<T>[] = [];

  /** Shows `value` from then on, until something later, or `until`. Entries may come in any order. */
  add(from: number, value: T, until: number = Number.POSITIVE_INFINITY): void {
    const after = this.entries.findIndex((entry) => entry.from > from);
    this.entries.splice(after < 0 ? this.entries.length : after, 0, { from, until, value });
    if (this.entries.length > most) this.entries.shift();
  }

  /** What is shown at this time; with null (time not known) what is newest. */
  at(ms: number | null): T | null {
    const time = ms ?? Number.POSITIVE_INFINITY;
    const entry = this.entries.findLast(({ from }) => from <= time);
    return entry && (ms === null || entry.until > ms) ? entry.value : null;
  }

  clear(): void {
    this.entries = [];
  }
}

/**
 * The server's programme time now, from its ticks. A tick can only be late, so the least late of the
 * last ones is believed.
 */
export class ProgrammeClock {
  private offsets: number[] = [];

  /** `at`: `performance.now()` when the tick was heard. */
  hear(programmeMs: number, at: number): void {
    this.offsets = [...this.offsets.slice(-9), programmeMs - at];
  }

  now(at: number): number | null {
    return this.offsets.length > 0 ? at + Math.max(...this.offsets) : null;
  }

  clear(): void {
    this.offsets = [];
  }
}
