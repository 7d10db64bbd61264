// Chromium with a film: seeks to given times and tells what it shows there. Reports as JSON.
//
//   peer seek --film FILE --at 1.5,20.25 [--out FILE] [--limit 120]
//
// `seeks`: for every time, in the order given, where the player says it is in seconds, and the mean colour that it shows (sRGB, 0 to 255).

import { readFileSync } from "node:fs";
import { measure, newPage, options } from "./browser.mjs";

const asked = options({ "film": null, "at": null, "out": "", "limit": "120" });

const report = { duration: null, seeks: [] };
await measure(asked, report, async (browser) => {
  const page = await newPage(browser, report);
  const film = readFileSync(asked.film).toString("base64");
  report.duration = await page.evaluate(async (film) => {
    const bytes = Uint8Array.from(atob(film), (letter) => letter.charCodeAt(0));
    const video = document.body.appendChild(document.createElement("video"));
    video.muted = true;
    const loaded = new Promise((done, failed) => {
      video.onloadeddata = done;
      video.onerror = () => failed(new Error(`the film does not play: ${video.error.message}`));
    });
    video.src = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
    await loaded;
    return video.duration;
  }, film);
  for (const at of asked.at.split(",").map(Number)) {
    report.seeks.push(await page.evaluate(async (at) => {
      const video = document.querySelector("video");
      const there = new Promise((done) => video.addEventListener("seeked", done, { once: true }));
      // The player is there before its picture is.
      const shown = new Promise((done) => video.requestVideoFrameCallback(done));
      video.currentTime = at;
      await Promise.all([there, shown]);
      const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight).getContext("2d");
      canvas.drawImage(video, 0, 0);
      const { data } = canvas.getImageData(0, 0, video.videoWidth, video.videoHeight);
      const sum = [0, 0, 0];
      for (let i = 0; i < data.length; i += 4) sum.forEach((_, k) => { sum[k] += data[i + k]; });
      return { at, time: video.currentTime, color: sum.map((level) => Math.round((4 * level) / data.length)) };
    }, at));
  }
});
