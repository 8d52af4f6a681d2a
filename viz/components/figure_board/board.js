// The board: a picture, or a table that a click on a heading sorts. Streamlit calls the default export.

class FigureBoard {
  constructor(data, host) {
    this.run = data.run;
    this.root = el("div", { class: "figure component", role: "group" });
    host.append(this.root);
  }

  update(data) {
    const text = JSON.stringify(data);
    if (text === this.text) return;
    this.text = text;
    this.data = data;
    this.order = null;
    this.draw();
  }

  draw() {
    const { picture, alt, columns } = this.data;
    this.root.setAttribute("aria-label", alt || "Figure");
    this.root.replaceChildren(...(picture ? [el("img", { src: picture, alt: alt ?? "" })] : []), ...(columns?.length ? [this.table()] : []));
  }

  table() {
    const { columns, rows } = this.data;
    const head = columns.map((name, place) => el("th", { scope: "col", "aria-sort": this.sorting(place) },
      el("button", { type: "button", title: "Sort by this column", onclick: () => this.sort(place) }, name || "–", el("i", { "aria-hidden": "true" }, this.mark(place)))));
    const body = this.sorted(rows).map((row) => el("tr", {}, ...row.map((cell) => el("td", { class: typeof cell === "number" ? "number" : null }, this.words(cell)))));
    return el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body)));
  }

  words(cell) { return typeof cell === "number" ? String(Number(cell.toPrecision(5))) : String(cell ?? ""); }

  sorting(place) { return this.order?.place === place ? (this.order.down ? "descending" : "ascending") : "none"; }

  mark(place) { return this.order?.place === place ? (this.order.down ? " ↓" : " ↑") : ""; }

  sort(place) {
    this.order = { place, down: this.order?.place === place ? !this.order.down : false };
    this.draw();
  }

  sorted(rows) {
    if (!this.order) return rows;
    const { place, down } = this.order;
    const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a ?? "").localeCompare(String(b ?? ""), undefined, { numeric: true }));
    return [...rows].sort((a, b) => (down ? -1 : 1) * compare(a[place], b[place]));
  }

  dispose() { this.root.remove(); }
}

export default function figureBoard(run) {
  return mounted(FigureBoard, run);
}
