// All that is drawn inside a part of the page as one picture: its canvases and pictures, and the words beside them.

const CONTROLS = ".spoken, button, select, input, textarea, label, summary, [role=radiogroup], [hidden]";

// Every element and text below a node, also in the shadows of components; controls, and what is only spoken, stay out.
function* shownBelow(node) {
  for (const child of (node.shadowRoot ?? node).childNodes) {
    if (child.nodeType === Node.TEXT_NODE) yield child;
    if (child.nodeType !== Node.ELEMENT_NODE || child.matches(CONTROLS)) continue;
    const { display, visibility } = getComputedStyle(child); // a box without one of its own ("contents") still shows what it holds
    if (display === "none" || visibility === "hidden") continue;
    yield child;
    if (!child.matches("canvas, img, svg")) yield* shownBelow(child);
  }
}

// The lines of a text as they are broken on the page, with the box of each.
function* linesOf(text) {
  const range = document.createRange();
  let line = "", box = null;
  for (const word of text.data.matchAll(/\S+\s*/g)) {
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].trimEnd().length);
    const here = range.getBoundingClientRect();
    if (box && here.top > box.bottom - 2) { yield [line.trim(), box]; line = ""; box = null; }
    line += word[0];
    box ??= here;
  }
  if (box) yield [line.trim(), box];
}

function piece(tag, attributes, words = "") {
  const node = document.createElementNS(SVG_NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = words;
  return node;
}

// A canvas that is drawn in 3D is empty between two frames: what draws it puts `draw` on it, which draws it once more.
async function addressOf(node) {
  if (node.matches("canvas")) { node.draw?.(); return node.toDataURL("image/webp", 0.9); }
  return node.src.startsWith("data:") ? node.src : asAddress(await (await fetch(node.src)).blob());
}

async function collage(place) {
  const frame = place.getBoundingClientRect();
  const parts = [];
  for (const node of shownBelow(place)) {
    if (node.nodeType === Node.TEXT_NODE) {
      const { color, fontSize, fontWeight } = getComputedStyle(node.parentElement ?? node.getRootNode().host);
      for (const [words, box] of linesOf(node)) {
        if (box.width) parts.push(piece("text", { x: box.left - frame.left, y: box.bottom - frame.top - 0.22 * box.height, fill: color, "font-size": fontSize, "font-weight": fontWeight }, words));
      }
    } else if (node.matches("canvas, img")) {
      const { left, top, width, height } = node.getBoundingClientRect();
      const look = `image-rendering:${getComputedStyle(node).imageRendering}`;
      if (width && height) parts.push(piece("image", { href: await addressOf(node), x: left - frame.left, y: top - frame.top, width, height, style: look }));
    }
  }
  if (!parts.some((part) => part.tagName === "image")) return null; // nothing is drawn yet
  const { width, height } = frame;
  const svg = piece("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "font-family": "sans-serif" });
  svg.append(piece("rect", { width, height, fill: backgroundOf(place) }), ...parts);
  return { text: new XMLSerializer().serializeToString(svg), width, height };
}
