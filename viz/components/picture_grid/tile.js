// One picture of the grid: small with a badge and a note, or a row with bars. What did not change is left as it stands.

const percent = (share) => (share > 0 && share < 0.01 ? "<1 %" : share < 1 && share > 0.99 ? ">99 %" : `${Math.round(100 * share)} %`);

function spoken(tile) {
  const bars = tile.bars.map((bar) => `${bar.label} ${percent(bar.share)}`).join(", ");
  return [tile.title, tile.badge, tile.verdict, tile.note, bars].filter(Boolean).join(". ");
}

function barsOf(tile) {
  return el("div", { class: "bars", "aria-hidden": "true" }, ...tile.bars.map((bar) => {
    const fill = el("i", {});
    fill.style.width = `${Math.max(0.5, 100 * bar.share)}%`;
    fill.style.background = bar.colour;
    return el("div", { class: "bar" }, el("span", { class: "name" }, bar.label), el("span", { class: "track" }, fill), el("span", { class: "share" }, percent(bar.share)));
  }));
}

class Tile {
  constructor(grid) {
    this.grid = grid;
    this.root = el("div", { class: "tile", role: "option", tabindex: -1 });
    this.root.addEventListener("click", (event) => grid.pick(this.data.id, event));
    this.root.addEventListener("dblclick", () => grid.open(this.data.id));
  }

  update(data) {
    const text = JSON.stringify(data);
    if (text === this.text) return;
    const rows = data.bars.length > 0;
    if (data.source !== this.data?.source) {
      this.picture = el("img", { src: data.source, alt: "", decoding: "async", draggable: "false" });
      this.picture.addEventListener("error", () => this.root.classList.add("lost"));
    }
    this.data = data;
    this.text = text;
    this.root.title = [data.title, data.hover].filter(Boolean).join("\n");
    this.root.setAttribute("aria-label", spoken(data));
    this.root.classList.toggle("row", rows);
    const frame = el("div", { class: "frame" }, this.picture,
      data.badge ? el("span", { class: `badge ${data.tone}` }, data.badge) : null,
      el("button", { type: "button", class: "zoom", icon: "view", tabindex: -1, "aria-label": `Open ${data.title}`, title: "Open (Enter)", onclick: (event) => { event.stopPropagation(); this.grid.open(data.id); } }));
    const words = rows
      ? el("div", { class: "words" }, el("div", { class: `verdict ${data.tone}` }, data.verdict), barsOf(data), data.note ? el("div", { class: "note" }, data.note) : null)
      : data.note ? el("div", { class: "note" }, data.note) : null;
    this.root.replaceChildren(...[frame, words].filter(Boolean));
  }

  mark(chosen, here) {
    this.root.setAttribute("aria-selected", String(chosen));
    this.root.tabIndex = here ? 0 : -1;
  }
}
