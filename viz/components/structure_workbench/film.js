// Structures one after another: the recycles of a run, or a morph. It plays in place of the result; the camera stays.

class FilmPlayer {
  constructor(bench) {
    this.bench = bench;
    this.place = 0;
    this.decoded = new Map(); // film id -> its atoms, and the coordinates of each frame
    this.slider = el("input", { type: "range", min: 0, step: 1, "aria-label": "Frame", oninput: () => { this.pause(); this.show(Number(this.slider.value)); } });
    this.play = keyButton("play", "Play", () => this.toggle());
    this.words = el("p", { class: "note frame", "aria-live": "off" });
    this.graph = el("canvas", { class: "graph", role: "img" });
    this.pickers = el("span", {});
    this.backButton = button("Back to the result", () => this.close());
    this.title = el("h3", {}, "Film");
    this.element = el("section", { class: "panel", hidden: true }, this.title, el("div", { class: "row" }, this.pickers, keyButton("before", "Frame before", () => { this.pause(); this.step(-1); }), this.play, keyButton("after", "Next frame", () => { this.pause(); this.step(1); }), this.slider), this.words, this.graph, el("div", { class: "row" }, this.backButton));
  }

  get films() { return this.bench.data.films; }
  get film() { return this.films.find((film) => film.id === this.id) ?? this.films[0]; }
  get current() { return this.open ? this.film.frames[this.place] : null; }

  update() {
    this.element.hidden = this.films.length === 0;
    if (!this.films.length) { if (this.open) this.close(); return; }
    this.id = this.film.id;
    const { film } = this;
    this.title.textContent = film.label;
    this.element.setAttribute("aria-label", film.label);
    this.pickers.replaceChildren(...(this.films.length > 1 ? [picker("Film", this.films.map((one) => [one.id, one.label]), this.id, (id) => this.choose(id))] : []));
    this.slider.max = film.frames.length - 1;
    const shape = JSON.stringify(this.films.map((one) => [one.id, one.frames.length, one.xyz.length, one.frames.at(-1).xyz.slice(0, 64)]));
    if (shape !== this.shape) { this.shape = shape; this.decoded.clear(); }
    this.place = Math.min(this.place, film.frames.length - 1);
    if (this.open) this.show(this.place); else this.refresh();
  }

  choose(id) { this.pause(); this.id = id; this.place = 0; this.update(); this.show(0); }

  decode(film) {
    if (!this.decoded.has(film.id)) this.decoded.set(film.id, { atoms: unpackAtoms(film, film.rows), frames: film.frames.map((frame) => floatsOf(frame.xyz)) });
    return this.decoded.get(film.id);
  }

  show(place) {
    const { film } = this;
    this.open = true;
    this.place = place;
    const { atoms, frames } = this.decode(film);
    const xyz = frames[place];
    atoms.forEach((atom, i) => Object.assign(atom, { x: xyz[3 * i], y: xyz[3 * i + 1], z: xyz[3 * i + 2] }));
    this.bench.stage.showFrame({ film: film.id, atoms });
    this.refresh();
    this.bench.framed();
  }

  // Confidence of each residue in the frame shown; null where the frame says none.
  values() {
    const frame = this.current;
    if (!frame?.values) return null;
    const values = new Array(this.bench.protein.length).fill(null);
    this.film.rows.forEach((row, i) => { values[row] = frame.values[i]; });
    return values;
  }

  step(by) { this.show(clamp((this.open ? this.place : -1) + by, 0, this.film.frames.length - 1)); }
  toggle() { if (this.timer) this.pause(); else this.start(); }

  start() {
    const morph = this.film.kind === "morph";
    let forward = 1;
    const next = () => {
      const last = this.film.frames.length - 1;
      if (!this.open) { this.show(0); return; }
      if (morph && (this.place + forward > last || this.place + forward < 0)) forward = -forward; // to and fro
      if (!morph && this.place === last) { if (this.ran) { this.pause(); return; } this.show(0); this.ran = true; return; }
      this.ran = true;
      this.show(clamp(this.place + forward, 0, last));
    };
    this.ran = false;
    this.timer = setInterval(next, morph ? 120 : 700);
    next();
    this.refresh();
  }

  pause() { clearInterval(this.timer); this.timer = null; this.refresh(); }

  close() {
    this.pause();
    this.open = false;
    this.bench.stage.showFrame(null);
    this.refresh();
    this.bench.framed();
  }

  sentence(frame, place) {
    const parts = [`${frame.label}`, `${place + 1} of ${this.film.frames.length}`];
    if (known(frame.plddt)) parts.push(`${this.bench.data.confidence ?? "pLDDT"} ${frame.plddt.toFixed(1)}`);
    if (known(frame.ptm)) parts.push(`pTM ${frame.ptm.toFixed(3)}`);
    return parts.join(" · ");
  }

  refresh() {
    if (!this.films.length) return;
    const { film } = this;
    this.play.innerHTML = ICONS[this.timer ? "pause" : "play"];
    this.play.setAttribute("aria-label", this.timer ? "Pause" : "Play");
    this.play.title = this.timer ? "Pause" : "Play";
    this.slider.value = this.place;
    this.slider.setAttribute("aria-valuetext", this.sentence(film.frames[this.place], this.place));
    this.words.textContent = this.open ? this.sentence(film.frames[this.place], this.place) : `${plural(film.frames.length, "frame")}. The 3D view shows the result.`;
    this.backButton.disabled = !this.open;
    this.draw();
  }

  // pLDDT as a full line with dots, pTM dashed with squares: told apart without colour, too.
  draw() {
    const { frames } = this.film;
    const lines = [["plddt", this.bench.data.confidence ?? "pLDDT", 100, []], ["ptm", "pTM", 1, [5, 4]]].filter(([name]) => frames.some((frame) => known(frame[name])));
    this.graph.hidden = lines.length === 0 || frames.length < 2;
    const width = this.graph.clientWidth;
    if (this.graph.hidden || !width) return;
    const height = 92;
    const pen = sharpen(this.graph, width, height);
    const { colours } = this.bench;
    const x = (i) => 30 + (i / Math.max(1, frames.length - 1)) * (width - 66);
    const y = (part) => height - 16 - part * (height - 30);
    this.graph.setAttribute("aria-label", lines.map(([name, label]) => `${label}: ${frames.map((frame) => figure(frame[name])).join(", ")}`).join(". "));
    pen.font = "11px system-ui, sans-serif";
    pen.fillStyle = colours.faint;
    pen.textAlign = "right";
    pen.fillText("100", 24, y(1) + 4); pen.fillText("0", 24, y(0) + 4);
    pen.textAlign = "left";
    if (lines.some(([name]) => name === "ptm")) { pen.fillText("1", width - 30, y(1) + 4); pen.fillText("0", width - 30, y(0) + 4); }
    if (this.open) { pen.fillStyle = colours.accent; pen.globalAlpha = 0.25; pen.fillRect(x(this.place) - 5, 4, 10, height - 18); pen.globalAlpha = 1; }
    lines.forEach(([name, label, top, dash], k) => this.drawLine(pen, frames.map((frame, i) => (known(frame[name]) ? [x(i), y(frame[name] / top)] : null)), { label, dash, k, height }));
  }

  drawLine(pen, points, { label, dash, k, height }) {
    const { colours } = this.bench;
    pen.strokeStyle = pen.fillStyle = k ? "#d55e00" : colours.text;
    pen.setLineDash(dash);
    pen.lineWidth = 1.6;
    pen.beginPath();
    points.filter(Boolean).forEach((point) => pen.lineTo(...point));
    pen.stroke();
    pen.setLineDash([]);
    points.filter(Boolean).forEach(([x, y]) => { if (k) pen.fillRect(x - 3, y - 3, 6, 6); else { pen.beginPath(); pen.arc(x, y, 3.2, 0, 7); pen.fill(); } });
    pen.fillText(k ? `■ ${label}` : `● ${label}`, 34 + k * 70, height - 2);
  }
}
