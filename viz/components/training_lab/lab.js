// The lab itself: one worker, the story, the planes. Streamlit calls the export at the end of the bundle.

const STAGE_MS = 1250; // a piece of one step in slow motion
const FRAME_MS = 60; // of the film
const REPORT_MS = 700;
const SPEAK_MS = 5000;
const SETTLED_STEPS = 300; // before, few modes only mean that little is learned
let ownPoints = null; // brought by the visitor: the other families get them too

class TrainingLab extends Component {
  constructor(data, host) {
    super(data, REPORT_MS);
    Object.assign(this, { family: data.family, opened: null, shown: null, film: null, frame: 0, stops: engine.SPEC.diffusion.steps, filmSeed: 1, stages: null, slow: false, playing: false, seeking: null, code: [0.8, 0.5], serial: 0, spoken: 0, layers: new Set() });
    this.calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (data.own) ownPoints = data.own;
    this.ownId = data.own?.id;
    const asked = readAddress(data.address, this.family), left = this.remembered && readAddress(this.remembered.address, this.family);
    const same = left && asked.shape === left.shape && asked.seed === left.seed;
    Object.assign(this, same ? left : asked);
    if (data.own && !this.remembered) this.shape = "own";
    if (this.shape === "own" && !ownPoints) { this.shape = "ring"; this.lost = true; }
    this.build(host);
    this.startWorker();
    this.open(this.step);
  }

  build(host) {
    this.palette = LIGHT;
    this.large = new Plane("Real points in blue and the model's in orange", engine.VIEW_HALF);
    this.small = new Plane(FACES[this.family]?.small ?? "", this.family === "vae" ? 3.3 : engine.VIEW_HALF);
    this.small.canvas.tabIndex = this.family === "vae" ? 0 : -1;
    this.card = new StoryCard(this);
    this.meters = new Meters();
    this.transport = new Transport(this);
    this.own = new OwnData((own) => this.bring(own));
    this.fault = el("p", { class: "fault", role: "alert", hidden: true });
    this.caption = el("p", { class: "caption" });
    this.buildHelp("Keys of the lab", (close) => helpPanel(close));
    this.root = el("div", { class: "lab component", tabindex: 0, role: "group", "aria-label": "Training lab" });
    host.append(this.root);
    this.palette = isDark(getComputedStyle(this.root).getPropertyValue("--back").trim() || "#fff") ? DARK : LIGHT;
    this.root.toggleAttribute("data-dark", this.palette === DARK);
    this.row = new DataRow(this, this.palette);
    const tools = el("div", { class: "tools" }, this.helpButton, keyButton("download", "Save as one file that still trains", () => this.saveFile()));
    this.root.append(el("div", { class: "top" }, this.row.root, tools), this.help, this.own.root, this.fault, this.family === "side" ? this.sideBody() : this.soloBody(), this.status);
    this.observer = new ResizeObserver(() => { this.fresh = true; this.redraw(); });
    this.observer.observe(this.root);
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.card.turnTo(this.chapter, STORIES[this.family], null);
    this.setLayers(STORIES[this.family][this.chapter].layers ?? []);
    this.forward = Boolean(STORIES[this.family][this.chapter].forward);
  }

  soloBody() {
    this.layerRow = el("div", { class: "layers", role: "group", "aria-label": "What is shown" });
    this.knobs = el("div", { class: "knobs" });
    const parts = [this.large.canvas, this.caption];
    if (this.family === "diffusion") { this.filmRow = filmSlider(this); parts.push(this.filmRow.root); }
    else this.enableDrag();
    return el("div", { class: "body" },
      el("div", { class: "left" }, el("div", { class: "picture" }, ...parts), this.layerRow, this.transport.root),
      el("div", { class: "right" }, this.card.root, el("div", { class: "pair" }, el("figure", {}, this.small.canvas, el("figcaption", {}, FACES[this.family].small)), this.meters.root),
        el("details", {}, el("summary", {}, "All knobs"), this.knobs), this.transport.seedRow));
  }

  sideBody() {
    this.sides = new SideBySide();
    this.budget = el("select", { "aria-label": "Seconds of computing for each" }, ...Object.entries(BUDGETS).map(([value, title]) => el("option", { value, selected: value === "15" }, title)));
    this.bigPlay = el("button", { type: "button", class: "word main", onclick: () => this.togglePlay() }, "Play");
    const row = el("div", { class: "transport" }, this.bigPlay, this.budget, el("button", { type: "button", class: "word", onclick: () => this.open(0) }, "Start again"), el("label", { class: "seed" }, "seed ", this.transport.seed));
    return el("div", { class: "sidebody" }, this.card.root, row, this.sides.root);
  }

  startWorker() {
    const url = URL.createObjectURL(new Blob([`"use strict";\n(${labEngine})().serve(self);`], { type: "text/javascript" }));
    this.worker = new Worker(url);
    URL.revokeObjectURL(url);
    this.worker.onmessage = ({ data }) => { if (!this.disposed) this[`on_${data.type}`](data); };
    this.worker.onerror = (event) => this.on_fault({ sentence: `The training stopped because of a fault of ours (${event.message}): reload the page.` });
  }

  send(message) {
    this.command = (this.command ?? 0) + 1;
    this.worker.postMessage({ ...message, command: this.command });
  }

  // Begins anew with the present data, seed and changes, and goes to `step`.
  open(step) {
    this.serial += 1;
    Object.assign(this, { opened: null, shown: null, film: null, brief: null, lowest: null, stages: null, slow: false, playing: false, seeking: step > 0 ? step : null, hues: null, noise: null });
    const data = this.shape === "own" ? { points: ownPoints.points, names: ownPoints.names } : { shape: this.shape };
    this.send({ do: "open", family: this.family, data, seed: this.seed, changes: this.changes, step, serial: this.serial });
  }

  on_opened(message) {
    this.opened = message;
    this.fault.hidden = true;
    const title = this.shape === "own" ? ownPoints.title : engine.SHAPES[this.shape].title;
    this.row.update(this.shape, `${title}: ${message.train.length / 2} points to learn, ${message.held} kept apart${this.lost ? ". The points of that address are in the browser of who brought them" : ""}`);
  }

  on_view(message) {
    if (message.serial !== this.serial || !this.opened) return;
    Object.assign(this, { models: message.shown, shown: message.shown[0], fresh: true });
    if (message.command === this.command) Object.assign(this, { playing: message.playing, seeking: message.seeking });
    this.step = this.shown.step;
    this.changes = this.shown.changes;
    if (this.shown.brief) this.brief = this.shown.brief;
    const { history } = this.shown;
    this.lowest = history.filter(({ step }) => step >= SETTLED_STEPS).reduce((least, one) => (!least || one.found < least.found ? one : least), null);
    if (!this.playing && this.seeking === null) { this.emitSoon(); if (!this.slow) this.speak(true); } else this.speak(false);
    if (this.sides) this.onSides();
    this.redraw();
  }

  onSides() {
    if (!this.playing && this.shown.fingerprint && this.models.every(({ step }) => step > 0)) this.send({ do: "measure" });
  }

  on_measures(message) { this.measures = message; this.sides?.fill(message, this.opened); this.say(`Measured. ${this.sides?.table.querySelector("p")?.textContent ?? ""}`); }

  on_film(message) {
    this.film = message;
    if (this.frame > message.stops || !this.touched) this.frame = message.stops;
    this.redraw();
  }

  on_stages({ stages }) {
    this.stages = stages;
    this.playStage(0);
  }

  on_fault({ sentence }) {
    this.fault.textContent = sentence;
    this.fault.hidden = false;
  }

  playStage(index) {
    clearTimeout(this.stageTimer);
    this.stage = this.stages[index];
    this.caption.textContent = `${index + 1} of ${this.stages.length}: ${this.stage.sentence}`;
    this.say(this.stage.sentence);
    this.redraw();
    this.stageTimer = setTimeout(() => {
      if (index + 1 < this.stages.length) return this.playStage(index + 1);
      this.stage = null;
      this.redraw();
      return this.slow ? this.send({ do: "step" }) : null;
    }, STAGE_MS);
  }

  endStages() { clearTimeout(this.stageTimer); this.stage = null; this.caption.textContent = ""; }

  facts() { return { ...this.shown, brief: this.brief, opened: this.opened, lowest: this.lowest, T: engine.SPEC.diffusion.steps }; }

  // One drawing a frame of the screen, whatever asked for it.
  redraw() {
    this.request ??= requestAnimationFrame(() => { this.request = null; this.draw(); });
  }

  draw() {
    if (!this.shown || !this.opened || this.disposed) return;
    const { palette } = this, story = STORIES[this.family][this.chapter], text = story.text(this.facts());
    if (this.card.text.textContent !== text) this.card.text.textContent = text;
    if (this.sides) { this.bigPlay.textContent = this.playing ? "Pause" : "Play"; this.sides.draw({ shown: this.models, opened: this.opened, palette }); return; }
    this.card.setKnob(story.knob, this.shown.knobs);
    this.drawPlanes(palette);
    if (this.fresh) this.meters.update({ opened: this.opened, brief: this.brief, history: this.shown.history, palette });
    this.fresh = false;
    this.transport.update({ ...this.shown, playing: this.playing, seeking: this.seeking, seed: this.seed, slow: this.slow });
    this.drawKnobs();
    if (this.filmRow) this.drawFilmRow();
    Object.assign(this.root.dataset, { step: this.shown.step, fingerprint: this.shown.fingerprint ?? "", divergence: this.brief?.divergence ?? "", ceiling: this.opened.ceiling.divergence, found: this.brief?.modes.found ?? "" });
  }

  drawPlanes(palette) {
    const face = FACES[this.family];
    if (this.large.begin(palette)) {
      this.large.axes();
      if (this.stage) drawStage(this.large, this.stage, false);
      else face.large(this.large, this, this.layers);
    }
    if (this.small.begin(palette)) {
      if (this.stage && this.family === "vae") drawStage(this.small, this.stage, true);
      else face.aside(this.small, this);
    }
    if (!this.stage) this.caption.textContent = "";
    this.caption.hidden = !this.stage;
  }

  drawFilmRow() {
    const most = this.forward ? engine.SPEC.diffusion.steps : this.film?.stops ?? 50, { input, reading, again, play } = this.filmRow;
    input.max = most;
    input.value = Math.min(this.frame, most);
    again.hidden = this.forward;
    play.innerHTML = ICONS[this.filming ? "pause" : "play"];
    const left = this.time();
    reading.textContent = this.forward ? `noise at moment ${left} of ${engine.SPEC.diffusion.steps}` : this.frame >= most ? "done" : `${most - this.frame} steps to go`;
    input.setAttribute("aria-valuetext", reading.textContent);
  }

  drawKnobs() {
    const now = JSON.stringify(this.shown.knobs);
    if (now === this.knobsNow || this.knobs.contains(this.root.getRootNode().activeElement)) return;
    this.knobsNow = now;
    this.knobs.replaceChildren(...Object.entries(this.shown.knobs).map(([name, value]) => knobSlider(name, value, (knob, next) => this.setKnob(knob, next))));
  }

  // The moment of noise, 1 to T, that the picture shows.
  time() {
    const T = engine.SPEC.diffusion.steps;
    if (this.forward) return Math.min(this.frame, T);
    return this.film ? this.film.times[Math.min(this.frame, this.film.stops)] : T;
  }

  // Real points with the noise of this moment: the same noise at every moment, so that points move and do not jump.
  noised() {
    const some = this.opened.train.subarray(0, 800), count = some.length / 2, a = this.copy().schedule.product[this.time()];
    const noise = (this.noise ??= new engine.Stream(this.seed, "view", 2).normals(2 * count));
    return some.map((value, i) => Math.sqrt(a) * value + Math.sqrt(1 - a) * noise[i]);
  }

  // The model as the worker sent it last, to ask it something at once.
  copy() {
    const Family = { vae: engine.Vae, diffusion: engine.Diffusion }[this.family];
    this.twin ??= new Family(1);
    if (this.twinOf !== this.shown.view.weights) { this.twin.store.numbers.set(this.shown.view.weights); this.twinOf = this.shown.view.weights; }
    return this.twin;
  }

  decoded() { return this.copy().decode(Float32Array.from(this.code), 1); }

  drawArrows(plane, layers) {
    const t = this.time();
    if (!layers.has("arrows") || t < 1) return;
    const side = 15, places = engine.squareGrid(side, 2.3);
    const guess = this.copy().guess(places, t, side * side);
    plane.arrows(places, guess.map((value) => -value), plane.palette.text, 0.24);
  }

  enableDrag() {
    if (this.family !== "vae") return;
    const { canvas } = this.small, move = (event) => { this.code = this.small.at(event).map((value) => clamp(value, -2.5, 2.5)); this.redraw(); };
    canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); move(event); });
    canvas.addEventListener("pointermove", (event) => { if (event.buttons) move(event); });
    canvas.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      this.code = this.code.map((value, k) => clamp(value + by[k], -2.5, 2.5));
      const [x, y] = this.decoded();
      this.say(`Code ${this.code.map((v) => v.toFixed(1)).join(", ")} becomes the point ${x.toFixed(1)}, ${y.toFixed(1)}.`);
      this.redraw();
    });
  }

  togglePlay() {
    this.endStages();
    if (this.playing || this.seeking !== null || this.slow) {
      Object.assign(this, { slow: false, playing: false, seeking: null });
      this.send({ do: "pause" });
    } else {
      this.playing = true;
      this.send({ do: "play", limit: this.sides ? Number(this.budget.value) + (this.shown?.seconds ?? 0) : undefined });
    }
    this.redraw();
  }

  oneStep() { this.endStages(); this.send({ do: "step" }); }

  toggleSlow() {
    this.slow = !this.slow;
    this.endStages();
    this.send({ do: this.slow ? "step" : "pause" });
    this.redraw();
  }

  seek(step) {
    Object.assign(this, { slow: false, playing: false, seeking: Math.max(0, step) });
    this.endStages();
    this.send({ do: "seek", step: this.seeking });
  }

  scrub(step) {
    this.transport.dragging = true;
    clearTimeout(this.scrubbing);
    this.scrubbing = setTimeout(() => { this.transport.dragging = false; this.seek(step); }, 60);
  }

  setKnob(name, value) { this.send({ do: "knob", name, value }); this.emitSoon(); }

  setStops(stops) { this.stops = stops; this.frame = stops; this.touched = false; this.send({ do: "film", stops, seed: this.filmSeed }); }

  setFrame(frame) { this.frame = frame; this.touched = true; this.stopFilm(); this.redraw(); }

  otherNoise() { this.filmSeed += 1; this.send({ do: "film", stops: this.stops, seed: this.filmSeed }); }

  playFilm() {
    if (this.filming) { this.stopFilm(); return; }
    const most = Number(this.filmRow.input.max);
    if (this.frame >= most) this.frame = 0;
    this.touched = true;
    this.filming = setInterval(() => {
      this.frame += this.calm ? Math.max(1, Math.round(most / 5)) : 1;
      if (this.frame >= most) { this.frame = most; this.stopFilm(); }
      this.redraw();
    }, this.calm ? 900 : FRAME_MS);
    this.redraw();
  }

  stopFilm() { clearInterval(this.filming); this.filming = null; this.redraw(); }

  choose(shape) { Object.assign(this, { shape, changes: this.changes.filter(([at]) => at === 0), lost: false }); this.own.root.hidden = true; this.open(0); }

  bring(own) { ownPoints = own; this.toggleOwn(false); this.choose("own"); }

  toggleOwn(open = this.own.root.hidden) {
    if (open) this.own.show(this.palette); else this.own.root.hidden = true;
    this.row.own.setAttribute("aria-expanded", String(open));
  }

  reseed(seed) { this.seed = clamp(Math.round(seed) || 1, 1, 999999); this.changes = this.changes.filter(([at]) => at === 0); this.open(0); }

  turn(by) {
    const story = STORIES[this.family];
    this.chapter = clamp(this.chapter + by, 0, story.length - 1);
    const { layers, forward, scene, adjust } = story[this.chapter];
    this.endStages();
    this.forward = Boolean(forward);
    this.frame = this.forward ? 20 : this.film?.stops ?? 50;
    this.touched = this.forward;
    this.card.turnTo(this.chapter, story, this.shown?.knobs);
    this.setLayers(layers ?? []);
    if (scene && by > 0) { this.shape = scene.shape; this.changes = Object.entries(scene.knobs).map(([name, value]) => [0, name, value]); this.open(0); }
    if (adjust && by > 0) for (const [name, value] of Object.entries(adjust)) this.setKnob(name, value);
    this.say(`${story[this.chapter].title}. ${this.shown && this.opened ? story[this.chapter].text(this.facts()) : ""}`);
    this.emitSoon();
    this.redraw();
  }

  setLayers(layers) {
    this.layers = new Set(layers);
    this.layerRow?.replaceChildren(...Object.entries(LAYERS[this.family]).map(([name, title]) =>
      el("button", { type: "button", class: `layer ${name}`, "aria-pressed": String(this.layers.has(name)), onclick: ({ currentTarget }) => {
        if (!this.layers.delete(name)) this.layers.add(name);
        currentTarget.setAttribute("aria-pressed", String(this.layers.has(name)));
        this.redraw();
      } }, title)));
  }

  onKey(event) {
    if (event.target.matches("textarea, input[type=number], select, summary, input[type=file]") || event.ctrlKey || event.metaKey || event.altKey) return;
    const range = event.target.matches("input[type=range]");
    const does = { " ": () => this.togglePlay(), ".": () => this.oneStep(), ",": () => this.seek((this.shown?.step ?? 1) - 1), s: () => this.toggleSlow(), "?": () => this.toggleHelp(), PageDown: () => this.turn(1), PageUp: () => this.turn(-1), ...(range ? {} : { Home: () => this.seek(0) }) }[event.key];
    if (!does || (event.key === " " && event.target.matches("button")) || (range && event.key.startsWith("Page"))) return;
    if (this.sides && [".", ",", "s", "Home"].includes(event.key)) return;
    event.preventDefault();
    does();
  }

  // What happened, for screen readers: not more often than every five seconds while it plays.
  speak(now) {
    const time = Date.now();
    if (!this.brief || (!now && time - this.spoken < SPEAK_MS)) return;
    this.spoken = time;
    if (!this.sides) this.say(`${steps(this.shown.step)}. ${nearness(this.facts())} ${modesSentence(this.facts())}`);
  }

  address() { return writeAddress(this); }

  snapshot() { return { run: this.run, address: this.address() }; }

  emit() { this.report("lab"); }

  saveFile() {
    const own = this.shape === "own" ? { ...ownPoints, id: "saved" } : null;
    save("how-it-learns.html", new Blob([savedPage({ family: this.family, address: this.address(), own })], { type: "text/html" }));
    this.say("Saved as how-it-learns.html: it opens in any browser and needs no network.");
  }

  update(data, setStateValue) {
    this.setStateValue = setStateValue;
    if (!data.own || data.own.id === this.ownId) return;
    this.ownId = data.own.id;
    this.bring(data.own);
  }

  release() {
    this.worker.terminate();
    this.endStages();
    this.stopFilm();
    cancelAnimationFrame(this.request);
  }
}

function helpPanel(close) {
  const keys = { Space: "play or pause", ".": "one step, in pieces", ",": "one step back", Home: "back to the start", S: "slowly: every step in pieces", "Page down, Page up": "through the story", "Arrow keys": "on a slider, or on the plane of codes" };
  return el("div", { class: "help", hidden: true, id: "lab-help" }, el("dl", {}, ...Object.entries(keys).flatMap(([key, does]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, does)])),
    el("p", {}, "Everything runs in this browser: no point leaves it. The same data, seed and knobs give the same training, step for step; the address of this page holds them."), keyButton("close", "Close", close));
}
