// The speaker's window: notes of this step, what comes next, the time of day and the time since the start.

const NOTES_STYLE = `
  body { margin: 0; padding: 24px; background: #10151a; color: #e8edf1; font: 22px/1.45 system-ui, sans-serif; }
  header { display: flex; gap: 28px; font-variant-numeric: tabular-nums; font-size: 30px; flex-wrap: wrap; }
  header b { font-weight: 650; } header span { color: #9fb0bd; }
  h1 { font-size: 30px; margin: 22px 0 6px; } .notes { white-space: pre-wrap; font-size: 28px; min-height: 30vh; }
  .next { color: #9fb0bd; border-top: 1px solid #34404a; padding-top: 14px; }
  button { font: inherit; padding: 12px 22px; margin: 18px 10px 0 0; border-radius: 8px; border: 1px solid #4a5964; background: #1b232a; color: inherit; }
`;

const twoDigits = (value) => String(Math.floor(value)).padStart(2, "0");

class Notes {
  constructor(deck) {
    this.deck = deck;
    this.started = Date.now();
    setInterval(() => this.tick(), 500);
  }

  get open() { return Boolean(this.window && !this.window.closed); }

  // Returns whether the window could be opened.
  show() {
    this.window = window.open("", "fourfold-notes", "width=960,height=680");
    if (!this.window) return false;
    const { document: page } = this.window;
    page.title = "Speaker's notes";
    page.body.replaceChildren();
    page.head.append(Object.assign(page.createElement("style"), { textContent: NOTES_STYLE }));
    const make = (tag, name) => page.body.appendChild(Object.assign(page.createElement(tag), { className: name }));
    this.head = make("header", "");
    this.title = make("h1", "");
    this.text = make("div", "notes");
    this.next = make("p", "next");
    for (const [label, step] of [["Back", -1], ["Next", 1]]) {
      const button = make("button", "");
      button.textContent = label;
      button.onclick = () => this.deck.step(step);
    }
    this.window.onkeydown = (event) => this.deck.key(event);
    this.update();
    return true;
  }

  update() {
    if (!this.open) return;
    const { deck } = this;
    this.title.textContent = deck.slide.title;
    this.text.textContent = deck.slide.notes || "No notes for this step.";
    const next = deck.slides[deck.place + 1];
    this.next.textContent = next ? `Next: ${next.title}` : "This is the last step.";
    this.tick();
  }

  tick() {
    if (!this.open) return;
    const { deck } = this;
    const seconds = (Date.now() - this.started) / 1000;
    const now = new Date();
    this.head.textContent = "";
    for (const [name, value] of [["Time", `${twoDigits(now.getHours())}:${twoDigits(now.getMinutes())}`], ["Since the start", `${twoDigits(seconds / 60)}:${twoDigits(seconds % 60)}`], ["Step", `${deck.place + 1} of ${deck.slides.length}`]]) {
      const cell = this.window.document.createElement("div");
      cell.append(Object.assign(this.window.document.createElement("span"), { textContent: `${name} ` }), Object.assign(this.window.document.createElement("b"), { textContent: value }));
      this.head.append(cell);
    }
  }

  restart() { this.started = Date.now(); }
}
