/** What the events socket tells: state, slides, captions, embeds and the clock. Reconnects by itself. */
import { Backoff } from "../shared/backoff";
import {
  openSocket, parseMessage, refusalOfClose, roomPath,
  type Embed, type LectureState, type LiveEvent, type Refusal, type Slide,
} from "../shared/live";
import { ProgrammeClock, Timeline } from "./timeline";

/** How long a caption without times, the one on screen when we join, may stay. */
const joinedCaptionMs = 8_000;
/** The clock ticks each second; a socket that says nothing this long is dead. */
const silentMs = 8_000;

export interface LectureHost {
  /** Something to be shown has changed. */
  changed(): void;
  ended(): void;
  refused(refusal: Refusal): void;
}

export class Lecture {
  title = "";
  language = "";
  state: LectureState | null = null;
  slideCount = 0;
  embed: Embed | null = null;
  readonly slides = new Timeline<Slide>();
  readonly captions = new Timeline<string>();
  private readonly clock = new ProgrammeClock();
  private readonly backoff = new Backoff();
  private socket: WebSocket | null = null;
  private timer = 0;
  private watchdog = 0;
  private readonly room: string;
  private readonly token: string;
  private readonly host: LectureHost;

  constructor(room: string, token: string, host: LectureHost) {
    this.room = room;
    this.token = token;
    this.host = host;
    this.connect();
  }

  /** The server's programme time now, in milliseconds. */
  nowMs(): number | null {
    return this.clock.now(performance.now());
  }

  close(): void {
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    const { socket } = this;
    this.socket = null;
    socket?.close(1000);
  }

  private connect(): void {
    const socket = openSocket(roomPath(this.room, "events"), this.token);
    this.socket = socket;
    socket.addEventListener("message", ({ data }) => {
      if (this.socket !== socket) return;
      const event = parseMessage<LiveEvent>(data);
      if (event) this.heard(event);
      clearTimeout(this.watchdog);
      this.watchdog = window.setTimeout(() => this.lost(null), silentMs);
    });
    socket.addEventListener("close", ({ code }) => {
      if (this.socket === socket) this.lost(refusalOfClose(code));
    });
  }

  private lost(refusal: Refusal | null): void {
    this.close();
    if (refusal) this.host.refused(refusal);
    else if (this.state !== "ended") this.timer = window.setTimeout(() => this.connect(), this.backoff.next());
  }

  private heard(event: LiveEvent): void {
    switch (event.type) {
      case "hello":
        this.hello(event);
        break;
      case "state":
        this.enter(event.state);
        break;
      case "slide":
        this.slides.add(event.programme_ms, event);
        break;
      case "caption":
        this.captions.add(event.programme_ms, event.text, event.programme_ms + event.duration_ms);
        break;
      case "embed":
        this.embed = event;
        break;
      case "resume":
        this.embed = null;
        break;
      case "clock":
        this.clock.hear(event.programme_ms, performance.now());
        return;
      default:
        return;
    }
    this.host.changed();
  }

  /** The server may have begun again with another programme: what we knew is void. */
  private hello(hello: LiveEvent & { type: "hello" }): void {
    this.backoff.reset();
    this.title = hello.title;
    this.language = hello.language;
    this.slideCount = hello.slides;
    this.slides.clear();
    this.captions.clear();
    this.clock.clear();
    this.clock.hear(hello.programme_ms, performance.now());
    if (hello.slide) this.slides.add(Number.NEGATIVE_INFINITY, hello.slide);
    if (hello.caption) {
      this.captions.add(Number.NEGATIVE_INFINITY, hello.caption, hello.programme_ms + joinedCaptionMs);
    }
    if (hello.embed !== undefined) this.embed = hello.embed;
    this.enter(hello.state);
  }

  private enter(state: LectureState): void {
    const before = this.state;
    this.state = state;
    if (state === "ended" && before !== "ended") this.host.ended();
  }
}
