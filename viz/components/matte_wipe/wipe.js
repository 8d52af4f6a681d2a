// Two films on one clock: the left one of the wipe leads, the other follows it frame by frame. Streamlit calls the export.

class MatteWipe {
  constructor(data, host) {
    this.run = data.run;
    this.wipe = 0.5;
    this.view = "alpha";
    this.looked = [null, null];
    this.films = [0, 1].map((side) => new Film((frame, looked) => this.shown(side, frame, looked), (sentence) => { this.message.textContent = sentence; }, () => this.refresh()));
    this.canvas = el("canvas", { role: "img", "aria-label": "Two cut-outs under one wipe" });
    this.handle = el("div", { class: "handle", role: "slider", tabindex: 0, "aria-label": "Wipe between the two", "aria-valuemin": 0, "aria-valuemax": 100 }, el("span", {}, "⇔"));
    this.tags = ["left", "right"].map((name) => el("span", { class: `tag ${name}` }));
    this.stage = el("div", { class: "stage" }, this.canvas, this.handle, ...this.tags);
    this.play = el("button", { type: "button", class: "key", icon: "play", "aria-label": "Play", onclick: () => this.toggle() });
    this.scrub = el("input", { type: "range", min: 0, max: 0, step: 1, "aria-label": "Frame", oninput: () => this.seek(Number(this.scrub.value)) });
    this.clock = el("span", { class: "clock" });
    this.views = el("div", { class: "choice", role: "group", "aria-label": "View" }, ...VIEWS.slice(0, 4).map(([name, text]) => el("button", { type: "button", "data-value": name, onclick: () => { this.view = name; this.draw(); } }, text)));
    this.message = el("p", { class: "message", role: "alert" });
    this.transport = el("div", { class: "bar" }, this.play, this.scrub, this.clock);
    this.root = el("div", { class: "pair component", role: "group" }, el("div", { class: "bar" }, this.views), this.stage, this.transport, this.message);
    for (const name of ["pointerdown", "pointermove"]) this.stage.addEventListener(name, (event) => this.drag(event));
    this.handle.addEventListener("keydown", (event) => this.keys(event));
    host.append(this.root);
  }

  update(data) {
    if (this.data) return;
    this.data = data;
    this.transport.hidden = data.kind === "picture";
    this.scrub.max = data.times.length - 1;
    data.sides.forEach((side, place) => { this.tags[place].textContent = side.label; this.films[place].update({ ...data, proxy: side.proxy, previews: [] }); });
    this.draw();
  }

  // The leading film shows frames as they come while it plays; the other is sought to the same one.
  shown(side, frame, looked) {
    this.looked[side] = looked;
    if (side === 0 && this.films[0].playing && this.films[1].frame !== frame) this.films[1].seek(frame);
    this.draw();
  }

  seek(frame) {
    if (this.films[0].playing) this.films[0].pause();
    for (const film of this.films) film.seek(frame);
  }

  toggle() {
    if (this.films[0].playing) { this.films[0].pause(); this.films[1].seek(this.films[0].frame); } else this.films[0].play();
    this.refresh();
  }

  drag(event) {
    if (event.type === "pointermove" && !event.buttons) return;
    const box = this.canvas.getBoundingClientRect();
    this.set((event.clientX - box.left) / box.width);
  }

  keys(event) {
    const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
    if (!step) return;
    event.preventDefault();
    this.set(this.wipe + step);
  }

  set(part) {
    this.wipe = clamp(part, 0, 1);
    this.draw();
  }

  draw() {
    const [left, right] = this.looked;
    const size = left ?? right;
    for (const one of this.views.children) one.setAttribute("aria-pressed", String(one.dataset.value === this.view));
    this.refresh();
    if (!size) return;
    if (this.canvas.width !== size.width || this.canvas.height !== size.height) Object.assign(this.canvas, { width: size.width, height: size.height });
    const pen = this.canvas.getContext("2d");
    const split = Math.round(size.width * this.wipe);
    [[left, 0, split], [right, split, size.width]].forEach(([looked, from, to]) => {
      if (!looked || to <= from) return;
      pen.save();
      pen.beginPath();
      pen.rect(from, 0, to - from, size.height);
      pen.clip();
      pen.drawImage(looked.view(this.view, new Behind("grey", null)), 0, 0, size.width, size.height);
      pen.restore();
    });
    this.handle.style.left = `${100 * this.wipe}%`;
    this.handle.setAttribute("aria-valuenow", Math.round(100 * this.wipe));
  }

  refresh() {
    const frame = this.films[0].frame;
    this.scrub.value = frame;
    this.clock.textContent = this.data ? `${formatTime(this.data.times[frame] ?? 0, 2)} · frame ${frame + 1}` : "";
    this.play.innerHTML = ICONS[this.films[0].playing ? "pause" : "play"];
    this.play.setAttribute("aria-label", this.films[0].playing ? "Pause" : "Play");
  }

  dispose() {
    for (const film of this.films) film.close();
    this.root.remove();
  }
}

export default function matteWipe(run) {
  return mounted(MatteWipe, run);
}
