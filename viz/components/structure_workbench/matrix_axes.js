// The edges of a map of pairs: residue numbers, and where one chain ends and the next begins, by name and colour.

const AXIS_LEFT = 40;
const AXIS_BOTTOM = 30;
const CHAIN_BAND = 6; // px of each chain's colour along an edge
const CHAIN_NAMES = 18; // px for the names beside it
const LONGEST_NAME = 4;
const NARROWEST_TICKS = 36; // px of a chain that has room for numbers

class MatrixAxes {
  constructor(bench) { this.bench = bench; }

  get several() { return this.bench.protein.chains.length > 1; }
  get left() { return AXIS_LEFT + (this.several ? CHAIN_BAND + CHAIN_NAMES : 0); }
  get bottom() { return AXIS_BOTTOM + (this.several ? CHAIN_BAND + CHAIN_NAMES : 0); }

  // [name, first px, last px] of each chain along an edge, "" for a name that has no room beside the one before.
  names(scale, room) {
    let free = -Infinity;
    return this.bench.protein.chains.map(({ name, start, stop }) => {
      const middle = (scale * (start + stop)) / 2;
      const shown = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
      const width = room(shown);
      const fits = middle - width / 2 >= free;
      if (fits) free = middle + width / 2 + 3;
      return [fits ? shown : "", start * scale, stop * scale];
    });
  }

  draw(pen, side, scale, title) {
    const { colours } = this.bench;
    const { left } = this;
    if (this.several) this.drawBorders(pen, side, scale);
    pen.strokeStyle = colours.line;
    pen.lineWidth = 1;
    pen.strokeRect(left + 0.5, 0.5, side - 1, side - 1);
    pen.font = "11px system-ui, sans-serif";
    if (this.several) this.drawNames(pen, side, scale);
    this.drawNumbers(pen, side, scale);
    pen.textAlign = "center"; pen.textBaseline = "top";
    pen.fillText(title, left + side / 2, side + this.bottom - 14);
  }

  // Dark on light and light on dark parts of the map: a dark line in a light one. Of very many chains the lines are thin.
  drawBorders(pen, side, scale) {
    const { left } = this;
    const { chains } = this.bench.protein;
    const narrow = (side / chains.length) < 14;
    const lines = narrow ? [["rgba(0,0,0,0.55)", 0, 0.75]] : [["rgba(255,255,255,0.85)", 1, 3], ["#000000", 0, 1]];
    for (const [colour, before, width] of lines) {
      pen.fillStyle = colour;
      for (const { start } of chains.slice(1)) {
        const edge = Math.round(start * scale) - before; // on whole pixels, or a thin line is a blur
        pen.fillRect(left, edge, side, width);
        pen.fillRect(left + edge, 0, width, side);
      }
    }
  }

  drawNames(pen, side, scale) {
    const { left } = this;
    const { colours, colourings } = this.bench;
    const hues = colourings.find((one) => one.id === "chain")?.colours ?? [];
    const gap = (length) => (length > 4 ? 0.75 : 0); // between two chains
    pen.textBaseline = "middle";
    this.names(scale, () => 12).forEach(([name, from, to], k) => {
      pen.fillStyle = hues[k] ?? colours.faint;
      pen.fillRect(left - CHAIN_BAND, from + gap(to - from), CHAIN_BAND - 1, Math.max(0.5, to - from - 2 * gap(to - from)));
      pen.fillStyle = colours.text;
      pen.textAlign = "left";
      pen.fillText(name, 1, (from + to) / 2);
    });
    pen.textBaseline = "top";
    this.names(scale, (name) => pen.measureText(name).width).forEach(([name, from, to], k) => {
      pen.fillStyle = hues[k] ?? colours.faint;
      pen.fillRect(left + from + gap(to - from), side + 1, Math.max(0.5, to - from - 2 * gap(to - from)), CHAIN_BAND - 1);
      pen.fillStyle = colours.text;
      pen.textAlign = "center";
      pen.fillText(name, left + (from + to) / 2, side + CHAIN_BAND + 16);
    });
  }

  drawNumbers(pen, side, scale) {
    const { protein, colours } = this.bench;
    const edge = this.several ? CHAIN_BAND : 0;
    const step = Math.max(1, niceStep(protein.length, side / 55));
    pen.fillStyle = colours.faint;
    for (const chain of protein.chains) {
      if (this.several && (chain.stop - chain.start) * scale < NARROWEST_TICKS) continue;
      for (let row = chain.start + step - 1; row < chain.stop; row += step) {
        pen.textAlign = "right"; pen.textBaseline = "middle";
        pen.fillText(protein.number(row), this.left - edge - 4, (row + 0.5) * scale);
        pen.textAlign = "center"; pen.textBaseline = "top";
        if ((row + 0.5) * scale < side - 8) pen.fillText(protein.number(row), this.left + (row + 0.5) * scale, side + edge + 3);
      }
    }
  }
}
