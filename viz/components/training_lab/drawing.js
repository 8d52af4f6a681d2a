// Data of one's own: drawn with a finger or the mouse, pasted, or dropped as a file of two columns.

const MOST_TEXT = 5_000_000;
const SPRAY = 6, SPRAY_WIDTH = 0.09;

class OwnData {
  // `done({ points, names, title })` is called with what was brought.
  constructor(done) {
    this.done = done;
    this.points = [];
    this.plane = new Plane("Draw your points here", engine.VIEW_HALF);
    this.note = el("p", { class: "note", role: "status" });
    this.paste = el("textarea", { rows: 4, spellcheck: "false", "aria-label": "Paste two columns of numbers", placeholder: "Paste two columns of numbers here, or drop a CSV file:\n-63.1, -42.7\n-71.0, -38.2" });
    this.file = el("input", { type: "file", accept: ".csv,.tsv,.txt,text/csv,text/plain", "aria-label": "A CSV file", onchange: () => this.read(this.file.files[0]) });
    this.root = el("div", { class: "own", hidden: true },
      el("div", {}, el("h4", {}, "Draw"), this.plane.canvas, el("div", { class: "row" },
        el("button", { type: "button", class: "main", onclick: () => this.take() }, "Learn this"),
        el("button", { type: "button", onclick: () => { this.points = []; this.draw(); } }, "Clear"))),
      el("div", {}, el("h4", {}, "Or bring two columns"), this.paste, el("div", { class: "row" },
        el("button", { type: "button", class: "main", onclick: () => this.takeText(this.paste.value, "Pasted points") }, "Learn these"), this.file),
        el("p", { class: "hint" }, "They stay in this browser. A first line of names is understood.")), this.note);
    this.plane.canvas.addEventListener("pointerdown", (event) => { this.plane.canvas.setPointerCapture(event.pointerId); this.spray(event); });
    this.plane.canvas.addEventListener("pointermove", (event) => { if (event.buttons) this.spray(event); });
    this.root.addEventListener("dragover", (event) => event.preventDefault());
    this.root.addEventListener("drop", (event) => { event.preventDefault(); this.read(event.dataTransfer.files[0]); });
  }

  show(palette) { this.palette = palette; this.root.hidden = false; this.draw(); }

  draw() {
    if (!this.plane.begin(this.palette)) return;
    this.plane.axes();
    this.plane.points(this.points, this.palette.real);
  }

  spray(event) {
    const [x, y] = this.plane.at(event);
    const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
    for (let k = 0; k < SPRAY; k += 1) this.points.push(x + SPRAY_WIDTH * normal(), y + SPRAY_WIDTH * normal());
    this.note.textContent = `${this.points.length / 2} points.`;
    this.draw();
  }

  take() {
    if (this.points.length / 2 < engine.SMALLEST_DATA) { this.note.textContent = `There are ${this.points.length / 2} points: draw at least ${engine.SMALLEST_DATA}.`; return; }
    this.done({ points: this.points.slice(), names: ["x", "y"], title: "Drawn by you" });
  }

  takeText(text, title) {
    try {
      if (text.length > MOST_TEXT) throw new Error("This is more than 5 MB of text: bring fewer rows.");
      const { points, names, left_out } = engine.parseTable(text);
      this.done({ points: Array.from(points), names, title: left_out ? `${title} (${left_out} rows left out)` : title });
    } catch (error) {
      this.note.textContent = error.message;
    }
  }

  async read(file) {
    if (!file) return;
    if (file.size > MOST_TEXT) { this.note.textContent = "This file is larger than 5 MB: bring fewer rows."; return; }
    try {
      this.takeText(await file.text(), file.name.slice(0, 60));
    } catch (error) { // moved or changed since it was dropped
      console.warn(error);
      this.note.textContent = "This file cannot be read: choose it once more.";
    }
  }
}

// A small picture of a shape, for its button.
function thumbnail(name, palette) {
  const plane = new Plane("", 2.4);
  Object.assign(plane.canvas, { width: 72, height: 72, className: "thumb" });
  plane.canvas.setAttribute("aria-hidden", "true");
  Object.assign(plane, { palette, scale: 15, sharp: 1 });
  plane.points(engine.drawShape(name, 1, 220), palette.real, 2, 0.8);
  return plane.canvas;
}
