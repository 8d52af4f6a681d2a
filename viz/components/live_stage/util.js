// Small helpers: DOM, numbers, and how often something happens.

const SVG = (path) => `<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">${path}</svg>`;
const ICONS = {
  start: SVG('<path d="M4 6.5h10a1.5 1.5 0 0 1 1.5 1.5v8a1.5 1.5 0 0 1-1.5 1.5H4A1.5 1.5 0 0 1 2.5 16V8A1.5 1.5 0 0 1 4 6.5zM17 10.4l3.7-2.5a.5.5 0 0 1 .8.4v7.4a.5.5 0 0 1-.8.4L17 13.6z"/>'),
  stop: SVG('<rect x="6" y="6" width="12" height="12" rx="1.5"/>'),
  save: SVG('<path class="line" d="M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14"/>'),
  record: SVG('<circle cx="12" cy="12" r="6"/>'),
  full: SVG('<path class="line" d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/>'),
};

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function iconButton(icon, text, action, extra = {}) {
  const label = el("span", {}, text);
  const button = el("button", { type: "button", onclick: action, ...extra });
  button.innerHTML = ICONS[icon];
  button.append(label);
  button.label = label;
  button.icon = (name) => button.replaceChild(new DOMParser().parseFromString(ICONS[name], "text/html").body.firstChild, button.firstChild);
  return button;
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

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

function saveFile(blob, name) {
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

const stamp = () => new Date().toISOString().slice(0, 19).replace(/[T:]/g, "-");
