// What the exhibits are made of: labelled controls, pixel pictures, and drawn things.

// An exhibit: made once, drawn again when a control changes; its state can be written into the address. Of the section
// that was turned last, what its `live` paragraphs say is read aloud once it has settled.
class Exhibit {
  constructor(data, host, state) {
    this.run = data.run;
    this.measured = data.measured ?? {};
    this.state = { ...state, ...(data.state ?? {}) };
    this.status = el("p", { class: "spoken", role: "status", "aria-live": "polite" });
    this.root = el("div", { class: "shipped component" });
    host.append(this.root);
    this.sendSoon = debounce(() => this.send?.("state", { ...this.state }), 600);
    this.saySoon = debounce(() => this.say(), 700);
    for (const kind of ["input", "change", "click", "keydown", "pointerup"]) this.root.addEventListener(kind, (event) => this.turned(event));
  }

  update(data, setStateValue) {
    this.send = setStateValue;
    if (this.built) return;
    this.built = true;
    this.build();
    this.root.append(el("div", { class: "buttons" }, press("Save this exhibit as one file", () => this.saveFile(), { title: "An HTML file with the networks inside: it goes on computing without any network." })), this.status);
    this.draw();
  }

  set(changes) {
    Object.assign(this.state, changes);
    this.sendSoon();
    this.draw();
  }

  turned({ target }) {
    this.section = target.closest?.("section") ?? this.root.querySelector("section:not([hidden])");
    this.saySoon();
  }

  say() {
    if (this.ended || !this.section) return;
    const sentence = [...this.section.querySelectorAll(".live")].filter((one) => one.textContent && !one.closest("[hidden]")).map((one) => one.textContent).join(" ");
    if (sentence !== this.status.textContent) this.status.textContent = sentence;
  }

  saveFile() { save(`${this.title.toLowerCase().replace(/\W+/g, "-")}.html`, new Blob([savedExhibit(this.title, { measured: this.measured, state: this.state })], { type: "text/html" })); }

  dispose() {
    this.ended = true;
    this.sendSoon.cancel();
    this.saySoon.cancel();
    this.root.remove();
  }
}

// Runs in the saved file; the state stands behind the "#".
function startSavedExhibit({ Lab, mounted, savedPlace }, style, { measured, state }) {
  const place = savedPlace(style);
  let asked = state;
  try { asked = { ...state, ...JSON.parse(decodeURIComponent(location.hash.slice(1)) || "{}") }; } catch { /* no state of ours: the saved one stays */ }
  const keep = (_, now) => history.replaceState(null, "", `#${encodeURIComponent(JSON.stringify(now))}`);
  mounted(Lab, { data: { run: "saved", measured, state: asked }, parentElement: place, setStateValue: keep });
  window.lab = place.shown;
}

function savedExhibit(title, kept) {
  const script = `const EXHIBIT_STYLE = ${savedValue(EXHIBIT_STYLE)};
${savedCode(wholeExhibit)}
(${savedCode(startSavedExhibit)})(wholeExhibit(EXHIBIT_STYLE), EXHIBIT_STYLE, ${savedValue(kept)});`;
  return savedDocument({ title: `How they work: ${title}`, body: `<h1>How they work: ${title}</h1>`, script });
}

// A slider with its value in words; `show` writes the number.
function slider(label, { min, max, step, value, show = (v) => String(v), help = "", on }) {
  const out = el("output", {}, show(value));
  const input = el("input", { type: "range", min, max, step, value, "aria-label": label, oninput: () => { out.textContent = show(Number(input.value)); on(Number(input.value)); } });
  const node = el("label", { class: "control", title: help || null }, el("span", {}, label, " ", out), input);
  node.value = (v) => { input.value = v; out.textContent = show(v); };
  return node;
}

function choice(label, options, value, on) {
  const list = el("select", { "aria-label": label, onchange: () => on(list.value) },
    options.map(([id, name]) => el("option", { value: id, selected: String(id) === String(value) }, name)));
  const node = el("label", { class: "control" }, el("span", {}, label), list);
  node.value = (v) => { list.value = v; };
  return node;
}

function switcher(label, value, on, help = "") {
  const box = el("input", { type: "checkbox", checked: value, onchange: () => on(box.checked) });
  const node = el("label", { class: "switch", title: help || null }, box, " ", label);
  node.value = (v) => { box.checked = v; };
  return node;
}

const press = (label, on, extra = {}) => el("button", { type: "button", class: "press", onclick: on, ...extra }, label);
const part = (title, ...children) => el("section", { "aria-label": title }, el("h3", {}, title), ...children);
const said = (...words) => el("p", { class: "said" }, ...words);
const live = (...words) => el("p", { class: "said live" }, ...words); // what changes, and is read aloud
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// New children for `box`; what had the focus among the old ones has it among the new ones.
function refill(box, ...nodes) {
  const turnable = () => [...box.querySelectorAll("button, input, select")], at = turnable().indexOf(box.getRootNode().activeElement);
  box.replaceChildren(...nodes);
  if (at >= 0) turnable()[at]?.focus({ preventScroll: true });
}

const percent = (share) => `${share > 0.99 && share < 0.9995 ? (100 * share).toFixed(1) : Math.round(100 * share)} %`;

// A measured number with its 95 % interval, such as "82 % (77 to 87 %)" or "0.14 (0.13 to 0.15)".
function within({ value, low, high }, write = percent) {
  return low === undefined || write(low) === write(high) ? write(value) : `${write(value)} (${write(low).replace(/ %$/, "")} to ${write(high)})`;
}
const away = (v) => v.toFixed(2);

// A canvas of `w` × `h` pixels, shown larger without smoothing.
function pixels(w, h, shown, label) {
  return el("canvas", { width: w, height: h, class: "pixels", style: `width:${shown}px;aspect-ratio:${w}/${h}`, role: "img", "aria-label": label });
}

// A picture `(3, 16, 16)` at (x, y) of a canvas of pixels.
function putPicture(canvas, picture, x = 0, y = 0) {
  const image = new ImageData(16, 16);
  for (let k = 0; k < 256; k += 1) {
    for (let c = 0; c < 3; c += 1) image.data[4 * k + c] = 127.5 * (Math.max(-1, Math.min(1, picture[c * 256 + k])) + 1);
    image.data[4 * k + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, x, y);
}

// A packed sound as its spectrogram, 32 moments × 64 bands, low at the foot.
function putSound(canvas, sound, x = 0, y = 0) {
  const patch = unpackSound(sound), image = new ImageData(32, 64);
  for (let band = 0; band < 64; band += 1)
    for (let t = 0; t < 32; t += 1) {
      const level = 127.5 * (Math.max(-1, Math.min(1, patch[band * 32 + t])) + 1), at = 4 * ((63 - band) * 32 + t);
      image.data.set([Math.min(255, level * 1.5), level * 0.85, 60 + level * 0.5 - Math.max(0, level - 160) * 0.6, 255], at);
    }
  canvas.getContext("2d").putImageData(image, x, y);
}

const WORLD = {
  pictures: { channels: 3, w: 16, h: 16, put: putPicture, one: "picture" },
  sounds: { channels: 8, w: 32, h: 64, put: putSound, one: "sound" },
};
const KINDS = { pictures: ["disc", "square", "triangle", "cross", "ring"], sounds: ["kick", "snare", "hi-hat", "tom", "pluck", "organ"] };
const COLOURS = ["red", "yellow", "green", "blue"];
const RGB = [[0.93, 0.27, 0.24], [0.95, 0.8, 0.2], [0.25, 0.78, 0.36], [0.27, 0.48, 0.96]];

// What the judge reads, such as "blue ring, 98 % sure"; `known` says whether it surely recognises it.
const SURELY = 0.8;
function verdict(w, world, x) {
  const chances = judge(w, x), best = chances.map(argmax);
  if (best[0] === KINDS[world].length) {
    const sure = chances[0][best[0]];
    return { name: "nothing it knows", sure, known: false, words: `The judge reads: nothing it knows, ${percent(sure)} sure` };
  }
  const sure = Math.min(...chances.map((c, k) => c[best[k]]));
  const name = world === "pictures" ? `${COLOURS[best[1]]} ${KINDS.pictures[best[0]]}` : KINDS.sounds[best[0]];
  return { name, sure, known: sure >= SURELY, words: `The judge reads: ${name}, ${percent(sure)} sure` };
}

// A drawn thing as evaluation/synthetic/drawn_things.py draws it, `(3, 16, 16)`.
function drawThing({ kind, colour, x, y, size, angle }) {
  const out = new Float32Array(768).fill(-1), cos = Math.cos(angle), sin = Math.sin(angle);
  for (let row = 0; row < 16; row += 1)
    for (let column = 0; column < 16; column += 1) {
      const dx = column - x, dy = row - y, u = cos * dx + sin * dy, v = cos * dy - sin * dx, far = Math.hypot(u, v);
      const bar = (a, b) => Math.max(Math.abs(a) - size, Math.abs(b) - 0.3 * size);
      const distance = [
        () => far - size,
        () => Math.max(Math.abs(u), Math.abs(v)) - 0.8 * size,
        () => Math.max(...[0, 1, 2].map((k) => Math.cos((2 * Math.PI * k) / 3) * u + Math.sin((2 * Math.PI * k) / 3) * v)) - 0.6 * size,
        () => Math.min(bar(u, v), bar(v, u)),
        () => Math.abs(far - 0.78 * size) - 0.24 * size,
      ][kind]();
      const covered = Math.min(1, Math.max(0, 0.5 - distance));
      for (let c = 0; c < 3; c += 1) out[c * 256 + row * 16 + column] = 2 * covered * RGB[colour][c] - 1;
    }
  return out;
}

function randomThing(random) {
  const kind = Math.floor(5 * random());
  const turn = [0, Math.PI / 2, (2 * Math.PI) / 3, Math.PI / 2, 0][kind];
  return { kind, colour: Math.floor(4 * random()), x: 5.5 + 4 * random(), y: 5.5 + 4 * random(), size: 3.8 + 1.8 * random(), angle: turn * random() };
}

// A canvas of 16 × 16 that is painted on with mouse, finger or pen; `at(column, row)` is called for every pixel touched.
function paintable(canvas, at, end) {
  const touch = (event) => {
    const box = canvas.getBoundingClientRect();
    const column = Math.floor((16 * (event.clientX - box.left)) / box.width), row = Math.floor((16 * (event.clientY - box.top)) / box.height);
    if (column >= 0 && column < 16 && row >= 0 && row < 16) at(column, row);
  };
  canvas.style.touchAction = "none";
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); touch(event); });
  canvas.addEventListener("pointermove", (event) => { if (event.buttons) touch(event); });
  canvas.addEventListener("pointerup", () => end?.());
}

// Any picture file as `(3, 16, 16)`: its middle square, made small.
async function pictureOfFile(file) {
  const bitmap = await createImageBitmap(file), edge = Math.min(bitmap.width, bitmap.height);
  const small = el("canvas", { width: 16, height: 16 }), context = small.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, (bitmap.width - edge) / 2, (bitmap.height - edge) / 2, edge, edge, 0, 0, 16, 16);
  const seen = context.getImageData(0, 0, 16, 16).data;
  return Float32Array.from({ length: 768 }, (_, k) => seen[4 * (k % 256) + Math.floor(k / 256)] / 127.5 - 1);
}
