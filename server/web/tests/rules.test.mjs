/** The rules that need no browser: the live edge, the timeline, the clock, waiting times, addresses. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createServer } from "vite";

let vite;
const load = (path) => vite.ssrLoadModule(path);
before(async () => {
  vite = await createServer({ appType: "custom", logLevel: "error", server: { middlewareMode: true, hmr: false, watch: null } });
});
after(() => vite.close());

test("small distances to the edge are corrected by speed, until the target", async () => {
  const { rateFor } = await load("/src/viewer/edge.ts");
  assert.equal(rateFor(0.6, 1), 1);
  assert.equal(rateFor(1.3, 1), 1.1);
  assert.equal(rateFor(0.9, 1.1), 1.1);
  assert.equal(rateFor(0.6, 1.1), 1);
  assert.equal(rateFor(0.2, 1), 0.95);
  assert.equal(rateFor(0.5, 0.95), 0.95);
  assert.equal(rateFor(0.6, 0.95), 1);
});

test("after a rest, playing starts when the target is there", async () => {
  const { rateFor } = await load("/src/viewer/edge.ts");
  assert.equal(rateFor(0, 0), 0);
  assert.equal(rateFor(0.59, 0), 0);
  assert.equal(rateFor(0.6, 0), 1);
});

test("the distance grows with stalls, up to a limit, and shrinks when all is calm", async () => {
  const { LiveEdge } = await load("/src/viewer/edge.ts");
  const edge = new LiveEdge({ playbackRate: 1 });
  const at = (ms) => Number(edge.targetAt(ms).toFixed(1));
  assert.equal(at(0), 0.6);
  for (let n = 0; n < 9; n += 1) edge.stalled(1_000);
  assert.equal(at(20_000), 1.8);
  assert.equal(at(21_001), 1.5);
  assert.equal(at(30_000), 1.5);
  for (let ms = 42_000; ms < 200_000; ms += 21_000) edge.targetAt(ms);
  assert.equal(at(200_000), 0.6);
});

test("large distances and gaps are jumped over", async () => {
  const { jumpFor } = await load("/src/viewer/edge.ts");
  assert.equal(jumpFor(100, []), null);
  assert.equal(jumpFor(100, [[99, 100.6]]), null);
  assert.equal(jumpFor(100, [[99, 105]]), 104.4);
  assert.equal(jumpFor(100, [[99, 100], [101.5, 101.9]]), 101.5);
  assert.equal(jumpFor(99.5, [[99, 100], [101.5, 101.9]]), null);
  // Out of data is no gap: there is nothing to go to.
  assert.equal(jumpFor(100, [[99, 100]]), null);
});

test("the timeline shows the newest that has begun and not ended", async () => {
  const { Timeline } = await load("/src/viewer/timeline.ts");
  const line = new Timeline();
  assert.equal(line.at(0), null);
  line.add(2_000, "second", 3_000);
  line.add(1_000, "first", 1_500);
  assert.equal(line.at(999), null);
  assert.equal(line.at(1_000), "first");
  assert.equal(line.at(1_500), null);
  assert.equal(line.at(2_500), "second");
  assert.equal(line.at(3_000), null);
  assert.equal(line.at(null), "second");
});

test("the clock believes the least late of its ticks", async () => {
  const { ProgrammeClock } = await load("/src/viewer/timeline.ts");
  const clock = new ProgrammeClock();
  assert.equal(clock.now(0), null);
  clock.hear(10_000, 300);
  clock.hear(11_000, 1_020);
  clock.hear(12_000, 2_700);
  assert.equal(clock.now(3_000), 12_980);
});

test("waiting times double, stay within their bounds, and begin again", async () => {
  const { Backoff } = await load("/src/shared/backoff.ts");
  const backoff = new Backoff();
  assert.deepEqual([0, 1, 0, 1, 0, 1].map((random) => backoff.next(random)), [500, 2_000, 2_000, 8_000, 5_000, 10_000]);
  backoff.reset();
  assert.equal(backoff.next(1), 1_000);
});

test("a token is found in itself and in a link, and nowhere else", async () => {
  const { tokenIn } = await load("/src/shared/token.ts");
  assert.equal(tokenIn(" aa.b-b.c_c \n"), "aa.b-b.c_c");
  assert.equal(tokenIn("https://lectures.example/live/demo?transport=mse#token=aa.bb.cc"), "aa.bb.cc");
  assert.equal(tokenIn("https://lectures.example/live/demo"), null);
  assert.equal(tokenIn("two words"), null);
  assert.equal(tokenIn(""), null);
});

test("rooms come from the path as they are written in links", async () => {
  const { roomOfPath, roomPath } = await load("/src/shared/live.ts");
  assert.equal(roomOfPath("/live/physics%201"), "physics 1");
  assert.equal(roomOfPath("/live/"), "");
  assert.equal(roomOfPath("/live/%E0"), "%E0");
  assert.equal(roomPath("physics 1", "whep"), "/v1/live/physics%201/whep");
});

test("an embed opens web pages only", async () => {
  const { embedUrl } = await load("/src/viewer/embed.ts");
  assert.equal(embedUrl("https://example.org/a")?.href, "https://example.org/a");
  for (const bad of [null, "", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "/relative"]) assert.equal(embedUrl(bad), null);
});
