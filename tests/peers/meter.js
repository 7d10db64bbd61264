// Runs in the page before anything else. Measures what an element shows and plays, as `window.meter`:
//   firstFrame(limit)     milliseconds since navigation at which the first frame of any video element was shown
//   start(video, stream)  begins to measure the element's frames and the stream's sound (the element's own without a stream)
//   result()              frames, frame rate, sound level, flashes and clicks and how far they are apart
// Flash and click: a picture that turns white and a sound out of silence at the same moment of the programme. The flash counts when the
// browser expects to display its frame (requestVideoFrameCallback), the click when its sample leaves; both are times of performance.now().
//
// When a sample leaves. A remote track (WebRTC) hands its sound to the element in blocks of 10 ms, each at the moment at which the jitter
// buffer releases it: MediaStreamTrackProcessor shows these blocks with their times. From there to the loudspeaker it takes what the
// browser itself counts as the playout delay (statistics `media-playout`), which is also what it synchronises the picture with. A tap by
// WebAudio would be another way to another output, with a buffer of its own. Other sound is tapped so, and the audio clock says when a
// sample leaves. One display interval (17 ms) bounds how exact both are.
"use strict";

(() => {
  const shown = Promise.withResolvers();
  const watched = new WeakSet();
  const peers = [];
  let state = null;

  if (window.RTCPeerConnection) {
    window.RTCPeerConnection = class extends window.RTCPeerConnection {
      constructor(...settings) {
        super(...settings);
        peers.push(this);
      }
    };
  }

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
      rate: 48000, statistics: [],
    };
    pictures(video);
    const remote = stream ?? (video.srcObject instanceof MediaStream ? video.srcObject : null);
    const source = remote ?? video.captureStream();
    const tracks = source.getAudioTracks();
    if (tracks.length === 0) return { audio: false };
    if (remote && window.MediaStreamTrackProcessor && peers.length > 0) {
      released(tracks[0]);
      await statistics();
      state.timer = setInterval(statistics, 500);
    } else {
      await sound(new MediaStream([tracks[0]]));
    }
    return { audio: true };
  }

  /** Clicks of a remote track by the times at which the jitter buffer releases its blocks. */
  async function released(track) {
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    const own = state;
    // The blocks' times are of another clock: the quickest way of a block to here says how far away.
    own.apart = Infinity;
    let quiet = 0;
    for (;;) {
      const { value, done } = await reader.read();
      if (done || state !== own) return;
      const at = value.timestamp / 1000;
      own.apart = Math.min(own.apart, performance.now() - at);
      const samples = new Float32Array(value.numberOfFrames);
      value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      own.rate = value.sampleRate;
      value.close();
      for (let i = 0; i < samples.length; i += 1) {
        const level = Math.abs(samples[i]);
        own.squares += level * level;
        own.peak = Math.max(own.peak, level);
        if (level <= 0.1) { quiet += 1; continue; }
        if (quiet > own.rate / 10) own.clicks.push(at + (i / own.rate) * 1000);
        quiet = 0;
      }
      own.samples += samples.length;
    }
  }

  /** What the browser says of its playing: the delay of its output, and how far picture and sound are, by the sender's clock. */
  async function statistics() {
    const own = state;
    const said = {};
    for (const peer of peers) {
      if (peer.connectionState !== "connected") continue;
      for (const entry of (await peer.getStats()).values()) {
        if (entry.type === "media-playout") said.output = { delay: entry.totalPlayoutDelay, samples: entry.totalSamplesCount };
        if (entry.type === "inbound-rtp") said[entry.kind] = entry.estimatedPlayoutTimestamp;
      }
    }
    own?.statistics.push(said);
  }

  /** Milliseconds from the release of a sample to its leaving: the mean over the measurement. */
  function outputDelay() {
    const outputs = state.statistics.map(({ output }) => output).filter(Boolean);
    const [first, last] = [outputs[0], outputs.at(-1)];
    const count = last ? last.samples - first.samples : 0;
    return count > 0 ? ((last.delay - first.delay) / count) * 1000 : null;
  }

  /** By the browser's own account, how much later the sound of a moment leaves than its picture: the median, in milliseconds. */
  function playoutSkew() {
    const apart = state.statistics.map(({ video, audio }) => video - audio).filter((distance) => Math.abs(distance) < 1000).sort((a, b) => a - b);
    return apart.length === 0 ? null : apart[apart.length >> 1];
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
    state.rate = context.sampleRate;
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
    clearInterval(state.timer);
    const delay = state.context ? null : outputDelay();
    const clicks = (state.context ? state.clicks.map(leaves) : state.clicks.map((at) => at + state.apart + (delay ?? NaN))).filter(Number.isFinite);
    const apart = flashes
      .map((flash) => clicks.map((click) => click - flash).sort((a, b) => Math.abs(a) - Math.abs(b))[0])
      .filter((distance) => Math.abs(distance) < 500);
    const sorted = [...apart].sort((a, b) => a - b);
    const now = video.getVideoPlaybackQuality();
    const round = (value) => (value === null ? null : Math.round(value * 100) / 100);
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
        seconds: round(state.samples / state.rate),
        rms: Math.sqrt(state.squares / state.samples),
        peak: state.peak,
        output_latency_ms: round(state.context ? (state.context.outputLatency + state.context.baseLatency) * 1000 : delay),
        tapped: state.context ? "WebAudio" : "released blocks",
      },
      // Positive: the sound comes after the picture. The delay of the sound card (or what stands for it) is in it.
      avsync: {
        flashes: flashes.length,
        clicks: clicks.length,
        pairs: apart.length,
        median_ms: sorted.length === 0 ? null : round((sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2),
        max_abs_ms: sorted.length === 0 ? null : round(Math.max(...sorted.map(Math.abs))),
        offsets_ms: apart.map(round),
        // The same without flash and click, by the browser's own account.
        playout_skew_ms: round(playoutSkew()),
      },
    };
  }

  window.meter = { firstFrame, start, result };
})();
