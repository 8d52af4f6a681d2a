// The live stage: camera, model and background put together. Streamlit calls the default export on every run.

const SHOW_EVERY = 500; // milliseconds between two updates of the numbers

class LiveStage {
  constructor(data, host) {
    this.data = data;
    this.look = readLook();
    this.video = el("video", { muted: true, playsinline: true });
    this.video.muted = true;
    this.pictures = new Rate();
    this.seen = new Rate();
    this.link = new Link(data.url, {
      ready: (message) => this.linked(message),
      said: (sentence, kind) => this.told(sentence, kind),
      matte: (buffer) => this.flow.receive(buffer).catch((error) => this.broken(error)),
      lost: () => this.flow.drop(Infinity),
      refused: (sentence) => { this.stop(); this.complain(sentence); },
    });
    this.flow = new Flow(this.link, (bitmap, matte) => this.matted(bitmap, matte));
    this.build();
    host.append(this.root);
    this.devices = () => this.listCameras();
    navigator.mediaDevices?.addEventListener?.("devicechange", this.devices);
    this.refresh();
  }

  build() {
    this.canvas = el("canvas", { role: "img", "aria-label": "Live picture" });
    this.veil = el("p", { class: "veil" });
    this.stageBox = el("div", { class: "stage", ondblclick: () => this.fullscreen() }, this.canvas, this.veil);
    this.problem = el("p", { class: "message", role: "alert", hidden: true });
    this.status = el("p", { class: "status", role: "status" });
    this.advice = el("p", { class: "status", role: "status" });
    this.startButton = iconButton("start", "Start the camera", () => (this.running ? this.stop() : this.start()), { class: "primary" });
    this.againButton = iconButton("target", "Find me again", () => this.join(), { title: "Forgets the outline so far and looks for you anew, if a part of you is missing" });
    this.cutButton = iconButton("save", "Cut-out (PNG)", () => this.snapshot(true), { title: "Saves what you see now without its background" });
    this.shotButton = iconButton("save", "Picture (PNG)", () => this.snapshot(false), { title: "Saves what you see now" });
    this.recordButton = iconButton("record", "Record", () => this.record(), { title: "Records what you see, without sound" });
    this.windowButton = iconButton("window", "Own window", () => this.openWindow(), { title: "Shows the picture alone in a window of its own, which OBS can capture; this page's camera stops" });
    this.fullButton = iconButton("full", "Picture only", () => this.fullscreen(), { title: "Fills the screen with the picture alone, for OBS or a projector; Esc ends it" });
    this.numbers = el("dl", { class: "numbers", "aria-label": "How fast it is" });
    this.values = {};
    for (const [name, label, title] of [
      ["fps", "pictures a second", "How often the shown picture changes in a second"],
      ["mattes", "outlines a second", "How many outlines the model found in a second"],
      ["latency", "ms behind", "From the camera's picture to its drawing, the middle of the last 30"],
      ["sent", "pixels sent", "Size of the pictures that go to the model; it falls before the speed does"],
    ]) this.numbers.append(el("div", { title }, (this.values[name] = el("dd", { "data-number": name }, "–")), el("dt", {}, label)));
    this.panel = new Panel(this);
    const bar = el("div", { class: "bar" }, this.startButton, this.againButton, this.shotButton, this.cutButton, this.recordButton, this.fullButton, this.windowButton);
    this.root = el("div", { class: "live component", role: "group", "aria-label": "Live picture with a new background" },
      el("div", { class: "main" }, this.problem, this.stageBox, bar, this.numbers, this.advice, this.status), this.panel.element);
    this.root.liveStage = this;
  }

  update(data) {
    const other = data.card !== this.data.card;
    this.data = data;
    if (other && this.running) this.join();
  }

  // ---- the camera ----

  async start() {
    this.complain("");
    this.startButton.disabled = true;
    try {
      this.compositor ??= new Compositor(this.canvas);
      this.compositor.restored = () => { this.compositor.ready = false; };
      await this.openCamera();
      this.join();
      this.timer = setInterval(() => this.showNumbers(), SHOW_EVERY);
    } catch (error) {
      this.stop();
      this.complain(error.message);
    }
    this.startButton.disabled = false;
    this.refresh();
  }

  async openCamera() {
    this.closeCamera();
    this.stream = await openCamera(this.look.camera, SIZES[this.look.size]);
    this.stream.getVideoTracks()[0].onended = () => { this.stop(); this.complain("The camera was disconnected. Connect it and start again."); };
    this.video.srcObject = this.stream;
    await this.video.play();
    this.running = true;
    this.endFrames = eachFrame(this.video, (now) => this.frame(now));
    await this.listCameras();
  }

  closeCamera() {
    this.endFrames?.();
    this.stream?.getTracks().forEach((track) => { track.onended = null; track.stop(); });
    this.stream = null;
  }

  async restartCamera() {
    keepLook(this.look);
    if (!this.running) return;
    try { await this.openCamera(); } catch (error) { this.stop(); this.look.camera = ""; this.complain(error.message); }
  }

  async listCameras() { this.panel.setCameras(await listCameras()); }

  stop() {
    this.running = false;
    this.recording?.stop();
    this.link.close();
    this.closeCamera();
    this.flow.drop(Infinity);
    this.shown = null;
    clearInterval(this.timer);
    this.status.textContent = this.advice.textContent = "";
    for (const value of Object.values(this.values)) value.textContent = "–";
    this.refresh();
  }

  // ---- the model ----

  join() {
    this.shown = null;
    this.flow.reset([256]);
    this.link.open({ card: this.data.card, calm: this.look.calm });
    this.told("Connecting…", "connecting");
  }

  linked(message) {
    this.flow.reset(message.sides);
    this.told("Getting the first outline…", "ready");
  }

  told(sentence, kind) {
    if (kind === "waiting") this.flow.wait();
    this.status.textContent = sentence;
    this.refresh();
  }

  broken(error) {
    console.error(error);
    this.stop();
    this.complain("An answer of the model could not be read. Reload the page and start again.");
  }

  setCalm() { this.link.say({ type: "options", calm: this.look.calm }); }

  // ---- pictures ----

  frame(now) {
    this.seen.tick(now);
    this.flow.camera = 1000 / Math.max(1, this.seen.value(now) || 30);
    this.link.wake();
    if (!this.look.exact && this.shown) this.show(this.video, this.video.videoWidth, this.video.videoHeight);
    this.flow.offer(this.video, now).catch((error) => this.broken(error));
  }

  matted(bitmap, matte) {
    const first = !this.shown;
    this.shown = matte;
    this.applyMatte();
    if (this.look.exact || first) this.show(bitmap, bitmap.width, bitmap.height);
    if (this.status.textContent) this.status.textContent = "";
    if (first) this.refresh();
  }

  applyMatte() {
    const { alpha, width, height } = this.shown;
    const scale = Math.max(width, height) / 1000;
    const moved = moveEdge(alpha, width, height, this.look.edge * scale);
    this.compositor.setMatte(softened(moved, width, height, this.look.softness * scale), width, height);
  }

  show(source, width, height) {
    if (!width) return;
    this.compositor.setPicture(source, width, height);
    this.compositor.draw(this.look);
    this.pictures.tick(performance.now());
  }

  changed() {
    keepLook(this.look);
    this.refresh();
    if (!this.shown) return;
    this.applyMatte();
    this.compositor.draw(this.look);
  }

  get hasBackdrop() { return Boolean(this.backdrop); }

  async setPictureFile(file) {
    if (!file) return;
    try {
      this.backdrop = await readBackdrop(file);
      this.compositor ??= new Compositor(this.canvas);
      this.compositor.setBackdrop(this.backdrop);
      this.complain("");
    } catch (error) { this.complain(error.message); }
    this.changed();
  }

  // ---- taking it away ----

  snapshot(cutout) {
    if (!this.shown) return;
    this.compositor.draw(cutout ? { ...this.look, behind: "none" } : this.look);
    this.canvas.toBlob((blob) => save(`live-${cutout ? "cutout" : "picture"}-${stamp()}.png`, blob), "image/png");
    this.compositor.draw(this.look);
  }

  record() {
    if (this.recording) { this.recording.stop(); return; }
    try {
      this.recording = new Recorder(this.canvas, (blob, extension, full) => {
        this.recording = null;
        save(`live-${stamp()}.${extension}`, blob);
        if (full) this.complain("The recording reached 1 GB and was saved.");
        this.refresh();
      });
    } catch (error) { this.complain(error.message); }
    this.refresh();
  }

  openWindow() {
    const query = lookToQuery(this.look);
    query.set("card", this.data.card);
    if (!window.open(`${this.data.window}?${query}`, "fourfold-live", "popup,width=1280,height=720")) {
      this.complain("The browser did not open a window. Allow it for this page, and press again.");
      return;
    }
    this.complain("");
    this.stop(); // two pictures at once would each be half as quick
  }

  fullscreen() {
    if (document.fullscreenElement) { document.exitFullscreen(); return; }
    this.stageBox.requestFullscreen?.().catch(() => this.complain("The browser did not allow the full screen here."));
  }

  // ---- showing ----

  complain(sentence) {
    this.problem.textContent = sentence;
    this.problem.hidden = !sentence;
  }

  showNumbers() {
    const now = performance.now();
    const latency = this.flow.latencies.median;
    this.values.fps.textContent = this.pictures.value(now).toFixed(0);
    this.values.mattes.textContent = this.flow.mattes.value(now).toFixed(0);
    this.values.latency.textContent = latency === null ? "–" : latency.toFixed(0);
    const [width, height] = this.video.videoWidth ? sentSize(this.video.videoWidth, this.video.videoHeight, this.flow.side) : [];
    this.values.sent.textContent = width ? `${width} × ${height}` : "–";
    // Set only when it is another one: a screen reader reads it out each time.
    if (this.advice.textContent !== this.flow.advice) this.advice.textContent = this.flow.advice;
  }

  refresh() {
    const live = Boolean(this.shown);
    this.startButton.label.textContent = this.running ? "Stop the camera" : "Start the camera";
    this.startButton.icon(this.running ? "stop" : "start");
    this.againButton.disabled = !this.running;
    for (const button of [this.shotButton, this.cutButton, this.recordButton, this.fullButton]) button.disabled = !live;
    this.recordButton.label.textContent = this.recording ? "Stop and save" : "Record";
    this.recordButton.classList.toggle("on", Boolean(this.recording));
    this.stageBox.classList.toggle("clear", this.look.behind === "none");
    this.stageBox.classList.toggle("empty", !live);
    this.veil.hidden = live;
    this.veil.textContent = this.running ? "One moment…" : "The camera is off";
  }

  dispose() {
    if (this.disposed) return;
    this.disposed = true;
    this.stop();
    navigator.mediaDevices?.removeEventListener?.("devicechange", this.devices);
    this.compositor?.dispose();
    this.root.remove();
  }
}

export default function liveStage(run) {
  return mounted(LiveStage, run);
}
