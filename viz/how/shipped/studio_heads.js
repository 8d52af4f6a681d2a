// The same inside the studio's models: single heads over moments of a song, patches, residues and words, as
// evaluation/atlas/heads.py kept them.

const STUDIO_WORDS = {
  words: { title: "Words: CLIP reads a sentence", one: "word", many: "words", input: "a sentence about a picture" },
  residues: { title: "Residues: ESMFold reads a protein", one: "residue", many: "residues", input: "the sequence of protein G’s B1 domain" },
  pixels: { title: "Patches: Flamingo sees a picture", one: "patch", many: "patches", input: "the sample picture of a ball, as 8 × 8 patches and one token for the whole" },
  sound: { title: "Moments: Demucs hears a song", one: "moment", many: "moments", input: "three seconds of the sample song" },
};
const NEARBY = 0.6, FAR = 0.9; // of how far chance looks

class StudioHeads {
  constructor(state, changed) {
    this.state = { of: "words", layer: 0, head: 0, at: 6, ...state };
    if (!STUDIO.some((view) => view.modality === this.state.of)) this.state.of = STUDIO[0].modality;
    this.changed = changed;
    this.layers = el("div", {});
    this.asks = el("div", {});
    this.maps = el("div", { class: "heads" });
    this.view = el("div", { class: "view" });
    this.words = live();
    this.measured = live();
    this.root = part("5 · The same inside the studio’s models",
      said("These maps were read from the networks that ship with this studio, at work on its samples. Brightness is the square root of a share, on one scale for all, so that they can be compared."),
      el("div", { class: "controls" }, choice("Model", STUDIO.map(({ modality }) => [modality, STUDIO_WORDS[modality].title]), this.state.of, (of) => this.turn({ of, layer: 0, head: 0, at: Math.floor(this.find(of).names.length / 2) })), this.layers, this.asks),
      this.maps, this.view, this.words, this.measured,
      el("p", { class: "faint said" }, "A map says where a head reads, not whether it mattered. The page Inside can ask a result of yours that."));
    this.renew();
  }

  find(of) { return STUDIO.find((view) => view.modality === of); }
  get now() { return this.find(this.state.of); }
  get layer() { return this.now.layers[this.state.layer] ?? this.now.layers[0]; }
  name(k) { return this.state.of === "residues" ? `${this.now.names[k]}${k + 1}` : this.state.of === "words" ? `“${this.now.names[k]}”` : this.now.names[k]; }

  turn(changes) {
    Object.assign(this.state, changes);
    this.changed({ ...this.state });
    if ("of" in changes) this.renew();
    else this.draw();
  }

  // Controls for another model.
  renew() {
    const { layers, names } = this.now, { one } = STUDIO_WORDS[this.state.of];
    this.state.at = clamp(this.state.at, 0, names.length - 1);
    this.layers.replaceChildren(choice("Layer", layers.map(({ name }, k) => [k, name]), this.state.layer, (v) => this.turn({ layer: Number(v) })));
    this.slider = slider(`The ${one} that asks`, { min: 0, max: names.length - 1, step: 1, value: this.state.at, show: (k) => this.name(k), on: (at) => this.turn({ at }) });
    this.asks.replaceChildren(this.slider);
    this.draw();
  }

  // The shares `(K,)` of one row of a head's map.
  row(head, at) {
    const { shape: [, queries, keys], maps } = this.layer;
    this.layer.bytes ??= Uint8Array.from(atob(maps), (letter) => letter.charCodeAt(0));
    return Float32Array.from(this.layer.bytes.subarray((head * queries + at) * keys, (head * queries + at + 1) * keys), (v) => (v / 255) ** 2);
  }

  draw() {
    const { head, at } = this.state, [heads, queries, keys] = this.layer.shape;
    this.slider.value(at);
    refill(this.maps, ...Array.from({ length: heads }, (_, k) => {
      const canvas = pixels(keys, queries, 150, `Head ${k + 1}: where each of ${queries} looks`), image = new ImageData(keys, queries);
      for (let q = 0; q < queries; q += 1) this.row(k, q).forEach((share, s) => { const light = 255 * Math.sqrt(share); image.data.set([light, light, q === at ? 110 + 0.57 * light : light, 255], 4 * (q * keys + s)); });
      canvas.getContext("2d").putImageData(image, 0, 0);
      return el("button", { type: "button", class: "head pick", "aria-pressed": String(k === head), onclick: () => this.turn({ head: k }) }, canvas, el("small", {}, `Head ${k + 1}`));
    }));
    const shares = this.row(head, at);
    refill(this.view, this.state.of === "pixels" ? this.patches(shares) : this.state.of === "sound" ? this.moments(shares) : this.letters(shares));
    this.say(shares);
  }

  // Words or residues: shaded by what they get.
  letters(shares) {
    const small = this.state.of === "residues";
    return el("div", { class: `tokens${small ? " letters" : ""}` }, this.now.names.map((name, k) => el("button", {
      type: "button", tabindex: -1, "aria-pressed": String(k === this.state.at), title: `${this.name(k)}: ${percent(shares[k])}`, onclick: () => this.turn({ at: k }),
      style: `background:color-mix(in srgb, var(--accent) ${Math.round(85 * Math.sqrt(shares[k]))}%, var(--back))`,
    }, name, small ? null : el("small", {}, percent(shares[k])))));
  }

  // The picture with its patches lit by what they get; a click asks for another.
  patches(shares) {
    const side = Math.round(Math.sqrt(shares.length - 1)), cell = 30, canvas = el("canvas", { width: side * cell, height: side * cell, class: "seen", role: "img", "aria-label": "The picture, its patches lit by what they get" });
    const paper = canvas.getContext("2d"), image = new Image();
    image.onload = () => {
      paper.drawImage(image, 0, 0, canvas.width, canvas.height);
      for (let k = 0; k < side * side; k += 1) {
        paper.fillStyle = `rgba(0, 0, 0, ${0.8 * (1 - Math.min(1, 1.6 * Math.sqrt(shares[k + 1])))})`;
        paper.fillRect((k % side) * cell, Math.floor(k / side) * cell, cell, cell);
      }
      paper.lineWidth = 3;
      paper.strokeStyle = "#ffb000";
      const k = this.state.at - 1;
      if (k >= 0) paper.strokeRect((k % side) * cell + 1.5, Math.floor(k / side) * cell + 1.5, cell - 3, cell - 3);
    };
    image.src = `data:image/png;base64,${this.now.picture}`;
    canvas.addEventListener("click", (event) => {
      const box = canvas.getBoundingClientRect(), place = (v, from, size) => clamp(Math.floor((side * (v - from)) / size), 0, side - 1);
      this.turn({ at: 1 + place(event.clientY, box.top, box.height) * side + place(event.clientX, box.left, box.width) });
    });
    return canvas;
  }

  // The song as bars of loudness, coloured by what they get.
  moments(shares) {
    const levels = this.now.picture, low = -60, width = 720, height = 110, step = width / levels.length;
    const bars = levels.map((level, k) => {
      const tall = Math.max(3, (height - 22) * (1 - clamp(level, low, 0) / low));
      return `<rect x="${k * step + 1}" y="${height - 18 - tall}" width="${step - 2}" height="${tall}" fill="color-mix(in srgb, var(--accent) ${Math.round(100 * Math.min(1, 1.3 * Math.sqrt(shares[k])))}%, var(--line))"><title>${this.name(k)}: ${percent(shares[k])}</title></rect>`;
    });
    const asker = (this.state.at + 0.5) * step;
    const box = el("div", { class: "song" });
    box.innerHTML = `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Loudness of the song, its moments coloured by what they get">${bars.join("")}<path d="M${asker - 7},${height} L${asker + 7},${height} L${asker},${height - 14} Z" fill="var(--text)"/></svg>`;
    box.addEventListener("click", (event) => {
      const place = box.getBoundingClientRect();
      this.turn({ at: clamp(Math.floor((levels.length * (event.clientX - place.left)) / place.width), 0, levels.length - 1) });
    });
    return box;
  }

  say(shares) {
    const { head, at, of } = this.state, { many, input } = STUDIO_WORDS[of], { name, tokens, causal, heads } = this.layer, known = heads[head];
    const best = [...shares.keys()].sort((a, b) => shares[b] - shares[a]).slice(0, 3), even = causal ? 1 / (at + 1) : 1 / shares.length;
    this.words.textContent = `Asked by ${this.name(at)}, head ${head + 1} of layer “${name}” looks most at ${best.map((k) => `${this.name(k)} (${percent(shares[k])})`).join(", ")}. Spread evenly${causal ? " over what came before" : ""}, each would get ${percent(even)}.`;
    const count = tokens ** known.entropy, spread = `Over all of ${input}, this head spreads as if evenly over about ${count < 10 ? count.toFixed(1) : Math.round(count)} of ${tokens} ${many}${known.entropy > 0.9 ? ", so it hardly chooses" : ""}`;
    const reach = known.reach < NEARBY ? "it mostly looks nearby" : known.reach > FAR ? "it looks near and far alike" : "it looks somewhat nearer than chance";
    this.measured.textContent = causal ? `${spread}. A word sees only those before it; ${percent(known.first)} of all goes to the first token.`
      : `${spread}, ${known.reach.toFixed(2)} times as far as chance would look: ${reach}.${of === "sound" ? ` A bar holds about ${Math.round(tokens / shares.length)} of them, added up.` : ""}`;
  }
}
