// Where frames come from: the proxy video, the proxy picture, or the previews of a run that still goes on.

class Film {
  // `shown(frame, looked)` is called with every frame that has come; `failed(sentence)` when none will.
  constructor(shown, failed, moved) {
    Object.assign(this, { shown, failed, moved, sound: true, frame: 0, wanted: null, url: null, playing: false, previews: [] });
  }

  update(data) {
    this.data = data;
    this.times = data.times;
    this.previews = data.previews;
    if (data.proxy && data.proxy !== this.url) this.open(data);
    else if (!data.proxy) this.showPreview();
  }

  get ready() { return Boolean(this.video?.readyState >= 2 || this.image?.complete); }

  // How many places the scrubber has.
  get places() { return this.data.proxy ? this.times.length : this.previews.length; }

  get place() {
    if (this.data.proxy) return this.frame;
    return Math.max(0, this.previews.findIndex((one) => one.frame === this.frame));
  }

  frameAt(place) { return this.data.proxy ? place : (this.previews[place]?.frame ?? 0); }

  open(data) {
    this.close();
    this.url = data.proxy;
    if (data.kind === "picture") {
      this.image = new Image();
      this.image.onload = () => this.shown(0, lookAtProxy(this.image, this.image.naturalWidth, this.image.naturalHeight));
      this.image.onerror = () => this.failed("The picture could not be loaded: reload the page to try again.");
      this.image.src = data.proxy;
      return;
    }
    const video = el("video", { muted: true, playsinline: true, preload: "auto", crossorigin: "anonymous" });
    video.muted = !this.heard;
    video.loop = Boolean(data.loop); // on a stage it goes on until somebody stops it
    this.video = video;
    video.onloadeddata = () => this.seek(this.wanted ?? this.frame);
    video.onseeked = () => this.landed();
    video.onended = () => this.pause();
    video.onpause = () => { if (this.playing && !video.ended) this.pause(); };
    video.onerror = () => this.failed("The video could not be played in this browser: reload the page to try again.");
    video.src = data.proxy;
  }

  // On a stage, where it goes on by itself, it is silent.
  get heard() { return Boolean(this.sound && this.data.sound && !this.data.loop); }

  setSound(on) {
    this.sound = on;
    if (this.video) this.video.muted = !this.heard;
  }

  // The moment of a frame, well inside the time that it is shown.
  moment(frame) {
    const { times } = this;
    const gap = frame + 1 < times.length ? times[frame + 1] - times[frame] : times.length > 1 ? times[frame] - times[frame - 1] : 0.02;
    return times[frame] + gap / 2;
  }

  frameOf(seconds) {
    let [low, high] = [0, this.times.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.times[middle] <= seconds + 0.002) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  // Shows a frame; only the newest wish counts while the browser is still looking for an older one.
  seek(frame) {
    this.frame = clamp(frame, 0, Math.max(0, this.times.length - 1));
    this.moved();
    if (!this.data.proxy) { this.showPreview(); return; }
    if (!this.video) return;
    this.wanted = this.frame;
    if (this.video.readyState < 2 || this.video.seeking) return;
    this.video.currentTime = this.moment(this.wanted);
  }

  landed() {
    const here = this.frameOf(this.video.currentTime);
    if (this.wanted !== null && here !== this.wanted) { this.video.currentTime = this.moment(this.wanted); return; }
    this.wanted = null;
    if (!this.playing) this.show(here);
  }

  show(frame) {
    this.frame = frame;
    this.shown(frame, lookAtProxy(this.video, this.video.videoWidth, this.video.videoHeight));
  }

  showPreview() {
    const one = this.previews.findLast((preview) => preview.frame <= this.frame) ?? this.previews[0];
    if (!one || one.url === this.previewUrl) return;
    this.previewUrl = one.url;
    const image = new Image();
    image.onload = () => { if (this.previewUrl === one.url && !this.data.proxy) { this.frame = one.frame; this.shown(one.frame, lookAtPreview(image)); } };
    image.onerror = () => { this.previewUrl = null; };
    image.src = one.url;
  }

  async play() {
    if (!this.video || this.playing) return;
    if (this.frame >= this.times.length - 1) { this.video.currentTime = 0; this.frame = 0; }
    this.playing = true;
    this.moved();
    try {
      await this.video.play().catch((error) => {
        if (error.name !== "NotAllowedError" || this.video.muted) throw error;
        this.setSound(false); // a browser that lets nothing be heard before a click
        return this.video.play();
      });
      this.follow();
    } catch (error) {
      this.playing = false;
      this.moved();
      if (error.name !== "AbortError") this.failed("The video could not be played in this browser.");
    }
  }

  follow() {
    const next = (time) => {
      if (!this.playing) return;
      this.show(this.frameOf(time));
      this.moved();
      this.follow();
    };
    if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback((_, about) => next(about.mediaTime));
    else requestAnimationFrame(() => next(this.video.currentTime));
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.video.pause();
    this.seek(this.frame);
  }

  close() {
    this.playing = false;
    if (this.video) {
      this.video.onerror = this.video.onpause = null;
      this.video.removeAttribute("src");
      this.video.load();
    }
    this.video = this.image = this.url = null;
  }
}
