/** Puts the state of lecture and player on the page. Reads, never decides. */
import { element, setText } from "../shared/dom";
import { EmbedView } from "./embed";
import type { Lecture } from "./lecture";
import type { Player } from "./player";
import { badgeFor, clockText, delayText, noticeFor, reconnecting, spoken, wrongToken } from "./words";

export class View {
  private readonly player = element("player", HTMLElement);
  private readonly title = element("title", HTMLElement);
  private readonly slide = element("slide", HTMLElement);
  private readonly badge = element("badge", HTMLElement);
  private readonly badgeText = element("badge-text", HTMLElement);
  private readonly time = element("time", HTMLElement);
  private readonly delay = element("delay", HTMLElement);
  private readonly delayText = element("delay-text", HTMLElement);
  private readonly caption = element("caption", HTMLElement);
  private readonly progress = element("progress", HTMLElement);
  private readonly pill = element("pill", HTMLElement);
  private readonly status = element("status", HTMLElement);
  private readonly notice = element("notice", HTMLElement);
  private readonly noticeTitle = element("notice-title", HTMLElement);
  private readonly noticeText = element("notice-text", HTMLElement);
  private readonly spinner = element("spinner", SVGElement);
  private readonly retry = element("retry", HTMLButtonElement);
  private readonly form = element("token-form", HTMLFormElement);
  private readonly token = element("token", HTMLInputElement);
  private readonly tokenError = element("token-error", HTMLElement);
  private readonly embed = new EmbedView(element("embed", HTMLElement));

  constructor(room: string, onToken: (text: string) => boolean, onRetry: () => void) {
    if (room) setText(this.title, room);
    this.retry.addEventListener("click", onRetry);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const good = onToken(this.token.value);
      setText(this.tokenError, good ? "" : wrongToken);
      this.token.setAttribute("aria-invalid", String(!good));
      if (good) this.token.value = "";
      else this.token.focus();
    });
  }

  /** What changes with events: states, notices, titles. `lecture` is null before there is a token. */
  draw(player: Player, lecture: Lecture | null, captions: boolean): void {
    const { key, text } = badgeFor(player.state, lecture?.state ?? null);
    this.badge.dataset.state = key;
    setText(this.badgeText, text);
    if (lecture?.title) setText(this.title, lecture.title);
    document.documentElement.dataset.player = player.state;
    for (const spokenBySpeaker of [this.title, this.slide, this.caption]) spokenBySpeaker.lang = lecture?.language ?? "";
    this.drawNotice(player, lecture);
    this.tick(player, lecture, captions);
  }

  /** What changes with time: captions, slide, clock, delay. Cheap enough for ten times a second. */
  tick(player: Player, lecture: Lecture | null, captions: boolean): void {
    const now = lecture?.nowMs() ?? null;
    const position = player.positionMs(now);
    const slide = lecture?.slides.at(position) ?? null;
    const count = lecture?.slideCount ?? 0;
    setText(this.slide, slide ? slideText(slide.number, count, slide.title) : "");
    this.progress.style.setProperty("--done", String(slide && count > 0 ? Math.min(1, slide.number / count) : 0));
    document.title = [slide?.title, lecture?.title, "Lectern"].filter(Boolean).join(" · ");

    this.embed.show(player.state === "ended" ? null : (lecture?.embed ?? null), slide?.title ?? "");
    const showing = player.state === "playing" || player.state === "paused";
    const words = captions && showing && !this.embed.visible ? (lecture?.captions.at(position) ?? "") : "";
    setText(this.caption, words);
    this.caption.parentElement?.toggleAttribute("hidden", words === "");

    setText(this.time, showing && position !== null ? clockText(position) : "–:––");
    const delay = player.delayMs(now);
    this.delay.hidden = delay === null;
    if (delay !== null) setText(this.delayText, delayText(delay));
  }

  private drawNotice(player: Player, lecture: Lecture | null): void {
    const state = lecture === null && player.state === "idle" ? "refused" : player.state;
    const notice = noticeFor(state, player.refusal, lecture?.state ?? null, player.everShown);
    const still = player.state === "reconnecting" && player.everShown;
    this.pill.hidden = !still;
    if (still) setText(this.pill, reconnecting());
    this.notice.hidden = notice === null;
    this.player.toggleAttribute("data-covered", notice !== null);
    if (!notice) {
      setText(this.status, spoken(player.state, lecture?.state ?? null));
      return;
    }
    setText(this.noticeTitle, notice.title);
    setText(this.noticeText, notice.text);
    this.spinner.toggleAttribute("hidden", !notice.busy);
    this.retry.hidden = notice.action !== "retry";
    const asked = !this.form.hidden;
    this.form.hidden = notice.action !== "token";
    if (!asked && !this.form.hidden) this.token.focus();
    setText(this.status, `${notice.title}. ${notice.text}`);
  }
}

function slideText(number: number, count: number, title: string): string {
  const place = count > 0 ? `Slide ${number} of ${count}` : `Slide ${number}`;
  return title ? `${place} · ${title}` : place;
}
