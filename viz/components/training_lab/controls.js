// The buttons and sliders of the lab: transport, timeline, knobs, layers, data.

// A slider for a knob; learning rates go by powers of ten.
function knobSlider(name, value, change) {
  const knob = KNOBS[name];
  const inner = (v) => (knob.log ? Math.log10(v) : v), outer = (v) => (knob.log ? Number((10 ** v).toPrecision(2)) : Number(v.toFixed(2)));
  const reading = el("output", {}, String(value));
  const input = el("input", {
    type: "range", min: inner(knob.low), max: inner(knob.high), step: knob.log ? 0.05 : knob.whole ? 1 : knob.step, value: inner(value), "aria-label": knob.title, "data-knob": name,
    oninput: () => { reading.textContent = String(outer(input.valueAsNumber)); },
    onchange: () => change(name, outer(input.valueAsNumber)),
  });
  return el("label", { class: "knob", title: knob.plain }, el("span", {}, knob.title), input, reading);
}

class Transport {
  constructor(lab) {
    this.lab = lab;
    this.play = keyButton("play", "Play (Space)", () => lab.togglePlay(), { class: "key large" });
    this.start = keyButton("back", "Back to the start (Home)", () => lab.seek(0));
    this.one = keyButton("after", "One step, in pieces (.)", () => lab.oneStep());
    this.back = keyButton("before", "One step back (,)", () => lab.seek(lab.shown.step - 1));
    this.slow = el("button", { type: "button", class: "word", "aria-pressed": "false", title: "Every step in pieces (S)", onclick: () => lab.toggleSlow() }, "Slowly");
    this.line = el("input", { type: "range", class: "timeline", min: 0, max: 1, value: 0, "aria-label": "Training step: drag to rewind", oninput: () => lab.scrub(this.line.valueAsNumber) });
    this.count = el("output", { class: "count" }, "Step 0");
    this.seed = el("input", { type: "number", min: 1, max: 999999, value: 1, "aria-label": "Seed of all chance", title: "Seed: the same one gives the same training, step for step", onchange: () => lab.reseed(this.seed.valueAsNumber) });
    this.mark = el("code", { title: "A fingerprint of all weights: the same step of the same seed has the same one" });
    this.root = el("div", { class: "transport", role: "group", "aria-label": "Training" },
      this.start, this.back, this.play, this.one, this.slow, this.line, this.count);
    this.seedRow = el("div", { class: "seedrow" }, el("label", { class: "seed" }, "Seed ", this.seed), el("span", {}, "weights ", this.mark));
  }

  update({ step, furthest, playing, seeking, fingerprint, seed, slow }) {
    const busy = playing || seeking !== null || slow;
    this.play.innerHTML = ICONS[busy ? "pause" : "play"];
    const label = busy ? "Pause (Space)" : "Play (Space)";
    this.play.setAttribute("aria-label", label);
    this.play.title = label;
    this.slow.setAttribute("aria-pressed", String(slow));
    this.line.max = Math.max(1, furthest);
    if (!this.dragging) this.line.value = seeking ?? step;
    this.line.setAttribute("aria-valuetext", `step ${step} of ${furthest}`);
    this.count.textContent = seeking !== null && seeking !== step ? `Going to ${seeking.toLocaleString("en")}: at ${step.toLocaleString("en")}` : `Step ${step.toLocaleString("en")}`;
    this.mark.textContent = fingerprint ?? (busy ? "" : this.mark.textContent);
    if (document.activeElement !== this.seed && this.lab.root.getRootNode().activeElement !== this.seed) this.seed.value = seed;
  }
}

// The row of shapes, and the buttons for data of one's own.
class DataRow {
  constructor(lab, palette) {
    this.lab = lab;
    this.shapes = Object.entries(engine.SHAPES).map(([name, { title }]) =>
      el("button", { type: "button", class: "shape", "data-shape": name, "aria-pressed": "false", "aria-label": title, title, onclick: () => lab.choose(name) }, thumbnail(name, palette)));
    this.own = el("button", { type: "button", class: "word", "aria-expanded": "false", onclick: () => lab.toggleOwn() }, "Draw or paste…");
    this.title = el("span", { class: "title" });
    this.root = el("div", { class: "data", role: "group", "aria-label": "Data to learn" }, ...this.shapes, this.own, this.title);
  }

  update(shape, title) {
    for (const button of this.shapes) button.setAttribute("aria-pressed", String(button.dataset.shape === shape));
    this.title.textContent = title;
  }
}

// The step of the story: title, sentences, one knob, and the way on.
class StoryCard {
  constructor(lab) {
    this.lab = lab;
    this.title = el("h3", {});
    this.text = el("p", {});
    this.knob = el("div", { class: "slot" });
    this.place = el("span", { class: "place" });
    this.before = el("button", { type: "button", class: "word", "aria-label": "Step of the story before (Page up)", onclick: () => lab.turn(-1) }, "Back");
    this.after = el("button", { type: "button", class: "word main", "aria-label": "Next step of the story (Page down)", onclick: () => lab.turn(1) }, "Next");
    this.root = el("section", { class: "story", "aria-label": "The story" }, el("div", { class: "head" }, this.place, this.before, this.after), this.title, this.text, this.knob);
  }

  turnTo(chapter, story, knobs) {
    const { title, knob } = story[chapter];
    this.title.textContent = title;
    this.place.textContent = story.length > 1 ? `${chapter + 1} of ${story.length}` : "";
    for (const button of [this.before, this.after]) button.hidden = story.length < 2;
    this.before.disabled = chapter === 0;
    this.after.disabled = chapter === story.length - 1;
    this.setKnob(knob, knobs);
  }

  setKnob(knob, knobs) {
    if (this.focused()) return;
    this.knob.replaceChildren(...(knob === "stops" ? [this.stops()] : knob && knobs ? [knobSlider(knob, knobs[knob], (name, value) => this.lab.setKnob(name, value))] : []));
  }

  focused() { return this.knob.contains(this.lab.root.getRootNode().activeElement); }

  stops() {
    const most = engine.SPEC.diffusion.steps, reading = el("output", {}, String(this.lab.stops));
    const input = el("input", { type: "range", min: 4, max: most, value: this.lab.stops, "aria-label": "Steps of the film", oninput: () => { reading.textContent = input.value; this.lab.setStops(input.valueAsNumber); } });
    return el("label", { class: "knob" }, el("span", {}, "Steps of the film"), input, reading);
  }
}

// The slider through the film, or through the moments of noise.
function filmSlider(lab) {
  const input = el("input", { type: "range", min: 0, max: 50, value: 0, class: "film", "aria-label": "Moment", oninput: () => lab.setFrame(input.valueAsNumber) });
  const reading = el("output", {});
  const play = keyButton("play", "Play the film", () => lab.playFilm());
  const again = el("button", { type: "button", class: "word", title: "Other noise to begin with", onclick: () => lab.otherNoise() }, "Other noise");
  return { root: el("div", { class: "filmrow" }, play, input, reading, again), input, reading, play, again };
}
