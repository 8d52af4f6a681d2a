// The board: a map with its numbers, another one on the same colours, what can be heard, and how far to trust it.

const VERDICTS = { stands: "This map stands.", doubtful: "This map is doubtful.", "does not stand": "This map does not stand: do not build on it.", "": "" };

class MapBoard {
  constructor(data, host) {
    this.run = data.run;
    this.root = el("div", { class: "map component", role: "group" });
    host.append(this.root);
  }

  update(data) {
    const text = JSON.stringify(data);
    if (text === this.text) return;
    this.text = text;
    this.root.setAttribute("aria-label", data.alt);
    this.readout = el("div", { class: "readout", "aria-live": "polite" }, "Point at the map, or use the arrow keys, for its numbers.");
    const say = (words) => { this.readout.textContent = words; };
    this.view = data.kind === "points" ? new Points(data, say) : new Cells(data, say);
    this.sounds = data.sounds.map(([name, address]) => el("figure", { class: "sound" }, el("figcaption", {}, name), el("audio", { src: address, controls: true, preload: "metadata" })));
    const beside = el("div", { class: "beside" }, this.readout, this.sounds.length ? el("div", { class: "sounds" }, ...this.sounds) : null, ...this.trust(data.trust));
    this.root.replaceChildren(el("div", { class: `both ${data.kind}-both` }, el("div", {}, ...(data.maps.length > 1 ? [this.choices(data.maps)] : []), this.view.root), beside));
  }

  choices(maps) {
    const buttons = maps.map((map, k) => el("button", { type: "button", "aria-pressed": String(k === 0), onclick: () => {
      this.view.show(k);
      buttons.forEach((button, other) => button.setAttribute("aria-pressed", String(other === k)));
    } }, map.name));
    return el("div", { class: "choices", role: "group", "aria-label": "Which map" }, ...buttons);
  }

  trust({ verdict, sentence, tests }) {
    if (!verdict && !sentence) return [];
    const rows = tests.map(([name, result]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, result)));
    const behind = rows.length ? [el("details", {}, el("summary", {}, "The tests behind this verdict"), el("table", {}, el("tbody", {}, ...rows)))] : [];
    return [el("div", { class: `trust ${verdict.replaceAll(" ", "-") || "untested"}` }, el("p", {}, el("b", {}, VERDICTS[verdict] ?? ""), ` ${this.reasons(verdict, sentence)}`), ...behind)];
  }

  // The words of a verdict without its first ones, which stand in bold already.
  reasons(verdict, sentence) {
    const from = verdict ? sentence.indexOf(": ") + 2 : 0;
    const rest = sentence.slice(from >= 2 ? from : 0);
    return rest.charAt(0).toUpperCase() + rest.slice(1);
  }

  // Space on a stage: plays, or pauses, what is heard first.
  togglePlay() {
    const players = this.sounds.map((each) => each.querySelector("audio"));
    const playing = players.filter((player) => !player.paused);
    for (const player of playing) player.pause();
    if (!playing.length) players[0]?.play();
  }

  dispose() { this.root.remove(); }
}

export default function mapBoard(run) {
  return mounted(MapBoard, run);
}
