/** What the browser tests share: Chromium, a page that notes what goes wrong in it, a WebRTC sender. */
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const path = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

/** `sound`: whether pages may play it without a gesture. */
export function launch({ sound }) {
  if (!path) throw new Error("the tests need Chromium: apt install chromium");
  const autoplay = sound ? "no-user-gesture-required" : "document-user-activation-required";
  return chromium.launch({
    executablePath: path,
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", `--autoplay-policy=${autoplay}`, "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
      // Both ends of the WebRTC test are this browser, and no mDNS responder is needed between them.
      "--disable-features=WebRtcHideLocalIpsWithMdns",
    ],
  });
}

/** A page in a context of its own; `page.wrong` collects script errors and breaches of the policy. */
export async function newPage(browser, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(40_000);
  page.wrong = [];
  page.on("pageerror", (error) => page.wrong.push(String(error)));
  page.on("console", (message) => {
    const text = message.text();
    if (/Content.Security.Policy|Uncaught/i.test(text)) page.wrong.push(text);
  });
  return page;
}

/** Resolves once `more` frames have been shown since now. */
export async function framesAdvance(page, more = 10) {
  const now = await page.evaluate(() => window.lectern.framesShown());
  await page.waitForFunction((least) => window.lectern.framesShown() >= least, now + more);
}

export const inState = (page, state) => page.waitForFunction((wanted) => window.lectern.state === wanted, state);

/** Answers WHEP offers with a moving picture and a tone, sent by another page. */
export async function webrtcSender(browser) {
  const page = await newPage(browser);
  await page.evaluate(() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
    const draw = canvas.getContext("2d");
    let n = 0;
    setInterval(() => {
      draw.fillStyle = `hsl(${(n += 5) % 360} 60% 50%)`;
      draw.fillRect(0, 0, 320, 180);
    }, 33);
    const audio = new AudioContext();
    const tone = audio.createOscillator();
    const out = audio.createMediaStreamDestination();
    tone.connect(out);
    tone.start();
    window.answer = async (sdp) => {
      const pc = (window.pc = new RTCPeerConnection());
      await pc.setRemoteDescription({ type: "offer", sdp });
      pc.addTrack(canvas.captureStream(30).getVideoTracks()[0]);
      pc.addTrack(out.stream.getAudioTracks()[0]);
      await pc.setLocalDescription();
      await new Promise((done) => {
        const check = () => pc.iceGatheringState === "complete" && done();
        pc.onicegatheringstatechange = check;
        check();
      });
      return pc.localDescription.sdp;
    };
  });
  return {
    answer: (sdp) => page.evaluate((offer) => window.answer(offer), sdp),
    hangUp: () => page.evaluate(() => window.pc.close()),
  };
}
