// The loupe: a small part of the source around the pointer, pixel for pixel from the studio, enlarged.

const LOUPE_SIDE = 232;
const LOUPE_TIMES = 4;

class Loupe {
  constructor(bench) {
    this.bench = bench;
    this.on = false;
    this.point_ = null;
    this.exact = new Exact(() => this.draw());
    this.canvas = el("canvas", { width: LOUPE_SIDE, height: LOUPE_SIDE });
    this.note = el("span", { class: "loupe-note" });
    this.element = el("div", { class: "loupe", hidden: true, role: "img", "aria-label": `Loupe: the edge ${LOUPE_TIMES} times enlarged` }, this.canvas, this.note);
  }

  toggle() {
    this.on = !this.on;
    this.element.hidden = !this.on;
    if (this.on && !this.point_) this.point_ = [...this.bench.stage.centre];
    this.bench.refreshControls();
    this.show();
    this.bench.say(this.on ? "Loupe on. Move the pointer over the picture; Shift and arrows move it too." : "Loupe off.");
  }

  point(place) {
    if (!this.on || place.some((value) => value < 0 || value > 1)) return;
    this.point_ = place;
    this.show();
  }

  nudge(x, y) {
    const { width, height } = this.bench.data;
    this.point([this.point_[0] + (8 * x) / width, this.point_[1] + (8 * y) / height].map((value) => clamp(value, 0, 1)));
  }

  leave() { if (this.on) this.draw(); }

  // How many times as wide as high a pixel of the source is shown.
  get wider() {
    const { looked, data } = this.bench;
    return looked ? (looked.width / looked.height) * (data.height / data.width) : 1;
  }

  // The same part in 0..1 of the picture, null while the loupe is off.
  seen() {
    if (!this.on || !this.point_) return null;
    const { width, height } = this.bench.data;
    const [x, y, wide, high] = this.box();
    return [x / width, y / height, wide / width, high / height];
  }

  // The part of the source that is shown: [x, y, width, height] in its pixels.
  box() {
    const { width, height } = this.bench.data;
    const side = Math.round(LOUPE_SIDE / LOUPE_TIMES);
    const [wide, high] = [Math.min(Math.round(side / this.wider), width), Math.min(side, height)];
    const [x, y] = [Math.round(this.point_[0] * width - wide / 2), Math.round(this.point_[1] * height - high / 2)];
    return [clamp(x, 0, width - wide), clamp(y, 0, height - high), wide, high];
  }

  // Twice the part is asked for, so that small moves need no new one.
  wide() {
    const { width, height } = this.bench.data;
    const [x, y, wide, high] = this.box();
    const grid = 32;
    const [left, top] = [Math.max(0, Math.floor((x - wide / 2) / grid) * grid), Math.max(0, Math.floor((y - high / 2) / grid) * grid)];
    return [left, top, Math.min(width - left, 2 * wide + grid), Math.min(height - top, 2 * high + grid)];
  }

  // The view under the pointer.
  view() {
    const { stage, wipe, view, other } = this.bench;
    const across = 0.5 + (this.point_[0] - stage.centre[0]) * stage.zoom;
    return across <= wipe ? view : other;
  }

  show() {
    if (!this.on) return;
    const { bench } = this;
    if (bench.data.frame_url && bench.data.proxy && !bench.film.playing) this.exact.want([bench.exactUrl(this.view(), this.wide().join(","))]);
    this.draw();
  }

  draw() {
    const { bench } = this;
    if (!this.on || !bench.data || !this.point_) return;
    const context = this.canvas.getContext("2d");
    const [x, y, wide, high] = this.box();
    context.clearRect(0, 0, LOUPE_SIDE, LOUPE_SIDE);
    context.imageSmoothingEnabled = false;
    const area = this.wide();
    const exact = bench.film.playing ? null : this.exact.get(bench.exactUrl(this.view(), area.join(",")));
    if (exact) context.drawImage(exact, x - area[0], y - area[1], wide, high, 0, 0, LOUPE_SIDE, LOUPE_SIDE);
    else if (bench.looked) {
      const rough = bench.rough().view(this.view(), bench.behind());
      const [sx, sy] = [rough.width / bench.data.width, rough.height / bench.data.height];
      context.drawImage(rough, x * sx, y * sy, wide * sx, high * sy, 0, 0, LOUPE_SIDE, LOUPE_SIDE);
    }
    bench.stage.mark(this.seen());
    this.element.dataset.exact = exact ? "yes" : "no";
    this.note.textContent = this.exact.problem || (exact ? `${LOUPE_TIMES}×, every pixel of the source` : `${LOUPE_TIMES}×, from the small preview`);
  }
}
