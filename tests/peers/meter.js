// Runs in the page before anything else. Measures what an element shows and plays, as `window.meter`:
//   firstFrame(limit)     milliseconds since navigation at which the first frame of any video element was shown
//   start(video, stream)  begins to measure the element's frames and the stream's sound (the element's own without a stream)
//   result()              frames, frame rate, sound level, flashes and clicks and how far they are apart
// Flash and click: a picture that turns white and a sound out of silence at the same moment of the programme. The flash counts when the
// browser expects to display its frame (requestVideoFrameCallback), the click when the audio clock says that its sample leaves; both are
// times of performance.now(). One display interval (17 ms) and the depth of the audio tap (10 ms or so) bound how exact that is.
"use strict";

(() => {
  const shown = Promise.withResolvers();
  const watched = new WeakSet();
  let state = null;

  function watch() {
    for (const video of document.querySelectorAll("video")) {
      if (watched.has(video)) continue;
      watched.add(video);
      video.requestVideoFrameCallback((now, frame) => shown.resolve({ at: now, width: frame.width, height: frame.height }));
    }
  }
  new MutationObserver(watch).observe(document, { childList: true, subtree: true });

  /** The video that is shown first; null after `limit` milliseconds. */
  function firstFrame(limit) {
    const late = new Promise((resolve) => setTimeout(resolve, limit, null));
    return Promise.race([shown.promise, late]);
  }

  // Sample-exact times of clicks and the sum of squares, in the audio thread.
  const processor = `registerProcessor("meter", class extends AudioWorkletProcessor {
    quiet = sampleRate; squares = 0; peak = 0; count = 0;
    process([[channel]]) {
      if (!channel) return true;
      for (let i = 0; i < channel.length; i += 1) {
        const level = Math.abs(channel[i]);
        this.squares += level * level;
        if (level > this.peak) this.peak = level;
        if (level <= 0.1) { this.quiet += 1; continue; }
        if (this.quiet > sampleRate / 10) this.port.postMessage({ click: (currentFrame + i) / sampleRate });
        this.quiet = 0;
      }
      this.count += channel.length;
      if (this.count >= sampleRate / 10) {
        this.port.postMessage({ squares: this.squares, peak: this.peak, count: this.count, at: (currentFrame + channel.length) / sampleRate });
        this.squares = this.peak = this.count = 0;
      }
      return true;
    }
  });`;

  async function start(video, stream) {
    video.muted = false;
    video.volume = 1;
    state = {
      video, began: performance.now(), frames: 0, presented: null, lastPresented: 0, times: [], flashes: [], clicks: [],
      squares: 0, samples: 0, peak: 0, offsets: [], dark: false, quality: video.getVideoPlaybackQuality(),
    };
    pictures(video);
    const source = stream ?? video.captureStream();
    const tracks = source.getAudioTracks();
    if (tracks.length === 0) return { audio: false };
    await sound(new MediaStream([tracks[0]]));
    return { audio: true };
  }

  function pictures(video) {
    const canvas = new OffscreenCanvas(8, 8);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const frame = (now, about) => {
      if (!state) return;
      video.requestVideoFrameCallback(frame);
      state.presented ??= about.presentedFrames - 1;
      state.lastPresented = about.presentedFrames;
      state.frames += 1;
      state.times.push(about.mediaTime);
      state.size = [about.width, about.height];
      context.drawImage(video, 0, 0, 8, 8);
      const { data } = context.getImageData(0, 0, 8, 8);
      let sum = 0;
      for (let i = 1; i < data.length; i += 4) sum += data[i];
      const white = sum / 64 > 180;
      if (white && state.dark) state.flashes.push(about.expectedDisplayTime);
      state.dark = !white;
    };
    video.requestVideoFrameCallback(frame);
  }

  async function sound(stream) {
    const context = new AudioContext({ latencyHint: "interactive" });
    await context.resume();
    const module = URL.createObjectURL(new Blob([processor], { type: "text/javascript" }));
    await context.audioWorklet.addModule(module);
    const node = new AudioWorkletNode(context, "meter", { numberOfInputs: 1, numberOfOutputs: 1 });
    const silent = new GainNode(context, { gain: 0 });
    context.createMediaStreamSource(stream).connect(node).connect(silent).connect(context.destination);
    state.context = context;
    node.port.onmessage = ({ data }) => {
      if (!state) return;
      if (data.click !== undefined) {
        state.clicks.push(data.click);
        return;
      }
      state.squares += data.squares;
      state.samples += data.count;
      state.peak = Math.max(state.peak, data.peak);
      const output = context.getOutputTimestamp();
      if (output.performanceTime > 0) state.offsets.push([data.at, output.performanceTime - output.contextTime * 1000]);
    };
  }

  /** When a moment of the audio clock (s) leaves, on performance.now()'s clock (ms): the median of the nearest readings. */
  function leaves(at) {
    const near = state.offsets.filter(([moment]) => Math.abs(moment - at) < 1).map(([, offset]) => offset).sort((a, b) => a - b);
    return near.length === 0 ? NaN : near[near.length >> 1] + at * 1000;
  }

  function result() {
    const { began, video, size, times, flashes } = state;
    const seconds = (performance.now() - began) / 1000;
    const clicks = state.clicks.map(leaves).filter(Number.isFinite);
    const apart = flashes
      .map((flash) => clicks.map((click) => click - flash).sort((a, b) => Math.abs(a) - Math.abs(b))[0])
      .filter((distance) => Math.abs(distance) < 500);
    const sorted = [...apart].sort((a, b) => a - b);
    const now = video.getVideoPlaybackQuality();
    const round = (value) => Math.round(value * 100) / 100;
    const steps = times.slice(1).map((time, i) => time - times[i]);
    return {
      seconds: round(seconds),
      frames: state.frames,
      // Presented counts also those whose callback came too late to be called.
      presented: state.presented === null ? 0 : state.lastPresented - state.presented,
      fps: times.length < 2 ? 0 : round((state.lastPresented - state.presented - 1) / (times.at(-1) - times[0])),
      longest_step_ms: steps.length === 0 ? null : round(Math.max(...steps) * 1000),
      dropped: now.droppedVideoFrames - state.quality.droppedVideoFrames,
      width: size?.[0] ?? 0,
      height: size?.[1] ?? 0,
      audio: state.samples === 0 ? null : {
        seconds: round(state.samples / state.context.sampleRate),
        rms: Math.sqrt(state.squares / state.samples),
        peak: state.peak,
        output_latency_ms: round((state.context.outputLatency + state.context.baseLatency) * 1000),
      },
      // Positive: the sound comes after the picture. The output latency of the sound card (or what stands for it) is in it.
      avsync: {
        flashes: flashes.length,
        clicks: clicks.length,
        pairs: apart.length,
        median_ms: sorted.length === 0 ? null : round((sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2),
        max_abs_ms: sorted.length === 0 ? null : round(Math.max(...sorted.map(Math.abs))),
        offsets_ms: apart.map(round),
      },
    };
  }

  window.meter = { firstFrame, start, result };
})();
