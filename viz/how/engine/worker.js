// The worker: holds the models, trains them, and tells the page what is to be seen. The page sends `{do, …}`.

const CHUNK_MS = 24; // of training, before the next message is read
const VIEW_MS = 90;
const FULL_MS = 1500; // between two looks that cost more: the film, and the measures side by side
const HISTORY_STEPS = 25;
const QUICK_STOPS = 8; // of a film that is only looked at
const DRAWS = 3; // of points, in the table
const SIDE = ["gan", "vae", "diffusion"];

class Trainer {
  constructor(post) { Object.assign(this, { post, sessions: [], playing: false, target: null, limit: Infinity, viewed: 0, full: 0, cost: 0, fullCost: 0, stops: SPEC.diffusion.steps, filmSeed: 1, histories: new Map() }); }

  receive(message) {
    try {
      this.command = message.command; // a view says which command it follows: the page has asked for more since, perhaps
      this[`do_${message.do}`](message);
    } catch (error) {
      this.playing = false;
      this.post({ type: "fault", sentence: error.message });
    }
  }

  // `data` is { shape } or { points (flat), names, title }; `changes` and `step` bring an address back.
  do_open({ family, data, seed, changes = [], step = 0, serial }) {
    Object.assign(this, { playing: false, target: null, serial, family, seed });
    this.data = data.shape ? prepareShape(data.shape, seed) : prepareOwn(Float32Array.from(data.points), seed);
    this.yardstick = yardstick(this.data, seed);
    this.sessions = (family === "side" ? SIDE : [family]).map((name) => new Session(name, this.data, seed, changes));
    this.histories = new Map(this.sessions.map((session) => [session.family, []]));
    const { train, held, modes, scale, blobs } = this.data, { floor, ceiling } = this.yardstick;
    this.post({ type: "opened", train, held: held.length / 2, modes, scale, blobs, floor, ceiling });
    if (step > 0 && family !== "side") this.do_seek({ step });
    else this.look(true);
  }

  do_play({ limit = Infinity } = {}) { this.limit = limit; this.target = null; this.playing = true; this.loop(); }

  do_pause() { this.playing = false; this.target = null; this.look(true); }

  // One step, told in stages.
  do_step() {
    this.playing = false;
    const [session] = this.sessions;
    const before = this.view(session);
    const happened = this.advance(session);
    if (!happened) return;
    this.look(true);
    this.post({ type: "stages", step: session.step, stages: STAGES[session.family](session, happened, before) });
  }

  do_seek({ step }) { this.playing = false; this.target = step; this.loop(); }

  do_knob({ name, value }) {
    const [session] = this.sessions;
    session.change(name, value);
    this.histories.set(session.family, this.histories.get(session.family).filter(({ step }) => step <= session.step));
    this.look(false);
  }

  do_film({ stops, seed }) { this.stops = stops ?? this.stops; this.filmSeed = seed ?? this.filmSeed; this.film(); }

  loop() {
    if (this.running) return;
    this.running = true;
    const turn = () => {
      if (!this.playing && this.target === null) { this.running = false; return; }
      try {
        this.work();
      } catch (error) {
        this.running = this.playing = false;
        this.post({ type: "fault", sentence: error.message });
        return;
      }
      setTimeout(turn, 0);
    };
    setTimeout(turn, 0);
  }

  work() {
    const start = performance.now();
    if (this.target !== null) {
      const [session] = this.sessions;
      let there = false;
      while (!there && performance.now() - start < 3 * CHUNK_MS) { there = session.seek(this.target, 1); this.note(session); }
      if (there) this.target = null;
      this.lookSoon(there);
      return;
    }
    while (performance.now() - start < CHUNK_MS) {
      const session = this.sessions.reduce((least, one) => (one.seconds < least.seconds ? one : least));
      if (session.seconds >= this.limit || !this.advance(session)) { this.playing = false; break; }
    }
    this.lookSoon(!this.playing);
  }

  advance(session) {
    const start = performance.now();
    const happened = session.advance();
    session.seconds += (performance.now() - start) / 1000;
    this.note(session);
    return happened;
  }

  // Every 25 steps the divergence and the modes are written down, for the curve.
  note(session) {
    const history = this.histories.get(session.family), last = history[history.length - 1];
    if (session.step % HISTORY_STEPS || (last && last.step >= session.step)) return;
    if (session.family === "diffusion" && session.step % (8 * HISTORY_STEPS)) return; // its samples cost more
    const { divergence: bits, modes } = this.brief(session);
    history.push({ step: session.step, seconds: session.seconds, divergence: bits, found: modes.found });
  }

  samples(session, count = SAMPLES, stops = 12) {
    const stream = new Stream(this.seed, "measure", 1 + session.step);
    return session.family === "diffusion" ? session.model.sample(count, stream, stops) : session.model.sample(count, stream);
  }

  brief(session) { return measure(this.samples(session), this.data, this.yardstick); }

  lookSoon(full) {
    const now = performance.now();
    if (full || now - this.viewed >= Math.max(VIEW_MS, 3 * this.cost)) this.look(full || now - this.full >= Math.max(FULL_MS, 6 * this.fullCost));
  }

  look(full) {
    const start = performance.now();
    const shown = this.sessions.map((session) => ({
      family: session.family, step: session.step, furthest: session.furthest, seconds: session.seconds, knobs: session.knobs(), changes: session.changes,
      view: this.view(session), history: this.histories.get(session.family),
    }));
    const message = { type: "view", serial: this.serial, command: this.command, playing: this.playing, seeking: this.target, shown };
    if (full) {
      const resting = !this.playing && this.target === null;
      shown.forEach((one, index) => {
        const session = this.sessions[index];
        one.brief = this.brief(session);
        if (resting) one.fingerprint = session.fingerprint();
      });
    }
    this.post(message);
    if (full && this.family === "diffusion" && this.target === null) this.film();
    // What it cost decides when it is done again: most of the time is for training.
    const now = performance.now();
    this.viewed = now;
    if (full) { this.full = now; this.fullCost = now - start; } else this.cost = now - start;
  }

  view(session) {
    const view = VIEWS[session.family](session.model, this.seed, this.data);
    if (this.family === "side" && session.family === "diffusion") view.made = this.samples(session, VIEW_POINTS / 2, QUICK_STOPS);
    return view;
  }

  film() {
    const [session] = this.sessions;
    if (session?.family !== "diffusion") return;
    this.post({ type: "film", stops: this.stops, ...session.model.film(VIEW_POINTS / 2, new Stream(this.filmSeed, "view", 1), this.stops) });
  }

  // Everything that is measured, of each model: several draws of points each, so that chance is seen.
  do_measure() {
    const families = this.sessions.map((session) => {
      const start = performance.now();
      const full = (draw) => { const stream = new Stream(this.seed, "measure", 100000 * draw + session.step); return session.model.sample(SAMPLES, stream); };
      const draws = Array.from({ length: DRAWS }, (_, draw) => full(draw + 1));
      const sample_ms = (performance.now() - start) / draws.length / (SAMPLES / 1000);
      const some = first(this.data.held, 300), stream = new Stream(this.seed, "measure", session.step);
      const bound = session.family === "vae" ? session.model.bound(some, some.length / 2, stream) : session.family === "diffusion" ? session.model.bound(some, first(this.data.train, 300), stream) : null;
      return { family: session.family, step: session.step, seconds: session.seconds, sample_ms, bound, draws: draws.map((points) => measure(points, this.data, this.yardstick, true)) };
    });
    this.post({ type: "measures", families });
  }
}

function serve(scope) {
  const trainer = new Trainer((message) => scope.postMessage(message));
  scope.onmessage = (event) => trainer.receive(event.data);
}
