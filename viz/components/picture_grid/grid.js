// The grid: which pictures are there, which are chosen, by mouse and by keyboard. Streamlit calls the default export.

class PictureGrid {
  constructor(data, host) {
    this.run = data.run;
    this.tiles = new Map();
    this.chosen = new Set(data.chosen);
    this.epoch = data.epoch;
    this.here = null;
    this.emitSoon = debounce(() => this.emit(), 120);
    this.list = el("div", { class: "grid", role: "listbox" });
    this.large = new LargeView((id) => this.tiles.get(id)?.root.focus());
    this.root = el("div", { class: "pictures component" }, this.list, this.large.dialog);
    this.root.addEventListener("keydown", (event) => this.key(event));
    host.append(this.root);
  }

  update(data, setStateValue) {
    this.send = setStateValue;
    if (data.epoch !== this.epoch) {
      this.chosen = new Set(data.chosen);
      this.epoch = data.epoch;
    }
    this.data = data;
    this.list.setAttribute("aria-label", data.label);
    this.list.setAttribute("aria-multiselectable", String(data.choose === "many"));
    this.list.style.setProperty("--size", `${data.size}px`);
    this.list.classList.toggle("rows", data.tiles.some((tile) => tile.bars.length > 0));
    this.list.classList.toggle("still", data.choose === "none");
    const ids = new Set(data.tiles.map((tile) => tile.id));
    for (const [id, tile] of this.tiles) {
      if (ids.has(id)) continue;
      tile.root.remove();
      this.tiles.delete(id);
      this.chosen.delete(id);
    }
    data.tiles.forEach((told, place) => {
      const tile = this.tiles.get(told.id) ?? new Tile(this);
      this.tiles.set(told.id, tile);
      tile.update(told);
      if (this.list.children[place] !== tile.root) this.list.insertBefore(tile.root, this.list.children[place] ?? null);
    });
    if (!ids.has(this.here)) this.here = data.tiles[0]?.id ?? null;
    this.mark();
  }

  mark() {
    for (const [id, tile] of this.tiles) tile.mark(this.chosen.has(id), id === this.here);
  }

  order() { return this.data.tiles.map((tile) => tile.id); }

  pick(id, event = {}) {
    const before = this.here;
    this.here = id;
    if (this.data.choose === "none") { this.open(id); return; }
    if (this.data.choose === "one") {
      this.chosen = new Set([id]);
    } else if (event.shiftKey && before !== null) {
      const [from, to] = [before, id].map((one) => this.order().indexOf(one)).sort((a, b) => a - b);
      for (const one of this.order().slice(from, to + 1)) this.chosen.add(one);
    } else if (this.chosen.has(id)) {
      this.chosen.delete(id);
    } else {
      this.chosen.add(id);
    }
    this.mark();
    this.emitSoon();
  }

  open(id) { this.large.open(this.data.tiles, this.order().indexOf(id)); }

  columns() {
    const tops = [...this.list.children].map((tile) => tile.offsetTop);
    const second = tops.findIndex((top) => top > tops[0]);
    return second < 0 ? tops.length : second;
  }

  key(event) {
    if (this.large.dialog.open || event.metaKey || event.altKey) return;
    const order = this.order();
    const place = order.indexOf(this.here);
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns(), ArrowDown: this.columns(), Home: -place, End: order.length - 1 - place }[event.key];
    if (step !== undefined) this.go(order[clamp(place + step, 0, order.length - 1)]);
    else if (event.key === " ") this.pick(this.here);
    else if (event.key === "Enter") this.open(this.here);
    else if (event.key.toLowerCase() === "a" && event.ctrlKey && this.data.choose === "many") this.all();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  all() {
    this.chosen = new Set(this.chosen.size === this.tiles.size ? [] : this.order());
    this.mark();
    this.emitSoon();
  }

  go(id) {
    this.here = id;
    this.mark();
    this.tiles.get(id)?.root.focus();
  }

  emit() { this.send("chosen", { epoch: this.epoch, ids: this.order().filter((id) => this.chosen.has(id)) }); }

  dispose() { this.emitSoon.cancel(); this.root.remove(); }
}

export default (args) => mounted(PictureGrid, args);
