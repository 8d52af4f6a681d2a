// The panels below the lanes: loop, download, help.

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

class ExportPanel {
  constructor(player) {
    this.player = player;
    this.format = el("select", { "aria-label": "File format" });
    this.region = el("select", { "aria-label": "Part to download" }, el("option", { value: "whole" }, "Whole song"), el("option", { value: "loop" }, "Loop only"));
    for (const select of [this.format, this.region]) select.addEventListener("change", () => this.refresh());
    this.button = el("button", { class: "primary", type: "button", "aria-describedby": "export-reason", onclick: () => this.download() }, el("span", { class: "icon", icon: "download" }), "Download what you hear");
    this.zip = el("a", { class: "link", download: true }, "All stems (zip)");
    this.reason = el("p", { class: "note", id: "export-reason" });
    this.element = el("section", { class: "panel export", "aria-label": "Download" },
      el("h3", {}, "Download"),
      el("div", { class: "row" }, this.format, this.region, this.button, this.zip),
      this.reason);
  }

  update(data) {
    this.element.hidden = !data.export;
    const formats = data.export?.formats ?? [];
    if (formats.map((one) => one.id).join() === [...this.format.options].map((one) => one.value).join()) return;
    this.format.replaceChildren(...formats.map((one) => el("option", { value: one.id }, one.label)));
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
    if (heard.some((lane) => mixer.pan(lane))) parts.push(`pans=${list((lane) => mixer.pan(lane).toFixed(2))}`);
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
    if (data.export.zip) this.zip.href = `${data.export.zip}?format=${encodeURIComponent(this.format.value)}`;
  }
}

const SHORTCUTS = [
  ["Space", "play or pause"], ["← →", "back or on by 5 seconds (with Shift: 1 second)"], ["Home End", "to the start or the end"],
  ["1 – 9", "mute that lane"], ["Shift + 1 – 9", "solo that lane"], ["O", "stems or original"], ["L", "loop on or off"],
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
