// The picture: two views on either side of a wipe, moved and enlarged with mouse, fingers or keys.

const MOST_ZOOM = 16;

class Stage {
  constructor(bench) {
    this.bench = bench;
    this.zoom = 1;
    this.centre = [0.5, 0.5]; // of the picture, in the middle of the stage
    this.pointers = new Map();
    this.canvas = el("canvas", { class: "picture", role: "img" });
    this.handle = el("div", { class: "wipe", role: "slider", tabindex: 0, "aria-label": "Wipe between the two views", "aria-valuemin": 0, "aria-valuemax": 100, title: "Drag to compare the two views" }, el("span", {}, "⇔"));
    this.left = el("span", { class: "tag left" });
    this.right = el("span", { class: "tag right" });
    this.spot = el("span", { class: "spot", hidden: true });
    this.element = el("div", { class: "stage" }, this.canvas, this.bench.hints.canvas, this.handle, this.left, this.right, this.spot);
    this.element.addEventListener("pointerdown", (event) => this.down(event));
    this.element.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) this.element.addEventListener(name, (event) => this.up(event));
    this.element.addEventListener("pointerleave", () => this.bench.loupe.leave());
    this.element.addEventListener("dblclick", (event) => { if (!this.bench.hints.on) this.zoomTo(this.zoom > 1 ? 1 : 4, this.at(event)); });
    this.element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.handle.addEventListener("keydown", (event) => this.keys(event));
  }

  keys(event) {
    const step = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.bench.setWipe(this.bench.wipe + step);
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoomTo(this.zoom * Math.exp(-event.deltaY / 240), this.at(event));
  }

  // Where a pointer is in the picture, 0..1 both ways.
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const part = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return part.map((value, axis) => this.centre[axis] + (value - 0.5) / this.zoom);
  }

  down(event) {
    if (event.button > 0) return;
    this.element.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    if (this.bench.regionPanel.drawing) {
      this.action = "region";
      this.moved = false;
      this.bench.regionPanel.begin(this.at(event));
      return;
    }
    if (this.bench.hints.on) {
      this.moved = false;
      this.action = this.pointers.size === 1 ? "hint" : "pan";
      if (this.action === "hint") this.bench.hints.begin(this.at(event));
      else this.bench.hints.end(false); // two fingers enlarge
      return;
    }
    const box = this.canvas.getBoundingClientRect();
    const near = Math.abs(event.clientX - box.left - box.width * this.bench.wipe) < 18;
    this.action = this.pointers.size === 1 && (near || this.zoom === 1) ? "wipe" : "pan";
    this.moved = false;
    if (near) this.wipeTo(event);
  }

  wipeTo(event) {
    const box = this.canvas.getBoundingClientRect();
    this.bench.setWipe((event.clientX - box.left) / box.width);
  }

  move(event) {
    this.bench.loupe.point(this.at(event));
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const step = [event.clientX - before[0], event.clientY - before[1]];
    if (!this.moved && Math.hypot(...step) < 3) return;
    this.moved = true;
    const box = this.canvas.getBoundingClientRect();
    if (this.pointers.size === 2) this.pinch(event, box);
    else if (this.action === "region") this.bench.regionPanel.extend(this.at(event));
    else if (this.action === "hint") this.bench.hints.extend(this.at(event));
    else if (this.action === "wipe") this.wipeTo(event);
    else this.centreOn(this.centre.map((value, axis) => value - step[axis] / (axis ? box.height : box.width) / this.zoom));
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
  }

  pinch(event) {
    const other = [...this.pointers.entries()].find(([id]) => id !== event.pointerId)[1];
    const before = this.pointers.get(event.pointerId);
    const far = (one) => Math.max(8, Math.hypot(one[0] - other[0], one[1] - other[1]));
    const middle = { clientX: (event.clientX + other[0]) / 2, clientY: (event.clientY + other[1]) / 2 };
    this.zoomTo(this.zoom * far([event.clientX, event.clientY]) / far(before), this.at(middle));
  }

  up(event) {
    const known = this.pointers.delete(event.pointerId);
    if (known && this.action === "region") { this.action = null; this.bench.regionPanel.end(); }
    if (known && this.action === "hint" && !this.pointers.size) this.bench.hints.end(event.type === "pointerup");
    if (known && event.type === "pointerup" && !this.moved && this.action === "pan") this.bench.loupe.point(this.at(event));
  }

  // Enlarges so that the point `fixed` of the picture stays where it is.
  zoomTo(zoom, fixed = this.centre) {
    const next = clamp(zoom, 1, MOST_ZOOM);
    const centre = this.centre.map((value, axis) => fixed[axis] + (value - fixed[axis]) * (this.zoom / next));
    this.zoom = next;
    this.centreOn(centre);
    this.bench.askExact();
  }

  centreOn(centre) {
    const margin = 0.5 / this.zoom;
    this.centre = centre.map((value) => clamp(value, margin, 1 - margin));
    this.bench.refresh();
  }

  // Long side, in device pixels, at which the whole picture would be shown.
  wantedSide() { return Math.max(this.canvas.width, this.canvas.height) * this.zoom; }

  layout(aspect) {
    const width = this.element.clientWidth;
    if (!width) return;
    const most = Math.max(240, Math.min(window.innerHeight * 0.68, 760));
    const wide = Math.min(width, most * aspect);
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const size = [Math.round(wide), Math.round(wide / aspect)];
    Object.assign(this.canvas.style, { width: `${size[0]}px`, height: `${size[1]}px` });
    const [w, h] = size.map((side) => Math.max(1, Math.round(side * ratio)));
    if (this.canvas.width !== w || this.canvas.height !== h) Object.assign(this.canvas, { width: w, height: h });
  }

  // Draws `left` and `right` (canvas or bitmap of the whole picture; either may be null).
  draw(left, right, wipe) {
    const context = this.canvas.getContext("2d");
    const { width, height } = this.canvas;
    context.clearRect(0, 0, width, height);
    const split = Math.round(width * wipe);
    this.side(context, left, 0, split);
    this.side(context, right, split, width);
    const inset = (this.element.clientWidth - this.canvas.clientWidth) / 2;
    this.element.style.setProperty("--inset", `${inset}px`);
    this.handle.style.left = `${inset + this.canvas.clientWidth * wipe}px`;
    this.handle.setAttribute("aria-valuenow", Math.round(100 * wipe));
    this.element.classList.toggle("enlarged", this.zoom > 1);
  }

  // Frames the part `[x, y, width, height]` of the picture, each 0..1; null frames nothing.
  mark(part) {
    this.place(this.spot, part);
    if (part) this.element.classList.toggle("loupe-left", 0.5 + (part[0] - this.centre[0]) * this.zoom + part[2] * this.zoom / 2 > 0.5);
  }

  // Lays a frame over a part `[x, y, width, height]` of the picture, each 0..1; null hides it.
  place(frame, part) {
    frame.hidden = !part;
    if (!part) return;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const left = (this.element.clientWidth - width) / 2;
    const [x, y] = [0, 1].map((axis) => 0.5 + (part[axis] - this.centre[axis]) * this.zoom);
    Object.assign(frame.style, { left: `${left + x * width}px`, top: `${y * height}px`, width: `${part[2] * this.zoom * width}px`, height: `${part[3] * this.zoom * height}px` });
  }

  side(context, image, from, to) {
    if (!image || to <= from) return;
    const { width, height } = this.canvas;
    context.save();
    context.beginPath();
    context.rect(from, 0, to - from, height);
    context.clip();
    const scale = [width * this.zoom, height * this.zoom];
    context.imageSmoothingEnabled = image.width < scale[0] * 4 && scale[0] < image.width * 6;
    context.imageSmoothingQuality = "high";
    context.drawImage(image, width / 2 - this.centre[0] * scale[0], height / 2 - this.centre[1] * scale[1], ...scale);
    context.restore();
  }
}
