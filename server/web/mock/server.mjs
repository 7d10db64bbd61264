/**
 * A stand-in for `lectern serve` that the browser tests play against: the live contract's paths, a picture
 * and a tone encoded in real time by ffmpeg, slides and captions by a script, faults on demand.
 *
 * `npm run mock` serves the built page on port 8090 for looking at it.
 */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { mediaSegments } from "./fragments.mjs";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

/** What the real server sends with its pages. */
const policy =
  "default-src 'self'; media-src 'self' blob:; connect-src 'self' ws: wss:; frame-src http: https:; style-src 'self'; img-src 'self' data:";

export const goodToken = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoidmlld2VyIn0.bW9jaw";

/** Rooms that refuse, by the close code of the contract. Every other name but `demo` is missing. */
const refusing = { private: 4403, full: 4409 };

const slides = [
  { index: 0, number: 1, id: "s1", title: "What a lecture is made of" },
  { index: 1, number: 2, id: "s2", title: "From notes to speech" },
  { index: 2, number: 3, id: "s3", title: "One clock for everyone" },
];
const sentences = [
  "Welcome. Today we look at how a lecture is put together.",
  "Every slide has its notes, and the notes become speech.",
  "One clock tells picture, sound and captions when to appear.",
];

export class MockServer {
  /** What pages have posted to the log, in order. */
  logged = [];
  #awaited = new Set();
  /** WHEP: `null` answers 404; a function takes the offer and gives the answer. */
  answerOffer = null;
  whepOpen = new Set();
  state = "live";
  embed = null;
  /** True: the script's slides and captions rest, and a test tells its own. */
  hushed = false;
  #started = Date.now() - 100_000;
  #sockets = { media: new Set(), events: new Set() };
  #timers = [];
  #server = null;
  #port;
  #spoken = 0;

  constructor(port = 0) {
    this.#port = port;
  }

  get origin() {
    return `http://127.0.0.1:${this.#port}`;
  }

  link(room = "demo", query = "") {
    return `${this.origin}/live/${room}${query}#token=${goodToken}`;
  }

  programmeMs() {
    return Date.now() - this.#started;
  }

  /** Listens; a second start after `stop` takes the same port and begins another programme. */
  async start() {
    this.#started = Date.now() - 100_000;
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: (all) => (all.has("lectern.v1") ? "lectern.v1" : false) });
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on("upgrade", (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (ws) => this.#accept(ws, request)));
    await new Promise((done, fail) => this.#server.once("error", fail).listen(this.#port, "127.0.0.1", done));
    this.#port = this.#server.address().port;
    this.#timers = [
      setInterval(() => this.tell({ type: "clock", programme_ms: this.programmeMs() }), 1_000),
      setInterval(() => this.#speak(), 2_000),
    ];
  }

  /** As a crash: every connection is cut without a word. */
  async stop() {
    this.#timers.forEach(clearInterval);
    for (const socket of [...this.#sockets.media, ...this.#sockets.events]) socket.terminate();
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Sends an event to every page. */
  tell(event) {
    for (const socket of this.#sockets.events) socket.send(JSON.stringify(event));
  }

  setState(state) {
    this.state = state;
    this.tell({ type: "state", state });
    if (state === "live") for (const ws of this.#sockets.media) if (!ws.encoder) this.#send(ws);
  }

  /** Ends the programme as the contract says. */
  end() {
    this.setState("ended");
    for (const socket of this.#sockets.media) {
      socket.send(JSON.stringify({ type: "end" }));
      socket.close(1000);
    }
  }

  /** The first log entry of this type, once there is one. */
  logEntry(type) {
    return new Promise((done) => {
      const check = () => {
        const entry = this.logged.find(({ event_type }) => event_type === type);
        if (!entry) return;
        this.#awaited.delete(check);
        done(entry);
      };
      this.#awaited.add(check);
      check();
    });
  }

  closeMedia(code) {
    for (const socket of this.#sockets.media) socket.close(code);
  }

  /** Leaves segments out for so long: the timeline gets a gap up to the next keyframe. */
  async congest(ms) {
    for (const socket of this.#sockets.media) socket.congested = true;
    await new Promise((done) => setTimeout(done, ms));
    for (const socket of this.#sockets.media) socket.congested = false;
  }

  #speak() {
    if (this.hushed) return;
    const programme_ms = this.programmeMs();
    const n = this.#spoken++;
    this.tell({ type: "slide", programme_ms, ...slides[n % slides.length] });
    this.tell({ type: "caption", programme_ms, duration_ms: 1_900, text: sentences[n % sentences.length] });
  }

  #accept(ws, request) {
    const [, room, what] = /^\/v1\/live\/([^/]+)\/(media|events)$/.exec(request.url) ?? [];
    const offered = request.headers["sec-websocket-protocol"] ?? "";
    if (!offered.split(/, */).includes(`token.${goodToken}`)) return ws.close(4401);
    if (refusing[room]) return ws.close(refusing[room]);
    if (room !== "demo") return ws.close(4404);
    const set = this.#sockets[what];
    set.add(ws);
    ws.on("close", () => set.delete(ws));
    if (what === "events") return this.#greet(ws);
    if (this.state !== "preparing") return this.#send(ws);
  }

  #greet(ws) {
    ws.send(JSON.stringify({
      type: "hello", room: "demo", title: "How lectures are made", language: "en", state: this.state,
      slides: slides.length, slide: slides[0], caption: null, programme_ms: this.programmeMs(), embed: this.embed,
    }));
  }

  /** One encoder for each viewer, so that the first segment is a keyframe at the programme time of joining. */
  #send(ws) {
    const from = this.programmeMs();
    const encoder = spawn("ffmpeg", [
      "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30",
      "-re", "-f", "lavfi", "-i", "sine=frequency=330:sample_rate=48000",
      "-output_ts_offset", String(from / 1_000), "-avoid_negative_ts", "disabled", "-use_editlist", "0",
      "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline", "-pix_fmt", "yuv420p",
      "-g", "15", "-threads", "1", "-c:a", "aac", "-f", "mp4", "-flush_packets", "1",
      "-movflags", "frag_every_frame+empty_moov+default_base_moof+frag_discont", "pipe:1",
    ], { stdio: ["ignore", "pipe", "inherit"] });
    ws.encoder = encoder;
    ws.on("close", () => encoder.kill("SIGKILL"));
    ws.send(JSON.stringify({ type: "init", mime: 'video/mp4; codecs="avc1.42c01e, mp4a.40.2"', programme_ms: from }));
    encoder.stdout.on("data", mediaSegments((segment) => {
      if (ws.readyState === ws.OPEN && !ws.congested) ws.send(segment);
    }));
  }

  async #answer(request, response) {
    const { pathname } = new URL(request.url, this.origin);
    const [, room, rest] = /^\/v1\/live\/([^/]+)\/(.+)$/.exec(pathname) ?? [];
    const say = (status, headers = {}, body = "") => response.writeHead(status, headers).end(body);
    if (room) {
      if (request.headers.authorization !== `Bearer ${goodToken}`) return say(401);
      const body = await text(request);
      if (rest === "log") {
        this.logged.push(...[JSON.parse(body)].flat());
        for (const check of this.#awaited) check();
        return say(204);
      }
      if (rest === "whep" && this.answerOffer && room === "demo") {
        const id = `w${this.whepOpen.size + 1}`;
        this.whepOpen.add(id);
        const answer = await this.answerOffer(body);
        return say(201, { "content-type": "application/sdp", location: `/v1/live/${room}/whep/${id}` }, answer);
      }
      if (request.method === "DELETE" && this.whepOpen.delete(rest.replace("whep/", ""))) return say(204);
      return say(404);
    }
    const file = pathname.startsWith("/live/") ? "index.html" : normalize(pathname).slice(1);
    try {
      const page = await readFile(join(dist, file));
      say(200, { "content-type": types[extname(file)] ?? "application/octet-stream", "content-security-policy": policy }, page);
    } catch {
      say(404);
    }
  }
}

async function text(request) {
  let all = "";
  for await (const part of request) all += part;
  return all;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = new MockServer(8090);
  await server.start();
  console.log(server.link());
}
