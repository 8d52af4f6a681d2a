// The numbers of the residues as a line, over their bands where they have bands.

const CHART_LEFT = 46;
const CHART_HEIGHT = 120;

class Chart {
  constructor(bench) {
    this.bench = bench;
    this.id = null;
    this.canvas = el("canvas", { role: "img" });
    this.pickers = el("span", {});
    this.key = el("div", { class: "legend" });
    this.frame = el("div", { class: "chart" }, this.canvas);
    this.element = el("div", { class: "line" }, el("div", { class: "row" }, this.pickers, this.key), this.frame);
    listenRows(this.canvas, bench, (event) => this.rowAt(event));
  }

  update() {
    const numeric = this.bench.colourings.filter((one) => one.numeric && one.id !== "rainbow");
    this.element.hidden = numeric.length === 0;
    if (!numeric.length) return;
    if (!numeric.some((one) => one.id === this.id)) this.id = (numeric.find((one) => one.id === "b-factor") ?? numeric[0]).id; // what was measured says more than a scale
    this.pickers.replaceChildren(labelled("Line", picker("What the line shows", numeric.map((one) => [one.id, one.label]), this.id, (id) => { this.id = id; this.update(); this.draw(); })));
    this.series = numeric.find((one) => one.id === this.id);
    this.key.replaceChildren(...(this.series.id === this.bench.colouring.id || this.series.kind !== "bands" ? [] : this.series.legend().slice(1)));
    const values = this.series.values.filter(known);
    const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
    this.canvas.setAttribute("aria-label", `${this.series.label} of each residue: mean ${figure(mean, this.series.unit)}, lowest ${figure(Math.min(...values))}, highest ${figure(Math.max(...values))}.`);
  }

  // The line follows a film where its frames have their own confidence.
  get values() { return this.series.id === "plddt" ? this.bench.frameValues() ?? this.series.values : this.series.values; }

  rowAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const part = (event.clientX - box.left - CHART_LEFT) / (box.width - CHART_LEFT - 4);
    return part < -0.02 ? null : clamp(Math.floor(part * this.bench.protein.length), 0, this.bench.protein.length - 1);
  }

  draw() {
    const width = this.frame.clientWidth;
    if (!width || !this.series) return;
    const { bench, series } = this;
    const { protein, selection, colours } = bench;
    const pen = sharpen(this.canvas, width, CHART_HEIGHT);
    const [top, bottom] = [8, CHART_HEIGHT - 20];
    const x = (row) => CHART_LEFT + (row / protein.length) * (width - CHART_LEFT - 4);
    const y = (value) => bottom - ((clamp(value, series.low, series.high) - series.low) / (series.high - series.low)) * (bottom - top);
    this.drawBands(pen, x(0), x(protein.length), y);
    pen.fillStyle = colours.accent;
    pen.globalAlpha = 0.22;
    for (const [first, last] of protein.runs(selection.sorted())) pen.fillRect(x(first), top, Math.max(1, x(last + 1) - x(first)), bottom - top);
    pen.globalAlpha = 1;
    this.drawAxes(pen, { x, y, top, bottom, width });
    this.drawLine(pen, x, y);
    pen.fillStyle = colours.accent;
    for (const row of selection.hover) pen.fillRect(x(row + 0.5) - 1, top, 2, bottom - top);
  }

  drawBands(pen, left, right, y) {
    if (this.series.kind !== "bands") return;
    let upper = this.series.high;
    pen.globalAlpha = 0.2;
    for (const band of this.series.bands) {
      pen.fillStyle = band.colour;
      pen.fillRect(left, y(upper), right - left, y(band.from) - y(upper));
      upper = band.from;
    }
    pen.globalAlpha = 1;
  }

  drawAxes(pen, { x, y, top, bottom, width }) {
    const { protein, colours } = this.bench;
    const { series } = this;
    pen.font = "11px system-ui, sans-serif";
    pen.fillStyle = colours.faint;
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    const marks = series.kind === "bands" ? [...series.bands.map((band) => band.from), series.high] : [series.low, (series.low + series.high) / 2, series.high];
    for (const mark of marks) pen.fillText(figure(mark), CHART_LEFT - 6, y(mark));
    pen.textAlign = "center";
    const step = Math.max(1, niceStep(protein.length, (width - CHART_LEFT) / 60));
    for (const chain of protein.chains) {
      for (let row = chain.start + step - 1; row < chain.stop; row += step) pen.fillText(protein.number(row), x(row + 0.5), bottom + 11);
      if (chain.start) { pen.fillStyle = colours.text; pen.fillRect(x(chain.start) - 0.5, top, 1, bottom - top); pen.fillStyle = colours.faint; }
    }
  }

  drawLine(pen, x, y) {
    const { protein, colours } = this.bench;
    const { values } = this;
    pen.strokeStyle = colours.text;
    pen.lineWidth = 1.5;
    pen.lineJoin = "round";
    pen.beginPath();
    let down = false;
    for (let row = 0; row < protein.length; row += 1) {
      if (!known(values[row])) { down = false; continue; }
      const point = [x(row + 0.5), y(values[row])];
      if (down && protein.chainAt[row] === protein.chainAt[row - 1]) pen.lineTo(...point); else pen.moveTo(...point);
      down = true;
    }
    pen.stroke();
  }
}
