// One picture large, over the page: arrows go on to the next, Escape goes back.

class LargeView {
  constructor(close) {
    this.picture = el("img", { alt: "" });
    this.title = el("p", {});
    this.dialog = el("dialog", { class: "large" },
      el("div", { class: "large-head" }, this.title,
        el("button", { type: "button", class: "key", icon: "before", "aria-label": "Previous picture", onclick: () => this.step(-1) }),
        el("button", { type: "button", class: "key", icon: "after", "aria-label": "Next picture", onclick: () => this.step(1) }),
        el("button", { type: "button", class: "key", icon: "close", "aria-label": "Close", onclick: () => this.dialog.close() })),
      this.picture);
    this.dialog.addEventListener("close", () => close(this.tiles?.[this.place]?.id));
    this.dialog.addEventListener("click", (event) => { if (event.target === this.dialog) this.dialog.close(); });
    this.dialog.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!way) return;
      event.preventDefault();
      event.stopPropagation();
      this.step(way);
    });
  }

  open(tiles, place) {
    this.tiles = tiles;
    this.place = place;
    this.show();
    this.dialog.showModal();
  }

  step(way) {
    this.place = (this.place + way + this.tiles.length) % this.tiles.length;
    this.show();
  }

  show() {
    const tile = this.tiles[this.place];
    this.picture.src = tile.large || tile.source;
    this.picture.alt = tile.title;
    this.title.textContent = tile.title;
  }
}
