// One row a lane: its controls and its picture.

class LaneRow {
  constructor(lane, player) {
    this.lane = lane;
    this.player = player;
    const mix = lane.kind === "mix";
    this.canvas = el("canvas");
    this.region = el("div", { class: "region" });
    this.head = el("div", { class: "head" });
    this.wave = el("div", { class: "wave" }, this.canvas, this.region, this.head);
    if (player.data.lanes.length <= 16) this.axis = this.wave.appendChild(el("div", { class: "axis", "aria-hidden": "true" }));
    this.mute = el("button", { class: "key mute", type: "button", "aria-pressed": "false", "aria-label": `Mute ${lane.label}`, title: "Mute", onclick: () => player.toggleMute(lane) }, "M");
    this.solo = el("button", { class: mix ? "key solo wide" : "key solo", type: "button", "aria-pressed": "false", "aria-label": mix ? `Listen to ${lane.label}` : `Solo ${lane.label}`, title: mix ? "Listen to the original instead of the stems" : "Solo", onclick: () => player.toggleSolo(lane) }, mix ? "A/B" : "S");
    this.fader = el("input", { type: "range", class: "fader", min: LOWEST_DB, max: HIGHEST_DB, step: 0.5, "aria-label": `Volume of ${lane.label}`, title: "Double-click for 0 dB" });
    this.fader.addEventListener("input", () => player.setGain(lane, Number(this.fader.value)));
    this.fader.addEventListener("dblclick", () => player.setGain(lane, 0));
    this.decibels = el("span", { class: "decibels", "aria-hidden": "true" });
    this.level = el("div", { class: "level" });
    this.meter = el("div", { class: "meter", "aria-hidden": "true" }, this.level);
    this.peak = -Infinity;
    this.element = el("div", { class: `lane ${lane.kind}`, role: "group", "aria-label": lane.label, style: `--lane: ${lane.colour}` },
      el("div", { class: "side" },
        el("div", { class: "name" }, el("span", { class: "chip" }), el("span", { class: "label", title: lane.label }, lane.label), this.panControl()),
        el("div", { class: "keys" }, mix ? null : this.mute, this.solo, this.fader, this.decibels),
        this.meter),
      this.wave);
  }

  panControl() {
    if (!this.player.data.pan) return null;
    this.pan = el("input", { type: "range", class: "pan", min: -1, max: 1, step: 0.05, "aria-label": `Pan of ${this.lane.label}`, title: "Pan: double-click for the middle" });
    this.pan.addEventListener("input", () => this.player.setPan(this.lane, Number(this.pan.value)));
    this.pan.addEventListener("dblclick", () => this.player.setPan(this.lane, 0));
    return el("span", { class: "panning" }, el("i", {}, "L"), this.pan, el("i", {}, "R"));
  }

  // Shows the mixer's state.
  refresh(mixer) {
    const { lane } = this;
    const audible = mixer.audible(lane);
    const gain = mixer.gain(lane);
    this.element.classList.toggle("silent", !audible);
    this.mute.setAttribute("aria-pressed", String(mixer.muted.has(lane.name)));
    this.solo.setAttribute("aria-pressed", String(lane.kind === "mix" ? audible : mixer.solo.has(lane.name)));
    this.fader.value = gain;
    this.fader.setAttribute("aria-valuetext", formatDecibels(gain));
    this.fader.style.setProperty("--fill", `${((gain - LOWEST_DB) / (HIGHEST_DB - LOWEST_DB)) * 100}%`);
    this.decibels.textContent = formatDecibels(gain);
    if (!this.pan) return;
    const pan = mixer.pan(lane);
    this.pan.value = pan;
    this.pan.setAttribute("aria-valuetext", pan === 0 ? "centre" : `${Math.round(Math.abs(pan) * 100)} % ${pan < 0 ? "left" : "right"}`);
  }

  // Frequency marks of the mel scale, where the picture is a spectrogram.
  drawAxis(on, tile) {
    const key = on && tile ? `${tile.low}/${tile.high}` : "";
    if (this.axis.dataset.key === key) return;
    this.axis.dataset.key = key;
    this.axis.replaceChildren(...(key ? [500, 2000, 8000].filter((hertz) => hertz > tile.low && hertz < tile.high) : []).map((hertz) =>
      el("span", { style: `bottom: ${(100 * (mel(hertz) - mel(tile.low))) / (mel(tile.high) - mel(tile.low))}%` }, hertz < 1000 ? `${hertz} Hz` : `${hertz / 1000} kHz`)));
  }

  // Peak meter over 60 dB that falls by 30 dB a second.
  showLevel(strip, seconds) {
    this.samples ??= new Float32Array(1024);
    strip.meter.getFloatTimeDomainData(this.samples);
    let peak = 0;
    for (const sample of this.samples) peak = Math.max(peak, Math.abs(sample));
    this.peak = Math.max(20 * Math.log10(Math.max(peak, 1e-5)), this.peak - 30 * seconds);
    this.paintLevel();
  }

  quiet() { this.peak = -Infinity; this.paintLevel(); }

  paintLevel() {
    this.level.style.transform = `scaleY(${clamp(1 + this.peak / 60, 0, 1)})`;
    this.meter.classList.toggle("over", this.peak > 0);
  }
}

// The mel scale of the tiles: linear below 1 kHz, logarithmic above (Slaney, Auditory Toolbox, 1998).
const mel = (hertz) => (hertz < 1000 ? (3 * hertz) / 200 : 15 + Math.log(hertz / 1000) * (27 / Math.log(6.4)));
