/** What WCAG 2.1 AA asks of the page and a machine can check: names, order, focus, contrast, reflow. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { MockServer } from "../mock/server.mjs";
import { inState, launch, newPage } from "./browser.mjs";

let browser;
let server;
before(async () => {
  browser = await launch({ sound: true });
  server = new MockServer();
  await server.start();
});
after(async () => {
  await browser.close();
  await server.stop();
});

test("every control has a name, in a sensible order, with visible focus", { timeout: 120_000 }, async () => {
  const page = await newPage(browser);
  await page.goto(server.link("demo", "?transport=mse"));
  await inState(page, "playing");
  const seen = [];
  for (let i = 0; i < 7; i += 1) {
    await page.keyboard.press("Tab");
    seen.push(await page.evaluate(() => {
      const node = document.activeElement;
      const style = getComputedStyle(node);
      const name = node.getAttribute("aria-label") ?? node.textContent.trim();
      return { name, focus: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
    }));
  }
  const names = ["Pause", "Mute", "Volume", "Captions", "Picture in picture", "Full screen", "Keyboard shortcuts"];
  assert.deepEqual(seen, names.map((name) => ({ name, focus: true })));
  const unnamed = await page.evaluate(() =>
    [...document.querySelectorAll("button, input, iframe, dialog")]
      .filter((node) => !node.ariaLabel && !node.textContent.trim() && !node.labels?.length && !node.getAttribute("aria-labelledby"))
      .map((node) => node.id));
  assert.deepEqual(unnamed, []);
  assert.equal(await page.locator("h1").count(), 1);
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  assert.equal(await page.locator("#title").getAttribute("lang"), "en");
  await page.context().close();
});

test("nothing moves for those who asked for that", { timeout: 120_000 }, async () => {
  const page = await newPage(browser, { reducedMotion: "reduce" });
  await page.goto(server.link("demo", "?transport=mse"));
  await inState(page, "playing");
  const moving = await page.evaluate(() => document.getAnimations().length);
  assert.equal(moving, 0);
  await page.context().close();
});

for (const colorScheme of ["light", "dark"]) {
  test(`text stands out from its ground, ${colorScheme}`, { timeout: 120_000 }, async () => {
    const page = await newPage(browser, { colorScheme });
    await page.goto(server.link("demo", "?transport=mse"));
    await inState(page, "playing");
    await page.locator("#caption").waitFor();
    assert.deepEqual(await lowContrast(page, ".brand, #badge, #title, #slide, #time, #delay, #caption, .icon, .plain, .prompt"), []);
    await page.goto(server.link("full"));
    await inState(page, "refused");
    assert.deepEqual(await lowContrast(page, "#badge, #title, .notice-title, #notice-text, #retry"), []);
    await page.context().close();
  });
}

for (const [width, height] of [[320, 640], [360, 740], [740, 360], [768, 1024], [1440, 900]]) {
  test(`nothing is cut off at ${width} x ${height}`, { timeout: 120_000 }, async () => {
    const page = await newPage(browser, { viewport: { width, height } });
    for (const address of [server.link("demo", "?transport=mse"), `${server.origin}/live/other`, server.link("full")]) {
      await page.goto(address);
      await page.waitForFunction(() => ["playing", "refused", "idle"].includes(window.lectern.state));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${address}: ${wide} px too wide`);
      const cut = await page.evaluate(() =>
        [...document.querySelectorAll("button, input:not([type=checkbox]), .time, .delay")]
          .filter((node) => node.checkVisibility() && !node.closest("dialog"))
          .filter((node) => {
            const box = node.closest(".player") ?? document.documentElement;
            const outside = node.getBoundingClientRect().right > box.getBoundingClientRect().right + 0.5;
            return outside || node.scrollWidth > node.clientWidth + 1;
          })
          .map((node) => node.id || node.className));
      assert.deepEqual(cut, [], address);
    }
    await page.context().close();
  });
}

/** The visible elements whose text has less than 4.5:1 against the nearest opaque ground. */
function lowContrast(page, selector) {
  return page.evaluate((wanted) => {
    const parse = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = ([r, g, b]) => {
      const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    // A ground that lets the picture through is judged over its worst case, white.
    const groundOf = (node) => {
      for (let at = node; at; at = at.parentElement) {
        const style = getComputedStyle(at);
        // The lightest stop of the stage's gradient.
        if (style.backgroundImage.includes("radial-gradient")) return [31, 60, 55];
        const [r, g, b, a = 1] = parse(style.backgroundColor);
        if (a > 0) return [r, g, b].map((v) => v * a + 255 * (1 - a));
      }
      return [255, 255, 255];
    };
    return [...document.querySelectorAll(wanted)]
      .filter((node) => node.checkVisibility() && !node.disabled)
      .map((node) => {
        const [light, dark] = [luminance(parse(getComputedStyle(node).color)), luminance(groundOf(node))].sort((x, y) => y - x);
        return { what: node.id || node.className, ratio: (light + 0.05) / (dark + 0.05) };
      })
      .filter(({ ratio }) => ratio < 4.5);
  }, selector);
}
