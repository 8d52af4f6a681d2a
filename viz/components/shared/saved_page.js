// A component as one file of its own: its script, its style and what is on show. Nothing is loaded from anywhere.

const SAVED_POLICY = "default-src 'none'; script-src 'unsafe-inline' blob:; style-src 'unsafe-inline'; worker-src blob:; img-src data: blob:; base-uri 'none'; form-action 'none'";

const SAVED_PAPER = `:root { color-scheme: light dark; --st-text-color: #17212b; --st-background-color: #fff; --st-secondary-background-color: #f2f5f7; --st-border-color: #d5dde3; --st-primary-color: #0b6e99; --st-font: system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { :root { --st-text-color: #e8edf1; --st-background-color: #11161b; --st-secondary-background-color: #1b232a; --st-border-color: #34404a; --st-primary-color: #197bb2; } }
body { margin: 0; padding: clamp(8px, 2vw, 28px); background: var(--st-background-color); color: var(--st-text-color); font-family: var(--st-font); }
h1 { max-width: 1180px; margin: 0 auto 12px; font-size: 1.5rem; }
nav { max-width: 1180px; margin: 0 auto 12px; display: flex; gap: 8px; flex-wrap: wrap; font: 600 15px system-ui, sans-serif; }
nav button { font: inherit; padding: 8px 14px; border: 1px solid var(--st-border-color); border-radius: 999px; color: var(--st-text-color); background: none; cursor: pointer; }
nav button[aria-pressed=true] { background: var(--st-primary-color); color: #fff; }
main { max-width: 1180px; margin: 0 auto; }`;

// A value, or a function's text, as it may stand inside a script element.
const savedValue = (value) => JSON.stringify(value).replace(/</g, "\\u003c");
const savedCode = (code) => String(code).replace(/<\/(script)/gi, "<\\/$1").replace(/<!--/g, "<\\!--");

// The whole document; `body` comes before the `<main>` that the script fills.
function savedDocument({ title, body, script }) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${SAVED_POLICY}"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${SAVED_PAPER}</style></head><body>${body}<main></main><script>"use strict";
${script}
</script></body></html>`;
}

// The shadow root of `<main>` with a style, and the place in it where the component goes.
function savedPlace(style) {
  const root = document.querySelector("main").attachShadow({ mode: "open" }), sheet = document.createElement("style"), place = document.createElement("div");
  sheet.textContent = style;
  root.append(sheet, place);
  return place;
}
