// Maps of pairs of residues: the predicted aligned error, and contacts. Rows run down, columns across.

class Matrix {
  constructor(bench) {
    this.bench = bench;
    this.kind = null;
    this.axes = new MatrixAxes(bench);
    this.tabs = el("span", {});
    this.larger = button("Larger map", () => this.enlarge(!this.large), { "aria-pressed": "false" });
    this.canvas = el("canvas", { tabindex: 0, role: "application", "aria-roledescription": "map of pairs", class: "map" });
    this.words = el("p", { class: "note readings", "aria-hidden": "true" });
    this.key = el("div", { class: "legend" });
    this.element = el("section", { class: "matrix", "aria-label": "Maps of pairs" }, el("div", { class: "row" }, this.tabs, el("span", { class: "gap" }), this.larger), el("div", { class: "sheet" }, this.canvas), this.words, this.key);
    this.cell = [0, 0];
    this.listen();
  }

  update() {
    const { data } = this.bench;
    const maps = [["pae", "Predicted error (PAE)", data.pae], ["contacts", "Contacts", data.contacts]].filter(([, , raw]) => raw);
    this.element.hidden = maps.length === 0;
    this.bench.root.classList.toggle("mapless", this.element.hidden);
    this.showSize();
    if (!maps.length) { this.kind = null; return; }
    if (!maps.some(([kind]) => kind === this.kind)) this.kind = maps[0][0];
    this.tabs.replaceChildren(choice("Map", maps.map(([kind, text]) => [kind, text]), this.kind, (kind) => { this.kind = kind; this.update(); this.draw(); }));
    const raw = data[this.kind];
    if (this.source !== raw.cells) { this.source = raw.cells; this.cells = bytesOf(raw.cells); this.paint(raw); }
    this.raw = raw;
    this.key.replaceChildren(...(this.kind === "pae" ? this.errorKey(raw) : this.contactKey(raw)));
    this.canvas.setAttribute("aria-label", this.kind === "pae" ? "Predicted aligned error: how far off one residue is expected to be when the structures are superposed on another. Arrow keys move, Enter selects both." : "Contact map. Arrow keys move, Enter selects both.");
    this.words.textContent = this.hint;
  }

  get large() { return Boolean(this.bench.look.largeMap); }

  // A large map takes two thirds of a wide page beside the 3D view; on a narrow one it is twice as wide and scrolls.
  enlarge(large) {
    this.bench.look.largeMap = large;
    this.bench.stage.reshape(() => { this.showSize(); this.draw(); });
    this.bench.say(large ? "The map is large" : "The map is as before");
    this.bench.invalidate();
  }

  showSize() {
    const { large } = this;
    this.bench.root.classList.toggle("large-map", large && !this.element.hidden);
    this.larger.setAttribute("aria-pressed", String(large));
    this.larger.textContent = large ? "Smaller map" : "Larger map";
  }

  get hint() { return "Click a cell to select both residues, drag to select two stretches."; }

  // The scale of a PAE ends at 32 Å, where models stop counting, or at its own highest value if that is more.
  highest(raw) { return Math.max(31.75, raw.highest ?? 0); }

  tables(raw) {
    if (this.kind === "pae") {
      const table = rampOf(ERROR_COLOURS).map(rgbOf);
      return () => (byte) => table[Math.round(clamp((byte * raw.unit) / this.highest(raw), 0, 1) * 255)];
    }
    const [chance, truth] = [rampOf(CHANCE_COLOURS).map(rgbOf), rampOf(TRUTH_COLOURS).map(rgbOf)];
    const colour = (table) => (byte) => table[Math.round(clamp(byte * raw.unit, 0, 1) * 255)];
    return (i, j) => colour(j > i ? chance : truth);
  }

  // Above and below the diagonal each byte has its colour; a map of 2,000 residues has four million of them.
  paint(raw) {
    const { size } = raw;
    const image = new ImageData(size, size);
    const cells = new Uint32Array(image.data.buffer);
    const pick = this.tables(raw);
    const missing = rgbOf(this.kind === "pae" ? "#b9c1c8" : "#f4f6f7");
    const [above, below] = [pick(0, 1), pick(1, 0)].map((colour) => {
      const bytes = new Uint8Array(1024);
      for (let byte = 0; byte < 256; byte += 1) bytes.set([...(byte === 255 ? missing : colour(byte)), 255], 4 * byte);
      return new Uint32Array(bytes.buffer);
    });
    for (let i = 0, at = 0; i < size; i += 1) for (let j = 0; j < size; j += 1, at += 1) cells[at] = (j > i ? above : below)[this.cells[at]];
    this.picture = el("canvas", { width: size, height: size });
    this.picture.getContext("2d").putImageData(image, 0, 0);
  }

  errorKey(raw) {
    const scale = el("span", { class: "scale" }, el("span", {}, "0"), el("i", { class: "ramp", style: `background:linear-gradient(90deg, ${ERROR_COLOURS.join(", ")})` }), el("span", {}, figure(Math.round(this.highest(raw)), "Å")));
    return [el("b", { title: "Predicted aligned error: where column's residue is expected to be off, when predicted and true structure are superposed on the row's residue. Dark: their positions to each other are sure." }, "Expected error"), scale, raw.step > 1 ? el("span", {}, `each cell is the mean of ${raw.step} × ${raw.step} pairs`) : null].filter(Boolean);
  }

  contactKey(raw) {
    const swatch = (colour, text) => el("span", { class: "swatch" }, el("i", { style: `background:${colour}` }), text);
    const ramp = el("span", { class: "scale" }, el("span", {}, "0"), el("i", { class: "ramp", style: `background:linear-gradient(90deg, ${CHANCE_COLOURS.join(", ")})` }), el("span", {}, "1"));
    return [el("b", { title: `A contact: ${raw.rule}` }, "Contacts"), raw.predicted ? el("span", {}, "above the diagonal: predicted probability ") : null, raw.predicted ? ramp : null, raw.true ? swatch(TRUTH_COLOURS.at(-1), "below: true contact") : null, el("span", {}, raw.rule)].filter(Boolean);
  }

  // ---- places ----

  get left() { return this.axes.left; }
  get side() { return this.canvas.clientWidth - this.left; }
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = this.bench.protein.length / this.side;
    const [j, i] = [(event.clientX - box.left - this.left) * scale, (event.clientY - box.top) * scale];
    const { length } = this.bench.protein;
    return { i: clamp(Math.floor(i), 0, length - 1), j: clamp(Math.floor(j), 0, length - 1), inside: i >= 0 && j >= 0 && i < length && j < length };
  }

  value(i, j) {
    const { size, step, unit } = this.raw;
    const byte = this.cells[Math.floor(i / step) * size + Math.floor(j / step)];
    return byte === 255 ? null : byte * unit;
  }

  say(i, j) {
    const { protein } = this.bench;
    const value = this.value(i, j);
    if (this.kind === "pae") return `${protein.name(j)} aligned on ${protein.name(i)}: ${known(value) ? `${value.toFixed(2)} Å` : "not known"}`;
    if (i === j) return protein.name(i);
    const pair = `${protein.name(Math.min(i, j))} and ${protein.name(Math.max(i, j))}`;
    if (!known(value)) return `${pair}: not known`;
    return j > i ? `${pair}: predicted probability ${value.toFixed(2)}` : `${pair}: ${value > 0.5 ? "in contact" : "not in contact"}`;
  }

  // ---- hands ----

  listen() {
    const { selection } = this.bench;
    let from = null;
    let kept = [];
    this.canvas.addEventListener("pointerdown", (event) => {
      const at = this.at(event);
      if (event.button !== 0 || !at.inside) return;
      from = at;
      kept = event.shiftKey ? [...selection.rows] : [];
      if (event.pointerType === "mouse") this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const at = this.at(event);
      if (!at.inside && !from) { this.leave(); return; }
      this.point(at.i, at.j);
      if (from && (at.i !== from.i || at.j !== from.j)) { this.drag = [from, at]; this.selectBox(from, at, kept); }
    });
    this.canvas.addEventListener("pointerup", (event) => {
      if (from && !this.drag) this.selectBox(from, this.at(event), kept);
      from = null;
      this.drag = null;
      this.bench.invalidate();
    });
    this.canvas.addEventListener("pointercancel", () => { from = null; this.drag = null; });
    this.canvas.addEventListener("pointerleave", () => this.leave());
    this.canvas.addEventListener("dblclick", () => selection.clear());
    this.canvas.addEventListener("keydown", (event) => this.press(event));
  }

  leave() { this.bench.selection.point([]); this.words.textContent = this.hint; }

  point(i, j) {
    this.cell = [i, j];
    this.words.textContent = this.say(i, j);
    this.bench.selection.point(i === j ? [i] : [i, j]);
  }

  selectBox(one, other, kept) {
    const rows = new Set(kept);
    for (const axis of ["i", "j"]) for (let row = Math.min(one[axis], other[axis]); row <= Math.max(one[axis], other[axis]); row += 1) rows.add(row);
    this.bench.selection.set(rows);
  }

  press(event) {
    const far = event.shiftKey ? 10 : 1;
    const step = { ArrowLeft: [0, -far], ArrowRight: [0, far], ArrowUp: [-far, 0], ArrowDown: [far, 0] }[event.key];
    const most = this.bench.protein.length - 1;
    if (step) {
      this.point(clamp(this.cell[0] + step[0], 0, most), clamp(this.cell[1] + step[1], 0, most));
      this.bench.say(this.say(...this.cell));
    } else if (event.key === "Enter" || event.key === " ") this.bench.selection.set([...(event.shiftKey ? this.bench.selection.rows : []), ...this.cell]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // ---- drawing ----

  draw() {
    if (!this.kind || !this.canvas.clientWidth) return;
    const width = this.canvas.clientWidth;
    const { side, left } = this;
    const height = side + this.axes.bottom;
    this.canvas.style.height = `${height}px`;
    const pen = sharpen(this.canvas, width, height);
    const { protein, selection, colours } = this.bench;
    const scale = side / protein.length;
    pen.imageSmoothingEnabled = this.raw.size > side * (window.devicePixelRatio || 1);
    const drawn = this.raw.size * this.raw.step * scale; // the last block may reach past the end
    pen.save();
    pen.beginPath();
    pen.rect(left, 0, side, side);
    pen.clip();
    pen.drawImage(this.picture, left, 0, drawn, drawn);
    this.drawSelection(pen, protein.runs(selection.sorted()), scale);
    pen.restore();
    this.axes.draw(pen, side, scale, this.kind === "pae" ? "residue scored (across), aligned on (down)" : "residue");
    if (!selection.hover.length) return;
    const [i, j] = selection.hover.length === 2 ? selection.hover : [selection.hover[0], selection.hover[0]];
    pen.fillStyle = colours.accent;
    pen.fillRect(left, (i + 0.5) * scale - 0.75, side, 1.5);
    pen.fillRect(left + (j + 0.5) * scale - 0.75, 0, 1.5, side);
  }

  // Selected stretches are marked along both edges and framed where they cross.
  drawSelection(pen, runs, scale) {
    const { left } = this;
    const { colours } = this.bench;
    const width = (first, last) => Math.max(2, (last + 1 - first) * scale);
    pen.fillStyle = colours.accent;
    for (const [first, last] of runs) {
      pen.fillRect(left, first * scale, 5, width(first, last));
      pen.fillRect(left + first * scale, this.side - 5, width(first, last), 5);
    }
    if (runs.length > 12) return;
    pen.strokeStyle = colours.accent;
    pen.lineWidth = 1.5;
    for (const [top, bottom] of runs) for (const [first, last] of runs) pen.strokeRect(left + first * scale, top * scale, width(first, last), width(top, bottom));
  }
}
