// Two GANs with one difference in how they learned, as a film of checkpoints, and their final generators to turn.

const SHOWN = 24; // pictures of a frame, 6 across

// How many kinds, the mean of several draws with its interval.
const kinds = ({ modes }) => within({ ...modes, low: Math.max(0, modes.low) }, (v) => (Number.isInteger(v) ? String(v) : v.toFixed(1)));

class GanLab extends Exhibit {
  constructor(data, host) {
    super(data, host, { frame: -1, seed: 1, chosen: "pictures-gan" });
    this.title = "GAN";
    this.w = Object.fromEntries(["pictures-gan", "pictures-gan-collapsing", "sounds-gan"].filter((name) => name in SHIPPED).map((name) => [name, readWeights(SHIPPED[name])]));
    this.judges = { pictures: readWeights(SHIPPED["pictures-judge"]), sounds: readWeights(SHIPPED["sounds-judge"]) };
    this.inverse = readInverse();
  }

  build() {
    const film = this.measured.gan?.film ?? null;
    this.film = film;
    const last = film ? film.healthy.length - 1 : 0;
    if (this.state.frame < 0 || this.state.frame > last) this.state.frame = last;
    this.scrub = slider("Checkpoint", { min: 0, max: last, step: 1, value: this.state.frame, show: (v) => (film ? `step ${film.healthy[v].step}` : ""), on: (v) => this.set({ frame: v }) });
    this.lanes = Object.fromEntries(["healthy", "collapsing"].map((name) => [name, { canvas: pixels(96, 64, 320, `What the ${name} generator makes`), words: live() }]));
    this.playing = press("Play the film", () => this.play(), { class: "press first" });
    this.chartBox = el("div", { class: "row" });
    this.made = pixels(16 * 8, 32, 420, "Sixteen new ones");
    this.madeWords = live();
    this.walkLine = pixels(16 * 9, 16, 420, "A walk from one noise to another");
    this.walkWords = live();
    this.soundRow = el("div", { class: "row sounds" });
    this.soundWords = live();
    const lane = (name, title, words) => el("div", {}, el("b", {}, title), this.lanes[name].canvas, this.lanes[name].words, el("p", { class: "faint said" }, words));
    const image = new Image();
    image.onload = () => { this.atlas = image; this.drawFilm(); };
    image.src = `data:image/png;base64,${FILM}`;
    this.root.append(
      part("1 · The film", said("The generator never sees a picture. It only feels which way its judge would find its own more real. The same 24 noises at every checkpoint:"),
        el("div", { class: "buttons" }, this.playing), this.scrub, el("div", { class: "row" },
          lane("healthy", "Healthy", "Its judge also sees how much the pictures of a batch differ, and is kept from being too steep."),
          lane("collapsing", "Collapsing", "The same networks without either, and a generator that learns faster than its judge.")), this.chartBox),
      part("2 · New ones", el("div", { class: "controls" }, choice("Generator", [["pictures-gan", "healthy"], ["pictures-gan-collapsing", "collapsing"]], this.state.chosen, (v) => this.set({ chosen: v }))),
        el("div", { class: "buttons" }, press("Sixteen more", () => this.set({ seed: this.state.seed + 1 }))), this.made, this.madeWords, this.walkLine, this.walkWords),
      this.w["sounds-gan"] ? part("3 · Sounds", said("The same kind of network, trained on spectrograms of hits and notes. One pass from noise, no steps."), el("div", { class: "buttons" }, press("Six more", () => this.set({ seed: this.state.seed + 1 })), press("Hear all six", () => playWave(joined(this.sounds.map((x) => soundWave(x, this.inverse)))))), this.soundRow, this.soundWords) : "");
  }

  play() {
    if (!this.film) return;
    let frame = 0;
    const tick = () => {
      if (this.ended) return;
      this.set({ frame });
      this.scrub.value(frame);
      frame += 1;
      if (frame < this.film.healthy.length) setTimeout(tick, calm() ? 900 : 220);
    };
    tick();
  }

  draw() { this.drawFilm(); this.drawNew(); this.drawSounds(); }

  drawFilm() {
    if (!this.film) return;
    for (const [row, name] of ["healthy", "collapsing"].entries()) {
      const own = Math.min(this.state.frame, this.film[name].length - 1), point = this.film[name][own], { canvas, words } = this.lanes[name], context = canvas.getContext("2d");
      if (this.atlas) for (let k = 0; k < SHOWN; k += 1)
        context.drawImage(this.atlas, 16 * k, 16 * (row * this.film.healthy.length + own), 16, 16, 16 * (k % 6), 16 * Math.floor(k / 6), 16, 16);
      words.textContent = `Step ${point.step}: ${kinds(point)} of ${this.film.all} kinds in a colour among ${this.film.count} pictures; the judge surely recognises ${within(point.sure)}.`;
      canvas.dataset.modes = point.modes.value;
    }
    const x = this.film.healthy.map((one) => one.step), { floor, ceiling } = this.measured.gan;
    const series = ["healthy", "collapsing"].map((name) => {
      const points = this.film[name], of = (end) => points.map((one) => Math.max(0, Math.min(this.film.all, one.modes[end])));
      return { name, x: points.map((one) => one.step), y: of("value"), low: of("low"), high: of("high") };
    });
    this.chartBox.replaceChildren(
      chart({ title: "Kinds in a colour that are made", most: this.film.all, y: `of ${this.film.all}`, x: "training step", now: x[this.state.frame], series, marks: [{ name: "real ones", value: floor.modes.value }, { name: "plain noise", value: ceiling.modes.value }] }), ...this.measuredWords());
  }

  measuredWords() {
    const m = this.measured.gan;
    if (!m) return [];
    const line = (one) => `${kinds(one)} of ${this.film.all}, ${within(one.sure)} surely recognised, nearest training example ${within(one.copying, away)} away`;
    return [el("div", {}, said(el("b", {}, "As shipped: "), `healthy ${line(m.healthy)}.`), said(`Collapsing ${line(m.collapsing)}.`), said(`Real ones kept apart: ${line(m.floor)}.`), said(`Plain noise: ${line(m.ceiling)}.`),
      said(`Means of ${m.healthy.modes.count} draws of ${m.healthy.count}, with 95 % intervals.`))];
  }

  drawNew() {
    const w = this.w[this.state.chosen], random = randomOf(this.state.seed), reads = [];
    for (let k = 0; k < 16; k += 1) {
      const x = generate(w, normals(16, random));
      putPicture(this.made, x, 16 * (k % 8), 16 * Math.floor(k / 8));
      reads.push(verdict(this.judges.pictures, "pictures", x));
    }
    const sure = reads.filter((one) => one.known);
    this.madeWords.textContent = `The judge surely recognises ${sure.length} of 16 and reads ${new Set(sure.map((one) => one.name)).size} different ones.`;
    const from = normals(16, random), to = normals(16, random), names = [];
    for (let k = 0; k < 9; k += 1) {
      const x = generate(w, from.map((v, i) => v + (k / 8) * (to[i] - v)));
      putPicture(this.walkLine, x, 16 * k, 0);
      names.push(verdict(this.judges.pictures, "pictures", x).name);
    }
    this.walkWords.textContent = `A walk from one noise to another: ${[...new Set(names)].join(", ")}.`;
  }

  drawSounds() {
    const w = this.w["sounds-gan"], random = randomOf(this.state.seed);
    if (!w) return;
    this.sounds = Array.from({ length: 6 }, () => generate(w, normals(16, random)));
    const reads = this.sounds.map((x) => verdict(this.judges.sounds, "sounds", x));
    refill(this.soundRow, ...this.sounds.map((x, k) => {
      const canvas = pixels(32, 64, 90, `Spectrogram of a made sound: ${reads[k].name}`);
      putSound(canvas, x);
      return el("div", { class: "tile" }, canvas, el("small", {}, `${reads[k].name}, ${percent(reads[k].sure)}`), press("Hear it", () => playWave(soundWave(x, this.inverse))));
    }));
    const m = this.measured.gan?.sounds, known = reads.filter((one) => one.known).length;
    const line = (one) => `${kinds(one)} of 6 kinds, ${within(one.sure)} surely recognised, nearest training sound ${within(one.copying, away)} away`;
    this.soundWords.textContent = `The judge surely recognises ${known} of these six.${m ? ` Measured on draws of ${m.count}: ${line(m)}. Real ones kept apart: ${line(m.floor)}. Plain noise: ${line(m.ceiling)}.` : ""}`;
  }
}
