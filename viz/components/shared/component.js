// The base of the large components: state remembered by run, help, spoken sentences, reports to Python, and their end.

const REMEMBERED = new Map(); // run -> state when its page was last left: newer than what Python was sent

const keyButton = (icon, label, action, extra = {}) =>
  el("button", { class: "key", type: "button", icon, "aria-label": label, title: label, onclick: action, ...extra });

class Component {
  // A change is reported `delay` milliseconds after the last one.
  constructor(data, delay) {
    this.run = data.run;
    this.remembered = REMEMBERED.get(data.run) ?? null;
    this.sent = null;
    this.emitSoon = debounce(() => this.emit(), delay);
  }

  // Puts the finished root on the page; `redraw` is called whenever its size changes.
  attach(host, redraw) {
    host.append(this.root);
    this.observer = new ResizeObserver(redraw);
    this.observer.observe(this.root);
  }

  // `panel(close)` makes what the "?" button opens.
  buildHelp(label, panel) {
    this.help = panel(() => this.toggleHelp());
    this.helpButton = el("button", { class: "key", type: "button", "aria-label": label, title: "Help (?)", "aria-expanded": "false", "aria-controls": this.help.id || null, onclick: () => this.toggleHelp() }, "?");
    this.status = el("div", { class: "spoken", role: "status", "aria-live": "polite" });
  }

  toggleHelp() {
    this.help.hidden = !this.help.hidden;
    this.helpButton.setAttribute("aria-expanded", String(!this.help.hidden));
  }

  // A sentence for screen readers.
  say(sentence) { this.status.textContent = sentence; }

  // A mouse click leaves the focus on the component, so that Space goes on meaning play and not the button just clicked.
  keepFocus() {
    this.root.addEventListener("mousedown", (event) => {
      if (!event.target.closest("button")) return;
      event.preventDefault();
      this.root.focus({ preventScroll: true });
    });
  }

  // Sends the snapshot to Python under a name, unless it is what was sent last.
  report(name) {
    const now = JSON.stringify(this.snapshot());
    if (now === this.sent) return;
    this.sent = now;
    this.setStateValue(name, JSON.parse(now));
  }

  // What the next component of the same run begins with.
  remember() { return this.snapshot(); }

  // Subclasses release what they hold.
  release() {}

  dispose() {
    if (this.disposed) return;
    this.disposed = true;
    REMEMBERED.set(this.run, this.remember());
    this.emitSoon.cancel();
    cancelAnimationFrame(this.request);
    this.observer.disconnect();
    this.release();
    this.root.remove();
  }
}
