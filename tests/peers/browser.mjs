// What the scripts that drive Chromium share: options, starting the browser, the in-page meter, figures, the report.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";

/** Folder that scripts/setup-peers made. */
export const home = join(process.env.LECTERN_PEERS ?? fail("start this with tests/peers/peer"), "browser");
const { chromium } = createRequire(join(home, "package.json"))("playwright-core");

const browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--autoplay-policy=no-user-gesture-required",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-proxy-server",
  // Nothing throttles a page because no one looks at it.
  "--disable-renderer-backgrounding",
  "--disable-backgrounding-occluded-windows",
];

/** Ends the program with one line that says what is wrong. */
export function fail(message) {
  process.stderr.write(`peer: ${message}\n`);
  process.exit(1);
}

/** Options of the command line as strings; `defaults` names all of them, `null` makes one obligatory, `false` a switch. */
export function options(defaults) {
  const shape = Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, { type: value === false ? "boolean" : "string" }]));
  let values;
  try {
    ({ values } = parseArgs({ options: shape, strict: true }));
  } catch (error) {
    fail(error.message);
  }
  for (const [name, value] of Object.entries(defaults)) {
    if (value === null && values[name] === undefined) fail(`--${name} is missing`);
  }
  return { ...defaults, ...values };
}

/** The text of a token's file. */
export function token(file) {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    return fail(`no token: ${error.message}`);
  }
}

/** Runs `work(browser, report)` with a deadline; writes the report whatever happens and ends with status 1 when it threw. */
export async function measure({ out, limit }, report, work) {
  let browser;
  let problem;
  const deadline = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`not done after ${limit} s (--limit)`)), Number(limit) * 1000).unref();
  });
  try {
    browser = await Promise.race([launch(), deadline]);
    await Promise.race([work(browser, report), deadline]);
  } catch (error) {
    problem = error.message.split("\n")[0];
    report.error = problem;
  }
  const text = `${JSON.stringify(report, null, 2)}\n`;
  if (out) writeFileSync(out, text);
  else process.stdout.write(text);
  await browser?.close().catch(() => {});
  if (problem) fail(problem);
  process.exit(0);
}

async function launch() {
  const executablePath = browsers.find((file) => existsSync(file)) ?? fail("there is no Chromium; run scripts/setup-peers");
  return chromium.launch({ executablePath, args: flags, headless: true, ignoreDefaultArgs: ["--mute-audio"] });
}

/** A page of its own profile with the meter in it; what it complains of is collected in `report.page_errors`. */
export async function newPage(browser, report) {
  const context = await browser.newContext({ bypassCSP: true, viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.addInitScript({ path: new URL("meter.js", import.meta.url).pathname });
  report.page_errors ??= [];
  page.on("pageerror", (error) => report.page_errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && report.page_errors.push(message.text()));
  return page;
}

/** Median, 95th percentile and greatest of some numbers; null without any. */
export function summary(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const at = (part) => {
    const place = part * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
    return Number((below + (above - below) * (place % 1)).toFixed(2));
  };
  return { count: sorted.length, median: at(0.5), p95: at(0.95), min: at(0), max: at(1) };
}
