/**
 * An embed slide: a web page shown over the video until the lecture goes on.
 *
 * The page is a stranger: it runs in a sandbox, learns nothing of our address, and only `http(s)` is
 * opened. A page of our own origin could leave a sandbox that allows scripts and its own origin, so it
 * gets no origin.
 */
import type { Embed } from "../shared/live";
import { embedElsewhere } from "./words";

const sandbox = "allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox";

export class EmbedView {
  private shownUrl: string | null = null;
  private readonly box: HTMLElement;

  constructor(box: HTMLElement) {
    this.box = box;
  }

  get visible(): boolean {
    return !this.box.hidden;
  }

  show(embed: Embed | null, title: string): void {
    if (!embed) {
      this.box.hidden = true;
      this.box.replaceChildren();
      this.shownUrl = null;
      return;
    }
    const url = embedUrl(embed.url);
    const key = url?.href ?? "";
    if (this.shownUrl === key && this.visible) return;
    this.shownUrl = key;
    this.box.replaceChildren(...(url ? page(url, title) : [note()]));
    this.box.hidden = false;
  }
}

/** The address to open; null for none and for anything but a web page. */
export function embedUrl(text: string | null): URL | null {
  if (text === null || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.protocol === "http:" || url.protocol === "https:" ? url : null;
}

function page(url: URL, title: string): HTMLElement[] {
  const frame = document.createElement("iframe");
  const own = url.origin === location.origin ? "" : " allow-same-origin";
  frame.setAttribute("sandbox", sandbox + own);
  frame.referrerPolicy = "no-referrer";
  frame.title = title || "Page shown by the speaker";
  frame.src = url.href;
  const link = document.createElement("a");
  link.href = url.href;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  link.textContent = `Open ${url.host} in a new tab`;
  return [frame, link];
}

function note(): HTMLElement {
  const box = document.createElement("div");
  box.className = "embed-note";
  const title = document.createElement("p");
  title.className = "notice-title";
  title.textContent = embedElsewhere.title;
  const text = document.createElement("p");
  text.textContent = embedElsewhere.text;
  box.append(title, text);
  return box;
}
