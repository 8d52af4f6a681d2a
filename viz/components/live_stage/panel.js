// The controls beside the picture.

const COLOURS = { Green: "#00b140", Blue: "#0047bb", White: "#ffffff", Grey: "#808080", Black: "#000000" };
const BACKGROUNDS = [["none", "None"], ["blur", "Blur"], ["colour", "Colour"], ["picture", "Picture"]];

class Panel {
  // `stage` has: look, changed(), restartCamera(), setPictureFile(file), setCalm()
  constructor(stage) {
    this.stage = stage;
    this.sliders = [];
    this.element = el("div", { class: "panel" }, this.background(), this.edge(), this.camera());
    this.refresh();
  }

  get look() { return this.stage.look; }

  set(name, value) { this.look[name] = value; this.refresh(); this.stage.changed(); }

  group(title, ...children) { return el("fieldset", {}, el("legend", {}, title), ...children); }

  background() {
    this.choices = el("div", { class: "choice", role: "group", "aria-label": "Background" },
      ...BACKGROUNDS.map(([value, text]) => el("button", { type: "button", "data-value": value, onclick: () => this.pick(value) }, text)));
    this.custom = el("input", { type: "color", "aria-label": "Own colour", oninput: () => this.set("colour", this.custom.value) });
    this.colours = el("div", { class: "row", role: "group", "aria-label": "Colour" },
      ...Object.entries(COLOURS).map(([name, value]) => el("button", { type: "button", class: "swatch", style: `--swatch: ${value}`, "data-value": value, "aria-label": name, title: name, onclick: () => this.set("colour", value) })), this.custom);
    this.file = el("input", { type: "file", accept: "image/*", "aria-label": "Background picture", onchange: () => this.stage.setPictureFile(this.file.files[0]) });
    this.fileNote = el("p", { class: "note" }, "Your picture stays in this browser.");
    this.files = el("div", {}, this.file, this.fileNote);
    this.blur = this.slider("Blur", "blur", ...LIMITS.blur, 0.005, (value) => `${Math.round(value * 1000)}`);
    this.noneNote = el("p", { class: "note" }, "See-through: the squares only show where nothing is.");
    return this.group("Background", this.choices, this.noneNote, this.blur, this.colours, this.files);
  }

  edge() {
    const signed = (value) => (value > 0 ? `+${value} grow` : value < 0 ? `${value} shrink` : "0");
    return this.group("Edge",
      this.slider("Edge", "edge", ...LIMITS.edge, 1, signed, "Shrinks or grows the outline, in thousandths of the picture's width"),
      this.slider("Softness", "softness", ...LIMITS.softness, 1, String, "Softens the outline, in thousandths of the picture's width"),
      this.tick("Calm edges", "calm", "Smooths the outline over time where the picture stands still", () => this.stage.setCalm()));
  }

  camera() {
    this.cameras = el("select", { "aria-label": "Camera", onchange: () => { this.look.camera = this.cameras.value; this.stage.restartCamera(); } });
    this.sizes = el("select", { "aria-label": "Picture size", onchange: () => { this.look.size = this.sizes.value; this.stage.restartCamera(); } },
      ...Object.keys(SIZES).map((name) => el("option", { value: name }, name)));
    this.setCameras([]);
    return this.group("Camera", el("label", { class: "field" }, "Camera", this.cameras), el("label", { class: "field" }, "Picture", this.sizes),
      this.tick("Mirror", "mirror", "Shows you as in a mirror; the background is not mirrored"),
      this.tick("Exact edges", "exact", "Shows each picture together with its own outline. Without it movement is smoother, and the outline may lag behind."));
  }

  setCameras(cameras) {
    const options = cameras.length ? cameras : [["", "The usual camera"]];
    this.cameras.replaceChildren(...options.map(([id, name]) => el("option", { value: id }, name)));
    if (options.some(([id]) => id === this.look.camera)) this.cameras.value = this.look.camera;
    this.cameras.disabled = cameras.length < 2;
  }

  slider(label, name, least, most, step, shown, title = null) {
    const output = el("output", {});
    const input = el("input", { type: "range", min: least, max: most, step, "aria-label": label, oninput: () => this.set(name, Number(input.value)) });
    this.sliders.push(() => {
      input.value = this.look[name];
      output.textContent = shown(this.look[name]);
      input.setAttribute("aria-valuetext", shown(this.look[name]));
    });
    return el("label", { class: "field slider", title }, el("span", {}, label), input, output);
  }

  tick(label, name, title, after = () => {}) {
    const input = el("input", { type: "checkbox", onchange: () => { this.set(name, input.checked); after(); } });
    this.sliders.push(() => { input.checked = this.look[name]; });
    return el("label", { class: "tick", title }, input, label);
  }

  pick(value) {
    this.set("behind", value);
    if (value === "picture" && !this.stage.hasBackdrop) this.file.click();
  }

  refresh() {
    const { behind, colour } = this.look;
    this.sliders.forEach((show) => show());
    for (const one of this.choices.children) one.setAttribute("aria-pressed", String(one.dataset.value === behind));
    for (const one of this.colours.querySelectorAll("button")) one.setAttribute("aria-pressed", String(one.dataset.value === colour));
    this.custom.value = colour;
    this.noneNote.hidden = behind !== "none";
    this.blur.hidden = behind !== "blur";
    this.colours.hidden = behind !== "colour";
    this.files.hidden = behind !== "picture";
    this.sizes.value = this.look.size;
  }
}
