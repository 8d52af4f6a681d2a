// The clock and the graph. Every lane of a segment lives in one buffer played by one source node, so lanes cannot
// drift apart: there is only one thing to start. Segments follow each other on whole frames of the context's clock.

const LOOKAHEAD = 2.5; // seconds scheduled ahead: more than the one-second timers of a hidden tab
const LEAD = 0.08; // seconds between a decision and its sound
const DECLICK = 0.004;
const SHORTEST_LOOP = 0.05;

class Engine {
  constructor(onState) {
    this.onState = onState;
    this.segments = new Segments(() => { this.pump(); this.onState(); });
    this.context = null;
    this.graph = null;
    this.speed = 1; // frames of the song a frame of the clock
    this.semitones = 0;
    this.pieces = []; // scheduled: { at (context frame), from (song frame), length (context frames), speed, node }
    this.cursor = 0; // next song frame to schedule
    this.cursorAt = null; // context frame it goes to, which may lie between two; null until there is something to anchor it to
    this.held = 0; // where we stand when nothing sounds
    this.wanted = false;
    this.stalled = false;
    this.ended = false;
    this.loop = null; // { start, end } in frames
    this.levels = []; // { gain, pan } a lane
    this.lateStarts = 0;
    this.music = null; // what the metronome follows
    this.clicks = []; // scheduled: { at (context frame), node }
  }

  // ---- data ----

  update(data) {
    const lanes = data.lanes.map((lane) => lane.name).join("\n");
    if (this.laneNames !== undefined && (lanes !== this.laneNames || data.samplerate !== this.data.samplerate)) this.dropGraph();
    this.laneNames = lanes;
    this.data = data;
    this.segments.update(data);
    if (this.total() !== null) this.held = Math.min(this.held, this.total());
    this.prepare();
    this.pump();
  }

  // Loads what play would need first.
  prepare() {
    const index = this.indexOf(Math.min(this.held, Math.max(0, this.frontier() - 1)));
    for (const one of [index, index + 1]) if (one < this.data.available) this.segments.want(one);
  }

  indexOf(frame) { return Math.floor(frame / this.data.segment_frames); }

  // Frames that can be played now; the whole song once all has arrived.
  frontier() {
    const arrived = this.data.available * this.data.segment_frames;
    return this.data.frames === null ? arrived : Math.min(arrived, this.data.frames);
  }

  // The song's end in frames, or null while nobody knows it.
  total() {
    if (this.data.frames !== null) return this.data.frames;
    if (this.data.live) return null;
    const last = this.segments.ready.get(this.data.available - 1);
    return last ? (this.data.available - 1) * this.data.segment_frames + last.length : this.frontier();
  }

  setLevels(levels) {
    this.levels = levels;
    this.graph?.set(levels, this.wanted);
  }

  // ---- transport ----

  get state() {
    if (this.segments.failed.size) return "error";
    if (!this.wanted) return this.ended ? "ended" : "paused";
    return this.stalled ? "buffering" : "playing";
  }

  async play() {
    if (this.wanted || !this.data?.lanes.length) return;
    clearTimeout(this.sleep);
    const total = this.total();
    if (total !== null && this.held >= total) this.held = 0;
    if (this.loop && (this.held < this.loop.start || this.held >= this.loop.end)) this.held = this.loop.start;
    this.wanted = true;
    this.ended = false;
    this.stalled = true;
    this.ensureGraph();
    this.cursor = this.held;
    this.cursorAt = null;
    this.onState();
    await this.context.resume();
    if (this.ratio() !== 1) await this.loadShifter();
    if (!this.wanted) return;
    this.graph.shift(this.ratio(), this.context.currentTime);
    this.timer ??= setInterval(() => this.pump(), 100);
    this.countIn();
    this.pump();
    this.onState();
  }

  pause() {
    if (!this.wanted) return;
    const cut = this.now() + this.frames(2 * DECLICK);
    this.held = this.position();
    this.fade(cut, false);
    this.cut(cut);
    this.halt();
    this.onState();
  }

  halt() {
    this.wanted = false;
    this.stalled = false;
    this.cursorAt = null;
    clearInterval(this.timer);
    this.timer = null;
    clearTimeout(this.sleep);
    this.sleep = setTimeout(() => this.context?.suspend(), 10_000); // an idle context still costs battery
  }

  seek(frame) {
    const total = this.total();
    frame = Math.round(clamp(frame, 0, total ?? Infinity));
    this.held = frame;
    this.ended = false;
    if (this.wanted) this.splice(frame, true);
    else this.prepare();
    this.onState();
  }

  // Everything already scheduled was right for the old loop: cut over to the new plan on one frame, without a gap.
  setLoop(loop) {
    if (loop && loop.end - loop.start < this.frames(SHORTEST_LOOP)) loop = null;
    this.loop = loop;
    if (!this.wanted) return;
    const here = this.position();
    if (loop && (here < loop.start || here >= loop.end)) this.splice(loop.start, true);
    else if (!this.stalled) this.splice(null, false);
    else this.splice(here, true);
  }

  // Speed with the pitch kept, and the pitch in semitones; what plays goes over at one frame of the clock.
  async setPace(speed, semitones) {
    if (speed === this.speed && semitones === this.semitones) return;
    this.speed = speed;
    this.semitones = semitones;
    if (!this.wanted || !this.graph) return;
    if (this.ratio() !== 1) await this.loadShifter();
    if (!this.wanted) return;
    const at = this.now() + this.frames(LEAD);
    this.graph.shift(this.ratio(), at / this.rate());
    this.splice(null, true);
  }

  ratio() { return 2 ** (this.semitones / 12) / this.speed; }

  async loadShifter() {
    try {
      await loadShifter(this.context);
    } catch {
      this.speed = 1;
      this.semitones = 0;
      this.problem = "This browser cannot change the speed or the key here; the song plays as it is.";
      this.onState();
    }
  }

  // ---- position ----

  rate() { return this.data.samplerate; }
  frames(seconds) { return Math.round(seconds * this.rate()); }
  now() { return Math.ceil(this.context.currentTime * this.context.sampleRate); }
  // The frame that reaches the ear now: wireless headphones can be a quarter of a second behind.
  heard() { return this.now() - this.frames(this.context.outputLatency || 0) - (this.graph?.latency ?? 0); }

  pieceAt(frame) { return this.pieces.find((piece) => piece.at <= frame && frame < piece.at + piece.length); }

  // The song frame that sounds at the context's frame `at`, or null where nothing does.
  songFrame(at) {
    const piece = this.pieceAt(at);
    return piece ? piece.from + (at - piece.at) * piece.speed : null;
  }

  position() {
    if (!this.wanted || !this.pieces.length) return this.held;
    const heard = this.heard();
    if (this.target && heard < this.target.until) return this.target.frame;
    const frame = this.songFrame(heard);
    if (frame !== null) this.held = Math.round(frame);
    return this.held;
  }

  // ---- scheduling ----

  ensureGraph() {
    const context = this.context ??= new AudioContext({ sampleRate: this.rate(), latencyHint: "interactive" });
    if (this.graph) return;
    this.graph = new Graph(context, this.data.lanes.length);
    this.graph.set(this.levels, false);
  }

  dropGraph() {
    const resume = this.wanted;
    if (resume) this.pause();
    this.segments.dispose();
    this.segments.failed.clear();
    this.graph?.dispose();
    this.graph = null;
    this.pieces = [];
    if (this.context && this.context.sampleRate !== this.rate()) { this.context.close(); this.context = null; }
  }

  // Moves on to `song` (or goes on where we are, when null) at one frame of the clock.
  splice(song, declick) {
    const at = this.now() + this.frames(LEAD);
    const next = song ?? this.songFrame(at);
    if (next === null) return; // nothing sounds there yet, so nothing was planned wrongly
    if (declick) this.fade(at, true);
    this.cut(at);
    this.target = song === null ? null : { frame: song, until: at };
    this.cursor = Math.round(next);
    this.cursorAt = at;
    const index = this.indexOf(next);
    this.segments.only([index, index + 1]);
    this.pump();
  }

  fade(at, up) {
    const gate = this.graph.gate.gain;
    const time = at / this.rate();
    gate.cancelScheduledValues(0);
    gate.setValueAtTime(1, Math.max(this.context.currentTime, time - DECLICK));
    gate.linearRampToValueAtTime(0, time);
    if (up) gate.linearRampToValueAtTime(1, time + DECLICK);
  }

  fadeIn(at) {
    const gate = this.graph.gate.gain;
    gate.cancelScheduledValues(0);
    gate.setValueAtTime(0, at / this.rate());
    gate.linearRampToValueAtTime(1, at / this.rate() + DECLICK);
  }

  // What was planned with the metronome as it was, once more as it is.
  replan() {
    if (this.wanted && !this.stalled) this.splice(null, false);
  }

  // One bar of clicks before the sound.
  countIn() {
    const { music } = this;
    if (!music?.countIn || !music.beats.length || this.cursorAt !== null) return;
    const beat = music.beatAt(this.cursor) / this.speed;
    const count = music.bar || 4;
    const begin = this.now() + this.frames(LEAD);
    for (let i = 0; i < count; i += 1) this.click(begin + i * beat, i === 0);
    this.cursorAt = Math.round(begin + count * beat);
    this.fadeIn(this.cursorAt);
  }

  click(at, accent) {
    this.clicks.push({ at, node: click(this.context, this.graph.out, at / this.rate(), accent) });
  }

  // The clicks of a piece of the song; they go round the shifter, so they wait for it.
  clickAlong({ at, from, length, speed }) {
    const { music } = this;
    if (!music?.clicks) return;
    const until = from + length * speed;
    music.beats.forEach((beat, index) => {
      if (beat >= from && beat < until) this.click(at + (beat - from) / speed + this.graph.latency, music.accented(index));
    });
  }

  cut(at) {
    const heard = at + this.graph.latency;
    for (const { at: when, node } of this.clicks) if (when >= heard) node.stop();
    this.clicks = this.clicks.filter((one) => one.at < heard && one.at > at - this.rate());
    this.pieces = this.pieces.filter((piece) => {
      if (piece.at >= at) { piece.node.stop(); piece.node.disconnect(); return false; }
      if (piece.at + piece.length > at) {
        piece.node.stop(at / this.rate());
        piece.length = at - piece.at;
      }
      return true;
    });
  }

  pump() {
    if (!this.wanted || !this.graph || this.context.state !== "running") return;
    const now = this.now();
    this.position();
    const heard = this.heard();
    this.pieces = this.pieces.filter((piece) => piece.at + piece.length > heard);
    while (this.cursorAt === null || this.cursorAt - now < this.frames(LOOKAHEAD)) {
      if (!this.scheduleNext()) break;
    }
    this.prefetch();
    const stalled = this.cursorAt === null || this.cursorAt <= now;
    if (stalled && this.atEnd()) return this.finish();
    if (stalled) { this.cursorAt = null; this.held = this.cursor; }
    if (stalled !== this.stalled) { this.stalled = stalled; this.onState(); }
  }

  atEnd() {
    const total = this.total();
    return total !== null && this.cursor >= total;
  }

  finish() {
    this.held = this.cursor;
    this.pieces = [];
    this.halt();
    this.ended = true;
    this.onState();
  }

  // Plans one piece from the cursor to the segment's, the loop's or the song's end. False when it has to wait.
  scheduleNext() {
    if (this.atEnd()) return false;
    const index = this.indexOf(this.cursor);
    if (index >= this.data.available) return false;
    const buffer = this.segments.get(index);
    const offset = this.cursor - index * this.data.segment_frames;
    if (!buffer) { this.segments.want(index); return false; }
    if (offset >= buffer.length) return false;
    const looping = this.loop && this.cursor < this.loop.end;
    const end = looping ? this.loop.end - this.cursor : Infinity;
    const length = Math.min(buffer.length - offset, end);
    if (!this.place(buffer, offset, length)) return true;
    this.cursor += length;
    if (looping && this.cursor >= this.loop.end) this.cursor = this.loop.start;
    return true;
  }

  // Starts a piece at the cursor's time; when that time has already gone by, anchors it anew.
  place(buffer, offset, length) {
    if (this.cursorAt === null || this.cursorAt <= this.now()) {
      const patience = LEAD * Math.min(8, 2 ** this.lateStarts);
      this.cursorAt = this.now() + this.frames(patience);
      this.fadeIn(this.cursorAt);
    }
    const at = Math.ceil(this.cursorAt - 1e-6);
    const skipped = (at - this.cursorAt) * this.speed; // of a frame
    const end = Math.ceil(this.cursorAt + length / this.speed - 1e-6);
    const node = this.graph.start(buffer, at, offset + skipped, end, this.speed);
    if (this.now() >= at) { // the page was too slow: the start may have slipped, so take it back
      node.stop();
      node.disconnect();
      this.lateStarts += 1;
      this.cursorAt = null;
      return false;
    }
    this.lateStarts = Math.max(0, this.lateStarts - 0.25); // trust comes back more slowly than it goes
    const piece = { at, from: this.cursor + skipped, length: end - at, speed: this.speed, node };
    this.pieces.push(piece);
    this.clickAlong(piece);
    this.cursorAt += length / this.speed;
    return true;
  }

  prefetch() {
    const index = this.indexOf(this.cursor);
    const next = this.loop && this.cursor < this.loop.end ? this.indexOf(this.loop.start) : index + 1;
    for (const one of [index, index + 1, next]) if (one < this.data.available) this.segments.want(one);
  }

  retry() {
    this.segments.retry();
    this.prepare();
    this.pump();
    this.onState();
  }

  // Renders `frames` from song frame `start` on as it is heard, through the same graph, without a sound card.
  async render(start, frames) {
    const context = new OfflineAudioContext(2, frames, this.rate());
    const graph = new Graph(context, this.data.lanes.length);
    graph.set(this.levels, false);
    if (this.ratio() !== 1) await loadShifter(context);
    graph.shift(this.ratio(), 0);
    const finish = start + frames * this.speed;
    for (let song = start; song < finish;) {
      const index = this.indexOf(song);
      const buffer = this.segments.get(index) ?? await this.segments.load(index, new AbortController().signal);
      const offset = song - index * this.data.segment_frames;
      const length = Math.min(buffer.length - offset, finish - song);
      const [from, to] = [(song - start) / this.speed, (song - start + length) / this.speed];
      const at = Math.ceil(from - 1e-6);
      graph.start(buffer, at, offset + (at - from) * this.speed, Math.ceil(to - 1e-6), this.speed);
      song += length;
    }
    return context.startRendering();
  }

  dispose() {
    if (this.wanted) this.halt();
    clearTimeout(this.sleep);
    this.segments.dispose();
    this.graph?.dispose();
    this.context?.close();
  }
}
