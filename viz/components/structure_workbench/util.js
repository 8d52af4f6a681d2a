// Small helpers: DOM, bytes, numbers, downloads.

const SVG = (path) => `<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">${path}</svg>`;
const ICONS = {
  play: SVG('<path d="M8 5.1v13.8a.8.8 0 0 0 1.2.7l10.9-6.9a.8.8 0 0 0 0-1.4L9.2 4.4A.8.8 0 0 0 8 5.1z"/>'),
  pause: SVG('<rect x="6.5" y="5" width="4" height="14" rx="1"/><rect x="13.5" y="5" width="4" height="14" rx="1"/>'),
  before: SVG('<path d="M15.5 6.6v10.8a.7.7 0 0 1-1.1.6L7 12.6a.7.7 0 0 1 0-1.2L14.4 6a.7.7 0 0 1 1.1.6z"/>'),
  after: SVG('<path d="M8.5 6.6v10.8a.7.7 0 0 0 1.1.6l7.4-5.4a.7.7 0 0 0 0-1.2L9.6 6a.7.7 0 0 0-1.1.6z"/>'),
  close: SVG('<path class="line" d="M6 6l12 12M18 6L6 18"/>'),
  view: SVG('<path class="line" d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/>'),
  target: SVG('<circle class="line" cx="12" cy="12" r="6"/><path class="line" d="M12 2.5v5M12 16.5v5M2.5 12h5M16.5 12h5"/>'),
  picture: SVG('<path class="line" d="M4 5h16v14H4zM4 16l4.5-5 4 4.5 2.5-2.5 5 5M15.5 9.2v.1"/>'),
};

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "icon") node.innerHTML = ICONS[value];
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const button = (text, action, extra = {}) => el("button", { class: "quiet", type: "button", onclick: action, ...extra }, text);
const iconButton = (icon, label, action, extra = {}) =>
  el("button", { class: "key", type: "button", icon, "aria-label": label, title: label, onclick: action, ...extra });

function choice(label, options, chosen, pick) {
  const group = el("div", { class: "choice", role: "group", "aria-label": label });
  const press = (value) => { for (const one of group.children) one.setAttribute("aria-pressed", String(one.dataset.value === value)); };
  group.append(...options.map(([value, text]) => el("button", { type: "button", "data-value": value, onclick: () => { press(value); pick(value); } }, text)));
  group.press = press;
  press(chosen);
  return group;
}

function picker(label, options, chosen, pick) {
  const field = el("select", { "aria-label": label, onchange: () => pick(field.value) }, options.map(([value, text]) => el("option", { value }, text)));
  field.value = chosen;
  return field;
}

const labelled = (text, field) => el("label", { class: "field" }, el("span", {}, text), field);
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
const minus = (text) => String(text).replace("-", "−");
const known = (value) => value !== null && value !== undefined && Number.isFinite(value);

// Four figures at most, as Python sends them.
function figure(value, unit = "") {
  if (!known(value)) return "none";
  const text = Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
  return minus(text) + (unit ? ` ${unit}` : "");
}

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes;
}
const floatsOf = (base64) => new Float32Array(bytesOf(base64).buffer);

function debounce(action, milliseconds) {
  let timer = null;
  const later = (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => { timer = null; action(...values); }, milliseconds);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}

function save(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = el("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

const fileName = (text) => text.replace(/[^\w.-]+/g, "_").replace(/^[_.]+|_+$/g, "").slice(0, 60) || "structure";
const csvCell = (value) => {
  const text = String(value);
  const safe = /^[=+@\t]/.test(text) ? `'${text}` : text; // a spreadsheet would run it as a formula
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

// A canvas sharp on this screen, cleared, and its drawing context in CSS pixels.
function sharpen(canvas, width, height) {
  const ratio = Math.min(window.devicePixelRatio || 1, 3);
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) { canvas.width = across; canvas.height = down; }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

// Steps of 1, 2 or 5 times a power of ten, about `count` of them.
function niceStep(span, count) {
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((step) => step * power >= rough);
}
