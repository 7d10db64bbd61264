/** Events of the page for the server's log: in batches, and never more than a few. */

type Level = "info" | "warning" | "error";

interface Entry {
  event_type: string;
  message: string;
  level: Level;
  timestamp: string;
  performance_data?: Record<string, number | string>;
}

/** Events a minute; what is more is counted and said with the next one that passes. */
const perMinute = 20;
const batchEveryMs = 5_000;

export class EventLog {
  private waiting: Entry[] = [];
  private sent: number[] = [];
  private dropped = 0;
  private timer = 0;
  private readonly path: string;
  private readonly token: () => string | null;

  constructor(path: string, token: () => string | null) {
    this.path = path;
    this.token = token;
  }

  add(
    event_type: string,
    message: string,
    level: Level = "info",
    performance_data?: Record<string, number | string>,
  ): void {
    const now = Date.now();
    this.sent = this.sent.filter((at) => now - at < 60_000);
    if (this.sent.length >= perMinute) {
      this.dropped += 1;
      return;
    }
    this.sent.push(now);
    const text = this.dropped > 0 ? `${message} (${this.dropped} events before this one left out)` : message;
    this.dropped = 0;
    const entry: Entry = { event_type, message: text, level, timestamp: new Date(now).toISOString() };
    if (performance_data) entry.performance_data = performance_data;
    this.waiting.push(entry);
    this.timer ||= window.setTimeout(() => this.flush(), batchEveryMs);
  }

  /** Sends what waits. With `leaving` the request outlives the page. */
  flush(leaving = false): void {
    clearTimeout(this.timer);
    this.timer = 0;
    const token = this.token();
    if (this.waiting.length === 0 || token === null) return;
    const body = JSON.stringify(this.waiting);
    this.waiting = [];
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    // A log that cannot be written must not disturb the lecture.
    fetch(this.path, { method: "POST", headers, body, keepalive: leaving }).catch(() => undefined);
  }
}
