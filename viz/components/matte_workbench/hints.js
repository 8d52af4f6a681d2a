// What people point out on frames: the tool, what it has drawn so far, and the way to have it worked out.

const HINT_KINDS = [["keep", "This person", "This belongs to who is cut out"], ["drop", "Not this", "This does not belong to the cut-out"], ["edge", "Soft edge", "The edge is soft here, such as hair: paint over it, and it is solved anew from the colours"]];
const HINT_SHAPES = [
  ["point", "Click", "All of the person or thing that you click on"],
  ["stroke", "Brush", "What you paint, and what looks like it around there: for an arm, a chair, a gap"],
  ["box", "Box", "“This person” keeps only what is in the box; “Not this” takes away all that is in it"],
];
const HINT_COLOURS = { keep: "#009e73", drop: "#d55e00", edge: "#0072b2" }; // told apart by every kind of colour vision; the signs too
const HINT_SIGNS = { keep: "+", drop: "−", edge: "~" };
const MOST_HINTS = 200;

const ofKind = (hint) => HINT_KINDS.find(([name]) => name === hint.kind)[1];
const ofShape = (hint) => HINT_SHAPES.find(([name]) => name === hint.shape)[1].toLowerCase();

class Hints {
  constructor(bench, before) {
    this.bench = bench;
    this.on = false;
    this.kind = "drop";
    this.shape = "point";
    this.radius = 0.02;
    this.person = 1;
    this.all = before; // null until there is data
    this.drawing = null;
    this.token = null; // names the wish to have them worked out
    this.canvas = el("canvas", { class: "hints", "aria-hidden": "true" });
    this.build();
  }

  build() {
    const { bench } = this;
    const group = (label, rows, pick) => el("div", { class: "choice", role: "group", "aria-label": label }, ...rows.map(([value, text, meaning]) => el("button", { type: "button", "data-value": value, title: meaning, onclick: () => pick(value) }, text)));
    this.kinds = group("What you point at", HINT_KINDS, (value) => { this.kind = value; bench.refresh(); });
    this.shapes = group("Tool", HINT_SHAPES, (value) => { this.shape = value; bench.refresh(); });
    this.size = el("input", { type: "range", min: 0.005, max: 0.08, step: 0.005, "aria-label": "Brush size", title: "Brush size" });
    this.size.addEventListener("input", () => { this.radius = Number(this.size.value); bench.refresh(); });
    this.sizeRow = el("label", { class: "with" }, "Size", this.size);
    this.who = el("select", { "aria-label": "Person", title: "Give each person a number of their own to cut them out one by one" }, ...[1, 2, 3, 4].map((one) => el("option", { value: one }, `Person ${one}`)));
    this.who.addEventListener("change", () => { this.person = Number(this.who.value); });
    this.undo = el("button", { class: "quiet", type: "button", title: "Take the last correction back (Z)", onclick: () => this.takeBack(this.all.length - 1) }, "Undo");
    this.go = el("button", { class: "quiet go", type: "button", onclick: () => this.ask("correct") }, "Correct the video");
    this.each = el("button", { class: "quiet", type: "button", title: "A cut-out of its own for each person that you numbered", onclick: () => this.ask("each") }, "Each person alone");
    this.list = el("ul", { class: "hint-list", "aria-label": "Corrections" });
    this.note = el("p", { class: "note", role: "status" });
    this.close = keyButton("close", "Close the corrections (C)", () => this.toggle(false));
    this.button = el("button", { class: "quiet correct", type: "button", "aria-pressed": "false", title: "Say who is meant, on the frame that is shown (C)", onclick: () => this.toggle() }, "Correct this frame");
    this.element = el("section", { class: "panel hint-panel", hidden: true, "aria-label": "Correct the cut-out" },
      el("div", { class: "row" }, this.kinds, this.shapes, this.sizeRow, this.who, el("span", { class: "gap" }), this.close));
    // Below the picture, where it may grow without moving what is pointed at.
    this.made = el("section", { class: "hint-made", hidden: true, "aria-label": "Corrections so far" }, this.list,
      el("div", { class: "row" }, this.note, el("span", { class: "gap" }), this.undo, this.each, this.go));
  }

  get possible() { const { data } = this.bench; return Boolean(data.hints && data.proxy && data.frame_url); }

  // A soft edge can only be painted.
  get tool() { return this.kind === "edge" ? "stroke" : this.shape; }

  // Corrections that the shown cut-out does not have yet, or has and should not.
  get changed() { return JSON.stringify(this.all) !== JSON.stringify(this.bench.data.hints); }

  update(data) {
    if (!data.hints) return;
    this.all ??= data.hints.map((hint) => ({ ...hint }));
  }

  toggle(on = !this.on) {
    if (on && !this.possible) return;
    this.on = on;
    if (on && this.bench.film.playing) this.bench.film.pause();
    this.bench.say(on ? "Correcting. Click a person or thing on the picture; what is dimmed goes." : "Corrections closed.");
    this.bench.refresh();
    if (!on) this.bench.askExact();
  }

  // ---- drawing ----

  begin(place) {
    if (!this.inside(place)) return;
    const points = this.tool === "box" ? [place, place] : [place];
    this.drawing = { kind: this.kind, shape: this.tool, points };
    this.bench.refresh();
  }

  extend(place) {
    const { drawing } = this;
    if (!drawing || drawing.shape === "point") return;
    const held = place.map((value) => clamp(value, 0, 1));
    if (drawing.shape === "box") drawing.points[1] = held;
    else if (drawing.points.length < 1000 && Math.hypot(...held.map((value, axis) => value - drawing.points.at(-1)[axis])) > 0.004) drawing.points.push(held);
    this.bench.refresh();
  }

  end(kept) {
    const { drawing } = this;
    this.drawing = null;
    const small = drawing?.shape === "box" && drawing.points[0].some((value, axis) => Math.abs(value - drawing.points[1][axis]) < 0.01);
    if (kept && drawing && !small) this.add(drawing);
    this.bench.refresh();
  }

  add({ kind, shape, points }) {
    if (this.all.length >= MOST_HINTS) { this.bench.say(`There can be ${MOST_HINTS} corrections.`); return; }
    const round = (value) => Math.round(1e4 * value) / 1e4;
    const hint = { seconds: round(this.bench.data.start + this.bench.data.times[this.bench.frame]), kind, shape, points: points.map((place) => place.map(round)) };
    if (shape === "stroke") hint.radius = this.radius;
    if (kind === "keep" && this.person > 1) hint.person = this.person;
    this.all.push(hint);
    this.bench.say(`${ofKind(hint)}, ${ofShape(hint)}, on frame ${this.bench.frame + 1}.`);
    this.bench.changedByUser();
  }

  // With the keyboard: a click in the middle of the loupe, or of what is shown.
  addHere() { if (this.on && this.kind !== "edge") this.add({ kind: this.kind, shape: "point", points: [[...((this.bench.loupe.on && this.bench.loupe.point_) || this.bench.stage.centre)]] }); }

  takeBack(index) {
    if (index < 0) return;
    this.all.splice(index, 1);
    this.bench.say("Taken back.");
    this.bench.changedByUser();
  }

  ask(what) {
    this.token = `${what} ${Date.now()}`;
    this.bench.emit();
    this.bench.refresh();
  }

  inside(place) { return place.every((value) => value >= 0 && value <= 1); }

  frameOf(hint) {
    const { data } = this.bench;
    const at = data.times.findIndex((time) => data.start + time >= hint.seconds - 0.002);
    return at < 0 ? data.times.length - 1 : at;
  }

  // ---- showing ----

  refresh() {
    const { bench } = this;
    const { data } = bench;
    this.button.hidden = !this.possible;
    this.button.setAttribute("aria-pressed", String(this.on));
    const stands = data.problems.includes(bench.frame);
    this.button.classList.toggle("wanted", stands && !this.on);
    this.button.textContent = data.kind === "picture" ? "Correct this picture" : stands ? "Correct this problem" : "Correct this frame";
    this.element.hidden = this.made.hidden = !this.on;
    bench.stage.element.classList.toggle("guiding", this.on);
    if (!this.on) { this.canvas.hidden = true; return; }
    for (const [group, value] of [[this.kinds, this.kind], [this.shapes, this.tool]]) for (const one of group.children) one.setAttribute("aria-pressed", String(one.dataset.value === value));
    this.shapes.hidden = this.kind === "edge";
    this.sizeRow.hidden = this.tool !== "stroke";
    this.size.value = this.radius;
    this.who.hidden = this.kind !== "keep";
    this.undo.disabled = !this.all.length;
    const sent = this.token !== null;
    this.go.disabled = !this.changed || sent;
    this.each.hidden = !this.all.some((hint) => (hint.person ?? 1) > 1);
    this.each.disabled = sent;
    this.go.textContent = data.kind === "picture" ? "Correct the picture" : "Correct the video";
    const scene = data.kind === "picture" ? "" : " Each correction is carried through its scene; other scenes stay as they are.";
    this.note.textContent = sent ? "Starting…" : this.changed ? `${this.all.length} correction${this.all.length === 1 ? "" : "s"}.${scene}` : `Dimmed is what goes. Point at it.${scene}`;
    this.showList();
    this.draw();
  }

  showList() {
    const { data } = this.bench;
    const now = JSON.stringify([this.all, this.bench.frame]);
    if (now === this.listed) return;
    this.listed = now;
    this.list.replaceChildren(...this.all.map((hint, index) => {
      const frame = this.frameOf(hint);
      const who = hint.person > 1 ? `, person ${hint.person}` : "";
      const text = `${data.kind === "picture" ? "" : `Frame ${frame + 1}: `}${ofKind(hint).toLowerCase()} (${ofShape(hint)}${who})`;
      return el("li", { class: `hint ${hint.kind}`, "aria-current": frame === this.bench.frame ? "true" : null },
        el("button", { type: "button", class: "plain", title: "Go to that frame", onclick: () => this.bench.goTo(frame) }, `${HINT_SIGNS[hint.kind]} ${text}`),
        el("button", { type: "button", class: "plain", "aria-label": `Take back: ${text}`, title: "Take back", onclick: () => this.takeBack(index) }, "×"));
    }));
  }

  draw() {
    const { stage } = this.bench;
    const { canvas } = stage;
    this.canvas.hidden = false;
    if (this.canvas.width !== canvas.width || this.canvas.height !== canvas.height) Object.assign(this.canvas, { width: canvas.width, height: canvas.height });
    Object.assign(this.canvas.style, { width: canvas.style.width, height: canvas.style.height });
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    const here = this.all.filter((hint) => this.frameOf(hint) === this.bench.frame);
    for (const hint of [...here, ...(this.drawing ? [this.drawing] : [])]) this.drawHint(context, hint);
  }

  onStage(place) {
    const { stage } = this.bench;
    return [stage.canvas.width, stage.canvas.height].map((side, axis) => side * (0.5 + (place[axis] - stage.centre[axis]) * stage.zoom));
  }

  drawHint(context, { kind, shape, points, radius = this.radius }) {
    const places = points.map((place) => this.onStage(place));
    const ratio = this.bench.stage.canvas.width / Math.max(1, this.bench.stage.canvas.clientWidth);
    const colour = HINT_COLOURS[kind];
    context.lineCap = context.lineJoin = "round";
    const path = () => { context.beginPath(); context.moveTo(...places[0]); for (const place of places) context.lineTo(...place); };
    if (shape === "box") {
      const [[left, top], [right, bottom]] = places;
      for (const [width, style] of [[5, "#fff"], [3, colour]]) { context.lineWidth = width * ratio; context.strokeStyle = style; context.strokeRect(left, top, right - left, bottom - top); }
    } else if (shape === "stroke") {
      path();
      context.globalAlpha = 0.55;
      context.strokeStyle = colour;
      context.lineWidth = 2 * radius * Math.max(this.bench.stage.canvas.width, this.bench.stage.canvas.height) * this.bench.stage.zoom;
      context.stroke();
      context.globalAlpha = 1;
    }
    this.drawSign(context, places[0], colour, kind, ratio);
  }

  drawSign(context, [x, y], colour, kind, ratio) {
    const size = 9 * ratio;
    context.beginPath();
    context.arc(x, y, size, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
    context.lineWidth = 2 * ratio;
    context.strokeStyle = "#fff";
    context.stroke();
    context.beginPath();
    if (kind === "edge") {
      context.moveTo(x - 0.55 * size, y + 0.1 * size);
      context.bezierCurveTo(x - 0.2 * size, y - 0.6 * size, x + 0.2 * size, y + 0.6 * size, x + 0.55 * size, y - 0.1 * size);
      context.stroke();
      return;
    }
    context.moveTo(x - 0.5 * size, y);
    context.lineTo(x + 0.5 * size, y);
    if (kind === "keep") { context.moveTo(x, y - 0.5 * size); context.lineTo(x, y + 0.5 * size); }
    context.stroke();
  }
}
