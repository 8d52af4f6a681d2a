// Small helpers: DOM, time and decibels.

const SVG = (path) => `<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">${path}</svg>`;
const ICONS = {
  play: SVG('<path d="M8 5.1v13.8a.8.8 0 0 0 1.2.7l10.9-6.9a.8.8 0 0 0 0-1.4L9.2 4.4A.8.8 0 0 0 8 5.1z"/>'),
  pause: SVG('<rect x="6.5" y="5" width="4" height="14" rx="1"/><rect x="13.5" y="5" width="4" height="14" rx="1"/>'),
  stop: SVG('<rect x="6" y="6" width="12" height="12" rx="1.5"/>'),
  back: SVG('<path d="M11.5 6.6v10.8a.7.7 0 0 1-1.1.6L3 12.6a.7.7 0 0 1 0-1.2L10.4 6a.7.7 0 0 1 1.1.6zM20.5 6.6v10.8a.7.7 0 0 1-1.1.6L12 12.6a.7.7 0 0 1 0-1.2L19.4 6a.7.7 0 0 1 1.1.6z"/>'),
  forward: SVG('<path d="M12.5 6.6v10.8a.7.7 0 0 0 1.1.6l7.4-5.4a.7.7 0 0 0 0-1.2L13.6 6a.7.7 0 0 0-1.1.6zM3.5 6.6v10.8a.7.7 0 0 0 1.1.6l7.4-5.4a.7.7 0 0 0 0-1.2L4.6 6a.7.7 0 0 0-1.1.6z"/>'),
  loop: SVG('<path class="line" d="M17 3l3.5 3.5L17 10M20 6.5H8A4.5 4.5 0 0 0 3.5 11M7 21l-3.5-3.5L7 14M4 17.5h12a4.5 4.5 0 0 0 4.5-4.5"/>'),
  out: SVG('<path class="line" d="M5.5 12h13"/>'),
  in: SVG('<path class="line" d="M5.5 12h13M12 5.5v13"/>'),
  fit: SVG('<path class="line" d="M4 6v12M20 6v12M7.5 12h9M10 9l-3 3 3 3M14 9l3 3-3 3"/>'),
  download: SVG('<path class="line" d="M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14"/>'),
  close: SVG('<path class="line" d="M6 6l12 12M18 6L6 18"/>'),
};

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "icon") node.innerHTML = ICONS[value];
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

// 62.5 -> "1:02.5" (digits = 1); hours are written as minutes, as players of songs do.
function formatTime(seconds, digits = 1) {
  const steps = 10 ** digits;
  const total = Math.round(Math.max(0, seconds) * steps);
  const minutes = Math.floor(total / (60 * steps));
  const rest = ((total - minutes * 60 * steps) / steps).toFixed(digits);
  return `${minutes}:${rest.padStart(digits ? 3 + digits : 2, "0")}`;
}

// "1:02.5", "62.5" or "1:01:02" -> seconds; null when it is not a time.
function parseTime(text) {
  const match = /^\s*(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d*)?)\s*$/.exec(text);
  if (!match) return null;
  const seconds = parseFloat(match[3].replace(",", "."));
  if (match[2] !== undefined && seconds >= 60) return null;
  return Number(match[1] || 0) * 3600 + Number(match[2] || 0) * 60 + seconds;
}

// What a screen reader says.
function spokenTime(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  return (minutes ? `${minutes} minute${minutes === 1 ? "" : "s"} ` : "") + `${whole % 60} second${whole % 60 === 1 ? "" : "s"}`;
}

const linear = (decibels) => 10 ** (decibels / 20);
const formatDecibels = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(1)} dB`;

function debounce(action, milliseconds) {
  let timer = null;
  const later = (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => { timer = null; action(...values); }, milliseconds);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}

function throttle(action, milliseconds) {
  let timer = null;
  const soon = () => { timer ??= setTimeout(() => { timer = null; action(); }, milliseconds); };
  soon.cancel = () => clearTimeout(timer);
  return soon;
}

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// Fetches bytes, trying again when the network or the server stumbles; a refusal (4xx) is final.
async function fetchBytes(url, signal, tries = 3) {
  for (let attempt = 1; ; attempt += 1) {
    let response = null;
    try {
      response = await fetch(url, { signal, credentials: "same-origin" });
      if (response.ok) return await response.arrayBuffer();
    } catch (error) {
      if (signal?.aborted || attempt >= tries) throw error;
    }
    if (response && (response.status < 500 || attempt >= tries)) throw new Error(`The server answered ${response.status}`);
    await pause(250 * attempt);
  }
}
