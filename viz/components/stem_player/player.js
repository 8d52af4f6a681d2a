// The player: puts engine, mixer, lanes and panels together. Streamlit calls the default export on every run.

const STEP = 5;
const LEAST_SPEED = 0.25;
const MOST_SPEED = 2;
const MOST_SEMITONES = 12;

// The manifest with what is derived from it: addresses as functions, and how far every lane has arrived.
function readManifest(raw) {
  const lanes = raw.lanes.map((lane, place) => {
    const { segments } = lane;
    const listed = Array.isArray(segments);
    const address = (part) => (index) => (listed ? segments[index][part] : segments[part].replace("{index}", index));
    return { ...lane, place, count: listed ? segments.length : segments.count, segment: address("url"), tile: address("tile") };
  });
  return { ...raw, frames: raw.frames ?? null, lanes, available: lanes.length ? Math.min(...lanes.map((lane) => lane.count)) : 0 };
}


class StemPlayer extends Component {
  constructor(data, host) {
    super(data, 500);
    const state = this.remembered ?? data.state ?? {};
    this.rows = [];
    this.fresh = !this.remembered && !data.state;
    this.mixer = new Mixer(state);
    this.engine = new Engine(() => this.stateChanged());
    this.tiles = new Tiles(() => this.invalidate(), () => this.engine.segments.loading.size > 0);
    this.loop = null;
    this.looping = false;
    this.engine.speed = clamp(state.speed ?? 1, LEAST_SPEED, MOST_SPEED);
    this.engine.semitones = clamp(Math.round(state.semitones ?? 0), -MOST_SEMITONES, MOST_SEMITONES);
    this.picture = state.view === "spectrogram" ? "spectrogram" : "waveform";
    this.calm = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.timeline = new Timeline(this);
    this.build();
    this.attach(host, () => this.invalidate());
    this.restore(data, state);
  }

  restore(data, state) {
    this.engine.held = Math.max(0, Math.round((state.position ?? 0) * data.samplerate));
    if (state.loop) {
      this.loop = { start: Math.round(state.loop.start * data.samplerate), end: Math.round(state.loop.end * data.samplerate) };
      this.looping = Boolean(state.loop.on);
    }
  }

  // ---- building ----

  choice(label, options, pick) {
    const buttons = options.map(([value, text]) => el("button", { type: "button", "aria-pressed": "false", "data-value": value, onclick: () => pick(value) }, text));
    return el("div", { class: "choice", role: "group", "aria-label": label }, ...buttons);
  }

  build() {
    this.play = keyButton("play", "Play", () => this.togglePlay(), { class: "key play" });
    this.time = el("span", { class: "time-now" }, "0:00.0");
    this.totalTime = el("span", { class: "time-total" });
    this.badge = el("span", { class: "badge", hidden: true });
    this.source = this.choice("Listen to", [["stems", "Stems"], ["original", "Original"]], (value) => this.setSource(value));
    this.presets = el("select", { class: "presets", "aria-label": "Which stems you hear", onchange: () => this.choosePreset(this.presets.value) });
    this.pictures = this.choice("Picture", [["waveform", "Waveform"], ["spectrogram", "Spectrogram"]], (value) => this.setPicture(value));
    this.buildHelp("Help: keyboard and mouse", helpPanel);
    this.problem = el("span", {});
    this.message = el("div", { class: "message", role: "alert", hidden: true }, this.problem, el("button", { class: "quiet", type: "button", onclick: () => this.retry() }, "Try again"));
    this.empty = el("p", { class: "empty", hidden: true }, el("span", {}, "The first seconds will appear here"));
    this.lanes = el("div", { class: "lanes", id: "lanes" });
    this.scale = el("div", { class: "scale", hidden: true });
    this.music = new Music(this);
    this.engine.music = this.music;
    this.loops = new LoopPanel(this);
    this.pace = new PacePanel(this);
    this.exports = new ExportPanel(this);
    this.root = el("div", { class: "player component", role: "group", tabindex: -1 },
      this.header(), this.help, this.message, this.tools(), this.music.element,
      el("div", { class: "stage" }, this.lanes, this.empty),
      this.scale, el("div", { class: "panels" }, this.loops.element, this.pace.element, this.exports.element), this.status);
    this.root.addEventListener("keydown", (event) => keyDown(this, event));
    this.keepFocus();
    this.root.stemPlayer = this;
  }

  header() {
    return el("div", { class: "bar" },
      el("div", { class: "transport", role: "group", "aria-label": "Transport" },
        keyButton("stop", "Stop", () => this.stop()),
        keyButton("back", "Back 5 seconds", () => this.skip(-STEP)),
        this.play,
        keyButton("forward", "Forward 5 seconds", () => this.skip(STEP))),
      el("div", { class: "clock" }, this.time, this.totalTime),
      this.badge, el("span", { class: "gap" }), this.presets, this.source, this.helpButton);
  }

  tools() {
    this.evenButton = el("button", { class: "key", type: "button", "aria-pressed": "false", "aria-label": "Lanes equally high", title: "Lanes equally high: quiet ones are drawn larger", onclick: () => this.toggleEven() }, "↕");
    const zoom = el("div", { class: "zoom", role: "group", "aria-label": "Zoom" },
      keyButton("out", "Zoom out", () => this.timeline.zoom(2)),
      keyButton("in", "Zoom in", () => this.timeline.zoom(0.5)),
      keyButton("fit", "Show the whole song", () => this.timeline.fit()),
      this.evenButton);
    return el("div", { class: "tools" },
      el("div", { class: "side" }, zoom), this.timeline.overview,
      el("div", { class: "side" }, this.pictures), this.timeline.ruler);
  }

  // ---- data from Python ----

  update(raw, setStateValue) {
    this.setStateValue = setStateValue;
    this.data = readManifest(raw);
    this.table ??= colourTable(this.data.scale.colours);
    this.root.setAttribute("aria-label", `Stem player: ${this.data.title}`);
    this.mixer.update(this.data);
    this.engine.update(this.data);
    if (this.loop && this.engine.loop === null && this.looping) this.engine.setLoop(this.loop);
    this.buildRows();
    this.engine.setLevels(this.mixer.levels());
    this.music.update(this.data);
    this.exports.update(this.data);
    this.timeline.update();
    this.refresh();
  }

  buildRows() {
    const shape = JSON.stringify([this.data.pan, this.data.lanes.map((lane) => [lane.name, lane.label, lane.colour, lane.kind])]);
    this.data.lanes.forEach((lane, i) => { if (this.rows[i]) this.rows[i].lane = lane; });
    if (shape === this.shape) return;
    this.shape = shape;
    this.rows = this.data.lanes.map((lane) => new LaneRow(lane, this));
    this.rows.forEach((row) => this.timeline.listen(row.wave));
    const skeletons = Array.from({ length: 4 }, () => el("div", { class: "lane skeleton", "aria-hidden": "true" }, el("div", { class: "side" }, el("div", { class: "name" }), el("div", { class: "keys" })), el("div", { class: "wave" })));
    this.buildPresets();
    this.lanes.replaceChildren(...(this.rows.length ? this.rows.map((row) => row.element) : skeletons));
  }

  // Karaoke, drumless and the like; the one that was chosen last is there again for the next song.
  buildPresets() {
    const stems = this.mixer.stems();
    const lower = (lane) => lane.label.charAt(0).toLowerCase() + lane.label.slice(1);
    const option = (value, label) => el("option", { value }, label);
    this.presets.hidden = stems.length < 2;
    this.presets.replaceChildren(option("all", "All stems"),
      ...(stems.length > 2 ? stems.map((lane) => option(`without:${lane.name}`, `Without ${lower(lane)}`)) : []),
      ...stems.map((lane) => option(`only:${lane.name}`, `Only ${lower(lane)}`)), option("own", "Own choice"));
    this.presets.lastChild.hidden = true;
    const last = lastChoice(PRESET_KEY);
    const own = this.data.live || this.data.export; // in a talk everybody hears the same
    if (this.fresh && own && last && [...this.presets.options].some((one) => one.value === last)) this.mixer.choose(last);
    this.fresh = false;
  }

  choosePreset(preset) {
    if (preset === "own") return;
    this.mixer.choose(preset);
    keepChoice(PRESET_KEY, preset);
    this.mixed(`You hear ${this.presets.selectedOptions[0].textContent.toLowerCase()}`);
  }

  length() {
    const known = this.engine.total() ?? this.engine.frontier();
    return Math.max(1, known || this.data.segment_frames);
  }

  // ---- actions ----

  async togglePlay() {
    if (this.engine.wanted) this.engine.pause();
    else await this.engine.play();
    this.emitSoon();
  }

  stop() {
    this.engine.pause();
    this.seek(this.looping && this.loop ? this.loop.start : 0);
  }

  seek(frame) {
    this.engine.seek(frame);
    this.invalidate();
    this.emitSoon();
  }

  skip(seconds) { this.seek(this.engine.position() + seconds * this.data.samplerate); }

  mixed(sentence) {
    this.engine.setLevels(this.mixer.levels());
    this.refresh();
    if (sentence) this.say(sentence);
    this.emitSoon();
  }

  toggleMute(lane) {
    this.mixer.toggle(this.mixer.muted, lane);
    this.mixed(lane.kind === "mix" ? this.sourceSentence() : `${lane.label} ${this.mixer.muted.has(lane.name) ? "muted" : "unmuted"}`);
  }

  toggleSolo(lane) {
    this.mixer.toggle(this.mixer.solo, lane);
    this.mixed(lane.kind === "mix" ? this.sourceSentence() : `Solo ${lane.label} ${this.mixer.solo.has(lane.name) ? "on" : "off"}`);
  }

  sourceSentence() { return this.mixer.source === "original" ? "You hear the original" : "You hear the stems"; }
  setSource(value) { this.mixer.source = value; this.mixed(this.sourceSentence()); }
  setGain(lane, gain) { this.mixer.gains[lane.name] = gain; this.mixed(); }
  setPan(lane, pan) { this.mixer.pans[lane.name] = pan; this.mixed(); }

  setPace(speed, semitones) {
    const [pace, pitch] = [clamp(speed, LEAST_SPEED, MOST_SPEED), clamp(semitones, -MOST_SEMITONES, MOST_SEMITONES)];
    this.engine.setPace(Math.round(pace * 100) / 100, pitch);
    this.refresh();
    this.say(this.pace.sentence());
    this.emitSoon();
  }

  toggleEven() {
    this.even = !this.even;
    this.evenButton.setAttribute("aria-pressed", String(this.even));
    this.say(this.even ? "Every lane is drawn as high as it can be" : "Lanes share one scale");
    this.invalidate();
  }

  setPicture(value) { this.picture = value; this.refresh(); this.emitSoon(); }

  toggleOriginal() {
    const mix = this.data.lanes.find((lane) => lane.kind === "mix");
    if (mix) this.toggleSolo(mix);
  }

  previewLoop(start, end) { this.preview = start === null ? null : { start: this.music.snapped(start), end: this.music.snapped(end) }; this.invalidate(); }

  takeLoop() {
    const loop = this.preview;
    this.preview = null;
    if (loop && loop.end - loop.start >= SHORTEST_LOOP * this.data.samplerate) this.setLoop(loop, true);
    else this.invalidate();
  }

  setLoop(loop, on = false) {
    this.loop = loop;
    this.looping = Boolean(loop) && on;
    this.loops.reset();
    this.engine.setLoop(this.looping ? loop : null);
    if (this.looping && !this.engine.wanted && !this.inLoop()) this.engine.seek(loop.start);
    const rate = this.data.samplerate;
    this.say(!loop ? "Loop cleared" : this.looping ? `Loop from ${spokenTime(loop.start / rate)} to ${spokenTime(loop.end / rate)}` : "Loop off");
    this.refresh();
    this.emitSoon();
  }

  inLoop() { const at = this.engine.position(); return at >= this.loop.start && at < this.loop.end; }
  toggleLoop() { if (this.loop) this.setLoop(this.loop, !this.looping); }

  retry() { this.tiles.retry(); this.engine.retry(); this.refresh(); }

  // ---- showing ----

  stateChanged() {
    const { state } = this.engine;
    if (state !== this.shown) {
      const words = { playing: "Playing", paused: "Paused", buffering: "Waiting for the next seconds", ended: "The end", error: "" };
      if (this.shown !== undefined && words[state]) this.say(words[state]);
      this.shown = state;
      if (state === "ended") this.emitSoon();
    }
    if (this.data) this.refresh();
  }

  refresh() {
    const { data, engine, mixer } = this;
    const none = data.available === 0;
    for (const row of this.rows) row.refresh(mixer);
    this.root.classList.toggle("waiting", none);
    this.empty.hidden = !none;
    this.play.disabled = none;
    this.play.innerHTML = ICONS[engine.wanted ? "pause" : "play"];
    this.play.setAttribute("aria-label", engine.wanted ? "Pause" : "Play");
    this.play.title = engine.wanted ? "Pause (Space)" : "Play (Space)";
    this.source.hidden = !data.lanes.some((lane) => lane.kind === "mix");
    for (const [group, value] of [[this.source, mixer.source], [this.pictures, this.picture]]) {
      for (const one of group.children) one.setAttribute("aria-pressed", String(one.dataset.value === value));
    }
    this.presets.value = mixer.preset;
    this.refreshBadge();
    this.refreshScale();
    this.loops.refresh(this.loop, this.looping, data.samplerate);
    this.music.refresh();
    this.pace.refresh();
    this.exports.refresh();
    this.invalidate();
  }

  refreshBadge() {
    const buffering = this.engine.state === "buffering" && this.engine.cursorAt === null;
    const separating = this.data.live && this.data.available > 0; // before that, the job may not have begun
    const text = buffering ? "Buffering…" : separating ? "Still separating" : "";
    this.badge.textContent = text;
    this.badge.hidden = !text;
    const sentence = [...this.engine.segments.failed.values()][0] ?? this.engine.problem ?? this.tiles.problem ?? "";
    if (this.problem.textContent !== sentence) this.problem.textContent = sentence;
    this.message.hidden = !sentence;
  }

  refreshScale() {
    this.scale.hidden = this.picture !== "spectrogram";
    this.root.classList.toggle("spectral", !this.scale.hidden);
    if (this.scale.childElementCount) return;
    const { colours, floor, ceiling } = this.data.scale;
    const minus = (value) => String(value).replace("-", "−");
    this.scale.append(el("span", {}, `${minus(floor)} dB`), el("span", { class: "ramp", style: `background: linear-gradient(90deg, ${colours.join(", ")})` }), el("span", {}, `${minus(ceiling)} dB full scale, the same for every lane`));
  }

  invalidate() {
    this.dirty = true;
    this.request ??= requestAnimationFrame((time) => this.frame(time));
  }

  frame(time) {
    this.request = null;
    if (!this.root.isConnected || !this.data) return;
    const position = this.engine.position();
    if (this.engine.wanted) this.timeline.follow(position);
    if (this.dirty) drawPlayer(this);
    this.timeline.place(position, this.preview ?? this.loop, Boolean(this.preview) || this.looping);
    this.showTime(position);
    this.showLevels(time);
    if (this.engine.wanted || this.settling) this.request ??= requestAnimationFrame((next) => this.frame(next));
  }

  showTime(position) {
    const rate = this.data.samplerate;
    const total = this.engine.total();
    const text = formatTime(position / rate);
    if (text === this.time.textContent && total === this.shownTotal) return;
    this.shownTotal = total;
    this.time.textContent = text;
    this.totalTime.textContent = total === null ? (this.data.available ? ` / ${formatTime(this.engine.frontier() / rate)} so far` : "") : ` / ${formatTime(total / rate)}`;
    const { ruler } = this.timeline;
    ruler.setAttribute("aria-valuemax", Math.round(this.length() / rate));
    ruler.setAttribute("aria-valuenow", Math.round(position / rate));
    ruler.setAttribute("aria-valuetext", `${spokenTime(position / rate)} of ${spokenTime(this.length() / rate)}`);
  }

  showLevels(time) {
    const { graph, wanted } = this.engine;
    if (wanted) this.settling = true;
    if (!graph || !this.settling) return;
    if (this.calm.matches && time - (this.levelsAt ?? 0) < 250) return;
    const seconds = Math.min(0.5, (time - (this.levelsAt ?? time)) / 1000);
    this.levelsAt = time;
    this.rows.forEach((row, i) => row.showLevel(graph.strips[i], seconds));
    if (!wanted && this.rows.every((row) => row.peak < -60)) { this.settling = false; this.rows.forEach((row) => row.quiet()); }
  }

  // ---- state to Python ----

  snapshot() {
    const rate = this.data.samplerate;
    return {
      run: this.run,
      ...this.mixer.snapshot(),
      loop: this.loop && { start: this.loop.start / rate, end: this.loop.end / rate, on: this.looping },
      position: Math.round((this.engine.position() / rate) * 1000) / 1000,
      view: this.picture,
      speed: this.engine.speed,
      semitones: this.engine.semitones,
    };
  }

  emit() { this.report("mixer"); }

  release() {
    this.tiles.dispose();
    this.engine.dispose();
  }
}

export default function stemPlayer(run) {
  return mounted(StemPlayer, run);
}
