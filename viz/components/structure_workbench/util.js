// Small helpers: fields, figures, bytes, files.

const button = (text, action, extra = {}) => el("button", { class: "quiet", type: "button", onclick: action, ...extra }, text);

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
