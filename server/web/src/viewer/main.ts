/** The viewer page, `/live/{room}#token=…`: one room, one lecture, one player. */
import { element } from "../shared/dom";
import { EventLog } from "../shared/eventlog";
import { roomOfPath, roomPath } from "../shared/live";
import { forgetToken, keepToken, takeToken, tokenIn } from "../shared/token";
import "../shared/theme.css";
import "./viewer.css";
import { Controls } from "./controls";
import { Lecture } from "./lecture";
import { Player } from "./player";
import type { TransportKind } from "./transport";
import { View } from "./view";

/** What tests and support may ask the page; nothing of it steers. */
declare global {
  interface Window {
    lectern: {
      readonly transport: TransportKind | null;
      /** Milliseconds from the token to the first frame. */
      readonly joinMs: number | null;
      readonly state: string;
      readonly stalls: number;
      framesShown(): number;
      /** How far the screen is behind the lecture; null: not known. */
      delayMs(): number | null;
    };
  }
}

const room = roomOfPath(location.pathname);
const wanted = new URLSearchParams(location.search).get("transport");
const forced = wanted === "mse" || wanted === "whep" ? wanted : null;
const video = element("video", HTMLVideoElement);
const log = new EventLog(roomPath(room, "log"), () => token);

let token: string | null = null;
let lecture: Lecture | null = null;

const player = new Player({ video, room, forced, log, lectureState: () => lecture?.state ?? null, changed: draw });
const controls = new Controls(video, player, draw);
const view = new View(
  room,
  (text) => {
    const found = tokenIn(text);
    if (found) {
      keepToken(room, found);
      join(found);
    }
    return found !== null;
  },
  () => token && join(token),
);

window.lectern = {
  get transport() { return player.kind; },
  get joinMs() { return player.joinMs; },
  get state() { return player.state; },
  get stalls() { return player.stalls; },
  framesShown: () => player.framesShown(),
  delayMs: () => player.delayMs(lecture?.nowMs() ?? null),
};

function join(withToken: string): void {
  token = withToken;
  lecture?.close();
  lecture = new Lecture(room, withToken, {
    changed: draw,
    ended: () => player.lectureEnded(),
    refused: (refusal) => player.state !== "refused" && player.refuse(refusal),
  });
  player.join(withToken);
}

/** Everything that changes on an event; also ends what a refusal or the end of the lecture makes useless. */
function draw(): void {
  if (player.state === "refused" || player.state === "ended") lecture?.close();
  if (player.refusal === "token") forgetToken(room);
  view.draw(player, lecture, controls.captions);
  controls.draw();
}

function begin(): void {
  const found = takeToken(room);
  if (found) join(found);
  draw();
}

begin();
window.setInterval(() => view.tick(player, lecture, controls.captions), 100);

// Another link to the same room, opened in this tab, changes the fragment only.
window.addEventListener("hashchange", () => location.hash.includes("token=") && begin());
window.addEventListener("offline", draw);
window.addEventListener("online", draw);
window.addEventListener("pagehide", () => {
  log.flush(true);
  lecture?.close();
  player.leave();
});
// Phones end hidden pages without a word.
document.addEventListener("visibilitychange", () => document.hidden && log.flush(true));
// A page that comes back from the browser's memory joins again.
window.addEventListener("pageshow", ({ persisted }) => persisted && begin());
