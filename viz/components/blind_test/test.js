// The test: A, B and X play on one clock at one loudness; a click switches between them. Streamlit calls the export.

const SWITCH_SECONDS = 0.012;
const QUIETEST = 1e-5; // RMS under which there is nothing to hear

const rms = (buffer) => {
  let sum = 0;
  for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) for (const value of buffer.getChannelData(channel)) sum += value * value;
  return Math.sqrt(sum / (buffer.length * buffer.numberOfChannels));
};

class BlindTest {
  constructor(data, host) {
    this.run = data.run;
    this.answers = [];
    this.status = el("p", { class: "status", role: "status", "aria-live": "polite" });
    this.keys = ["A", "B", "X"].map((name) => el("button", { type: "button", class: "sound", "aria-pressed": "false", onclick: () => this.hear(name) }, name));
    this.says = ["A", "B"].map((name) => el("button", { type: "button", class: "answer", disabled: true, onclick: () => this.answer(name) }, `X is ${name}`));
    this.dots = el("div", { class: "dots", "aria-hidden": "true" });
    this.stopKey = el("button", { type: "button", class: "quiet", onclick: () => this.stop() }, "Stop the sound");
    this.root = el("div", { class: "blind component", role: "group", "aria-label": "Blind test" },
      el("div", { class: "row" }, ...this.keys, this.stopKey), el("div", { class: "row" }, ...this.says, this.dots), this.status);
    host.append(this.root);
  }

  update(data, setStateValue) {
    this.send = setStateValue;
    if (this.data) return;
    this.data = data;
    this.draw();
    this.next();
  }

  // X is one of the two by a fair coin, thrown anew for every answer.
  next() { this.x = crypto.getRandomValues(new Uint8Array(1))[0] & 1 ? "A" : "B"; this.heardX = false; }

  async load() {
    this.context ??= new AudioContext({ sampleRate: this.data.samplerate });
    await this.context.resume();
    if (this.gains) return;
    const buffers = await Promise.all([this.data.a, this.data.b].map(async (url) => this.context.decodeAudioData(await fetchBytes(url))));
    const levels = buffers.map(rms);
    if (Math.max(...levels) < QUIETEST) throw new Error("There is nothing to hear in these seconds: choose others.");
    // The louder one is turned down to the other: else loudness alone would tell them apart.
    const target = Math.min(...levels.map((level) => Math.max(level, QUIETEST)));
    this.gains = buffers.map((buffer) => {
      const gain = this.context.createGain();
      gain.gain.value = 0;
      gain.connect(this.context.destination);
      return gain;
    });
    this.levels = levels.map((level) => target / Math.max(level, QUIETEST));
    this.buffers = buffers;
  }

  start() {
    if (this.sources) return;
    const at = this.context.currentTime + 0.05;
    this.sources = this.buffers.map((buffer, place) => {
      const source = this.context.createBufferSource();
      Object.assign(source, { buffer, loop: true });
      source.connect(this.gains[place]);
      source.start(at);
      return source;
    });
  }

  async hear(name) {
    try {
      await this.load();
    } catch (error) {
      this.status.textContent = error.message.startsWith("There is") ? error.message : "The sound could not be loaded: reload the page to try again.";
      return;
    }
    this.start();
    const which = (name === "X" ? this.x : name) === "A" ? 0 : 1;
    this.gains.forEach((gain, place) => gain.gain.setTargetAtTime(place === which ? this.levels[place] : 0, this.context.currentTime, SWITCH_SECONDS));
    if (name === "X") this.heardX = true;
    this.playing = name;
    this.draw();
  }

  stop() {
    for (const source of this.sources ?? []) source.stop();
    this.sources = this.playing = null;
    for (const gain of this.gains ?? []) gain.gain.value = 0;
    this.draw();
  }

  answer(name) {
    this.answers.push(name === this.x);
    this.next();
    this.stop();
    if (this.answers.length === this.data.trials) this.send("score", { run: this.run, right: this.answers.filter(Boolean).length, trials: this.data.trials });
  }

  draw() {
    const over = this.answers.length >= this.data.trials;
    for (const key of this.keys) { key.setAttribute("aria-pressed", String(key.textContent === this.playing)); key.disabled = over; }
    for (const key of this.says) key.disabled = over || !this.heardX;
    this.stopKey.disabled = !this.playing;
    this.dots.replaceChildren(...Array.from({ length: this.data.trials }, (_, place) => el("i", { class: place < this.answers.length ? "given" : "" })));
    this.status.textContent = over ? "All answers are given." : `Answer ${this.answers.length + 1} of ${this.data.trials}: listen to X, then say which it is.`;
  }

  dispose() {
    this.stop();
    this.context?.close();
    this.root.remove();
  }
}

export default function blindTest(run) {
  return mounted(BlindTest, run);
}
