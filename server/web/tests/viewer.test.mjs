/** The viewer page in Chromium, against the mock server. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { MockServer, goodToken } from "../mock/server.mjs";
import { framesAdvance, inState, launch, newPage, webrtcSender } from "./browser.mjs";

let browser;
before(async () => { browser = await launch({ sound: true }); });
after(() => browser.close());

/** Runs a test with a server and a page of its own; nothing may go wrong in the page's console. */
function viewing(name, run, options = {}) {
  test(name, { timeout: 120_000 }, async () => {
    const server = new MockServer();
    await server.start();
    const page = await newPage(options.browser?.() ?? browser, options.context);
    try {
      await run({ server, page });
      assert.deepEqual(page.wrong, []);
    } finally {
      await page.context().close();
      await server.stop();
    }
  });
}

const status = (page) => page.locator("#status").textContent();
const notice = (page) => page.locator("#notice-title").textContent();
const shown = (page, selector) => page.locator(selector).waitFor({ state: "visible" });
const gone = (page, selector) => page.locator(selector).waitFor({ state: "hidden" });

describe("joining", () => {
  viewing("falls back to fragments where WHEP is not answered, and tells the log", async ({ server, page }) => {
    await page.goto(server.link());
    await framesAdvance(page, 20);
    assert.equal(await page.evaluate(() => window.lectern.transport), "mse");
    await page.waitForFunction(() => window.lectern.delayMs() > 0);
    await page.goto("about:blank");
    const joined = await server.logEntry("joined");
    assert.equal(joined.performance_data.transport, "mse");
    assert.ok(joined.performance_data.join_ms > 0);
    assert.match((await server.logEntry("fallback")).message, /404/);
  });

  viewing("the token leaves the address bar and survives a reload of the tab", async ({ server, page }) => {
    await page.goto(server.link("demo", "?transport=mse"));
    await inState(page, "playing");
    assert.equal(page.url(), `${server.origin}/live/demo?transport=mse`);
    await page.reload();
    await framesAdvance(page);
  });

  viewing("plays by WebRTC where WHEP is answered, and deletes its resource on leaving", async ({ server, page }) => {
    const sender = await webrtcSender(browser);
    server.answerOffer = sender.answer;
    await page.goto(server.link());
    await framesAdvance(page, 20);
    assert.equal(await page.evaluate(() => window.lectern.transport), "whep");
    await page.waitForFunction(() => window.lectern.delayMs() !== null);
    await shown(page, "#caption");
    assert.equal(server.whepOpen.size, 1);
    const deleted = new Promise((done) => {
      const remove = server.whepOpen.delete.bind(server.whepOpen);
      server.whepOpen.delete = (id) => (done(id), remove(id));
    });
    await page.goto("about:blank");
    assert.equal(await deleted, "w1");
  });

  viewing("a WebRTC answer without a picture falls back to fragments", async ({ server, page }) => {
    const sender = await webrtcSender(browser);
    server.answerOffer = async (offer) => {
      const answer = await sender.answer(offer);
      await sender.hangUp();
      return answer;
    };
    await page.goto(server.link());
    await framesAdvance(page);
    assert.equal(await page.evaluate(() => window.lectern.transport), "mse");
  });

  viewing("plays by ManagedMediaSource where only that exists", async ({ server, page }) => {
    await page.addInitScript(() => {
      window.ManagedMediaSource = window.MediaSource;
      delete window.MediaSource;
      delete window.RTCPeerConnection;
    });
    await page.goto(server.link());
    await framesAdvance(page);
    assert.equal(await page.evaluate(() => window.lectern.transport), "mse");
  });

  viewing("says so in a browser that has neither way", async ({ server, page }) => {
    await page.addInitScript(() => {
      delete window.MediaSource;
      delete window.ManagedMediaSource;
      delete window.RTCPeerConnection;
    });
    await page.goto(server.link());
    await inState(page, "unsupported");
    assert.equal(await notice(page), "This browser cannot play the lecture");
  });

  viewing("waits while the lecture is prepared, then plays by itself", async ({ server, page }) => {
    server.state = "preparing";
    await page.goto(server.link("demo", "?transport=mse"));
    await page.getByText("The lecture is being prepared", { exact: true }).waitFor();
    server.setState("live");
    await framesAdvance(page);
    assert.equal(await page.locator("#badge-text").textContent(), "Live");
  });

  viewing("asks for a token, says when it is none, and takes a whole link", async ({ server, page }) => {
    await page.goto(`${server.origin}/live/demo`);
    assert.equal(await notice(page), "Join the lecture");
    const field = page.getByLabel("Link or token");
    assert.ok(await field.evaluate((node) => node === document.activeElement));
    await page.keyboard.type("no token at all");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("neither a link").waitFor();
    await field.fill(server.link());
    await page.keyboard.press("Enter");
    await framesAdvance(page);
  });

  viewing("a refused token is forgotten and asked for again", async ({ server, page }) => {
    await page.goto(`${server.origin}/live/demo#token=an.old.one`);
    await inState(page, "refused");
    assert.equal(await notice(page), "Your link is no longer valid");
    assert.match(await status(page), /no longer valid/);
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    // Another link in the same tab changes the fragment only.
    await page.evaluate((token) => { location.hash = `token=${token}`; }, goodToken);
    await framesAdvance(page);
  });

  for (const [room, title] of [["private", "This link is for another lecture"], ["full", "This lecture is full"], ["nowhere", "There is no lecture here now"]]) {
    viewing(`stops with a clear text: ${room}`, async ({ server, page }) => {
      await page.goto(server.link(room));
      await inState(page, "refused");
      assert.equal(await notice(page), title);
    });
  }
});

describe("watching", () => {
  viewing("captions and slides follow the programme time on screen", async ({ server, page }) => {
    await page.goto(server.link("demo", "?transport=mse"));
    await inState(page, "playing");
    await shown(page, "#caption");
    assert.match(await page.locator("#slide").textContent(), /^Slide \d of 3 · ./);
    assert.equal(await page.locator("#title").textContent(), "How lectures are made");
    server.hushed = true;
    // One for later is not shown before its time, though its message is here already.
    const at = server.programmeMs() + 60_000;
    server.tell({ type: "caption", programme_ms: at, duration_ms: 1_000, text: "from the future" });
    server.tell({ type: "caption", programme_ms: server.programmeMs(), duration_ms: 50_000, text: "now <b>here</b>" });
    await page.getByText("now <b>here</b>").waitFor();
    await page.keyboard.press("c");
    await gone(page, "#caption");
    assert.equal(await page.getByRole("button", { name: "Captions" }).getAttribute("aria-pressed"), "false");
  });

  viewing("survives a restart of the server and says so meanwhile", async ({ server, page }) => {
    await page.goto(server.link("demo", "?transport=mse"));
    await framesAdvance(page);
    await server.stop();
    await inState(page, "reconnecting");
    await shown(page, "#pill");
    assert.match(await status(page), /Reconnecting/);
    await server.start();
    await inState(page, "playing");
    await framesAdvance(page);
    await gone(page, "#pill");
    await shown(page, "#caption");
  });

  viewing("jumps over a gap in the timeline", async ({ server, page }) => {
    await page.goto(server.link("demo", "?transport=mse"));
    await framesAdvance(page);
    await server.congest(1_500);
    await framesAdvance(page, 30);
    assert.equal(await page.evaluate(() => window.lectern.state), "playing");
  });

  viewing("makes room when the browser's buffer is full", async ({ server, page }) => {
    await page.addInitScript(() => {
      const append = SourceBuffer.prototype.appendBuffer;
      window.refused = 0;
      SourceBuffer.prototype.appendBuffer = function (data) {
        const { buffered } = this;
        const held = buffered.length > 0 ? buffered.end(buffered.length - 1) - buffered.start(0) : 0;
        if (held > 5) {
          window.refused += 1;
          throw new DOMException("full", "QuotaExceededError");
        }
        return append.call(this, data);
      };
    });
    await page.goto(server.link("demo", "?transport=mse"));
    await page.waitForFunction(() => window.refused >= 2);
    await framesAdvance(page, 30);
    await page.goto("about:blank");
    await server.logEntry("joined");
    assert.ok(!server.logged.some(({ message }) => message.includes("full")));
  });

  viewing("a viewer who was too slow comes back", async ({ server, page }) => {
    await page.goto(server.link("demo", "?transport=mse"));
    await framesAdvance(page);
    server.closeMedia(4408);
    await inState(page, "reconnecting");
    await framesAdvance(page, 30);
  });

  viewing("plays the last words, then ends for good", async ({ server, page }) => {
    await page.goto(server.link("demo", "?transport=mse"));
    await framesAdvance(page);
    server.end();
    await inState(page, "ended");
    assert.equal(await notice(page), "The lecture has ended");
    assert.equal(await page.locator("#badge-text").textContent(), "Ended");
  });

  viewing("an embed covers the video in a sandbox until the lecture goes on", async ({ server, page }) => {
    await page.goto(server.link("demo", "?transport=mse"));
    await inState(page, "playing");
    server.tell({ type: "embed", slide_id: "s2", url: "http://127.0.0.1:9/quiz" });
    const frame = page.locator("#embed iframe");
    await frame.waitFor();
    assert.match(await frame.getAttribute("sandbox"), /^allow-scripts /);
    assert.equal(await frame.getAttribute("referrerpolicy"), "no-referrer");
    server.tell({ type: "embed", slide_id: "s2", url: "javascript:alert(1)" });
    await page.getByText("The speaker is showing something else").waitFor();
    assert.equal(await frame.count(), 0);
    server.tell({ type: "embed", slide_id: "s2", url: `${server.origin}/live/demo` });
    await frame.waitFor();
    assert.doesNotMatch(await frame.getAttribute("sandbox"), /allow-same-origin/);
    server.tell({ type: "resume" });
    await gone(page, "#embed");
  });

  let silent;
  before(async () => { silent = await launch({ sound: false }); });
  after(() => silent.close());
  viewing("starts muted only where sound is refused, and offers it", async ({ server, page }) => {
    // The page has to speak first: whatever the test asks it counts as a gesture of the user.
    await page.addInitScript(() => {
      document.addEventListener("playing", ({ target }) => console.log(`playing, muted: ${target.muted}`), true);
    });
    const playing = page.waitForEvent("console", (message) => message.text().startsWith("playing"));
    await page.goto(server.link("demo", "?transport=mse"));
    assert.equal((await playing).text(), "playing, muted: true");
    await page.locator("#sound").click();
    await page.waitForFunction(() => !document.querySelector("video").muted);
    await gone(page, "#sound");
    await framesAdvance(page);
  }, { browser: () => silent });
});

describe("controls", () => {
  viewing("space freezes here only and goes back to live", async ({ server, page }) => {
    await page.goto(server.link("demo", "?transport=mse"));
    await framesAdvance(page);
    await page.keyboard.press(" ");
    await inState(page, "paused");
    await shown(page, "#live");
    const [time, programme] = [await page.evaluate(() => document.querySelector("video").currentTime), server.programmeMs()];
    await page.waitForFunction((least) => document.querySelector("video").buffered.end(0) > least, programme / 1_000 + 1);
    assert.equal(await page.evaluate(() => document.querySelector("video").currentTime), time);
    await page.getByRole("button", { name: "Back to live" }).click();
    await inState(page, "playing");
    await page.waitForFunction((least) => document.querySelector("video").currentTime > least, programme / 1_000);
    await framesAdvance(page);
  });

  viewing("m, arrows and f do what they say; single letters can be switched off", async ({ server, page }) => {
    const video = (what) => page.evaluate((key) => document.querySelector("video")[key], what);
    await page.goto(server.link("demo", "?transport=mse"));
    await inState(page, "playing");
    assert.equal(await video("muted"), false);
    await page.keyboard.press("m");
    assert.equal(await video("muted"), true);
    await page.keyboard.press("m");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    assert.equal(await video("volume"), 0.9);
    assert.equal(await page.getByLabel("Volume").inputValue(), "90");
    await page.keyboard.press("f");
    await page.getByRole("button", { name: "Leave full screen" }).waitFor();
    await page.keyboard.press("f");
    await page.getByRole("button", { name: "Full screen", exact: true }).waitFor();
    await page.keyboard.press("?");
    await page.getByLabel("Use the single-letter keys").uncheck();
    await page.keyboard.press("Escape");
    await page.keyboard.press("m");
    assert.equal(await video("muted"), false);
  });
});
