// A variational autoencoder of pictures or sounds: code, reconstruction, the plane of codes, a walk, the price β.

// A real sound of each kind, kept apart from training, as it was written: bytes of −127 to 127.
const REAL = REAL_SOUNDS.kinds.map((_, k) => {
  const bytes = Uint8Array.from(atob(REAL_SOUNDS.x), (letter) => letter.charCodeAt(0));
  return Float32Array.from(new Int8Array(bytes.buffer, 2048 * k, 2048), (v) => v / 127);
});

const GRID = 9, REACH = 2.4; // the plane shows codes from −REACH to REACH as GRID × GRID pictures
const MODELS = Object.fromEntries(Object.entries({ "pictures-vae-2": "Pictures, 2 numbers", "pictures-vae-8": "Pictures, 8 numbers", "sounds-vae-8": "Sounds, 8 numbers" }).filter(([name]) => name in SHIPPED));

class VaeLab extends Exhibit {
  constructor(data, host) {
    super(data, host, { model: "pictures-vae-8", beta: 1, kind: 3, colour: 2, x: 7.5, y: 7.5, size: 5, angle: 0.3, sound: 1, from: null, axes: null, walk: 0, seed: 1 });
    this.title = "VAE";
    this.w = Object.fromEntries(Object.keys(MODELS).map((name) => [name, readWeights(SHIPPED[name])]));
    this.judges = { pictures: readWeights(SHIPPED["pictures-judge"]), sounds: readWeights(SHIPPED["sounds-judge"]) };
    if (!(this.state.model in this.w)) this.state.model = "pictures-vae-8";
    this.state.axes ??= this.livelyAxes();
    this.own = this.state.own ? Float32Array.from(this.state.own) : null;
    this.ownSound = null; // { title, wave, stretch, x }
    this.ends = [null, null];
  }

  update(data, setStateValue) {
    super.update(data, setStateValue);
    if (data.own && data.own.id !== this.taken) this.take(data.own);
  }

  get world() { return this.state.model.split("-")[0]; }
  get weights() { return this.w[this.state.model]; }

  build() {
    const s = this.state;
    this.mine = pixels(16, 16, 160, "Your picture");
    paintable(this.mine, (column, row) => {
      if (this.world !== "pictures") return;
      const picture = (this.own ??= Float32Array.from(this.picture()));
      for (let c = 0; c < 3; c += 1) picture[c * 256 + row * 16 + column] = this.ink === "black" ? -1 : 2 * RGB[this.state.colour][c] - 1;
      this.code = null;
      this.draw();
    }, () => this.sendSoon());
    this.file = el("input", { type: "file", accept: "image/*", "aria-label": "A picture of yours", onchange: async () => {
      await this.open(this.file.files[0]);
    } });
    this.problem = live();
    const factor = (name, label, min, max, step) => slider(label, { min, max, step, value: s[name], show: (v) => v.toFixed(1), on: (v) => this.thing({ [name]: v }) });
    this.drawer = el("div", {},
      el("div", { class: "controls" },
        choice("Kind", KINDS.pictures.map((name, k) => [k, name]), s.kind, (v) => this.thing({ kind: Number(v) })),
        choice("Colour", COLOURS.map((name, k) => [k, name]), s.colour, (v) => this.thing({ colour: Number(v) })),
        factor("x", "Across", 5.5, 9.5, 0.1), factor("y", "Down", 5.5, 9.5, 0.1), factor("size", "Size", 3.8, 5.6, 0.1), factor("angle", "Angle", 0, 2, 0.1)),
      el("div", { class: "buttons" }, press("Another at random", () => this.thing(randomThing(Math.random))), press("Rub out", (event) => { this.ink = this.ink === "black" ? "" : "black"; event.target.setAttribute("aria-pressed", String(this.ink === "black")); })),
      el("label", { class: "control" }, el("span", {}, "Or a picture of yours (made 16 × 16)"), this.file), this.problem);
    this.back = pixels(16, 16, 160, "The reconstruction");
    this.reading = live();
    this.bars = el("div", { class: "bars" });
    this.codeWords = live();
    this.mineWords = el("small", {});
    this.soundFile = el("input", { type: "file", accept: "audio/*,video/*", "aria-label": "A sound file of yours", onchange: () => this.open(this.soundFile.files[0]) });
    this.soundProblem = live();
    this.startSlider = slider("From second", { min: 0, max: 1, step: 0.01, value: 0, show: (v) => v.toFixed(2), help: "Where in your file the 0.46 seconds begin.", on: (v) => this.cut(v) });
    this.pick = el("div", {},
      el("div", { class: "controls" }, choice("A real sound, kept apart from training", REAL_SOUNDS.kinds.map((name, k) => [k, name]), s.sound, (v) => { this.ownSound = null; this.code = null; this.set({ sound: Number(v), from: null }); }), this.startSlider),
      el("label", { class: "control" }, el("span", {}, "Or a sound file of yours (0.46 seconds of it)"), this.soundFile), this.soundProblem,
      el("div", { class: "buttons" }, press("Hear it", () => playWave(this.heard()), { class: "press first" }), press("Hear what comes back", () => this.play([this.came])), press("One after the other", () => playWave(joined([this.heard(), soundWave(this.came, this.inverse)])))));
    this.betaSlider = slider("β, the price of the code", { min: -1, max: 1.47, step: 0.01, value: Math.log10(s.beta), show: (v) => (10 ** v).toPrecision(2), help: "How much one nat of information in the code costs against one nat of error.", on: (v) => { this.code = null; this.set({ beta: 10 ** v }); } });
    this.tradeOff = el("div", { class: "row" });
    this.plane = pixels(16 * GRID, 16 * GRID, 380, "The plane of codes: drag in it");
    this.plane.classList.add("plane");
    this.plane.tabIndex = 0;
    this.dot = el("i", { class: "dot" });
    this.planeBox = el("div", { class: "planebox" }, this.plane, this.dot);
    this.axisControls = el("div", { class: "controls" });
    const drag = (event) => {
      const box = this.plane.getBoundingClientRect();
      this.moveTo(REACH * (2 * (event.clientX - box.left) / box.width - 1), REACH * (1 - 2 * (event.clientY - box.top) / box.height));
    };
    this.plane.addEventListener("pointerdown", (event) => { this.plane.setPointerCapture(event.pointerId); drag(event); });
    this.plane.addEventListener("pointermove", (event) => { if (event.buttons) drag(event); });
    this.plane.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
      if (!way) return;
      event.preventDefault();
      this.moveTo(this.code[this.state.axes[0]] + way[0], this.code[this.state.axes[1]] + way[1]);
    });
    this.here = pixels(16, 16, 160, "The picture of the chosen code");
    this.hereWords = live();
    const hears = (label, sounds) => press(label, () => this.play(sounds()));
    this.hears = [hears("Hear it", () => [this.made]), hears("Hear the walk", () => this.way), hears("Hear all twelve", () => this.twelve)];
    this.walkLine = el("canvas", { class: "pixels", role: "img", "aria-label": "A walk between two codes" });
    this.walkPicture = pixels(16, 16, 120, "On the way");
    this.walkWords = live();
    this.samples = el("canvas", { class: "pixels", role: "img", "aria-label": "Twelve codes drawn at random" });
    this.sampleWords = live();
    this.network = choice("Network", Object.entries(MODELS), s.model, (v) => this.turnTo(v));
    this.root.append(
      el("div", { class: "controls" }, this.network, this.betaSlider),
      this.first = part("1 · It becomes a code and comes back", el("div", { class: "row" },
        el("div", { class: "tile" }, this.mine, this.mineWords), el("div", { class: "grow" }, this.bars, this.codeWords),
        el("div", { class: "tile" }, this.back, el("small", {}, "what comes back"))), this.reading, this.drawer, this.pick),
      part("2 · Drag in the plane of codes", said("Each small tile is what the decoder makes of the code at its place. Drag, or use the arrow keys."), this.axisControls,
        el("div", { class: "row" }, this.planeBox, el("div", { class: "tile" }, this.here, this.hereWords, this.hears[0]))),
      part("3 · Walk between two", el("div", { class: "buttons" }, press("Take the code above as the start", () => this.keep(0)), press("… as the end", () => this.keep(1)), press("Two at random", () => { this.ends = [this.randomCode(Math.random), this.randomCode(Math.random)]; this.draw(); })),
        slider("On the way", { min: 0, max: 1, step: 0.01, value: s.walk, show: percent, on: (v) => this.set({ walk: v }) }), el("div", { class: "row" }, this.walkPicture, el("div", {}, this.walkLine, this.walkWords, this.hears[1]))),
      part("4 · Codes out of nothing", said("The encoder was made to spread its codes like normal noise, so noise can be decoded too."), el("div", { class: "buttons" }, press("Draw twelve", () => this.set({ seed: this.state.seed + 1 }), { class: "press first" }), this.hears[2]), this.samples, this.sampleWords),
      part("5 · What the price buys, as measured", this.tradeOff));
    this.inverse = readInverse();
    this.first.addEventListener("dragover", (event) => event.preventDefault());
    this.first.addEventListener("drop", (event) => {
      if (!event.dataTransfer.files.length || event.target.matches("input[type=file]")) return;
      event.preventDefault();
      this.open(event.dataTransfer.files[0]);
    });
  }

  turnTo(model) {
    Object.assign(this, { code: null, ends: [null, null] });
    this.state.model = model;
    this.network.value(model);
    this.set({ axes: this.livelyAxes() });
  }

  // A picture or a sound file of the visitor's, whichever it is.
  async open(file) {
    if (!file) return;
    if (file.type.startsWith("image/")) {
      try { this.own = await pictureOfFile(file); this.problem.textContent = ""; } catch { this.problem.textContent = "This file could not be read as a picture; choose a PNG or JPEG."; }
      this.code = null;
      if (this.world === "pictures") this.draw(); else this.turnTo("pictures-vae-8");
    } else await this.listenTo(file.name, await file.arrayBuffer(), null);
  }

  // A sound of the studio, such as a stem of a song.
  async take({ id, title, address }) {
    this.taken = id;
    await this.listenTo(title, await (await fetch(address)).arrayBuffer(), this.state.from);
  }

  async listenTo(title, bytes, from) {
    try {
      const wave = await waveOfFile(bytes);
      if (this.ended) return;
      this.ownSound = { title, wave };
      this.soundProblem.textContent = "";
      const last = Math.max(0, wave.length - SOUND.samples) / SOUND.rate;
      this.startSlider.querySelector("input").max = last.toFixed(2);
      if (this.world !== "sounds") this.turnTo("sounds-vae-8");
      this.cut(Math.min(last, from ?? strongestStart(wave) / SOUND.rate));
    } catch (error) {
      console.warn(error);
      this.soundProblem.textContent = "This file could not be read as a sound; choose a WAV, FLAC, MP3 or OGG.";
    }
  }

  // Half a second from there on becomes what the network is given.
  cut(seconds) {
    const stretch = stretchOf(this.ownSound.wave, Math.round(seconds * SOUND.rate));
    this.bank ??= readBank();
    Object.assign(this.ownSound, { stretch, x: packedSound(stretch, this.bank) });
    this.startSlider.value(seconds);
    this.code = null;
    this.set({ from: Number(seconds.toFixed(2)) });
  }

  // What goes in, as a wave: of a file the file itself.
  heard() { return this.ownSound?.stretch ?? soundWave(this.picture(), this.inverse); }

  play(sounds) { playWave(joined(sounds.map((x) => soundWave(x, this.inverse)))); }
  picture() {
    if (this.world === "sounds") return this.ownSound?.x ?? REAL[this.state.sound];
    const { kind, colour, x, y, size, angle } = this.state; return this.own ?? drawThing({ kind, colour, x, y, size, angle });
  }
  thing(changes) { this.own = null; this.code = null; this.set(changes); }
  randomCode(random) { return Float32Array.from(normals(this.size, random)); }
  keep(end) { this.ends[end] = this.code.slice(); this.draw(); }
  moveTo(a, b) {
    const code = this.code.slice(), limit = (v) => Math.max(-REACH, Math.min(REACH, v));
    code[this.state.axes[0]] = limit(a);
    code[this.state.axes[1]] = limit(b);
    this.code = code;
    this.drawHere();
  }
  // The two numbers of the code that change most in what is decoded.
  livelyAxes() {
    const change = Array.from({ length: this.size }, (_, k) => {
      const [low, high] = [-1.5, 1.5].map((v) => { const z = new Float32Array(this.size); z[k] = v; return this.decode(z); });
      return low.reduce((sum, v, i) => sum + (v - high[i]) ** 2, 0);
    });
    return change.map((_, k) => k).sort((a, b) => change[b] - change[a]).slice(0, 2);
  }
  get size() { return this.weights["from_code.weight"].length / 40; }
  decode(z) { return vaeDecode(this.weights, z, this.state.beta); }

  draw() {
    const pictures = this.world === "pictures", { w, h } = WORLD[this.world];
    for (const button of this.hears) button.hidden = pictures;
    this.drawer.hidden = !pictures;
    this.pick.hidden = pictures;
    this.startSlider.hidden = !this.ownSound;
    this.mineWords.textContent = pictures ? "yours: paint on it" : this.ownSound ? `yours: ${this.ownSound.title}` : "as it is";
    [this.mine, this.back, this.here, this.walkPicture].forEach((canvas) => { canvas.width = w; canvas.height = h; canvas.style.aspectRatio = `${w}/${h}`; canvas.style.width = pictures ? "150px" : "110px"; });
    this.drawFirst();
    this.code ??= this.encoded.mean.slice();
    this.axisControls.hidden = this.size === 2;
    if (this.axisControls.dataset.model !== this.state.model) {
      this.axisControls.dataset.model = this.state.model;
      const axis = (k) => choice(k ? "Upwards" : "Across", Array.from({ length: this.size }, (_, i) => [i, `number ${i + 1}`]), this.state.axes[k], (v) => { const axes = [...this.state.axes]; axes[k] = Number(v); this.set({ axes }); });
      this.axisControls.replaceChildren(axis(0), axis(1));
    }
    this.drawPlaneSoon ??= debounce(() => this.drawPlane(), 20);
    this.drawPlaneSoon();
    this.drawHere();
    this.drawWalk();
    this.drawSamples();
    this.drawTradeOff();
  }

  drawFirst() {
    const x = this.picture(), { put, one } = WORLD[this.world];
    put(this.mine, x);
    const begin = performance.now();
    this.encoded = vaeEncode(this.weights, x, this.state.beta);
    const back = this.decode(this.encoded.mean), nats = vaeNats(this.encoded);
    this.root.dataset.milliseconds = (performance.now() - begin).toFixed(1);
    put(this.back, back);
    this.came = back;
    const used = this.measured.vae?.[this.state.model]?.points;
    this.bars.replaceChildren(...Array.from(this.encoded.mean, (m, k) => {
      const spread = Math.exp(0.5 * this.encoded.logVariance[k]), place = (v) => `${Math.max(0, Math.min(100, 50 + (50 * v) / 3))}%`;
      return el("div", { class: nats[k] < 0.1 ? "idle" : "", title: `mean ${m.toFixed(2)}, spread ${spread.toFixed(2)}: ${nats[k].toFixed(2)} nats` },
        `z${k + 1}`, el("span", { class: "track" }, el("i", { style: `left:${place(m - spread)};right:calc(100% - ${place(m + spread)})` })), `${nats[k].toFixed(1)} nats`);
    }));
    const total = nats.reduce((a, b) => a + b, 0), busy = nats.filter((v) => v >= 0.1).length;
    this.codeWords.textContent = `The code says ${total.toFixed(1)} nats with ${busy} of ${this.size} numbers. A bar shows where each number lies, and how surely.`;
    const error = back.reduce((sum, v, k) => sum + (v - x[k]) ** 2, 0) / x.length / 4;
    const point = used && nearestPoint(used, this.state.beta), beyond = point && error > 4 * point.error.value;
    this.reading.textContent = `${verdict(this.judges[this.world], this.world, back).words}. Squared error ${error.toFixed(4)} of a ${one} in 0 to 1`
      + (point ? `; on ${this.world} kept apart it is ${within(point.error, (v) => v.toFixed(4))} at β ${point.beta}.` : ".")
      + (beyond ? " Yours is unlike anything it learned, so it answers with the nearest thing it knows." : "");
  }

  drawPlane() {
    if (this.ended) return;
    const { w, h, put } = WORLD[this.world], [a, b] = this.state.axes, count = this.world === "pictures" ? GRID : 5;
    this.plane.width = w * count; this.plane.height = h * count;
    this.plane.style.aspectRatio = `${w * count}/${h * count}`;
    this.plane.style.width = this.world === "pictures" ? "380px" : "280px";
    for (let row = 0; row < count; row += 1)
      for (let column = 0; column < count; column += 1) {
        const code = this.code.slice();
        code[b] = REACH * (1 - (2 * (row + 0.5)) / count);
        code[a] = REACH * ((2 * (column + 0.5)) / count - 1);
        put(this.plane, this.decode(code), column * w, row * h);
      }
  }

  drawHere() {
    const { put } = WORLD[this.world], begin = performance.now();
    this.made = this.decode(this.code);
    put(this.here, this.made);
    const read = verdict(this.judges[this.world], this.world, this.made);
    this.root.dataset.judged = read.name;
    this.root.dataset.dragged = (performance.now() - begin).toFixed(1);
    const [a, b] = this.state.axes.map((axis) => this.code[axis]);
    this.hereWords.textContent = `z${this.state.axes[0] + 1} ${a.toFixed(2)}, z${this.state.axes[1] + 1} ${b.toFixed(2)}. ${read.words}.`;
    const place = (v) => `${50 + (50 * Math.max(-REACH, Math.min(REACH, v))) / REACH}%`;
    this.dot.style.left = place(a);
    this.dot.style.top = place(-b);
  }

  drawWalk() {
    const { w, h, put } = WORLD[this.world], count = 9;
    const [from, to] = [this.ends[0] ?? this.code, this.ends[1] ?? this.randomCode(randomOf(9))];
    const between = (part) => from.map((v, k) => v + part * (to[k] - v));
    this.walkLine.width = w * count; this.walkLine.height = h;
    this.walkLine.style.width = `${(this.world === "pictures" ? 3 : 1.6) * w * count}px`;
    this.way = Array.from({ length: count }, (_, k) => this.decode(between(k / (count - 1))));
    const names = this.way.map((x, k) => { put(this.walkLine, x, k * w, 0); return verdict(this.judges[this.world], this.world, x).name; });
    put(this.walkPicture, this.decode(between(this.state.walk)));
    const straight = Math.hypot(...to.map((v, k) => v - from[k]));
    this.walkWords.textContent = `From ${names[0]} to ${names.at(-1)}, a distance of ${straight.toFixed(1)}: on the way the judge reads ${[...new Set(names)].join(", ")}.`;
  }

  drawSamples() {
    const { w, h, put } = WORLD[this.world], random = randomOf(this.state.seed), count = 12;
    this.samples.width = w * count; this.samples.height = h;
    this.samples.style.width = `${(this.world === "pictures" ? 3.4 : 1.7) * w * count}px`;
    this.twelve = Array.from({ length: count }, () => this.decode(this.randomCode(random)));
    const reads = this.twelve.map((x, k) => { put(this.samples, x, k * w, 0); return verdict(this.judges[this.world], this.world, x); });
    const known = this.measured.vae?.[this.state.model]?.points, point = known && nearestPoint(known, this.state.beta);
    this.sampleWords.textContent = `The judge surely recognises ${reads.filter((one) => one.known).length} of these ${count}`
      + (point ? `; of ${point.sure.count} at β ${point.beta} it recognised ${within(point.sure)}, of real ones ${within(this.measured.judges[this.world].sure)}, of plain noise ${within(this.measured.judges[this.world]["sure of noise"])}.` : ".");
  }

  drawTradeOff() {
    const known = this.measured.vae?.[this.state.model], key = `${this.state.model} ${this.state.beta}`;
    if (!known || this.tradeOff.dataset.key === key) return;
    this.tradeOff.dataset.key = key;
    const x = known.points.map((one) => one.beta), of = (name, field) => known.points.map((one) => one[name][field]);
    const curve = (name, label) => ({ name: label, x, y: of(name, "value"), low: of(name, "low"), high: of(name, "high") });
    const shared = { x: "β", logX: true, now: this.state.beta };
    const labels = this.world === "pictures" ? "kind and colour" : "the kind", plain = `${this.size} principal components`;
    this.tradeOff.replaceChildren(
      chart({ ...shared, title: "Error of what comes back", y: "squared, kept-apart examples", series: [curve("error", "network")], marks: [{ name: "the mean of all", value: known.ceiling.value }, { name: plain, value: known.linear.value }] }),
      chart({ ...shared, title: "What the code says", y: "nats", series: [curve("nats", "network")], marks: [{ name: `to tell ${labels}`, value: known["names in nats"] }] }),
      chart({ ...shared, title: "Numbers in use", most: this.size, y: `of ${this.size}, at least 0.1 nats`, series: [curve("used", "network")], marks: [{ name: "things that vary", value: known.factors }] }),
      chart({ ...shared, title: "One factor a number", y: "mutual information gap, 0 to 1", series: [curve("gap", "network")], marks: [{ name: "the factors themselves", value: known.gap.floor.value }, { name: plain, value: known.gap.ceiling.value }] }),
      said(`Measured on ${known.examples} examples that were not trained on, with 95 % intervals; those of the gap are over the ${known.factors} factors. The network learned all β at once, from 0.1 to 30. The gap is 1 where each factor, such as the colour, is told by one number alone, and 0 where two tell as much: a code that is the factors has ${within(known.gap.floor, away)}, and ${plain}, which need no network, ${within(known.gap.ceiling, away)}. ${this.mixingWords(known)}`),
      said(`Its floor of error is 0, the ${this.world.slice(0, -1)} itself; the mean of all is ${within(known.ceiling, (v) => v.toFixed(4))} off, ${plain} ${within(known.linear, (v) => v.toFixed(4))}.`));
  }

  // Whether each number came to tell one thing alone, as it is sometimes hoped of a VAE.
  mixingWords({ points, gap }) {
    const most = points.reduce((best, one) => (one.gap.value > best.gap.value ? one : best));
    return most.gap.value > gap.ceiling.value ? `The network comes nearer, at most ${within(most.gap, away)} at β ${most.beta}.`
      : `The network never gets beyond them, at most ${within(most.gap, away)} at β ${most.beta}: its numbers tell the factors together, not one each.`;
  }
}

function nearestPoint(points, beta) {
  return points.reduce((best, one) => (Math.abs(Math.log(one.beta / beta)) < Math.abs(Math.log(best.beta / beta)) ? one : best));
}
