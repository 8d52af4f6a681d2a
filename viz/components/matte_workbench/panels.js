// The panels below: the edge, and what lies behind.

const SLIDERS = [
  ["edge", "Edge", -10, 10, 0.5, "px", "Moves the edge: left takes some off the person, right lets more stay"],
  ["softness", "Softness", 0, 12, 0.5, "px", "Blurs the edge over about so many pixels"],
  ["despill", "Despill", 0, 1, 0.05, "", "Takes the old background's colour out of hair and edges: 0 leaves it, 1 takes out all"],
];

class EdgePanel {
  constructor(bench) {
    this.bench = bench;
    this.fields = {};
    const rows = SLIDERS.map(([name, label, low, high, step, unit, meaning]) => {
      const input = el("input", { type: "range", min: low, max: high, step, id: `${name}-field`, "aria-label": label, "aria-description": meaning, title: meaning });
      const shown = el("output", { for: `${name}-field` });
      input.addEventListener("input", () => bench.set(name, Number(input.value)));
      input.addEventListener("dblclick", () => bench.set(name, bench.made[name]));
      this.fields[name] = { input, shown, unit };
      return el("label", { class: "setting", title: meaning }, el("span", {}, label), input, shown);
    });
    this.ends = el("div", { class: "ends", "aria-hidden": "true" }, el("span", {}, "shrink"), el("span", {}, "grow"));
    rows[0].append(this.ends);
    this.reset = el("button", { class: "quiet", type: "button", title: "Back to what this run was made with", onclick: () => bench.resetEdge() }, "As made");
    this.note = el("p", { class: "note" });
    this.element = el("section", { class: "panel", "aria-label": "Edge" }, el("div", { class: "row" }, el("h3", {}, "Edge"), this.reset), ...rows, this.note);
  }

  refresh() {
    const { bench } = this;
    for (const [name, { input, shown, unit }] of Object.entries(this.fields)) {
      const value = bench.settings[name];
      if (value < Number(input.min)) input.min = value;
      if (value > Number(input.max)) input.max = value;
      input.value = value;
      input.disabled = !bench.data.frame_url || !bench.data.proxy;
      const [at, zero] = [value, 0].map((one) => (100 * (one - input.min)) / (input.max - input.min));
      input.style.setProperty("--from", `${Math.min(at, zero)}%`);
      input.style.setProperty("--fill", `${Math.max(at, zero)}%`);
      const sign = name === "edge" && value > 0 ? "+" : value < 0 ? "−" : "";
      shown.textContent = `${sign}${Math.abs(value).toFixed(name === "despill" ? 2 : 1)}${unit && ` ${unit}`}`;
    }
    const changed = bench.changed();
    this.reset.disabled = !changed;
    const where = bench.data.kind === "picture" ? "Seen here; the files are as the run made them." : "Exact on the frame that stands still, about so while it plays; the files are as the run made them.";
    this.note.textContent = changed ? where : "";
  }
}

const PLACES = [
  ["size", "Size", 0.25, 2, 0.05, 1, "The person smaller or larger, from the middle of the lower edge"],
  ["across", "Left/right", -0.6, 0.6, 0.01, 0, "Moves the person across the picture"],
  ["down", "Up/down", -0.6, 0.6, 0.01, 0, "Moves the person up or down"],
  ["wrap", "Light wrap", 0, 1, 0.05, 0, "Light of the new background on the person's edge"],
  ["shadow", "Shadow", 0, 1, 0.05, 0, "A shadow of the person on the new background"],
];

// How the person lies over the new background.
class PlacePanel {
  constructor(bench) {
    this.bench = bench;
    this.fields = PLACES.map(([name, label, low, high, step, none, meaning]) => {
      const input = el("input", { type: "range", min: low, max: high, step, id: `${name}-field`, "aria-label": label, "aria-description": meaning, title: meaning });
      const shown = el("output", { for: `${name}-field` });
      input.addEventListener("input", () => bench.set(name, Number(input.value)));
      input.addEventListener("dblclick", () => bench.set(name, none));
      return { name, none, input, shown, row: el("label", { class: "setting", title: meaning }, el("span", {}, label), input, shown) };
    });
    this.reset = el("button", { class: "quiet", type: "button", title: "Where and as large as it was filmed, without light or shadow", onclick: () => { for (const { name, none } of this.fields) bench.settings[name] = none; bench.set("size", 1); } }, "As filmed");
    this.element = el("section", { class: "panel", "aria-label": "The person in it" }, el("div", { class: "row" }, el("h3", {}, "The person in it"), this.reset), ...this.fields.map(({ row }) => row));
  }

  refresh() {
    const { bench } = this;
    for (const { name, none, input, shown } of this.fields) {
      const value = bench.settings[name];
      input.value = value;
      input.disabled = !bench.data.frame_url || !bench.data.proxy;
      const [at, zero] = [value, none].map((one) => (100 * (one - input.min)) / (input.max - input.min));
      input.style.setProperty("--from", `${Math.min(at, zero)}%`);
      input.style.setProperty("--fill", `${Math.max(at, zero)}%`);
      shown.textContent = name === "size" ? `${Math.round(100 * value)} %` : value.toFixed(2).replace("-", "−");
    }
    this.reset.disabled = this.fields.every(({ name, none }) => bench.settings[name] === none);
  }
}

class BehindPanel {
  constructor(bench) {
    this.bench = bench;
    this.colour = el("input", { type: "color", "aria-label": "Background colour", title: "A plain colour behind the person" });
    this.colour.addEventListener("input", () => bench.set("background", this.colour.value));
    this.options = ["green", "blue", "white", "black", "blur", "own"].map((name) => {
      const label = { blur: "Blur", own: "Yours" }[name];
      const meaning = { blur: "The scene itself, out of focus", own: "The background that this run was made with" }[name] ?? `Plain ${name}`;
      return el("button", { type: "button", class: label ? "word" : "swatch", "data-value": name, "aria-pressed": "false", "aria-label": label ?? meaning, title: meaning, style: label ? null : `--swatch: ${COLOURS[name]}`, onclick: () => bench.set("background", name) }, label ?? "");
    });
    this.note = el("p", { class: "note" });
    this.element = el("section", { class: "panel", "aria-label": "New background" }, el("h3", {}, "New background"), el("div", { class: "row", role: "group", "aria-label": "Background" }, ...this.options, this.colour), this.note);
  }

  refresh() {
    const { settings, data } = this.bench;
    for (const option of this.options) {
      option.setAttribute("aria-pressed", String(settings.background === option.dataset.value));
      if (option.dataset.value === "own") option.hidden = !data.background_url;
    }
    this.note.textContent = settings.background === "own" && this.bench.own?.failed
      ? "This browser cannot play your background: it is seen on the frame that stands still."
      : "Seen in the view “New background”, and in the files that are made over one.";
    if (/^#[0-9a-f]{6}$/i.test(settings.background)) this.colour.value = settings.background;
    else if (COLOURS[settings.background]) this.colour.value = COLOURS[settings.background];
  }
}

// Where people cannot be: outside of a rectangle all is background, in every frame.
class RegionPanel {
  constructor(bench) {
    this.bench = bench;
    this.drawing = false;
    this.frame = el("span", { class: "spot region", hidden: true });
    bench.stage.element.append(this.frame);
    this.draw = el("button", { class: "quiet", type: "button", "aria-pressed": "false", title: "Drag a rectangle on the picture; outside of it all is see-through", onclick: () => this.toggle() }, "Draw a rectangle");
    this.all = el("button", { class: "quiet", type: "button", title: "The whole picture again", onclick: () => { this.drawing = false; bench.set("region", []); } }, "All of it");
    this.note = el("p", { class: "note" });
    this.element = el("section", { class: "panel", "aria-label": "Only inside" }, el("h3", {}, "Only inside"), el("div", { class: "row" }, this.draw, this.all), this.note);
  }

  toggle() {
    this.drawing = !this.drawing;
    this.bench.hints.toggle(false);
    if (this.drawing) this.bench.stage.element.scrollIntoView({ block: "nearest" });
    this.bench.refresh();
  }

  begin(place) { this.from = place.map((value) => clamp(value, 0, 1)); }

  extend(place) {
    const round = (value) => Math.round(1e3 * clamp(value, 0, 1)) / 1e3;
    const corners = [this.from.map(round), place.map(round)];
    const large = [0, 1].every((axis) => Math.abs(corners[0][axis] - corners[1][axis]) > 0.02);
    if (large) this.bench.settings.region = corners;
    this.bench.refresh();
  }

  end() {
    this.drawing = false;
    this.bench.set("region", this.bench.settings.region);
  }

  refresh() {
    const { bench } = this;
    const { region } = bench.settings;
    this.draw.disabled = !bench.data.frame_url || !bench.data.proxy;
    this.draw.setAttribute("aria-pressed", String(this.drawing));
    this.all.disabled = !region.length;
    this.note.textContent = this.drawing ? "Drag across the picture." : region.length ? "Outside of it all is see-through, in every frame." : "For lamps, doors and people who come in from the side.";
    bench.stage.element.classList.toggle("drawing-region", this.drawing);
    const axes = [0, 1].map((axis) => region.map((place) => place[axis]));
    const [left, top] = axes.map((values) => Math.min(...values)), [right, bottom] = axes.map((values) => Math.max(...values));
    const shown = region.length && (this.drawing || (bench.view !== "composite" && bench.other !== "composite"));
    bench.stage.place(this.frame, shown ? [left, top, right - left, bottom - top] : null);
  }
}

const SHORTCUTS = [
  ["Space", "play or pause"], ["← →", "one frame back or on (with Shift: ten)"], ["Home End", "first or last frame"], ["N P", "next or previous problem frame"],
  ["1 – 5", "source, matte, foreground, cut-out, new background"], ["M", "sound on or off"], ["W", "wipe in the middle, or one view alone"], ["X", "exchange the two views"],
  ["L", "loupe; then Ctrl + arrows move it"], ["+ − 0", "enlarge, reduce, show all"], ["C", "correct who is cut out"], ["K D E Z", "then: this person, not this, soft edge, undo"], ["Enter", "then: a click in the middle of the picture or the loupe"], ["?", "this list"],
];

function helpPanel(close) {
  const rows = SHORTCUTS.map(([keys, meaning]) => el("div", {}, el("dt", {}, keys), el("dd", {}, meaning)));
  return el("section", { class: "help", id: "help", hidden: true, "aria-label": "Keyboard and mouse" },
    el("button", { class: "key", type: "button", icon: "close", "aria-label": "Close help", onclick: close }),
    el("h3", {}, "Keyboard"), el("dl", {}, ...rows),
    el("h3", {}, "Mouse and touch"), el("p", {}, "Drag across the picture to wipe; when it is enlarged, drag to move it. Ctrl + wheel, a double click or two fingers enlarge."));
}
