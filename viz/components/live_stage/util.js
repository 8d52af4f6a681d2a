// Small helpers: buttons, medians, rates.

function iconButton(icon, text, action, extra = {}) {
  const label = el("span", {}, text);
  const button = el("button", { type: "button", onclick: action, ...extra });
  button.innerHTML = ICONS[icon];
  button.append(label);
  button.label = label;
  button.icon = (name) => button.replaceChild(new DOMParser().parseFromString(ICONS[name], "text/html").body.firstChild, button.firstChild);
  return button;
}

function median(values) {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// How often a second something happened lately; times in milliseconds.
class Rate {
  constructor(span = 2000) { this.span = span; this.times = []; }

  tick(now) {
    this.times.push(now);
    while (this.times.length && this.times[0] < now - this.span) this.times.shift();
  }

  value(now) {
    const recent = this.times.filter((time) => time >= now - this.span);
    return recent.length < 2 ? 0 : (1000 * (recent.length - 1)) / (recent.at(-1) - recent[0]);
  }
}

// The last values of something, for a median.
class Recent {
  constructor(count) { this.count = count; this.values = []; }
  add(value) { this.values.push(value); if (this.values.length > this.count) this.values.shift(); }
  get full() { return this.values.length >= this.count; }
  get median() { return median(this.values); }
  clear() { this.values = []; }
}

const stamp = () => new Date().toISOString().slice(0, 19).replace(/[T:]/g, "-");
