// The panels below the lanes: loop, download, help.

// What was chosen last is there again for the next song: kept in the browser, where that is allowed.
const PRESET_KEY = "fourfold-stems", FORMAT_KEY = "fourfold-format", RATE_KEY = "fourfold-rate";

function lastChoice(key) {
  try { return localStorage.getItem(key); } catch { return null; }
}

function keepChoice(key, value) {
  try { localStorage.setItem(key, value); } catch { /* a private window forgets it, which is what it is for */ }
}

class LoopPanel {
  constructor(player) {
    this.player = player;
    this.toggle = el("button", { class: "key loop", type: "button", icon: "loop", "aria-pressed": "false", "aria-label": "Loop", title: "Loop (L)", onclick: () => player.toggleLoop() });
    this.start = this.field("Loop start", "start");
    this.end = this.field("Loop end", "end");
    this.clear = el("button", { class: "quiet", type: "button", onclick: () => player.setLoop(null) }, "Clear");
    this.problem = el("p", { class: "note", id: "loop-problem", "aria-live": "polite" });
    this.element = el("section", { class: "panel", "aria-label": "Loop" },
      el("h3", {}, "Loop"),
      el("div", { class: "row" }, this.toggle, this.start, el("span", { class: "dash" }, "–"), this.end, this.clear),
      this.problem);
  }

  field(label, edge) {
    const input = el("input", { class: "time", type: "text", inputmode: "decimal", "aria-label": `${label}, minutes and seconds`, "aria-describedby": "loop-problem", placeholder: "0:00.000", autocomplete: "off", spellcheck: "false" });
    input.addEventListener("focus", () => input.select());
    input.addEventListener("input", () => { input.editing = true; });
    input.addEventListener("change", () => this.typed(edge, input));
    input.addEventListener("blur", () => { if (!this.wrong(input)) input.editing = false; });
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") input.blur(); });
    return input;
  }

  wrong(field) { return field.getAttribute("aria-invalid") === "true"; }

  // A loop from elsewhere replaces what stands half-typed in the fields.
  reset() {
    for (const field of [this.start, this.end]) {
      field.editing = false;
      field.setAttribute("aria-invalid", "false");
    }
  }

  typed(edge, input) {
    const { player } = this;
    const rate = player.data.samplerate;
    const times = [this.start, this.end].map((field) => parseTime(field.value));
    const value = parseTime(input.value);
    input.setAttribute("aria-invalid", String(value === null));
    if (value === null) return this.tell("Write a time like 1:02.500.");
    if (edge === "start" && times[1] === null) times[1] = player.length() / rate;
    if (edge === "end" && times[0] === null) times[0] = 0;
    const [start, end] = times.map((seconds) => Math.round(clamp((seconds ?? 0) * rate, 0, player.length())));
    if (end - start < SHORTEST_LOOP * rate) {
      input.setAttribute("aria-invalid", "true");
      return this.tell("The loop's end has to come after its start.");
    }
    return player.setLoop({ start, end }, true);
  }

  tell(sentence) { this.problem.textContent = sentence; }

  refresh(loop, looping, rate) {
    this.toggle.setAttribute("aria-pressed", String(looping));
    this.toggle.disabled = !loop;
    this.clear.disabled = !loop;
    for (const [field, frame] of [[this.start, loop?.start], [this.end, loop?.end]]) {
      if (!field.editing) field.value = loop ? formatTime(frame / rate, 3) : "";
    }
    if (!this.wrong(this.start) && !this.wrong(this.end)) this.tell(loop ? "" : "Drag across a lane, or type two times.");
  }
}

// Speed with the pitch kept, and the key: what practising takes.
class PacePanel {
  constructor(player) {
    this.player = player;
    const { engine } = player;
    this.speed = el("input", { type: "range", class: "fader", min: 100 * LEAST_SPEED, max: 100 * MOST_SPEED, step: 5, "aria-label": "Speed", title: "Speed ([ and ]); double-click for that of the song" });
    this.speed.addEventListener("input", () => { this.shown.textContent = `${this.speed.value} %`; });
    this.speed.addEventListener("change", () => player.setPace(Number(this.speed.value) / 100, engine.semitones));
    this.speed.addEventListener("dblclick", () => player.setPace(1, engine.semitones));
    this.shown = el("output", { class: "decibels" });
    const step = (by) => player.setPace(engine.speed, engine.semitones + by);
    this.pitch = el("output", { class: "pitch", "aria-live": "off" });
    this.lower = el("button", { class: "key", type: "button", "aria-label": "A semitone lower", title: "A semitone lower", onclick: () => step(-1) }, "♭");
    this.higher = el("button", { class: "key", type: "button", "aria-label": "A semitone higher", title: "A semitone higher", onclick: () => step(1) }, "♯");
    this.reset = el("button", { class: "quiet", type: "button", onclick: () => player.setPace(1, 0) }, "As the song");
    this.note = el("p", { class: "note" });
    this.element = el("section", { class: "panel pace", "aria-label": "Speed and key" },
      el("h3", {}, "Speed and key"),
      el("div", { class: "row" }, el("label", { class: "slide" }, el("span", {}, "Speed"), this.speed), this.shown),
      el("div", { class: "row" }, this.lower, this.pitch, this.higher, this.reset),
      this.note);
  }

  sentence() {
    const { speed, semitones } = this.player.engine;
    return `Speed ${Math.round(100 * speed)} percent, ${this.steps(semitones)}`;
  }

  steps(semitones) {
    if (!semitones) return "key of the song";
    return `${Math.abs(semitones)} ${Math.abs(semitones) === 1 ? "semitone" : "semitones"} ${semitones > 0 ? "higher" : "lower"}`;
  }

  refresh() {
    const { speed, semitones } = this.player.engine;
    this.speed.value = Math.round(100 * speed);
    this.speed.style.setProperty("--fill", `${((speed - LEAST_SPEED) / (MOST_SPEED - LEAST_SPEED)) * 100}%`);
    this.speed.setAttribute("aria-valuetext", `${Math.round(100 * speed)} percent`);
    this.shown.textContent = `${Math.round(100 * speed)} %`;
    this.pitch.textContent = this.steps(semitones);
    this.lower.disabled = semitones <= -MOST_SEMITONES;
    this.higher.disabled = semitones >= MOST_SEMITONES;
    this.reset.disabled = speed === 1 && semitones === 0;
    this.note.textContent = this.reset.disabled ? "Slower keeps the pitch; another key keeps the speed." : "“Download what you hear” has this speed and key too.";
  }
}

class ExportPanel {
  constructor(player) {
    this.player = player;
    this.format = el("select", { "aria-label": "File format" });
    this.region = el("select", { "aria-label": "Part to download" }, el("option", { value: "whole" }, "Whole song"), el("option", { value: "loop" }, "Loop only"));
    this.rate = el("select", { "aria-label": "Sample rate" });
    for (const select of [this.format, this.rate, this.region]) select.addEventListener("change", () => this.refresh());
    for (const [select, key] of [[this.format, FORMAT_KEY], [this.rate, RATE_KEY]]) select.addEventListener("change", () => keepChoice(key, select.value));
    this.button = el("button", { class: "primary", type: "button", "aria-describedby": "export-reason", onclick: () => this.download() }, el("span", { class: "icon", icon: "download" }), "Download what you hear");
    this.zip = el("a", { class: "link", download: true }, "All stems (zip)");
    this.reason = el("p", { class: "note", id: "export-reason" });
    this.element = el("section", { class: "panel export", "aria-label": "Download" },
      el("h3", {}, "Download"),
      el("div", { class: "row" }, this.format, this.rate, this.region, this.button, this.zip),
      this.reason);
  }

  update(data) {
    this.element.hidden = !data.export;
    const formats = data.export?.formats ?? [];
    if (formats.map((one) => one.id).join() === [...this.format.options].map((one) => one.value).join()) return;
    const kilohertz = (rate) => `${rate / 1000} kHz`;
    const others = (data.export?.rates ?? []).filter((rate) => rate !== data.samplerate);
    this.rate.hidden = !others.length;
    this.rate.replaceChildren(el("option", { value: "" }, kilohertz(data.samplerate)), ...others.map((rate) => el("option", { value: rate }, kilohertz(rate))));
    this.format.replaceChildren(...formats.map((one) => el("option", { value: one.id }, one.label)));
    for (const [select, key] of [[this.format, FORMAT_KEY], [this.rate, RATE_KEY]]) {
      const last = lastChoice(key);
      if ([...select.options].some((one) => one.value === last)) select.value = last;
    }
  }

  // Why nothing can be downloaded now, or null.
  obstacle() {
    const { data, mixer } = this.player;
    if (data.live || !data.available) return "Downloads open when the separation is finished.";
    if (mixer.source === "original") return "You hear the original: switch to Stems to download a mix of them.";
    if (!mixer.stems().some((lane) => mixer.audible(lane))) return "Every stem is muted, so there is nothing to download.";
    return null;
  }

  url() {
    const { data, mixer, loop } = this.player;
    const heard = mixer.stems().filter((lane) => mixer.audible(lane));
    const list = (value) => heard.map((lane) => `${encodeURIComponent(lane.name)}:${value(lane)}`).join(",");
    const parts = [`format=${encodeURIComponent(this.format.value)}`, `gains=${list((lane) => mixer.gain(lane).toFixed(1))}`];
    if (this.rate.value) parts.push(`rate=${this.rate.value}`);
    if (heard.some((lane) => mixer.pan(lane))) parts.push(`pans=${list((lane) => mixer.pan(lane).toFixed(2))}`);
    const { speed, semitones } = this.player.engine;
    if (speed !== 1) parts.push(`speed=${speed}`);
    if (semitones) parts.push(`semitones=${semitones}`);
    if (this.region.value === "loop" && loop) {
      parts.push(`start=${(loop.start / data.samplerate).toFixed(6)}`, `end=${(loop.end / data.samplerate).toFixed(6)}`);
    }
    return `${data.export.url}?${parts.join("&")}`;
  }

  download() {
    if (this.obstacle()) return;
    const link = el("a", { href: this.url(), download: true, hidden: true });
    this.element.append(link);
    link.click();
    link.remove();
    this.player.say("The download is being prepared.");
  }

  refresh() {
    const { data, loop } = this.player;
    if (!data.export) return;
    const choice = this.region.options[1];
    choice.disabled = !loop;
    if (!loop) this.region.value = "whole";
    const obstacle = this.obstacle();
    this.button.disabled = Boolean(obstacle);
    this.reason.textContent = obstacle ?? "";
    this.zip.hidden = !data.export.zip || data.live;
    if (data.export.zip) this.zip.href = `${data.export.zip}?format=${encodeURIComponent(this.format.value)}${this.rate.value ? `&rate=${this.rate.value}` : ""}`;
  }
}

const SHORTCUTS = [
  ["Space", "play or pause"], ["← →", "back or on by 5 seconds (with Shift: 1 second)"], ["Home End", "to the start or the end"],
  ["1 – 9", "mute that lane"], ["Shift + 1 – 9", "solo that lane"], ["O", "stems or original"], ["L", "loop on or off"],
  ["[ ]", "slower or faster by 5 %"], ["{ }", "a semitone lower or higher"],
  ["+ −", "zoom in or out"], ["0", "show the whole song"], ["?", "this list"],
];

function helpPanel(close) {
  const rows = SHORTCUTS.map(([keys, meaning]) => el("div", {}, el("dt", {}, keys), el("dd", {}, meaning)));
  return el("section", { class: "help", id: "help", hidden: true, "aria-label": "Keyboard and mouse" },
    el("button", { class: "key", type: "button", icon: "close", "aria-label": "Close help", onclick: close }),
    el("h3", {}, "Keyboard"), el("dl", {}, ...rows),
    el("h3", {}, "Mouse and touch"),
    el("p", {}, "Click a lane to go there. Drag across it to set a loop, drag a loop's edge to move it. Ctrl + wheel zooms, Shift + wheel scrolls. Double-click a fader for 0 dB."));
}
