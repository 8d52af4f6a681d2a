// What is heard: faders, mutes, solos, and the switch between the stems and the original.

const LOWEST_DB = -40;
const HIGHEST_DB = 6;

class Mixer {
  constructor(state = {}) {
    this.gains = { ...state.gains };
    this.pans = { ...state.pans };
    this.muted = new Set(state.muted ?? []);
    this.solo = new Set(state.solo ?? []);
    this.source = state.source === "original" ? "original" : "stems";
  }

  update(data) {
    this.data = data;
    if (this.source === "original" && !data.lanes.some((lane) => lane.kind === "mix")) this.source = "stems";
  }

  gain(lane) { return this.gains[lane.name] ?? 0; }
  pan(lane) { return this.data.pan ? this.pans[lane.name] ?? 0 : 0; }

  // The original is another take of the same song: it replaces the stems and is never added to them.
  audible(lane) {
    if (lane.kind === "mix") return this.source === "original";
    return this.source === "stems" && !this.muted.has(lane.name) && (!this.soloed().length || this.solo.has(lane.name));
  }

  stems() { return this.data.lanes.filter((lane) => lane.kind !== "mix"); }
  soloed() { return this.stems().filter((lane) => this.solo.has(lane.name)); }

  // Stored segments are scaled by `gain` to leave head-room; here it is taken back.
  levels() {
    return this.data.lanes.map((lane) => ({
      gain: this.audible(lane) ? linear(this.gain(lane)) / this.data.gain : 0,
      pan: this.pan(lane),
    }));
  }

  // "all", "without:NAME", "only:NAME", or "own" for any other choice of stems.
  get preset() {
    const [stems, heard] = [this.stems(), this.stems().filter((lane) => this.audible(lane))];
    if (this.source === "original" || !heard.length) return "own";
    if (heard.length === stems.length) return "all";
    if (heard.length === stems.length - 1 && heard.length > 1) return `without:${stems.find((lane) => !heard.includes(lane)).name}`;
    return heard.length === 1 ? `only:${heard[0].name}` : "own";
  }

  // Faders stay where they are.
  choose(preset) {
    const name = preset.slice(preset.indexOf(":") + 1);
    const silent = this.stems().filter((lane) => (preset.startsWith("without:") ? lane.name === name : preset.startsWith("only:") && lane.name !== name));
    this.source = "stems";
    this.solo.clear();
    this.muted = new Set(silent.map((lane) => lane.name));
  }

  toggle(set, lane) {
    if (lane.kind === "mix") this.source = this.source === "original" ? "stems" : "original";
    else if (!set.delete(lane.name)) set.add(lane.name);
  }

  snapshot() {
    return {
      gains: { ...this.gains }, pans: { ...this.pans }, muted: [...this.muted], solo: [...this.solo], source: this.source,
    };
  }
}
