/** The live contract as the browser sees it: paths of a room, what its sockets say, why they close. */

export type LectureState = "preparing" | "ready" | "live" | "paused" | "ended";

/** `index` counts from 0, `number` is what people call the slide (from 1). */
export interface Slide {
  index: number;
  number: number;
  id: string;
  title: string;
}

export interface Embed {
  slide_id: string;
  url: string | null;
}

export type LiveEvent =
  | {
      type: "hello";
      room: string;
      title: string;
      language: string;
      state: LectureState;
      slides: number;
      slide: Slide | null;
      caption: string | null;
      programme_ms: number;
      /** What covers the video at this moment; a server that does not know leaves it out. */
      embed?: Embed | null;
    }
  | { type: "state"; state: LectureState }
  | ({ type: "slide"; programme_ms: number } & Slide)
  | { type: "caption"; programme_ms: number; duration_ms: number; text: string }
  | ({ type: "embed" } & Embed)
  | { type: "resume" }
  | { type: "clock"; programme_ms: number }
  | { type: "error"; code: string; detail: string };

export type MediaText =
  | { type: "init"; mime: string; programme_ms: number }
  | { type: "end" };

/** A refusal is final: trying again with the same token cannot help. */
export type Refusal = "token" | "room" | "missing" | "full";

/** Why a socket was closed for good, or null when it is worth trying again. */
export function refusalOfClose(code: number): Refusal | null {
  switch (code) {
    case 4401: return "token";
    case 4403: return "room";
    case 4404: return "missing";
    case 4409: return "full";
    default: return null;
  }
}

/** The same for an HTTP status. */
export function refusalOfStatus(status: number): Refusal | null {
  return status >= 400 && status < 500 ? refusalOfClose(4000 + status) : null;
}

/** The room named by the page's own path, `/live/{room}`; empty when there is none. */
export function roomOfPath(path: string): string {
  const name = /^\/live\/([^/]+)\/?$/.exec(path)?.[1] ?? "";
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** A path below the room's API. */
export function roomPath(room: string, what: "whep" | "media" | "events" | "log"): string {
  return `/v1/live/${encodeURIComponent(room)}/${what}`;
}

/**
 * Opens a WebSocket of the room. The token travels as a subprotocol, never in the address, which
 * servers and proxies write into their logs. Throws `SyntaxError` when the token has characters that no
 * token has.
 */
export function openSocket(path: string, token: string): WebSocket {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url, ["lectern.v1", `token.${token}`]);
  socket.binaryType = "arraybuffer";
  return socket;
}

/** The JSON object in a text message; null for anything else (a newer server may say more). */
export function parseMessage<T extends { type: string }>(data: unknown): T | null {
  if (typeof data !== "string") return null;
  try {
    const value: unknown = JSON.parse(data);
    const typed = typeof value === "object" && value !== null && "type" in value;
    return typed ? (value as T) : null;
  } catch {
    return null;
  }
}
