// The stage: one step at a time, by keyboard, clicker, finger or button; black screen, jump, laser, full screen.

const HELP = [
  ["→ ← · Page Down, Page Up · swipe", "next step, step back"], ["Space", "play or pause"], ["F", "full screen"], ["N", "notes, next step and clock in a second window"],
  ["G, then a number or a click", "jump to a step"], ["B or .", "black screen, and back"], ["L", "laser pointer"], ["T", "dark or light"], ["Home, End", "first and last step"], ["?", "this list"],
];
const READY_SECONDS = 5;
const READY_PATIENCE = 900; // milliseconds: a server that is slower counts as away
// While something is tried live, a question is asked this soon after an answer, and waits this long for its own (both in
// milliseconds): together they are less than the second after which the kept result has to stand there.
const LIVE_PAUSE = 150, LIVE_PATIENCE = 700;
const FREE_BEATS = 3; // of the page's own while it waits: with fewer the page was busy, and not the server
const SWIPE = 60;
const TRY = "Try it live", TRY_AGAIN = "It answers again: back to live";

class Deck {
  constructor(root, data) {
    Object.assign(this, { root, data, slides: data.slides, parts: [], serial: 0, ready: false, beats: 0 });
    this.place = clamp((parseInt(location.hash.slice(1), 10) || 1) - 1, 0, Math.max(0, this.slides.length - 1));
    this.notes = new Notes(this);
    this.build();
    window.addEventListener("keydown", (event) => this.key(event), { capture: true });
    window.addEventListener("hashchange", () => this.go((parseInt(location.hash.slice(1), 10) || 1) - 1));
    window.addEventListener("pointermove", (event) => this.pointed(event));
    this.root.addEventListener("touchstart", (event) => { this.touch = event.touches.length === 1 ? event.touches[0] : null; }, { passive: true });
    this.root.addEventListener("touchend", (event) => this.swiped(event));
    this.setTheme("dark");
    this.show();
    if (data.ready) { this.askReady(); setInterval(() => this.askReady(), 1000 * READY_SECONDS); }
  }

  get slide() { return this.slides[this.place]; }

  // ---- building ----

  button(text, label, action) { return el("button", { type: "button", title: label, "aria-label": label, onclick: action }, text); }

  build() {
    this.stage = el("article", { class: "stage", "aria-live": "polite" });
    this.count = this.button("", "Jump to a step (G)", () => this.toggle(this.jump));
    this.message = el("span", { class: "message", role: "status" });
    this.bar = el("nav", { class: "bar", "aria-label": "Steps" },
      this.button("‹", "Step back (←)", () => this.step(-1)), this.count, this.button("›", "Next step (→)", () => this.step(1)), this.message,
      el("span", { class: "gap" }), this.button("Notes", "Notes in a second window (N)", () => this.showNotes()), this.button("Black", "Black screen (B)", () => this.toggle(this.black)),
      this.button("Full screen", "Full screen (F)", () => this.fullScreen()), this.button("?", "Keys (?)", () => this.toggle(this.help)));
    this.black = el("div", { class: "black", hidden: true, onclick: () => this.toggle(this.black) });
    this.laser = el("div", { class: "laser", hidden: true });
    this.help = el("div", { class: "sheet", hidden: true, role: "dialog", "aria-label": "Keys" }, el("dl", {}, ...HELP.flatMap(([keys, what]) => [el("dt", {}, keys), el("dd", {}, what)])));
    this.help.addEventListener("click", () => this.toggle(this.help));
    this.jump = el("div", { class: "sheet", hidden: true, role: "dialog", "aria-label": "Jump to a step" },
      el("ol", {}, ...this.slides.map((slide, place) => el("li", {}, el("button", { type: "button", onclick: () => { this.toggle(this.jump, true); this.go(place); } }, slide.title || `Step ${place + 1}`)))));
    this.root.append(this.stage, this.bar, this.jump, this.help, this.black, this.laser);
  }

  // ---- steps ----

  go(place) {
    const to = clamp(place, 0, this.slides.length - 1);
    if (to === this.place) return;
    this.place = to;
    history.replaceState(null, "", `#${to + 1}`);
    this.show();
  }

  step(by) {
    this.black.hidden = true;
    this.go(this.place + by);
  }

  show() {
    for (const part of this.parts) part.stop();
    const { slide } = this;
    if (!slide) { this.stage.replaceChildren(el("h1", {}, "This story has no steps yet.")); return; }
    this.parts = slide.parts.map((part) => new LivePart(part, this.data.library, (this.serial += 1)));
    const markup = (tag, name, text) => { const node = el(tag, { class: name }); node.innerHTML = text; return node; }; // rendered from Markdown without any HTML of the writer's
    this.closeLive();
    this.tries = slide.parts.filter((part) => part.live).slice(0, 1).map((part) => el("button", { class: "try", type: "button", hidden: !this.ready, onclick: () => (this.live ? this.backToLive() : this.openLive(part.live)) }, TRY));
    this.stage.classList.toggle("plain", !this.parts.length);
    this.stage.replaceChildren(
      el("h1", {}, slide.title),
      ...(slide.claim ? [markup("p", "claim", slide.claim)] : []), ...(slide.text ? [markup("div", "text", slide.text)] : []),
      el("div", { class: `parts count-${Math.min(this.parts.length, 4)}` }, ...this.parts.map((part) => part.element)),
      ...(slide.limits ? [el("div", { class: "limits" }, el("b", {}, "Where it ends"), markup("div", "", slide.limits))] : []),
      el("p", { class: "who" }, slide.who, ...this.tries));
    this.stage.scrollTop = 0;
    for (const part of this.parts) part.start();
    this.count.textContent = `${this.place + 1} / ${this.slides.length}`;
    document.title = `${slide.title || this.data.title} · ${this.data.title}`;
    this.notes.update();
  }

  // ---- keys, fingers, pointer ----

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.composedPath()[0];
    const inside = target?.getRootNode?.() instanceof ShadowRoot;
    const typing = target?.matches?.("input[type=text], textarea, select");
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    // A clicker sends Page Down and Page Up: they lead on whatever has the focus. Other keys belong to a player that has it.
    const action = { PageDown: () => this.step(1), PageUp: () => this.step(-1) }[name] ?? (inside || typing ? null : this.action(name, target));
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  action(name, target) {
    if (/^[0-9]$/.test(name)) return this.jump.hidden ? null : () => this.digit(name);
    if (name === " " && target?.matches?.("button, a")) return null;
    return {
      ArrowRight: () => this.step(1), ArrowDown: () => this.step(1), ArrowLeft: () => this.step(-1), ArrowUp: () => this.step(-1),
      Home: () => this.go(0), End: () => this.go(this.slides.length - 1),
      " ": () => this.parts.some((part) => part.toggle()), f: () => this.fullScreen(), n: () => this.showNotes(), s: () => this.showNotes(),
      b: () => this.toggle(this.black), ".": () => this.toggle(this.black), g: () => this.toggle(this.jump), l: () => this.toggle(this.laser), t: () => this.setTheme(this.theme === "dark" ? "light" : "dark"),
      "?": () => this.toggle(this.help), Enter: this.jump.hidden || !this.typed ? null : () => this.jumpTo(), Escape: () => this.closeSheets(),
    }[name];
  }

  digit(name) {
    this.typed = `${this.typed ?? ""}${name}`;
    this.say(`Step ${this.typed}: press Enter`);
  }

  jumpTo() {
    const place = parseInt(this.typed, 10) - 1;
    this.typed = "";
    this.say("");
    this.toggle(this.jump, true);
    this.go(place);
  }

  closeSheets() {
    for (const sheet of [this.jump, this.help, this.black]) sheet.hidden = true;
    this.closeLive();
    this.typed = "";
    this.say("");
  }

  toggle(sheet, close = !sheet.hidden) {
    sheet.hidden = close;
    if (!close && sheet === this.jump) sheet.querySelector("button")?.focus();
  }

  swiped(event) {
    const from = this.touch;
    this.touch = null;
    if (!from || event.composedPath().some((node) => node.classList?.contains("host"))) return;
    const to = event.changedTouches[0];
    const [across, down] = [to.clientX - from.clientX, to.clientY - from.clientY];
    if (Math.abs(across) > SWIPE && Math.abs(across) > 2 * Math.abs(down)) this.step(across < 0 ? 1 : -1);
  }

  pointed(event) {
    if (!this.laser.hidden) Object.assign(this.laser.style, { left: `${event.clientX}px`, top: `${event.clientY}px` });
  }

  // ---- around the stage ----

  say(sentence) { this.message.textContent = sentence; }

  showNotes() { this.say(this.notes.show() ? "" : "The browser did not allow a second window: allow pop-ups for this page."); }

  async fullScreen() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await document.documentElement.requestFullscreen?.();
  }

  setTheme(theme) {
    this.theme = theme;
    document.documentElement.dataset.theme = theme;
  }

  // ---- live ----

  // The page that makes the result again lies over the stage; the kept result waits below it.
  openLive(address) {
    this.closeLive();
    const frame = el("iframe", { src: address, title: "Tried live" });
    frame.addEventListener("load", () => frame.contentWindow.addEventListener("keydown", (event) => {
      if (["PageDown", "PageUp", "Escape"].includes(event.key)) this.key(event);
    }, { capture: true }));
    this.live = el("div", { class: "live", role: "dialog", "aria-label": "Tried live" },
      el("div", { class: "live-bar" }, el("b", {}, "Live"), el("span", {}, "The model works now; the kept result waits behind."), el("span", { class: "gap" }),
        this.button("Back to the kept result", "Back to the kept result (Esc)", () => this.closeLive())), frame);
    this.question?.abort(); // it was asked in the patience of a stage on which nothing is live
    this.beat = setInterval(() => { this.beats += 1; this.askReady(); }, LIVE_PAUSE);
    this.root.append(this.live);
  }

  closeLive(sentence = "") {
    if (!this.live) return;
    clearInterval(this.beat);
    this.live.remove();
    this.live = null;
    this.offerTry();
    this.say(sentence);
    window.focus();
  }

  // A server that does not answer may only be slow: what was begun there is kept, and the way back is offered.
  leaveLive() {
    this.live.hidden = true;
    this.say("The model server does not answer: this is the kept result.");
    window.focus();
  }

  backToLive() {
    this.live.hidden = false;
    this.say("");
  }

  offerTry() {
    for (const link of this.tries ?? []) Object.assign(link, { hidden: !this.ready, textContent: this.live ? TRY_AGAIN : TRY });
  }

  get isLive() { return Boolean(this.live && !this.live.hidden); }

  // Whether something can be tried live now; the kept results stay on the stage either way.
  async askReady() {
    if (this.asking) return;
    this.asking = true;
    const asked = this.beats, question = new AbortController();
    this.question = question;
    const timer = setTimeout(() => question.abort(), this.isLive ? LIVE_PATIENCE : READY_PATIENCE);
    let ready = false, late = false;
    try {
      ready = (await fetch(this.data.ready, { signal: question.signal, cache: "no-store", priority: "high" })).ok;
    } catch { late = question.signal.aborted; } // refused or late: the model server is away
    clearTimeout(timer);
    this.asking = false;
    if (late && this.isLive && this.beats - asked < FREE_BEATS) return;
    this.ready = ready;
    this.offerTry();
    if (ready || !this.live) return;
    if (!late) this.closeLive("The model server went away: this is the kept result.");
    else if (this.isLive) this.leaveLive();
  }
}

window.deck = new Deck(document.getElementById("deck"), JSON.parse(document.getElementById("data").textContent));
