// Chromium with LiveKit's JavaScript client as a subscriber that is not ours: joins a room, plays what is published, reports as JSON.
//
//   peer room --url ws://127.0.0.1:7880 --token-file FILE [--seconds 10 | --until-data streamEnd] [--since-ms EPOCH] [--send JSON] [--out FILE]
//
// --since-ms: the moment, in milliseconds since 1970, from which `first_frame.since_ms` counts; --send: published on `avatar_events` as
// soon as the first frame is shown; --screenshot FILE; --limit S ends everything. --seconds count from the first frame.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { home, measure, newPage, options, token } from "./browser.mjs";

const asked = options({
  "url": null, "token-file": null, "seconds": "10", "until-data": "", "since-ms": "", "send": "", "out": "", "screenshot": "", "limit": "120",
});

/** Served from loopback, because audio worklets want a secure origin. */
function serve() {
  const client = readFileSync(join(home, "node_modules/livekit-client/dist/livekit-client.umd.js"));
  const html = `<!doctype html><title>room</title><link rel=icon href=data:,><body style="background:#222">
    <script src="/client.js"></script><script src="/room.js"></script>`;
  const files = {
    "/": ["text/html", html],
    "/client.js": ["text/javascript", client],
    "/room.js": ["text/javascript", readFileSync(new URL("room-page.js", import.meta.url))],
  };
  const server = createServer((request, response) => {
    const [type, body] = files[request.url] ?? [];
    response.writeHead(type ? 200 : 404, type && { "content-type": type });
    response.end(body);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${server.address().port}/`)));
}

await measure(asked, {}, async (browser, report) => {
  const page = await newPage(browser, report);
  await page.exposeFunction("screenshot", async () => { if (asked.screenshot) await page.screenshot({ path: asked.screenshot }); });
  await page.goto(await serve());
  const said = await page.evaluate((settings) => window.join(settings), {
    url: asked.url,
    token: token(asked["token-file"]),
    seconds: Number(asked.seconds),
    until: asked["until-data"],
    since: asked["since-ms"] === "" ? null : Number(asked["since-ms"]),
    send: asked.send,
    limit: (Number(asked.limit) - process.uptime() - 1) * 1000, // so that what was seen until then is reported
  });
  const { error, ...seen } = said;
  Object.assign(report, seen);
  if (error) throw new Error(error);
});
