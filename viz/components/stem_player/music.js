// Beats, bars and chords above the lanes: a strip that shows them, a metronome that follows them, loops that snap to them.

const NOTES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];

// “B♭m” or “D major” so many semitones higher.
function transposed(name, semitones) {
  const root = NOTES.filter((note) => name.startsWith(note)).sort((a, b) => b.length - a.length)[0];
  if (!root || !semitones) return name;
  return NOTES[(((NOTES.indexOf(root) + semitones) % 12) + 12) % 12] + name.slice(root.length);
}

// What was found in the song, in frames of it, or null.
function readMusic(raw, rate) {
  if (!raw) return null;
  const beats = raw.beats.map((seconds) => Math.round(seconds * rate));
  const chords = raw.chords.map((one) => ({ ...one, start: one.start * rate, end: one.end * rate }));
  return { ...raw, beats, chords };
}

class Music {
  constructor(player) {
    this.player = player;
    this.snap = true;
    this.clicks = false;
    this.countIn = false;
    this.factor = 1; // of the tempo: people count at half or double the tempo that was found
    this.canvas = el("canvas");
    this.facts = el("div", { class: "facts" });
    this.snapButton = this.toggle("Snap loops to beats", "Snap", (on) => { this.snap = on; });
    this.clickButton = this.toggle("Metronome", "Click", (on) => { this.clicks = on; player.engine.replan(); });
    this.countButton = this.toggle("Count in one bar before playing", "Count in", (on) => { this.countIn = on; });
    this.tempo = el("select", { class: "small", "aria-label": "Beats: half, as found, or double", title: "Count half or double the tempo" }, ...[[0.5, "½ ×"], [1, "1 ×"], [2, "2 ×"]].map(([value, label]) => el("option", { value }, label)));
    this.tempo.value = "1";
    this.tempo.addEventListener("change", () => { this.factor = Number(this.tempo.value); this.count(); player.engine.replan(); player.refresh(); });
    this.strip = el("div", { class: "strip", role: "img" }, this.canvas);
    this.sureList = el("dl", { class: "sure", id: "music-sure", hidden: true });
    this.sureButton = el("button", { class: "quiet small", type: "button", "aria-expanded": "false", "aria-controls": "music-sure", onclick: () => this.toggleSure() }, "How sure?");
    this.element = el("div", { class: "music", hidden: true },
      el("div", { class: "side" }, el("div", { class: "keys" }, this.facts, this.sureButton),
        el("div", { class: "keys" }, this.snapButton, this.clickButton, this.countButton, this.tempo)),
      this.strip, this.sureList);
  }

  toggle(label, text, set) {
    const button = el("button", { class: "quiet small", type: "button", "aria-pressed": "false", "aria-label": label, title: label }, text);
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      set(on);
      this.player.say(`${label}: ${on ? "on" : "off"}`);
    });
    return button;
  }

  toggleSure() {
    this.sureList.hidden = !this.sureList.hidden;
    this.sureButton.setAttribute("aria-expanded", String(!this.sureList.hidden));
  }

  update(data) {
    if (data.music === this.raw) return;
    this.raw = data.music;
    this.found = readMusic(data.music, data.samplerate);
    this.element.hidden = !this.found;
    const sure = this.found?.sure ?? []; // stories of earlier versions hold none
    this.sureButton.hidden = !sure.length;
    this.sureList.replaceChildren(...sure.map((one) => el("div", {}, el("dt", {}, `${one.what}: ${one.sure ? "sure" : "a guess"}`), el("dd", {}, one.says))));
    this.snapButton.setAttribute("aria-pressed", String(this.snap));
    this.count();
  }

  // Beats and bars as they are counted.
  count() {
    const { found, factor } = this;
    this.beats = [];
    this.first = 0;
    this.bar = found?.beats_a_bar ?? 0;
    if (!found) return;
    const { beats, first_bar: first } = found;
    if (factor === 2) this.beats = beats.flatMap((beat, i) => (i + 1 < beats.length ? [beat, Math.round((beat + beats[i + 1]) / 2)] : [beat]));
    else if (factor === 0.5) this.beats = beats.filter((_, i) => i % 2 === first % 2);
    else this.beats = beats;
    if (factor === 1) this.first = first;
    else this.first = this.beats.indexOf(beats[first] ?? beats[0]);
    this.first = Math.max(0, this.first);
  }

  accented(index) { return this.bar > 0 && (index - this.first) % this.bar === 0; }

  // The beat nearest to a frame, where loops snap and there are beats.
  snapped(frame) {
    if (!this.snap || !this.beats?.length) return frame;
    const after = this.beats.findIndex((beat) => beat >= frame);
    const near = [this.beats[after], this.beats[after < 0 ? this.beats.length - 1 : after - 1]].filter((beat) => beat !== undefined);
    return near.reduce((best, beat) => (Math.abs(beat - frame) < Math.abs(best - frame) ? beat : best));
  }

  // Frames of a beat around here.
  beatAt(frame) {
    const index = Math.max(1, this.beats.findIndex((beat) => beat > frame));
    return this.beats[index] - this.beats[index - 1];
  }

  refresh() {
    if (!this.found) return;
    const { speed, semitones } = this.player.engine;
    const { tempo, key } = this.found;
    const words = [];
    if (tempo) words.push(el("span", { title: tempo.says }, `${Math.round(tempo.bpm * speed * this.factor)} BPM${tempo.sure ? "" : "?"}`));
    if (key) words.push(el("span", { title: key.says }, `${transposed(key.name, semitones)}${key.sure ? "" : "?"}`));
    if (this.bar) words.push(el("span", { title: this.found.bars_say }, `${this.bar}/4${this.found.bars_sure ? "" : "?"}`));
    this.facts.replaceChildren(...words.flatMap((word, i) => (i ? [" · ", word] : [word])));
    for (const button of [this.snapButton, this.clickButton, this.countButton, this.tempo]) button.hidden = !this.beats.length;
    const chords = [...new Set(this.found.chords.map((one) => transposed(one.name, semitones)))];
    this.strip.setAttribute("aria-label", chords.length ? `Chords along the song: ${chords.join(", ")}` : "Beats along the song");
  }

  // ---- the strip ----

  draw(view, style) {
    if (!this.found) return;
    const context = sharp(this.canvas);
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = this.canvas;
    const x = (frame) => ((frame - view.start) / (view.end - view.start)) * width;
    context.fillStyle = style.color;
    this.drawBeats(context, view, x, ratio, height);
    context.font = `600 ${12 * ratio}px ${style.fontFamily}`;
    context.textBaseline = "middle";
    const { semitones } = this.player.engine;
    let free = 0;
    for (const chord of this.found.chords) {
      if (chord.end < view.start || chord.start > view.end) continue;
      const from = Math.max(0, x(chord.start));
      const name = transposed(chord.name, semitones);
      const room = x(chord.end) - from;
      const needed = context.measureText(name).width + 6 * ratio;
      if (needed > room || from < free) continue;
      context.globalAlpha = chord.sure > 0.6 ? 0.95 : 0.55;
      context.fillText(name, from + 4 * ratio, height * 0.68);
      free = from + needed;
    }
    context.globalAlpha = 1;
  }

  drawBeats(context, view, x, ratio, height) {
    const between = this.beats.length > 1 ? x(this.beats[1]) - x(this.beats[0]) : 0;
    const bars = this.bar ? between * this.bar : 0;
    const every = bars ? [1, 2, 4, 8, 16, 32, 64].find((n) => n * bars > 34 * ratio) ?? 128 : 0;
    context.font = `${10 * ratio}px ${getComputedStyle(this.strip).fontFamily}`;
    context.textBaseline = "top";
    this.beats.forEach((beat, index) => {
      if (beat < view.start || beat > view.end) return;
      const begins = this.accented(index);
      const number = (index - this.first) / Math.max(1, this.bar) + 1;
      if (!begins && between < 7 * ratio) return;
      if (begins && bars < 4 * ratio && (number - 1) % every) return;
      context.globalAlpha = begins ? 0.5 : 0.2;
      context.fillRect(Math.round(x(beat)), 0, Math.max(1, Math.round(ratio)), begins ? height : height * 0.35);
      if (!begins || (number - 1) % every) return;
      context.globalAlpha = 0.7;
      context.fillText(String(number), x(beat) + 3 * ratio, 2 * ratio);
    });
    context.globalAlpha = 1;
  }
}

// ---- the metronome ----

const CLICK_SECONDS = 0.03;

// A short tone; the first of a bar is higher.
function click(context, out, when, accent) {
  const tone = new OscillatorNode(context, { frequency: accent ? 1760 : 1175 });
  const gain = new GainNode(context, { gain: 0 });
  gain.gain.setValueAtTime(accent ? 0.5 : 0.32, when);
  gain.gain.exponentialRampToValueAtTime(0.001, when + CLICK_SECONDS);
  tone.connect(gain).connect(out);
  tone.start(when);
  tone.stop(when + CLICK_SECONDS);
  tone.onended = () => gain.disconnect();
  return tone;
}
