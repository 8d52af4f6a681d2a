// The run's own background: a picture, or a video that goes along with the film.

class Own {
  // `changed()` is called when it can be drawn, or when it turns out that this browser cannot.
  constructor(url, kind, changed) {
    Object.assign(this, { url, kind, drawable: null, failed: false });
    const ready = () => { this.drawable = this.node; changed(); };
    const failed = () => { this.failed = true; changed(); };
    if (kind === "video") {
      this.node = el("video", { muted: true, loop: true, playsinline: true, preload: "auto", crossorigin: "anonymous" });
      this.node.muted = true;
      this.node.onloadeddata = ready;
    } else {
      this.node = new Image();
      this.node.onload = ready;
    }
    this.node.onerror = failed;
    this.node.src = url;
  }

  get size() {
    const { node } = this;
    return this.kind === "video" ? [node.videoWidth, node.videoHeight] : [node.naturalWidth, node.naturalHeight];
  }

  // It is what it was at that moment of the run: from its beginning again when it ends.
  play(seconds) {
    if (this.kind !== "video" || !this.drawable) return;
    this.node.currentTime = seconds % (this.node.duration || 1);
    this.node.play().catch((error) => { if (error.name !== "AbortError") this.failed = true; });
  }

  pause() { if (this.kind === "video") this.node.pause(); }

  close() {
    this.node.onerror = null;
    this.pause();
    this.node.removeAttribute("src");
    if (this.kind === "video") this.node.load();
  }
}
