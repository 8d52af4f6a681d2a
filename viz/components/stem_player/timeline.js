// What part of the song the lanes show, and the mouse, finger and wheel on them.

const SHORTEST_VIEW = 0.05; // seconds
const DRAG_PIXELS = 4;

class Timeline {
  constructor(player) {
    this.player = player;
    this.view = { start: 0, end: 1 };
    this.fitted = true;
    this.canvas = el("canvas");
    this.region = el("div", { class: "region" });
    this.head = el("div", { class: "head" });
    this.ruler = el("div", { class: "ruler", role: "slider", tabindex: 0, "aria-label": "Position", "aria-valuemin": 0, "aria-orientation": "horizontal" }, this.canvas, this.region, this.head);
    this.map = el("canvas");
    this.frame = el("div", { class: "frame" });
    this.mapHead = el("div", { class: "head" });
    this.overview = el("div", { class: "overview", role: "scrollbar", tabindex: 0, "aria-label": "Part of the song in view", "aria-orientation": "horizontal", "aria-valuemin": 0, "aria-valuemax": 100, "aria-controls": "lanes" }, this.map, this.frame, this.mapHead);
    this.listen(this.ruler);
    this.listenOverview();
  }

  get length() { return this.player.length(); }
  get span() { return this.view.end - this.view.start; }

  // Keeps the whole song in view while it grows, unless somebody has zoomed.
  update() {
    if (this.fitted) this.view = { start: 0, end: this.length };
    else this.show(this.view.start, this.span);
  }

  fit() { this.fitted = true; this.update(); this.player.invalidate(); }

  show(start, span) {
    const shortest = Math.min(this.length, SHORTEST_VIEW * this.player.data.samplerate);
    const width = clamp(span, shortest, this.length);
    const from = clamp(start, 0, this.length - width);
    this.view = { start: from, end: from + width };
    this.fitted = width >= this.length;
    this.player.invalidate();
  }

  zoom(factor, centre = null) {
    const position = this.player.engine.position();
    const seen = position >= this.view.start && position <= this.view.end;
    const at = centre ?? (seen ? position : this.view.start + this.span / 2);
    this.show(at - (at - this.view.start) * factor, this.span * factor);
  }

  scroll(part) { this.show(this.view.start + part * this.span, this.span); }

  // While it plays, the page turns when the playhead leaves on the right.
  follow(position) {
    if (this.fitted || this.dragging || this.player.engine.loop) return;
    const passed = position - this.view.end;
    if (passed >= 0 && passed < this.span * 0.2) this.show(position - this.span * 0.05, this.span);
  }

  percent(frame) { return ((frame - this.view.start) / this.span) * 100; }

  frameAt(event, element) {
    const box = element.getBoundingClientRect();
    const frame = this.view.start + ((event.clientX - box.left) / box.width) * this.span;
    return Math.round(clamp(frame, 0, this.length));
  }

  // ---- pointers ----

  listen(element) {
    element.addEventListener("pointerdown", (event) => this.press(event, element));
    element.addEventListener("pointermove", (event) => this.hover(event, element));
    element.addEventListener("wheel", (event) => this.wheel(event, element), { passive: false });
  }

  // The loop edge under the pointer, as the other edge that stays put; null away from both.
  edge(event, element) {
    const { loop } = this.player;
    if (!loop) return null;
    const reach = (event.pointerType === "touch" ? 16 : 6) * (this.span / element.clientWidth);
    const frame = this.frameAt(event, element);
    if (Math.abs(frame - loop.start) < reach) return loop.end;
    return Math.abs(frame - loop.end) < reach ? loop.start : null;
  }

  hover(event, element) {
    if (!this.dragging) element.style.cursor = this.edge(event, element) === null ? "" : "ew-resize";
  }

  press(event, element) {
    if (event.button !== 0 || !this.player.data.available) return;
    event.preventDefault();
    this.player.root.focus({ preventScroll: true });
    element.setPointerCapture(event.pointerId);
    const fixed = this.edge(event, element);
    const drag = { x: event.clientX, from: fixed ?? this.frameAt(event, element), moved: false };
    this.dragging = drag;
    const move = (next) => {
      if (Math.abs(next.clientX - drag.x) > DRAG_PIXELS) drag.moved = true;
      if (!drag.moved) return;
      const to = this.frameAt(next, element);
      this.player.previewLoop(Math.min(drag.from, to), Math.max(drag.from, to));
    };
    const done = (last) => {
      for (const [name, listener] of [["pointermove", move], ["pointerup", done], ["pointercancel", done]]) element.removeEventListener(name, listener);
      this.dragging = null;
      if (last.type === "pointercancel") this.player.previewLoop(null);
      else if (drag.moved) this.player.takeLoop();
      else this.player.seek(this.frameAt(last, element));
    };
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", done);
    element.addEventListener("pointercancel", done);
  }

  wheel(event, element) {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.zoom(Math.exp(clamp(event.deltaY, -60, 60) * 0.008), this.frameAt(event, element));
      return;
    }
    const across = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (!across || this.fitted || (!event.shiftKey && Math.abs(event.deltaX) < Math.abs(event.deltaY))) return;
    event.preventDefault();
    this.scroll(across / element.clientWidth);
  }

  listenOverview() {
    const go = (event) => {
      const box = this.overview.getBoundingClientRect();
      const frame = clamp((event.clientX - box.left) / box.width, 0, 1) * this.length;
      if (!this.fitted) this.show(frame - this.span / 2, this.span);
      else if (event.type === "pointerdown" && this.player.data.available) this.player.seek(Math.round(frame));
    };
    this.overview.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      this.player.root.focus({ preventScroll: true });
      this.overview.setPointerCapture(event.pointerId);
      go(event);
    });
    this.overview.addEventListener("pointermove", (event) => {
      if (this.overview.hasPointerCapture(event.pointerId)) go(event);
    });
    this.overview.addEventListener("wheel", (event) => this.wheel(event, this.overview), { passive: false });
    this.overview.addEventListener("keydown", (event) => {
      const part = { ArrowLeft: -0.1, ArrowRight: 0.1, PageUp: -0.9, PageDown: 0.9 }[event.key];
      if (!part) return;
      event.preventDefault();
      event.stopPropagation();
      this.scroll(part);
    });
  }

  // ---- showing ----

  place(position, loop, looping) {
    const place = (head, percent) => {
      head.style.left = `${percent}%`;
      head.hidden = percent < 0 || percent > 100;
    };
    for (const head of this.heads()) place(head, this.percent(position));
    place(this.mapHead, (position / this.length) * 100);
    for (const region of this.regions()) {
      region.hidden = !loop;
      region.classList.toggle("on", looping);
      if (!loop) continue;
      region.style.left = `${clamp(this.percent(loop.start), -1, 101)}%`;
      region.style.width = `${clamp(this.percent(loop.end), -1, 101) - clamp(this.percent(loop.start), -1, 101)}%`;
    }
    this.frame.hidden = this.fitted;
    this.frame.style.left = `${(this.view.start / this.length) * 100}%`;
    this.frame.style.width = `${(this.span / this.length) * 100}%`;
    this.overview.setAttribute("aria-valuenow", Math.round((this.view.start / Math.max(1, this.length - this.span)) * 100));
  }

  heads() { return [this.head, ...this.player.rows.map((row) => row.head)]; }
  regions() { return [this.region, ...this.player.rows.map((row) => row.region)]; }
}
