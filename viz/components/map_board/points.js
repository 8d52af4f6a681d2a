// Pictures as points: what the model sees as alike lies close together. A point shows its picture; groups can be dimmed.

const NEAR = 0.05; // of the width: how far from a point a finger may be
const MANY = 30; // points whose pictures are drawn smaller
const ZOOM = 1.25, MOST_ZOOM = 8;

class Points {
  constructor(board, say) {
    Object.assign(this, { board, say, dimmed: new Set(), chosen: null, view: { x: 0, y: 0, zoom: 1 } });
    this.layer = el("div", { class: "layer" });
    this.marks = board.points.map((point, k) => this.markOf(point, k));
    this.layer.append(...this.marks);
    this.frame = el("div", { class: board.points.length > MANY ? "points many" : "points", tabindex: 0, role: "img", "aria-label": board.alt }, this.layer);
    this.frame.addEventListener("pointermove", (event) => (this.grip ? this.drag(event) : this.near(event)));
    this.frame.addEventListener("pointerdown", (event) => this.press(event));
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) this.frame.addEventListener(name, () => { this.grip = null; });
    this.frame.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.frame.addEventListener("keydown", (event) => this.key(event));
    this.card = el("figure", { class: "card", hidden: true });
    const zooms = [["+", "Closer (+)", ZOOM], ["−", "Farther away (−)", 1 / ZOOM], ["All", "All of it (0)", 0]].map(([text, label, by]) =>
      el("button", { type: "button", title: label, "aria-label": label, onclick: () => this.zoom(by) }, text));
    this.root = el("div", { class: "drawing" }, el("div", { class: "with-card" }, this.frame, this.card), el("div", { class: "groups" }, ...this.groups(), el("span", { class: "gap" }), ...zooms));
    this.place();
  }

  colour(group) { return this.board.groups[group]?.[1] ?? "#7c8592"; }

  markOf(point, k) {
    const face = point.picture ? el("img", { src: point.picture, alt: "", draggable: "false" }) : null;
    return el("span", { class: point.group < 0 ? "point open" : "point", "data-k": k, style: `--group:${this.colour(point.group)}` }, face);
  }

  groups() {
    return this.board.groups.map(([name, colour], k) => el("button", { type: "button", "aria-pressed": "true", title: "Show or dim", onclick: (event) => this.dim(k, event.currentTarget) },
      el("i", { style: `background:${colour}`, "aria-hidden": "true" }), name));
  }

  dim(group, button) {
    if (!this.dimmed.delete(group)) this.dimmed.add(group);
    button.setAttribute("aria-pressed", String(!this.dimmed.has(group)));
    this.marks.forEach((mark, k) => mark.classList.toggle("dim", this.dimmed.has(this.board.points[k].group)));
  }

  place() {
    const { x, y, zoom } = this.view;
    this.marks.forEach((mark, k) => {
      const point = this.board.points[k];
      mark.style.left = `${100 * (zoom * point.x + x)}%`;
      mark.style.top = `${100 * (zoom * point.y + y)}%`;
    });
  }

  at(event) {
    const box = this.frame.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height, box.height / box.width];
  }

  near(event) {
    const [x, y, tall] = this.at(event);
    const far = this.board.points.map((point) => Math.hypot(this.view.zoom * point.x + this.view.x - x, tall * (this.view.zoom * point.y + this.view.y - y)));
    const best = far.indexOf(Math.min(...far));
    if (far[best] <= NEAR) this.choose(best);
  }

  press(event) {
    this.near(event);
    this.grip = this.view.zoom > 1 ? { from: this.at(event), view: { ...this.view } } : null;
  }

  drag(event) {
    const [x, y] = this.at(event), { from, view } = this.grip;
    this.move({ ...view, x: view.x + x - from[0], y: view.y + y - from[1] });
  }

  move(view) {
    const least = 1 - view.zoom;
    this.view = { zoom: view.zoom, x: clamp(view.x, least, 0), y: clamp(view.y, least, 0) };
    this.place();
  }

  zoom(by, around = [0.5, 0.5]) {
    if (!by) { this.move({ x: 0, y: 0, zoom: 1 }); return; }
    const zoom = clamp(this.view.zoom * by, 1, MOST_ZOOM), ratio = zoom / this.view.zoom;
    this.move({ zoom, x: around[0] - ratio * (around[0] - this.view.x), y: around[1] - ratio * (around[1] - this.view.y) });
  }

  wheel(event) {
    if (!event.ctrlKey && this.view.zoom === 1 && event.deltaY > 0) return; // the page scrolls on
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? ZOOM : 1 / ZOOM, this.at(event).slice(0, 2));
  }

  key(event) {
    const zooms = { "+": ZOOM, "=": ZOOM, "-": 1 / ZOOM, 0: 0 };
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (event.key in zooms) this.zoom(zooms[event.key]);
    else if (step) this.choose(((this.chosen ?? -step) + step + this.marks.length) % this.marks.length);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  choose(k) {
    if (this.chosen !== null) this.marks[this.chosen].classList.remove("chosen");
    this.chosen = k;
    this.marks[k].classList.add("chosen");
    const point = this.board.points[k], group = this.board.groups[point.group]?.[0] ?? "question";
    this.card.hidden = false;
    this.card.replaceChildren(...(point.picture ? [el("img", { src: point.picture, alt: "" })] : []), el("figcaption", {}, el("b", {}, point.title), el("span", {}, group)));
    this.say(`${point.title} · ${group}`);
  }
}
