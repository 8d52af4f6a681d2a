// Diffusion of pictures and sounds: noise added, noise taken away, labels and guidance, filling, one change at a time.

// Holes that can be chosen instead of painted, by row and column.
const HOLES = {
  painted: null, right: (y, x) => x >= 8, left: (y, x) => x < 8, top: (y) => y < 8, bottom: (y) => y >= 8,
  middle: (y, x) => x > 3 && x < 12 && y > 3 && y < 12,
};
const CHANGES = { none: "nothing", guidance: "guidance", kind: "kind", colour: "colour", steps: "steps", seed: "seed" };

class DiffusionLab extends Exhibit {
  constructor(data, host) {
    super(data, host, { world: "pictures", kind: "triangle", colour: "blue", steps: 20, guidance: 2, seed: 1, at: 20, change: "guidance", other: 0, forward: 0.4, reveal: 0 });
    this.w = { pictures: readWeights(SHIPPED["pictures-diffusion"]), sounds: readWeights(SHIPPED["sounds-diffusion"]) };
    this.judges = { pictures: readWeights(SHIPPED["pictures-judge"]), sounds: readWeights(SHIPPED["sounds-judge"]) };
    this.inverse = readInverse();
    this.title = "Diffusion";
    this.films = [null, null];
    this.hole = new Uint8Array(256);
  }

  build() {
    const s = this.state;
    this.kind = choice("Kind", this.kindOptions(), s.kind, (v) => this.again({ kind: v }));
    this.colour = choice("Colour", [["any", "any"], ...COLOURS.map((c) => [c, c])], s.colour, (v) => this.again({ colour: v }));
    this.steps = slider("Steps", { min: 4, max: 100, step: 1, value: s.steps, on: (v) => this.again({ steps: v, at: v }) });
    this.guidance = slider("Guidance", { min: 0, max: 8, step: 0.5, value: s.guidance, help: "How strongly the labels pull: 0 ignores them, 1 is as learned.", on: (v) => this.again({ guidance: v }) });
    this.seedSlider = slider("Seed", { min: 1, max: 200, step: 1, value: s.seed, help: "The same seed begins with the same noise.", on: (v) => this.again({ seed: v }) });
    this.forwardPicture = pixels(16, 16, 130, "A picture with noise");
    this.forwardGuess = pixels(16, 16, 130, "What the network takes it for");
    this.forwardWords = live();
    this.scrub = slider("Step", { min: 0, max: s.steps, step: 1, value: s.at, on: (v) => this.set({ at: v }) });
    this.stage = el("div", { class: "row" });
    this.story = live();
    this.timing = el("p", { class: "faint" });
    this.changeChoice = choice("Beside it, the same but for", Object.entries(CHANGES), s.change, (v) => this.again({ change: v, other: this.firstOther(v) }));
    this.otherBox = el("div", {});
    this.pick = el("div", { class: "row" });
    this.fillPicture = pixels(16, 16, 170, "Paint over what is to be filled");
    paintable(this.fillPicture, (column, row) => { for (let y = row - 1; y <= row + 1; y += 1) for (let x = column - 1; x <= column + 1; x += 1) if (x >= 0 && y >= 0 && x < 16 && y < 16) this.hole[y * 16 + x] = 1; this.holes.value("painted"); this.drawFill(); });
    this.holes = choice("The hole", [["painted", "as painted"], ["right", "right half"], ["left", "left half"], ["top", "upper half"], ["bottom", "lower half"], ["middle", "the middle"]], "painted", (v) => HOLES[v] && this.dig(HOLES[v]));
    this.filled = pixels(16 * 4, 16, 440, "Four ways to fill it");
    this.filled.hidden = true;
    this.fillWords = live("Paint a hole into the picture, then fill it.");
    this.curves = el("div", { class: "row" });
    this.root.append(
      el("div", { class: "controls" }, choice("What", [["pictures", "Pictures"], ["sounds", "Sounds"]], s.world, (v) => this.turnTo(v)), this.kind, this.colour, this.steps, this.guidance, this.seedSlider),
      this.forwardPart = part("1 · Noise is added", said("Slide: a drawn picture drowns in noise. The network is only ever asked what is below the noise; that is all it learns."),
        slider("Noise", { min: 0.02, max: 0.98, step: 0.02, value: s.forward, show: percent, on: (v) => { this.state.forward = v; this.drawForward(); this.sendSoon(); } }),
        el("div", { class: "row" }, el("div", { class: "tile" }, this.forwardPicture, el("small", {}, "with noise")), el("div", { class: "tile" }, this.forwardGuess, el("small", {}, "the network’s guess of the clean one"))), this.forwardWords),
      part("2 · Noise is taken away", el("div", { class: "buttons" }, press("Run", () => this.go(true), { class: "press first" }), press("Another seed", () => this.again({ seed: 1 + (this.state.seed % 200) }))), this.scrub, this.stage, this.story, this.timing,
        el("div", { class: "controls" }, this.changeChoice, this.otherBox)),
      this.fillPart = part("3 · Fill a hole", el("div", { class: "row" }, this.fillPicture, el("div", {}, el("div", { class: "buttons" }, press("Fill it", () => this.fill(), { class: "press first" }), press("No hole", () => this.dig(() => false)), press("The result above", () => { this.base = this.films[0]?.at(-1)?.guess ?? this.base; this.drawFill(); }), press("A drawn one", () => { this.base = drawThing(randomThing(Math.random)); this.drawFill(); })), this.holes, this.filled, this.fillWords))),
      part("4 · Steps and guidance, as measured", this.curves));
    this.base = drawThing({ kind: 3, colour: 1, x: 7.5, y: 7.5, size: 5.2, angle: 0.2 });
    for (let y = 3; y < 13; y += 1) for (let x = 8; x < 14; x += 1) this.hole[y * 16 + x] = 1;
    this.labelsShown();
    this.go(false);
  }

  kindOptions() { return [["any", "any"], ...KINDS[this.state.world].map((name) => [name, name])]; }
  turnTo(world) {
    this.state.world = world;
    this.state.kind = KINDS[world][world === "sounds" ? 1 : 2];
    this.kind.querySelector("select").replaceChildren(...this.kindOptions().map(([id, name]) => el("option", { value: id, selected: id === this.state.kind }, name)));
    this.labelsShown();
    this.again({ other: this.firstOther(this.state.change) });
  }
  labelsShown() {
    const pictures = this.state.world === "pictures";
    this.colour.hidden = !pictures;
    this.fillPart.hidden = !pictures;
    this.forwardPart.hidden = !pictures;
  }
  firstOther(change) {
    const { world, kind, colour, seed } = this.state;
    return { none: 0, guidance: 0, steps: 4, seed: seed + 1, kind: KINDS[world].find((name) => name !== kind), colour: COLOURS.find((name) => name !== colour) }[change];
  }
  again(changes) { Object.assign(this.state, changes); this.sendSoon(); this.goSoon ??= debounce(() => this.go(false), 60); this.goSoon(); this.drawOther(); }

  labels({ kind, colour }) {
    const { world } = this.state, kinds = KINDS[world], of = (list, name) => (name === "any" ? list.length : list.indexOf(name));
    return world === "pictures" ? [of(kinds, kind), of(COLOURS, colour)] : [of(kinds, kind)];
  }

  // One film from its noise, a frame of the screen for a few steps, so that it can be watched and overtaken.
  async film(settings, mine, watch) {
    const { world } = this.state, labels = this.labels(settings), w = this.w[world];
    let x = normals(256 * WORLD[world].channels, randomOf(Number(settings.seed)));
    const frames = [{ x, guess: new Float32Array(x.length).fill(world === "pictures" ? -1 : -1) }];
    let shown = performance.now();
    for (let k = 0; k < settings.steps; k += 1) {
      const began = performance.now();
      const step = denoiseStep(w, x, { time: 1 - k / settings.steps, later: 1 - (k + 1) / settings.steps, labels, guidance: settings.guidance, kept: settings.kept });
      this.spent += performance.now() - began;
      x = step.x;
      frames.push({ ...step });
      if (performance.now() - shown > 24) {
        watch?.(frames);
        await new Promise((done) => requestAnimationFrame(done));
        shown = performance.now();
        if (mine !== this.running || this.ended) return null;
      }
    }
    return frames;
  }

  async go(watched) {
    const mine = (this.running = (this.running ?? 0) + 1), { steps, change, other } = this.state;
    const settings = { ...this.state };
    this.spent = 0;
    if (watched) { this.films = [null, null]; }
    const first = await this.film(settings, mine, watched && !calm() ? (frames) => { this.films[0] = frames; this.state.at = frames.length - 1; this.drawStage(); } : null);
    if (!first) return;
    this.timing.textContent = `${steps} steps took ${Math.round(this.spent)} ms in this browser.`;
    this.root.dataset.milliseconds = this.spent.toFixed(1);
    const second = change === "none" ? null : await this.film({ ...settings, [change]: ["guidance", "steps", "seed"].includes(change) ? Number(other) : other }, mine, null);
    if (change !== "none" && !second) return;
    this.films = [first, second];
    this.state.at = Math.min(this.state.at, steps) || steps;
    if (watched) this.state.at = steps;
    this.draw();
    this.root.dataset.seed = String(settings.seed);
  }

  draw() {
    this.scrub.querySelector("input").max = this.state.steps;
    this.scrub.value(this.state.at);
    this.drawForward();
    this.drawStage();
    this.drawFill();
    this.drawOther();
    this.drawCurves();
  }

  drawForward() {
    const clean = drawThing({ kind: 2, colour: 3, x: 7.5, y: 7.5, size: 5, angle: 0.4 }), [alpha, sigma] = mixing(this.state.forward), noise = normals(768, randomOf(this.state.seed));
    const x = clean.map((v, k) => alpha * v + sigma * noise[k]);
    const w = this.w.pictures, v = denoiserVelocity(w, x, this.state.forward, anyLabels(w)), guess = x.map((one, k) => alpha * one - sigma * v[k]);
    putPicture(this.forwardPicture, x);
    putPicture(this.forwardGuess, guess);
    const error = guess.reduce((sum, one, k) => sum + (Math.max(-1, Math.min(1, one)) - clean[k]) ** 2, 0) / 768 / 4;
    this.forwardWords.textContent = `Of the picture ${percent(alpha * alpha)} of the power is left. Without being told what it is, the network guesses it with an error of ${error.toFixed(3)}; ${verdict(this.judges.pictures, "pictures", guess).words.replace("The judge", "the judge")}.`;
  }

  drawStage() {
    const { world, at } = this.state, { w, h, put } = WORLD[world], large = world === "pictures" ? 150 : 110;
    const column = (film, title) => {
      if (!film) return null;
      const frame = film[Math.min(film.length - 1, Math.round((at / Math.max(1, this.state.steps)) * (film.length - 1)))];
      const noisy = pixels(w, h, large, "what is left of the noise"), guess = pixels(w, h, large, "the present guess");
      put(noisy, frame.x);
      put(guess, frame.guess);
      const read = verdict(this.judges[world], world, frame.guess);
      return el("div", {}, el("b", {}, title), el("div", { class: "row" }, el("div", { class: "tile" }, noisy, el("small", {}, "as it is now")), el("div", { class: "tile" }, guess, el("small", { "data-judged": read.name }, `its present guess. ${read.words}`),
        world === "sounds" ? el("div", { class: "buttons" }, press("Hear the guess", () => playWave(soundWave(frame.guess, this.inverse))), press("Hear the noise", () => playWave(soundWave(frame.x, this.inverse, 4))), press("Save WAV", () => save("sound.wav", wavBlob(soundWave(frame.guess, this.inverse))))) : null)));
    };
    const other = this.state.change === "none" ? null : `${CHANGES[this.state.change]}: ${this.state.other}`;
    refill(this.stage, ...[column(this.films[0], "As chosen"), column(this.films[1], other)].filter(Boolean));
    const film = this.films[0];
    if (film && film.length > 2) {
      const last = film.at(-1).guess, settled = film.findIndex((frame, k) => k > 0 && film.slice(k).every((later) => later.guess.reduce((sum, v, i) => sum + (v - last[i]) ** 2, 0) / last.length < 0.02));
      const final = verdict(this.judges[world], world, last).name;
      const read = film.slice(1).map((frame) => verdict(this.judges[world], world, frame.guess).name), named = read.length - [...read].reverse().findIndex((name) => name !== final);
      this.story.textContent = film.length - 1 < this.state.steps ? `Step ${film.length - 1} of ${this.state.steps}.`
        : `The judge reads ${final} from step ${read.every((name) => name === final) ? 1 : named + 1} of ${read.length} on; from step ${settled} on the guess hardly moves.`;
    }
  }

  drawOther() {
    const { change, other, world } = this.state, key = `${change} ${world}`;
    if (this.otherBox.dataset.key === key) return;
    this.otherBox.dataset.key = key;
    const number = (min, max, step) => slider(`… with ${CHANGES[change]}`, { min, max, step, value: Number(other), on: (v) => this.again({ other: v }) });
    const node = { none: () => null, guidance: () => number(0, 8, 0.5), steps: () => number(4, 100, 1), seed: () => number(1, 201, 1),
      kind: () => choice("… with kind", this.kindOptions(), other, (v) => this.again({ other: v })), colour: () => choice("… with colour", COLOURS.map((c) => [c, c]), other, (v) => this.again({ other: v })) }[change]();
    this.otherBox.replaceChildren(...(node ? [node] : []));
  }

  // A hole where `inside(row, column)` is true.
  dig(inside) {
    for (let k = 0; k < 256; k += 1) this.hole[k] = inside(k >> 4, k % 16) ? 1 : 0;
    this.fillWords.textContent = `${this.hole.reduce((sum, one) => sum + one, 0)} of 256 pixels are to be filled.`;
    this.drawFill();
  }

  drawFill() {
    const shown = this.base.slice();
    for (let k = 0; k < 256; k += 1) if (this.hole[k]) for (let c = 0; c < 3; c += 1) shown[c * 256 + k] = (k + (k >> 4)) % 2 ? 0.25 : -0.1;
    putPicture(this.fillPicture, shown);
  }

  async fill() {
    if (!this.hole.some(Boolean)) { this.fillWords.textContent = "There is no hole: paint one first."; return; }
    const mine = (this.running = (this.running ?? 0) + 1), stays = this.hole.map((one) => 1 - one), names = [];
    this.spent = 0;
    for (let k = 0; k < 4; k += 1) {
      const frames = await this.film({ kind: "any", colour: "any", seed: this.state.seed + 1000 * (k + 1), steps: 25, guidance: 1, kept: { picture: this.base, stays } }, mine, null);
      if (!frames) return;
      this.filled.hidden = false;
      putPicture(this.filled, frames.at(-1).guess, 16 * k, 0);
      names.push(verdict(this.judges.pictures, "pictures", frames.at(-1).guess).name);
    }
    this.fillWords.textContent = `From four noises, with no label given: ${names.join(", ")}. What you did not paint over stayed as it was.`;
    this.saySoon();
  }

  drawCurves() {
    const known = this.measured.diffusion?.[this.state.world], key = `${this.state.world} ${this.state.steps} ${this.state.guidance}`;
    if (!known) this.curves.replaceChildren(said("Not measured yet."));
    if (!known || this.curves.dataset.key === key) return;
    this.curves.dataset.key = key;
    const curve = (points, field, name) => ({ name, x: points.map((one) => one.at), y: points.map((one) => one[field].value), low: points.map((one) => one[field].low), high: points.map((one) => one[field].high) });
    const marks = (field) => [{ name: "real ones", value: known.floor[field].value }, { name: "guessing", value: known.ceiling[field].value }];
    const beside = `Real ones are read rightly ${within(known.floor.right)}, and two of a label are ${within(known.floor.variety, away)} apart; plain noise ${within(known.ceiling.variety, away)}.`;
    this.curves.replaceChildren(
      chart({ title: "Asked kind is read", y: "judged right", x: "guidance", percentY: true, now: this.state.guidance, series: [curve(known.guidance, "right", "20 steps")], marks: marks("right") }),
      chart({ title: "Variety", y: "distance between two of one label", x: "guidance", now: this.state.guidance, series: [curve(known.guidance, "variety", "20 steps")], marks: [{ name: "real ones", value: known.floor.variety.value }, { name: "plain noise", value: known.ceiling.variety.value }] }),
      chart({ title: "Asked kind is read", y: "judged right", x: "steps", percentY: true, now: this.state.steps, series: [curve(known.steps, "right", "guidance 2")], marks: marks("right") }),
      said(`Each point is ${known.count} ${this.state.world}, with 95 % intervals. ${beside} ${this.copyingWords(known.copying)}`));
  }

  copyingWords({ made, held_out: apart, noise }) {
    return `Is it copying? The nearest training example is ${within(made, away)} away from what it makes, ${within(apart, away)} from examples kept apart and ${within(noise, away)} from plain noise: ${made.value < 0.5 * apart.value ? "much nearer, so it copies" : "not nearer, so it does not copy"}.`;
  }
}
