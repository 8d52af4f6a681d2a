// One model in training: it can be stepped, changed, and brought back to any step it has passed. Step n draws its
// numbers from (seed, n) alone and every change of a knob is written down with its step, so the way back is exact: the
// nearest snapshot before, and the steps from there again.

const FAMILIES = { gan: Gan, vae: Vae, diffusion: Diffusion };
const SNAPSHOT_STEPS = 50, MOST_SNAPSHOTS = 240;
const LAST_STEP = 50000;

class Session {
  // `changes` are [step, knob, value]; the ones of step 0 are how it begins.
  constructor(family, data, seed, changes = []) {
    Object.assign(this, { family, data, seed, changes: changes.slice(), step: 0, furthest: 0, gap: SNAPSHOT_STEPS, seconds: 0 });
    this.model = new FAMILIES[family](seed);
    this.snapshots = new Map([[0, this.model.store.numbers.slice()]]);
  }

  // The knobs as they stand while step `step` + 1 is made.
  knobs(step = this.step) {
    const values = { ...SPEC[this.family].knobs };
    for (const [at, name, value] of this.changes) if (at <= step && name in values) values[name] = value;
    return values;
  }

  // Changes a knob from here on; what came after this step is another story now, and is forgotten.
  change(name, value) {
    if (!(name in SPEC[this.family].knobs) || this.knobs()[name] === value) return;
    this.changes = this.changes.filter(([at, knob]) => at < this.step || (at === this.step && knob !== name));
    this.changes.push([this.step, name, value]);
    for (const at of this.snapshots.keys()) if (at > this.step) this.snapshots.delete(at);
    this.furthest = this.step;
  }

  advance() {
    if (this.step >= LAST_STEP) return null;
    const happened = this.model.train(this.data, this.step, this.knobs());
    this.step += 1;
    this.furthest = Math.max(this.furthest, this.step);
    if (this.step % this.gap === 0 && !this.snapshots.has(this.step)) this.remember();
    return happened;
  }

  remember() {
    this.snapshots.set(this.step, this.model.store.numbers.slice());
    if (this.snapshots.size <= MOST_SNAPSHOTS) return;
    this.gap *= 2; // every second one goes: memory stays bounded however long it trains
    for (const at of this.snapshots.keys()) if (at % this.gap) this.snapshots.delete(at);
  }

  // Begins the way to `step`; true once it is there, after at most `most` steps a call.
  seek(step, most = Infinity) {
    const target = Math.max(0, Math.min(LAST_STEP, Math.round(step)));
    const before = Math.max(...[...this.snapshots.keys()].filter((at) => at <= target));
    if (this.step > target || before > this.step) {
      this.model.store.numbers.set(this.snapshots.get(before));
      this.step = before;
    }
    for (let done = 0; this.step < target && done < most; done += 1) this.advance();
    return this.step === target;
  }

  // A fingerprint of all numbers that training changes (FNV-1a, 32 bits).
  fingerprint() {
    const bytes = new Uint8Array(this.model.store.numbers.buffer);
    let hash = 0x811c9dc5;
    for (let i = 0; i < bytes.length; i += 1) hash = Math.imul(hash ^ bytes[i], 0x01000193);
    return (hash >>> 0).toString(16).padStart(8, "0");
  }
}
