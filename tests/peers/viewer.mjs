// Chromium on the viewer page: how soon it shows a frame, how it plays, and whether picture and sound are together. Reports as JSON.
//
//   peer viewer --url http://127.0.0.1:8080/live/ROOM --token-file FILE --transport whep|mse [--joins 1] [--seconds 10] [--out FILE]
//
// Every join is a page with a profile of its own; the last one plays for --seconds. A transport is chosen as a browser would: for `mse`
// the page finds no RTCPeerConnection, for `whep` no MediaSource; `any` leaves both. --screenshot FILE; --limit S ends everything.
// `joins_ms`: from navigation, with the token, to the first frame shown (requestVideoFrameCallback).

import { fail, measure, newPage, options, summary, token } from "./browser.mjs";

const asked = options({
  "url": null, "token-file": "", "transport": "any", "joins": "1", "seconds": "10", "out": "", "screenshot": "", "limit": "180", "join-limit": "20",
});
const absent = { whep: ["MediaSource", "ManagedMediaSource", "WebKitMediaSource"], mse: ["RTCPeerConnection", "webkitRTCPeerConnection"], any: [] }[asked.transport]
  ?? fail(`--transport ${asked.transport}: there are whep, mse and any`);
const address = asked["token-file"] ? `${asked.url}#token=${token(asked["token-file"])}` : asked.url;

/** Opens the page and waits for its first frame. */
async function join(browser, report) {
  const page = await newPage(browser, report);
  await page.addInitScript((names) => names.forEach((name) => delete window[name]), absent);
  const captions = watchCaptions(page);
  const answer = await page.goto(address, { waitUntil: "commit" });
  if (answer && !answer.ok()) throw new Error(`the page answers ${answer.status()} ${answer.statusText()}`);
  const first = await page.evaluate((limit) => window.meter.firstFrame(limit), Number(asked["join-limit"]) * 1000);
  if (!first) {
    const text = await page.evaluate(() => document.body.innerText.slice(0, 300).replace(/\s+/g, " "));
    throw new Error(`no frame was shown in ${asked["join-limit"]} s; the page says: ${text || "nothing"} ${report.page_errors.join("; ")}`);
  }
  return { page, first, captions };
}

/** Captions that the server sent to the page on its events socket. */
function watchCaptions(page) {
  const texts = [];
  page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => {
    if (typeof payload !== "string") return;
    try {
      const message = JSON.parse(payload);
      const text = message.type === "caption" ? message.text : message.type === "hello" ? message.caption : null;
      if (text) texts.push(text);
    } catch { /* not one of ours */ }
  }));
  return texts;
}

/** Plays for some seconds; every 250 ms reads what the page says of itself and what it shows as text. */
async function play(page, seconds) {
  return page.evaluate(async (duration) => {
    const playing = [...document.querySelectorAll("video")].find((video) => video.videoWidth > 0);
    const muted_by_page = playing.muted;
    const { audio } = await window.meter.start(playing);
    const delays = [];
    const shown = new Set();
    const own = () => window.lectern ?? {};
    const before = own().framesShown?.() ?? null;
    const began = performance.now();
    while (performance.now() - began < duration * 1000) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      const delay = own().delayMs?.();
      if (Number.isFinite(delay)) delays.push(delay);
      document.body.innerText.split("\n").map((line) => line.trim()).filter(Boolean).forEach((line) => shown.add(line));
      for (const track of playing.textTracks) for (const cue of track.activeCues ?? []) shown.add(cue.text);
    }
    const { transport, joinMs, state, stalls } = own();
    const page = { transport, join_ms: joinMs, state, stalls, frames_shown: before === null ? null : own().framesShown() - before };
    return { muted_by_page, has_audio: audio, delays, shown: [...shown], page, ...window.meter.result() };
  }, seconds);
}

await measure(asked, { joins_ms: [], joins: null }, async (browser, report) => {
  const joins = Number(asked.joins);
  for (let index = 0; index < joins; index += 1) {
    const { page, first, captions } = await join(browser, report);
    report.joins_ms.push(Math.round(first.at * 10) / 10);
    report.joins = summary(report.joins_ms);
    if (index === joins - 1) {
      const { page: own, delays, shown, audio, avsync, has_audio, muted_by_page, ...video } = await play(page, Number(asked.seconds));
      const text = shown.join(" ").replace(/\s+/g, " ");
      Object.assign(report, {
        transport: own.transport ?? null, page: own, video, audio, has_audio, muted_by_page, avsync,
        delay_ms: summary(delays),
        captions: { received: captions.length, shown: captions.filter((caption) => text.includes(caption.replace(/\s+/g, " "))).length, texts: captions },
      });
      if (asked.screenshot) await page.screenshot({ path: asked.screenshot });
      if (video.presented === 0) throw new Error(`the picture stood still for ${asked.seconds} s after the first frame`);
      if (asked.transport !== "any" && own.transport && own.transport !== asked.transport) {
        throw new Error(`the page used ${own.transport}, not ${asked.transport}`);
      }
    }
    await page.context().close();
  }
});
