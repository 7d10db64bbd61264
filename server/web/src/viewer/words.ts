/** Everything the viewer page says, in one place. */
import type { LectureState, Refusal } from "../shared/live";
import type { PlayerState } from "./player";

export interface Notice {
  title: string;
  text: string;
  /** What may be done about it. */
  action: "token" | "retry" | null;
  busy: boolean;
}

const refusals: Record<Refusal, Notice> = {
  token: {
    title: "Your link is no longer valid",
    text: "It has expired or was withdrawn. Ask for a new link, or paste a new token.",
    action: "token",
    busy: false,
  },
  room: {
    title: "This link is for another lecture",
    text: "Check the address, or paste the token of this lecture.",
    action: "token",
    busy: false,
  },
  missing: {
    title: "There is no lecture here now",
    text: "It may not have begun yet, or it is over. Check the address with whoever invited you.",
    action: "retry",
    busy: false,
  },
  full: {
    title: "This lecture is full",
    text: "As many people are watching as it has room for. Try again in a moment.",
    action: "retry",
    busy: false,
  },
};

export const noToken: Notice = {
  title: "Join the lecture",
  text: "Paste the link or the token that you were given.",
  action: "token",
  busy: false,
};

export const wrongToken = "This is neither a link to a lecture nor a token.";

const ended: Notice = {
  title: "The lecture has ended",
  text: "Thank you for watching. You can close this page.",
  action: null,
  busy: false,
};

const unsupported: Notice = {
  title: "This browser cannot play the lecture",
  text: "It has neither WebRTC nor Media Source Extensions for this video. Try a current Firefox, Chrome, Edge or Safari.",
  action: null,
  busy: false,
};

/** What covers the picture; null when the picture itself is to be seen. */
export function noticeFor(state: PlayerState, refusal: Refusal | null, lecture: LectureState | null, everShown: boolean): Notice | null {
  switch (state) {
    case "refused": return refusal ? refusals[refusal] : noToken;
    case "ended": return ended;
    case "unsupported": return unsupported;
    case "connecting": return connecting(lecture);
    case "reconnecting": return everShown ? null : { ...connecting(lecture), title: "Still trying to connect", text: lost() };
    default: return null;
  }
}

function connecting(lecture: LectureState | null): Notice {
  const preparing = lecture === "preparing";
  return {
    title: preparing ? "The lecture is being prepared" : "Connecting to the lecture",
    text: preparing ? "It begins here by itself, in a moment." : "The picture follows in a moment.",
    action: null,
    busy: true,
  };
}

function lost(): string {
  return navigator.onLine
    ? "The server does not answer. This page keeps trying."
    : "You are offline. The lecture goes on here when the network is back.";
}

/** The small line over a picture that stands still. */
export const reconnecting = () =>
  navigator.onLine ? "Connection lost. Reconnecting…" : "You are offline. Waiting for the network…";

export const badges: Record<LectureState, string> = {
  preparing: "Preparing",
  ready: "Starting soon",
  live: "Live",
  paused: "On a break",
  ended: "Ended",
};

/** What the badge says while the lecture's own state is unknown or cannot be trusted. */
export function badgeFor(state: PlayerState, lecture: LectureState | null): { key: string; text: string } {
  if (state === "refused" || state === "unsupported" || state === "idle") return { key: "offline", text: "Not connected" };
  if (state === "ended") return { key: "ended", text: badges.ended };
  if (state === "reconnecting") return { key: "offline", text: "Reconnecting" };
  return lecture ? { key: lecture, text: badges[lecture] } : { key: "offline", text: "Connecting" };
}

/** For people who hear the page: said when it changes. */
export function spoken(state: PlayerState, lecture: LectureState | null): string {
  if (state === "reconnecting") return reconnecting();
  if (state === "paused") return "Paused here. The lecture goes on.";
  if (state !== "playing") return "";
  switch (lecture) {
    case "live": return "The lecture is live.";
    case "ready": return "The lecture starts soon.";
    case "paused": return "The lecture is on a break.";
    default: return "";
  }
}

export const embedElsewhere = {
  title: "The speaker is showing something else",
  text: "The lecture goes on here by itself.",
};

/** `1:02:03` or `2:03`. */
export function clockText(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1_000));
  const two = (n: number) => String(n).padStart(2, "0");
  const minutes = Math.floor(s / 60) % 60;
  const hours = Math.floor(s / 3_600);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

/** Followed by "behind the speaker" on the page. */
export const delayText = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
