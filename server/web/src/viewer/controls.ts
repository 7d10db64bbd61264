/** Buttons and keys. What they show is set from the state of the player, never assumed from a click. */
import { element } from "../shared/dom";
import { keepSetting, setting } from "../shared/settings";
import type { Player } from "./player";

const volumeStep = 0.05;
const idleMs = 3_000;

type VideoWithPhoneFullscreen = HTMLVideoElement & { webkitEnterFullscreen?: () => void };

export class Controls {
  captions = setting<boolean>("captions", true);
  private readonly video: VideoWithPhoneFullscreen;
  private readonly player: Player;
  private readonly changed: () => void;
  private readonly box = element("player", HTMLElement);
  private readonly play = element("play", HTMLButtonElement);
  private readonly mute = element("mute", HTMLButtonElement);
  private readonly volume = element("volume", HTMLInputElement);
  private readonly caption = element("captions", HTMLButtonElement);
  private readonly pip = element("pip", HTMLButtonElement);
  private readonly full = element("full", HTMLButtonElement);
  private readonly live = element("live", HTMLButtonElement);
  private readonly sound = element("sound", HTMLButtonElement);
  private readonly help = element("shortcuts", HTMLDialogElement);
  private readonly singleKeys = element("single-keys", HTMLInputElement);
  private idleTimer = 0;

  constructor(video: HTMLVideoElement, player: Player, changed: () => void) {
    this.video = video;
    this.player = player;
    this.changed = changed;
    video.volume = setting<number>("volume", 1);
    this.singleKeys.checked = setting<boolean>("single-keys", true);
    this.wireButtons();
    this.wireIdle();
    document.addEventListener("keydown", (event) => this.key(event));
    video.addEventListener("volumechange", () => this.changed());
    document.addEventListener("fullscreenchange", () => this.changed());
    this.pip.hidden = !document.pictureInPictureEnabled;
    this.full.hidden = !document.fullscreenEnabled && !this.video.webkitEnterFullscreen;
  }

  /** Shows the present state. */
  draw(): void {
    const { player, video } = this;
    const running = player.state === "playing" || player.state === "paused";
    const playing = player.state === "playing" && !player.playRefused;
    face(this.play, playing ? "i-pause" : "i-play", playing ? "Pause" : "Play");
    this.play.disabled = !running && !player.playRefused;
    const silent = video.muted || video.volume === 0;
    face(this.mute, silent ? "i-muted" : "i-sound", silent ? "Turn sound on" : "Mute");
    this.volume.value = String(Math.round((silent ? 0 : video.volume) * 100));
    this.volume.style.setProperty("--level", `${this.volume.value}%`);
    this.caption.setAttribute("aria-pressed", String(this.captions));
    this.pip.disabled = !running;
    const whole = document.fullscreenElement !== null;
    face(this.full, whole ? "i-window" : "i-full", whole ? "Leave full screen" : "Full screen");
    this.live.hidden = player.state !== "paused";
    this.sound.hidden = !(player.soundRefused || player.playRefused) || player.state === "ended";
    const label = player.playRefused ? "Play the lecture" : "Turn sound on";
    if (this.sound.lastChild?.textContent !== label) this.sound.lastChild?.replaceWith(label);
  }

  private wireButtons(): void {
    this.play.addEventListener("click", () => this.togglePlay());
    this.live.addEventListener("click", () => {
      this.player.resume();
      // The button is gone now: the focus stays among the controls.
      this.play.focus();
    });
    this.sound.addEventListener("click", () => {
      this.player.allow();
      this.mute.focus();
    });
    this.mute.addEventListener("click", () => this.toggleMute());
    this.volume.addEventListener("input", () => this.setVolume(Number(this.volume.value) / 100));
    this.caption.addEventListener("click", () => this.toggleCaptions());
    this.pip.addEventListener("click", () => void this.togglePip());
    this.full.addEventListener("click", () => void this.toggleFull());
    this.video.addEventListener("click", () => this.togglePlay());
    this.video.addEventListener("dblclick", () => void this.toggleFull());
    element("open-shortcuts", HTMLButtonElement).addEventListener("click", () => this.help.showModal());
    this.singleKeys.addEventListener("change", () => keepSetting("single-keys", this.singleKeys.checked));
  }

  /** In full screen the controls go away when nothing is done, unless one of them has the focus. */
  private wireIdle(): void {
    const awake = () => {
      delete this.box.dataset.idle;
      clearTimeout(this.idleTimer);
      this.idleTimer = window.setTimeout(() => (this.box.dataset.idle = ""), idleMs);
    };
    for (const kind of ["pointermove", "pointerdown", "keydown", "focusin"]) this.box.addEventListener(kind, awake);
    document.addEventListener("fullscreenchange", awake);
  }

  private key(event: KeyboardEvent): void {
    const { target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || this.help.open) return;
    const on = target instanceof Element ? target : document.body;
    if (on.matches("input:not([type=range]), textarea, select, [contenteditable]")) return;
    const act = this.actionFor(event.key, on);
    if (!act || (event.repeat && !event.key.startsWith("Arrow"))) return;
    event.preventDefault();
    act();
  }

  /** What a key does; null leaves it to the browser: a focused button has its space, the slider its arrows. */
  private actionFor(key: string, on: Element): (() => void) | null {
    if (key === " ") return on.matches("button, a, summary") ? null : () => this.togglePlay();
    if (key === "ArrowUp" || key === "ArrowDown") {
      if (on === this.volume) return null;
      const by = key === "ArrowUp" ? volumeStep : -volumeStep;
      return () => this.setVolume((this.video.muted ? 0 : this.video.volume) + by);
    }
    if (!this.singleKeys.checked) return null;
    switch (key.toLowerCase()) {
      case "m": return () => this.toggleMute();
      case "c": return () => this.toggleCaptions();
      case "f": return () => void this.toggleFull();
      case "p": return () => void this.togglePip();
      case "?": return () => this.help.showModal();
      default: return null;
    }
  }

  private togglePlay(): void {
    if (this.player.playRefused) this.player.allow();
    else if (this.player.state === "paused") this.player.resume();
    else this.player.pause();
  }

  private toggleMute(): void {
    if (this.player.soundRefused) this.player.allow();
    else if (this.video.volume === 0) this.setVolume(0.5);
    else this.video.muted = !this.video.muted;
  }

  private setVolume(volume: number): void {
    const level = Math.round(Math.min(1, Math.max(0, volume)) * 100) / 100;
    this.video.volume = level;
    if (level > 0) {
      if (this.player.soundRefused) this.player.allow();
      this.video.muted = false;
      keepSetting("volume", level);
    }
    this.changed();
  }

  private toggleCaptions(): void {
    this.captions = !this.captions;
    keepSetting("captions", this.captions);
    this.changed();
  }

  private async togglePip(): Promise<void> {
    if (this.pip.hidden || this.pip.disabled) return;
    try {
      if (document.pictureInPictureElement) await document.exitPictureInPicture();
      else await this.video.requestPictureInPicture();
    } catch {
      // The browser or the system has no window for it now; nothing has changed.
    }
  }

  private async toggleFull(): Promise<void> {
    try {
      if (document.fullscreenElement) await document.exitFullscreen();
      else if (document.fullscreenEnabled) await this.box.requestFullscreen();
      else this.video.webkitEnterFullscreen?.();
    } catch {
      // Refused by the browser; nothing has changed.
    }
  }
}

/** Gives a button its picture and its name. */
function face(button: HTMLButtonElement, icon: string, label: string): void {
  if (button.getAttribute("aria-label") === label) return;
  button.setAttribute("aria-label", label);
  button.title = label;
  button.querySelector("use")?.setAttribute("href", `#${icon}`);
}
