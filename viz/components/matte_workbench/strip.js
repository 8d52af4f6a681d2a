// The problem strip: how uncertain and how restless the matte is along the clip, and the way to the worst frames.

class Strip {
  constructor(bench) {
    this.bench = bench;
    this.canvas = el("canvas", { class: "strip-picture" });
    this.head = el("div", { class: "strip-head" });
    this.track = el("div", { class: "strip", role: "slider", tabindex: 0, "aria-label": "Problem frames along the clip", "aria-valuemin": 0 }, this.canvas, this.head);
    this.count = el("span", { class: "faint" });
    this.jumps = el("div", { class: "row jumps", role: "group", "aria-label": "Problem frames" });
    this.before = el("button", { class: "quiet", type: "button", "aria-label": "Previous problem frame", title: "Previous problem frame (P)", onclick: () => this.jump(-1) }, "Previous problem");
    this.after = el("button", { class: "quiet next-problem", type: "button", "aria-label": "Next problem frame", title: "Next problem frame (N)", onclick: () => this.jump(1) }, "Next problem");
    this.values = el("span", { class: "faint values", "aria-live": "off" });
    this.legend = el("div", { class: "legend" },
      el("span", { class: "uncertain", title: "The share of the picture that is neither clearly person nor clearly background: hair and motion blur, or a matte that does not know" }, el("i", {}), "Uncertain pixels (up)"),
      el("span", { class: "flicker", title: "How much the matte changes from one frame to the next where the picture stands still" }, el("i", {}), "Flicker (down)"),
      this.values);
    this.jumps.append(this.count, this.before, this.after);
    this.element = el("section", { class: "problems", "aria-label": "Problem frames" }, this.track, this.legend);
    this.track.addEventListener("pointerdown", (event) => { this.track.setPointerCapture(event.pointerId); this.held = true; this.go(event); });
    this.track.addEventListener("pointermove", (event) => { if (this.held) this.go(event); else this.tell(this.frameAt(event)); });
    for (const name of ["pointerup", "pointercancel"]) this.track.addEventListener(name, () => { this.held = false; });
    this.track.addEventListener("pointerleave", () => this.tell(null));
  }

  frameAt(event) {
    const box = this.track.getBoundingClientRect();
    const count = this.bench.data.times.length;
    return clamp(Math.floor(((event.clientX - box.left) / box.width) * count), 0, count - 1);
  }

  go(event) { this.bench.goTo(this.frameAt(event)); }

  jump(way) {
    const { problems } = this.bench.data;
    const here = this.bench.frame;
    const next = way > 0 ? (problems.find((one) => one > here) ?? problems[0]) : (problems.findLast((one) => one < here) ?? problems.at(-1));
    if (next === undefined) return;
    this.bench.goTo(next);
    this.bench.say(`Problem frame ${next + 1}: ${this.sentence(next)}`);
  }

  sentence(frame) {
    const { uncertain, flicker, sure } = this.bench.data;
    const percent = (share, digits) => `${(100 * share).toFixed(digits)} %`;
    return `${percent(uncertain[frame] ?? 0, 1)} uncertain, ${percent(flicker[frame] ?? 0, 2)} flicker${(sure[frame] ?? 1) < 0.5 ? ", the correction may not hold here" : ""}`;
  }

  tell(frame) {
    const shown = frame ?? this.bench.frame;
    this.values.textContent = this.bench.data.uncertain.length ? `Frame ${shown + 1}: ${this.sentence(shown)}` : "";
  }

  refresh() {
    const { data, frame } = this.bench;
    this.element.hidden = this.jumps.hidden = data.kind === "picture" || !data.uncertain.length || !data.proxy;
    if (this.element.hidden) return;
    const count = data.times.length;
    this.track.setAttribute("aria-valuemax", count);
    this.track.setAttribute("aria-valuenow", frame + 1);
    this.track.setAttribute("aria-valuetext", `Frame ${frame + 1} of ${count}: ${this.sentence(frame)}`);
    this.head.style.left = `${(100 * (frame + 0.5)) / count}%`;
    const some = data.problems.length;
    this.count.textContent = some ? `${some} frame${some === 1 ? "" : "s"} worth a look` : "No frame stands out";
    this.before.hidden = this.after.hidden = !some;
    if (!this.held) this.tell(null);
    this.draw();
  }

  draw() {
    const { data } = this.bench;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [this.track.clientWidth * ratio, this.track.clientHeight * ratio].map(Math.round);
    const drawn = `${data.serial} ${width} ${height}`;
    if (!width || drawn === this.drawn) return;
    this.drawn = drawn;
    Object.assign(this.canvas, { width, height });
    const context = this.canvas.getContext("2d");
    const middle = Math.round(height * 0.58);
    this.bars(context, data.uncertain, data.colours.uncertain, middle, -1, middle - 8 * ratio, width, 0.02);
    this.bars(context, data.flicker, data.colours.flicker, middle + ratio, 1, height - middle - ratio, width, 0.01);
    context.fillStyle = getComputedStyle(this.track).color;
    for (const frame of data.problems) {
      const x = ((frame + 0.5) / data.times.length) * width;
      context.beginPath();
      context.moveTo(x - 3.5 * ratio, 0);
      context.lineTo(x + 3.5 * ratio, 0);
      context.lineTo(x, 6 * ratio);
      context.fill();
    }
  }

  // The scale leaves a calm clip low: its middle frame reaches half way at most.
  // One bar a pixel at most: of the frames that share a pixel, the worst is drawn.
  bars(context, values, colour, base, way, room, width, least) {
    const middle = [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
    const top = values.reduce((most, value) => Math.max(most, value), Math.max(least, 2 * middle));
    context.fillStyle = colour;
    const step = Math.max(1, width / values.length);
    for (let x = 0; x < width; x += step) {
      const [from, to] = [Math.floor((x / width) * values.length), Math.ceil(((x + step) / width) * values.length)];
      let worst = 0;
      for (let i = from; i < Math.min(to, values.length); i += 1) worst = Math.max(worst, values[i]);
      const high = (worst / top) * room;
      context.fillRect(x, way < 0 ? base - high : base, Math.max(1, step - (step > 4 ? 1 : 0)), high);
    }
  }
}
