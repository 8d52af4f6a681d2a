// Cells over a picture, and bars: drawn once a map, their numbers under the pointer, the finger or the arrow keys.

const WARM = "#d55e00", COLD = "#0072b2", COVER = 0.85; // Okabe and Ito's vermilion and blue
const SVG_SPACE = "http://www.w3.org/2000/svg";
const BAR_BOX = 100;

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG_SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

const shown = (value) => String(Number(value.toPrecision(3)));

class Cells {
  constructor(board, say) {
    Object.assign(this, { board, say, bars: board.kind === "bars" });
    this.reach = Math.max(0, ...board.maps.flatMap((map) => map.rows.flat().map(Math.abs))) || 1;
    const [high, wide] = [this.bars ? 2 * BAR_BOX : 1000 * board.aspect, this.bars ? board.names.length : 1000];
    Object.assign(this, { high, wide, place: null });
    this.drawing = svg("svg", { viewBox: `0 0 ${wide} ${high}`, preserveAspectRatio: "none", tabindex: 0, role: "img", "aria-label": board.alt });
    this.drawing.addEventListener("pointermove", (event) => this.pointed(event));
    this.drawing.addEventListener("pointerdown", (event) => this.pointed(event));
    this.drawing.addEventListener("keydown", (event) => this.key(event));
    this.frame = el("div", { class: this.bars ? "bars" : "cells", style: this.bars ? null : `--wide:${1 / board.aspect};aspect-ratio:var(--wide)` }, this.drawing, ...this.ticks());
    this.root = el("div", { class: "drawing" }, this.frame, board.x.title ? el("div", { class: "title" }, board.x.title) : null, this.legend());
    this.show(0);
  }

  ticks() {
    const { x, y, names } = this.board;
    const step = Math.ceil(names.length / 12);
    const across = this.bars ? names.map((name, k) => [(k + 0.5) / names.length, name]).filter((_, k) => k % step === 0) : x.ticks;
    return [...across.map(([at, words]) => el("span", { class: "tick across", style: `left:${100 * at}%` }, words)),
      ...y.ticks.map(([at, words]) => el("span", { class: "tick down", style: `top:${100 * at}%` }, words))];
  }

  legend() {
    const { unit } = this.board;
    return el("div", { class: "legend" }, el("span", {}, `−${shown(this.reach)} against it`), el("i", { "aria-hidden": "true" }), el("span", {}, `for it +${shown(this.reach)} ${unit}`));
  }

  show(which) {
    this.rows = this.board.maps[which].rows;
    const { picture } = this.board;
    this.drawing.replaceChildren(...(picture ? [svg("image", { href: picture, x: 0, y: 0, width: this.wide, height: this.high, preserveAspectRatio: "none" })] : []), ...this.shapes());
    if (this.board.area) {
      const [left, top, wide, high] = this.board.area;
      this.drawing.append(svg("rect", { class: "asked", x: left * this.wide, y: top * this.high, width: wide * this.wide, height: high * this.high }));
    }
    this.mark = svg("rect", { class: "mark", visibility: "hidden" });
    this.drawing.append(this.mark);
    if (this.place) this.choose(this.place);
  }

  shapes() {
    return this.rows.flatMap((row, y) => row.map((value, x) => {
      const [left, top, wide, high] = this.box(y, x, value);
      return svg("rect", { x: left, y: top, width: wide, height: high, fill: value >= 0 ? WARM : COLD, "fill-opacity": this.bars ? 1 : (COVER * Math.abs(value)) / this.reach });
    }));
  }

  // Left, top, width and height of a cell, or of a bar with its value.
  box(y, x, value) {
    if (this.bars) {
      const high = Math.max(0.5, (Math.abs(value) / this.reach) * BAR_BOX * 0.96);
      return [x + 0.08, value >= 0 ? BAR_BOX - high : BAR_BOX, 0.84, high];
    }
    const { x: across, y: down } = this.board;
    return [across.edges[x] * this.wide, down.edges[y] * this.high, (across.edges[x + 1] - across.edges[x]) * this.wide, (down.edges[y + 1] - down.edges[y]) * this.high];
  }

  pointed(event) {
    const frame = this.drawing.getBoundingClientRect();
    const at = [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height];
    if (this.bars) { this.choose([0, clamp(Math.floor(at[0] * this.wide), 0, this.wide - 1)]); return; }
    const find = (edges, share) => edges.findIndex((edge, k) => share >= edge && share < (edges[k + 1] ?? -1));
    const place = [find(this.board.y.edges, at[1]), find(this.board.x.edges, at[0])];
    if (place[0] >= 0 && place[1] >= 0) this.choose(place);
  }

  key(event) {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    const [y, x] = this.place ?? [0, -step[1]];
    this.choose([clamp(y + step[0], 0, this.rows.length - 1), clamp(x + step[1], 0, this.rows[0].length - 1)]);
  }

  choose([y, x]) {
    this.place = [y, x];
    const value = this.rows[y][x];
    const [left, top, wide, high] = this.bars ? [x, 0, 1, 2 * BAR_BOX] : this.box(y, x, value);
    for (const [name, size] of Object.entries({ x: left, y: top, width: wide, height: high, visibility: "visible" })) this.mark.setAttribute(name, size);
    const where = this.bars ? [this.board.names[x]] : [this.board.y.labels[y], this.board.x.labels[x]];
    this.say([...where.filter(Boolean), `${shown(value)} ${this.board.unit}`].join(" · "));
  }
}
