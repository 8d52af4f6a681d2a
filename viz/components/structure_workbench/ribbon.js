// The sequence: wrapped and numbered, its secondary structure above, coloured as in 3D. Only what is in sight is drawn.

const CELL = 13;
const LINE = 46;
const GUTTER = 46;

class Ribbon {
  constructor(bench) {
    this.bench = bench;
    this.canvas = el("canvas");
    this.spacer = el("div", { class: "spacer" }, this.canvas);
    this.element = el("div", { class: "ribbon", tabindex: 0, role: "slider", "aria-label": "Sequence", "aria-valuemin": 1, onscroll: () => this.draw() }, this.spacer);
    this.cursor = 0;
    listenRows(this.element, bench, (event) => this.rowAt(event));
    this.element.addEventListener("keydown", (event) => this.key(event));
  }

  layout() {
    const width = this.element.clientWidth;
    this.width = width;
    const fits = Math.max(10, Math.floor((width - GUTTER - 4) / CELL / 10) * 10);
    this.lines = [];
    for (const chain of this.bench.protein.chains) {
      for (let start = chain.start; start < chain.stop; start += fits) this.lines.push({ start, stop: Math.min(start + fits, chain.stop), chain });
    }
    this.spacer.style.height = `${this.lines.length * LINE + 4}px`;
    this.element.setAttribute("aria-valuemax", this.bench.protein.length);
  }

  rowAt(event) {
    const box = this.spacer.getBoundingClientRect();
    const line = this.lines?.[clamp(Math.floor((event.clientY - box.top) / LINE), 0, this.lines.length - 1)];
    if (!line) return null;
    const row = line.start + Math.floor((event.clientX - box.left - GUTTER) / CELL);
    return row < line.start && event.clientX - box.left < GUTTER - 8 ? null : clamp(row, line.start, line.stop - 1);
  }

  draw() {
    if (!this.element.clientWidth) return;
    if (this.width !== this.element.clientWidth) this.layout();
    const height = this.element.clientHeight;
    const top = this.element.scrollTop;
    this.canvas.style.height = `${height}px`;
    const pen = sharpen(this.canvas, this.width, height);
    pen.translate(0, -top);
    const last = Math.min(this.lines.length, Math.ceil((top + height) / LINE));
    for (let i = Math.floor(top / LINE); i < last; i += 1) this.drawLine(pen, this.lines[i], i * LINE + 2);
  }

  drawLine(pen, line, y) {
    const { bench } = this;
    const { protein, colours, selection } = bench;
    pen.font = "10.5px system-ui, sans-serif";
    pen.fillStyle = colours.faint;
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    pen.fillText(protein.chains.length > 1 ? `${line.chain.name.slice(0, 3)} ${protein.number(line.start)}` : protein.number(line.start), GUTTER - 6, y + 33);
    pen.textAlign = "center";
    for (let row = line.start + 9; row < line.stop; row += 10) pen.fillText(protein.number(row), GUTTER + (row - line.start + 0.5) * CELL, y + 5);
    this.drawStates(pen, line, y + 17);
    pen.font = "600 11.5px ui-monospace, Menlo, Consolas, monospace";
    for (let row = line.start; row < line.stop; row += 1) {
      const x = GUTTER + (row - line.start) * CELL;
      const colour = bench.shade(row, true);
      pen.fillStyle = colour;
      pen.fillRect(x, y + 25, CELL - 0.5, 16);
      pen.fillStyle = inkOn(colour);
      pen.fillText(protein.sequence[row], x + CELL / 2 - 0.25, y + 33.5);
      if (selection.has(row)) { pen.fillStyle = colours.text; pen.fillRect(x, y + 41.5, CELL, 2.5); }
      if (selection.hover.includes(row)) { pen.strokeStyle = colours.accent; pen.lineWidth = 2; pen.strokeRect(x, y + 25, CELL - 0.5, 16); }
    }
  }

  // Helices as waves, strands as arrows, the rest as a line; a gap in the chain is left open.
  drawStates(pen, line, y) {
    const { protein, colours } = this.bench;
    for (let row = line.start; row < line.stop;) {
      let end = row + 1;
      while (end < line.stop && protein.secondary[end] === protein.secondary[row] && protein.linked[end - 1] === "1") end += 1;
      const [from, to] = [GUTTER + (row - line.start) * CELL, GUTTER + (end - line.start) * CELL - 1];
      pen.lineWidth = 1.8;
      if (protein.secondary[row] === "H") this.wave(pen, from, to, y);
      else if (protein.secondary[row] === "E") this.arrow(pen, from, to, y);
      else { pen.strokeStyle = colours.faint; pen.lineWidth = 1; pen.beginPath(); pen.moveTo(from, y); pen.lineTo(to, y); pen.stroke(); }
      row = end;
    }
  }

  wave(pen, from, to, y) {
    pen.strokeStyle = "#d55e00";
    pen.beginPath();
    for (let x = from; x <= to; x += 1) pen.lineTo(x, y + 4.5 * Math.sin(((x - from) / CELL) * Math.PI));
    pen.stroke();
  }

  arrow(pen, from, to, y) {
    const neck = Math.max(from, to - 9);
    pen.fillStyle = this.bench.colours.dark ? "#56a8e0" : "#0072b2";
    pen.beginPath();
    [[from, y - 2.5], [neck, y - 2.5], [neck, y - 5.5], [to, y], [neck, y + 5.5], [neck, y + 2.5], [from, y + 2.5]].forEach(([x, at]) => pen.lineTo(x, at));
    pen.fill();
  }

  reveal(row) {
    const at = this.lines?.findIndex((line) => row >= line.start && row < line.stop) ?? -1;
    if (at < 0) return;
    const [top, height] = [this.element.scrollTop, this.element.clientHeight];
    if (at * LINE < top || (at + 1) * LINE > top + height) this.element.scrollTop = Math.max(0, at * LINE - height / 2 + LINE / 2);
  }

  key(event) {
    const { selection, protein } = this.bench;
    const width = this.lines?.length ? this.lines[0].stop - this.lines[0].start : 10;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -width, ArrowDown: width, Home: -protein.length, End: protein.length, PageUp: -50, PageDown: 50 }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (step !== undefined) {
      const from = this.cursor;
      this.cursor = clamp(this.cursor + step, 0, protein.length - 1);
      if (event.shiftKey) { selection.anchor ??= from; selection.range(selection.anchor, this.cursor); }
      this.announce();
    } else if (event.key === "Enter" || event.key === " ") selection.click(this.cursor, event.shiftKey || event.key === " ");
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  announce() {
    const { bench, cursor } = this;
    this.element.setAttribute("aria-valuenow", cursor + 1);
    this.element.setAttribute("aria-valuetext", `${bench.protein.name(cursor)}, ${STATES[bench.protein.secondary[cursor]]}, ${bench.colouring.say(cursor, bench.values())}`);
    bench.selection.point([cursor]);
    this.reveal(cursor);
  }
}

// Click, drag, Shift and double-click on anything that shows residues along a line.
function listenRows(element, bench, rowAt) {
  const { selection } = bench;
  let from = null;
  let kept = null;
  let moved = false;
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    from = rowAt(event);
    kept = event.shiftKey ? [...selection.rows] : null;
    moved = false;
    if (from !== null && event.pointerType === "mouse") element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    const row = rowAt(event);
    selection.point(row === null ? [] : [row]);
    if (from === null || row === null || (row === from && !moved)) return;
    moved = true;
    selection.anchor = from;
    selection.range(from, row, kept);
  });
  element.addEventListener("pointerup", (event) => {
    if (from !== null && !moved) selection.click(from, event.shiftKey);
    from = null;
  });
  element.addEventListener("pointercancel", () => { from = null; });
  element.addEventListener("pointerleave", () => selection.point([]));
  element.addEventListener("dblclick", (event) => { event.preventDefault(); selection.clear(); });
}
