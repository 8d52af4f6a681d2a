// The workbench: puts film, stage, exact frames, loupe, strip and panels together. Streamlit calls the default export.

ICONS.stepBack = SVG('<path d="M17 6.6v10.8a.7.7 0 0 1-1.1.6L8.5 12.6a.7.7 0 0 1 0-1.2L15.9 6a.7.7 0 0 1 1.1.6z"/><path class="line" d="M6.2 6.5v11"/>');
ICONS.stepOn = SVG('<path d="M7 6.6v10.8a.7.7 0 0 0 1.1.6l7.4-5.4a.7.7 0 0 0 0-1.2L8.1 6a.7.7 0 0 0-1.1.6z"/><path class="line" d="M17.8 6.5v11"/>');
const MATTE_VIEWS = VIEWS.map(([name]) => name);

class MatteWorkbench extends Component {
  constructor(data, host) {
    super(data, 500);
    const before = this.remembered ?? {};
    const { edge, softness, despill, background, region, size, across, down, wrap, shadow } = { ...data.settings, ...before };
    this.settings = { edge, softness, despill, background, region, size, across, down, wrap, shadow };
    this.view = this.known(before.view ?? data.settings.view, "checker");
    this.other = this.known(before.other ?? data.settings.other, "source");
    this.wipe = before.wipe ?? data.settings.wipe ?? 0.5;
    this.looked = null;
    this.problemText = "";
    this.exact = new Exact(() => this.refresh());
    this.film = new Film((frame, looked) => this.shown(frame, looked), (sentence) => this.fail(sentence), () => this.moved());
    this.film.frame = before.frame ?? data.settings.frame ?? 0;
    this.hints = new Hints(this, before.hints ?? null);
    this.stage = new Stage(this);
    this.loupe = new Loupe(this);
    this.strip = new Strip(this);
    this.edge = new EdgePanel(this);
    this.behindPanel = new BehindPanel(this);
    this.placePanel = new PlacePanel(this);
    this.regionPanel = new RegionPanel(this);
    this.build();
    this.attach(host, () => this.refresh());
  }

  known(view, otherwise) { return MATTE_VIEWS.includes(view) ? view : otherwise; }

  get frame() { return this.film.frame; }

  // ---- building ----

  chooser(label, pick) {
    const select = el("select", { "aria-label": label, title: label }, ...VIEWS.map(([value, text]) => el("option", { value }, text)));
    select.addEventListener("change", () => pick(select.value));
    return select;
  }

  build() {
    this.views = el("div", { class: "choice", role: "group", "aria-label": "View" }, ...VIEWS.map(([value, text, meaning]) => el("button", { type: "button", "data-value": value, title: meaning, onclick: () => this.setView(value) }, text)));
    this.compare = this.chooser("Compare with", (value) => this.setOther(value));
    this.badge = el("span", { class: "badge", role: "status" });
    this.play = keyButton("play", "Play (Space)", () => this.togglePlay(), { class: "key play" });
    this.scrub = el("input", { type: "range", class: "scrub", min: 0, max: 0, step: 1, "aria-label": "Frame" });
    this.scrub.addEventListener("input", () => this.goTo(this.film.frameAt(Number(this.scrub.value))));
    this.clock = el("span", { class: "clock" });
    this.soundButton = el("button", { class: "quiet", type: "button", "aria-pressed": "true", title: "Sound while it plays (M)", onclick: () => this.toggleSound() }, "Sound");
    this.loupeButton = el("button", { class: "quiet", type: "button", "aria-pressed": "false", title: "Loupe (L): every pixel of the source under the pointer", onclick: () => this.loupe.toggle() }, "Loupe");
    this.buildHelp("Help: keyboard and mouse", helpPanel);
    this.message = el("div", { class: "message", role: "alert", hidden: true });
    this.empty = el("p", { class: "empty" }, "The first frames will appear here");
    this.stage.element.append(this.empty, this.loupe.element);
    this.transport = el("div", { class: "bar transport", role: "group", "aria-label": "Frames" },
      keyButton("stepBack", "One frame back (←)", () => this.step(-1)), this.play, keyButton("stepOn", "One frame on (→)", () => this.step(1)), this.soundButton, this.clock, this.strip.jumps, this.scrub);
    this.hintBar = el("div", { class: "bar hint-bar" }, this.hints.button);
    this.root = el("div", { class: "bench component", role: "group", tabindex: -1 },
      el("div", { class: "bar" }, this.views, this.against = el("label", { class: "with", title: "What lies to the right of the wipe" }, "against", this.compare), el("span", { class: "gap" }), this.badge, this.zoomKeys(), this.loupeButton, this.helpButton),
      this.help, this.message, this.hints.element, this.stage.element, this.hints.made, this.hintBar, this.transport, this.strip.element,
      el("div", { class: "panels" }, this.edge.element, this.behindPanel.element, this.placePanel.element, this.regionPanel.element), this.status);
    this.root.addEventListener("keydown", (event) => keyDown(this, event));
    this.keepFocus();
    this.root.matteWorkbench = this;
  }

  zoomKeys() {
    return el("div", { class: "zoom", role: "group", "aria-label": "Zoom" },
      keyButton("out", "Zoom out (−)", () => this.stage.zoomTo(this.stage.zoom / 1.5)),
      keyButton("in", "Zoom in (+)", () => this.stage.zoomTo(this.stage.zoom * 1.5)),
      keyButton("fit", "Show the whole picture (0)", () => this.stage.zoomTo(1)));
  }

  // ---- data from Python ----

  update(data, setStateValue) {
    this.setStateValue = setStateValue;
    const first = !this.data;
    const jump = data.jump !== null && data.jump !== this.data?.jump ? data.jump : null;
    const growing = data.live && !data.proxy && (first || this.atEnd());
    this.data = data;
    this.made = data.settings;
    this.root.setAttribute("aria-label", `Matte workbench: ${data.title}`);
    if (data.background_url && this.own?.url !== data.background_url) {
      this.own?.close();
      this.own = new Own(data.background_url, data.background_kind, () => this.refresh());
    }
    this.film.frame = clamp(jump ?? this.frame, 0, Math.max(0, data.times.length - 1, ...data.previews.map((one) => one.frame)));
    if (growing && data.previews.length) this.film.frame = data.previews.at(-1).frame;
    this.film.update(data);
    if (jump !== null && !first) this.film.seek(jump);
    this.hints.update(data);
    this.transport.hidden = data.kind === "picture";
    this.refresh();
  }

  atEnd() { return !this.film.previews.length || this.frame >= this.film.previews.at(-1).frame; }

  behind() { return new Behind(this.settings.background, this.own, this.settings); }

  // The film has gone to another place, started or stopped.
  moved() {
    if (this.film.playing !== this.running) {
      this.running = this.film.playing;
      if (this.running) this.own?.play(this.data.times[this.frame]);
      else this.own?.pause();
    }
    this.refreshTime();
  }

  // ---- what happens ----

  shown(frame, looked) {
    Object.assign(this, { looked, lookedAt: frame });
    this.problemText = "";
    if (!this.film.playing) this.askExact();
    this.refresh();
  }

  fail(sentence) {
    this.problemText = sentence;
    this.refresh();
  }

  togglePlay() {
    if (!this.data.proxy || this.data.kind === "picture") return;
    if (this.film.playing) this.film.pause();
    else this.film.play();
    this.changedByUser();
  }

  toggleSound() {
    this.film.setSound(!this.film.sound);
    this.say(this.film.sound ? "Sound on." : "Sound off.");
    this.refresh();
  }

  goTo(frame) {
    if (this.film.playing) this.film.pause();
    if (this.data.proxy) this.film.seek(frame);
    else { this.film.frame = frame; this.film.showPreview(); }
    this.changedByUser();
  }

  step(count) {
    const place = clamp(this.film.place + count, 0, Math.max(0, this.film.places - 1));
    this.goTo(this.film.frameAt(place));
  }

  setView(view) {
    this.view = view;
    this.say(VIEWS.find(([name]) => name === view)[1]);
    this.changedByUser();
    this.askExact();
  }

  setOther(view) {
    this.other = view;
    this.changedByUser();
    this.askExact();
  }

  exchange() {
    [this.view, this.other] = [this.other, this.view];
    this.changedByUser();
    this.askExact();
  }

  setWipe(part) {
    const before = this.wipe;
    this.wipe = clamp(part, 0, 1);
    this.changedByUser();
    if ((before < 1) !== (this.wipe < 1) || (before > 0) !== (this.wipe > 0)) this.askExact();
  }

  set(name, value) {
    this.settings[name] = value;
    const composing = name === "background" || PLACES.some(([one]) => one === name);
    if (composing && this.view !== "composite" && this.other !== "composite") this.view = "composite";
    if (!composing && this.film.playing) this.film.pause();
    this.changedByUser();
    this.askExact();
  }

  resetEdge() {
    for (const [name] of SLIDERS) this.settings[name] = this.made[name];
    this.changedByUser();
    this.askExact();
  }

  // Whether the edge differs from what the run was made with.
  changed() { return SLIDERS.some(([name]) => this.settings[name] !== this.made[name]); }

  changedByUser() {
    this.refresh();
    this.emitSoon();
  }

  // ---- exact frames ----

  // `side` is a longest side in pixels, or a part of the source.
  exactUrl(view, side, frame = this.frame) {
    const { edge, softness, despill, background, region } = this.settings;
    const parts = [`n=${frame}`, `view=${view}`, `side=${side}`];
    if (view !== "source") parts.push(`edge=${edge}`, `softness=${softness}`, `region=${region.length ? JSON.stringify(region) : ""}`);
    if (view !== "source" && view !== "alpha") parts.push(`despill=${despill}`);
    if (view === "composite") parts.push(`background=${encodeURIComponent(background)}`, ...PLACES.map(([name]) => `${name}=${this.settings[name]}`));
    return `${this.data.frame_url}?${parts.join("&")}`;
  }

  side() {
    const { width, height } = this.data;
    return Math.min(Math.max(width, height, 16), 256 * Math.ceil(this.stage.wantedSide() / 256));
  }

  visible() {
    return [...(this.wipe > 0 ? [this.view] : []), ...(this.wipe < 1 ? [this.other] : [])];
  }

  askExact() {
    if (!this.data?.frame_url || !this.data.proxy || this.film.playing || !this.root.isConnected) return;
    this.exact.want([...new Set(this.visible())].map((view) => this.exactUrl(view, this.side())));
    this.loupe.show();
  }

  pictureOf(view) {
    const exact = this.data.frame_url && !this.film.playing ? this.exact.get(this.exactUrl(view, this.side())) : null;
    return exact ?? this.rough()?.view(view, this.behind()) ?? null;
  }

  // What is shown at the proxy's size: with the edge that is set, as near as small pictures can say.
  rough() {
    const { looked, settings, made } = this;
    if (!looked || !this.data.proxy) return looked;
    const scale = Math.max(looked.width, looked.height) / Math.max(this.data.width, this.data.height);
    const soft = Math.sqrt(Math.max(0, settings.softness ** 2 - made.softness ** 2));
    return looked.edited((settings.edge - made.edge) * scale, soft * scale, settings.region);
  }

  // ---- showing ----

  refresh() {
    this.request ??= requestAnimationFrame(() => { this.request = null; if (this.data && this.root.isConnected) this.paint(); });
  }

  paint() {
    const { width, height } = this.data;
    this.stage.layout(this.looked ? this.looked.width / this.looked.height : width / height);
    if (!this.data.proxy && this.view === "source") this.view = "checker";
    if (this.hints.on) this.stage.draw(this.rough()?.view("meant") ?? null, null, 1);
    else this.stage.draw(this.pictureOf(this.view), this.pictureOf(this.other), this.data.proxy ? this.wipe : 1);
    this.empty.hidden = Boolean(this.looked);
    this.refreshControls();
    this.refreshTime();
    this.loupe.draw();
  }

  label(view) { return VIEWS.find(([name]) => name === view)[1]; }

  refreshControls() {
    const live = !this.data.proxy;
    for (const one of this.views.children) {
      one.setAttribute("aria-pressed", String(one.dataset.value === this.view));
      one.disabled = live && one.dataset.value === "source";
    }
    this.views.hidden = this.against.hidden = this.loupeButton.hidden = this.hints.on; // there is one view to point at
    this.compare.value = this.other;
    this.compare.disabled = live;
    this.hints.refresh();
    this.stage.handle.hidden = live || this.hints.on;
    this.stage.mark(this.loupe.seen());
    this.stage.left.textContent = this.label(this.view);
    this.stage.right.textContent = this.label(this.other);
    this.stage.left.hidden = !this.looked || live || this.hints.on || this.wipe < 0.15;
    this.stage.right.hidden = !this.looked || live || this.hints.on || this.wipe > 0.85;
    this.stage.canvas.setAttribute("aria-label", `${this.data.title}: ${this.visible().map((view) => this.label(view)).join(" against ")}`);
    this.soundButton.hidden = !this.data.sound;
    this.soundButton.setAttribute("aria-pressed", String(this.film.sound));
    this.loupeButton.setAttribute("aria-pressed", String(this.loupe.on));
    this.loupeButton.disabled = live || !this.data.frame_url;
    const exact = !live && this.data.frame_url && !this.film.playing && this.visible().every((view) => this.exact.get(this.exactUrl(view, this.side())));
    this.badge.classList.toggle("busy", this.exact.waiting);
    const what = this.data.kind === "picture" ? "picture" : "frame";
    this.badge.textContent = this.exact.waiting ? `Making the exact ${what}…` : exact ? `Exact ${what}` : live && this.data.live ? "Still cutting out" : this.film.playing ? "Small preview" : "";
    const sentence = this.problemText || this.exact.problem;
    if (this.message.textContent !== sentence) this.message.textContent = sentence;
    this.message.hidden = !sentence;
    this.edge.refresh();
    this.behindPanel.refresh();
    this.placePanel.refresh();
    this.regionPanel.refresh();
    this.strip.refresh();
  }

  refreshTime() {
    if (!this.data) return;
    const { film } = this;
    const seconds = this.data.proxy ? (this.data.times[this.frame] ?? 0) : (film.previews[film.place]?.seconds ?? 0);
    this.scrub.max = Math.max(0, film.places - 1);
    this.scrub.value = film.place;
    this.scrub.disabled = film.places < 2;
    this.scrub.style.setProperty("--fill", `${film.places > 1 ? (100 * film.place) / (film.places - 1) : 0}%`);
    this.clock.textContent = `${formatTime(seconds, 2)} · frame ${this.frame + 1}${this.data.proxy ? ` of ${this.data.times.length}` : ""}`;
    this.scrub.setAttribute("aria-valuetext", this.clock.textContent);
    const label = film.playing ? "Pause (Space)" : "Play (Space)";
    if (this.play.title !== label) { this.play.innerHTML = ICONS[film.playing ? "pause" : "play"]; this.play.title = label; this.play.setAttribute("aria-label", label); }
    this.play.disabled = !this.data.proxy;
    if (film.playing) this.strip.refresh();
  }

  // ---- state to Python ----

  snapshot() {
    const { view, other, settings } = this;
    return { run: this.run, frame: this.frame, view, other, wipe: Math.round(1000 * this.wipe) / 1000, ...settings, hints: this.hints.all ?? [], asked: this.hints.token };
  }

  // A wish to have the corrections worked out is told once.
  remember() { return { ...this.snapshot(), asked: null }; }

  emit() { this.report("view"); }

  release() {
    this.film.close();
    this.own?.close();
    this.exact.dispose();
    this.loupe.exact.dispose();
  }
}

export default function matteWorkbench(run) {
  return mounted(MatteWorkbench, run);
}
