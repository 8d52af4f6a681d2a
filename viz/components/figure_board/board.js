// The board: a picture, sounds and pictures beside each other, or a table that a click on a heading sorts. Streamlit calls
// the default export.

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
    const { picture, alt, columns, excerpts } = this.data;
    this.root.setAttribute("aria-label", alt || "Figure");
    this.root.replaceChildren(...(picture ? [el("img", { src: picture, alt: alt ?? "" })] : []), ...(excerpts?.length ? [this.row(excerpts)] : []), ...(columns?.length ? [this.table()] : []));
  }

  row(excerpts) {
    const one = ({ name, address, kind }) => el("figure", { class: `excerpt ${kind}` }, kind === "sound" ? this.player(name, address) : el("img", { src: address, alt: name }), el("figcaption", {}, name));
    return el("div", { class: "excerpts" }, ...excerpts.map(one));
  }

  // One is heard at a time.
  player(name, address) {
    const player = el("audio", { src: address, controls: true, preload: "metadata", "aria-label": name });
    player.addEventListener("play", () => { for (const other of this.players) if (other !== player) other.pause(); });
    return player;
  }

  get players() { return [...this.root.querySelectorAll("audio")]; }

  get plays() { return this.players.length > 0; }

  // Space on a stage: plays, or pauses, what is heard first.
  togglePlay() {
    const playing = this.players.filter((player) => !player.paused);
    for (const player of playing) player.pause();
    if (!playing.length) this.players[0]?.play();
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
