// Pictures of segments, fetched for what is in view. Coarse copies are kept for good, fine ones in a bounded cache.

const FINE_TILES = 768; // about 8 MB
const COARSE_PEAKS = 32;
const COARSE_SPECTRA = 8;
const FETCHES = 4; // of the six connections that a browser opens to one server
const FETCHES_BESIDE_SOUND = 1;

function parseTile(bytes) {
  const head = new DataView(bytes);
  if (head.byteLength < 32 || head.getUint32(0, false) !== 0x4654494c || head.getUint8(4) !== 1) throw new Error("Not a tile");
  const columns = head.getUint16(6, true);
  const mels = head.getUint16(10, true);
  const spectra = head.getUint16(12, true);
  return {
    columns, valid: head.getUint16(8, true), mels, spectra, drawn: head.getUint16(14, true),
    low: head.getFloat32(20, true), high: head.getFloat32(24, true),
    peaks: new Int16Array(bytes, 32, 2 * columns),
    levels: new Uint8Array(bytes, 32 + 4 * columns, spectra * mels),
  };
}

// The loudest of each group of columns: what a glance at the whole song must not lose.
function coarseTile(tile) {
  const perPeak = tile.columns / COARSE_PEAKS;
  const perSpectrum = tile.spectra / COARSE_SPECTRA;
  const peaks = new Int16Array(2 * COARSE_PEAKS);
  const levels = new Uint8Array(COARSE_SPECTRA * tile.mels);
  for (let i = 0; i < tile.valid; i += 1) {
    const to = 2 * Math.floor(i / perPeak);
    peaks[to] = Math.min(peaks[to], tile.peaks[2 * i]);
    peaks[to + 1] = Math.max(peaks[to + 1], tile.peaks[2 * i + 1]);
  }
  for (let i = 0; i < tile.drawn; i += 1) {
    const to = Math.floor(i / perSpectrum) * tile.mels;
    for (let mel = 0; mel < tile.mels; mel += 1) levels[to + mel] = Math.max(levels[to + mel], tile.levels[i * tile.mels + mel]);
  }
  return {
    ...tile, peaks, levels, columns: COARSE_PEAKS, valid: Math.ceil(tile.valid / perPeak),
    spectra: COARSE_SPECTRA, drawn: Math.ceil(tile.drawn / perSpectrum),
  };
}

class Tiles {
  constructor(onChange, soundLoads) {
    this.soundLoads = soundLoads; // sound goes first
    this.onChange = throttle(onChange, 120); // an hour of song has thousands of tiles: one drawing for many of them
    this.coarse = new Map(); // "lane/index" -> coarse tile
    this.fine = new Map(); // the same, fine, least recently used first
    this.queue = [];
    this.busy = new Map(); // key -> AbortController
    this.failed = new Map(); // key -> tries
    this.peak = 0.35; // the highest sample of any lane so far: all lanes share one vertical scale
    this.peaks = new Map(); // lane name -> its own highest sample, for lanes drawn equally high
  }

  get(lane, index, fine) {
    const key = `${lane.name}/${index}`;
    if (!fine) return this.coarse.get(key);
    const tile = this.fine.get(key);
    if (tile) { this.fine.delete(key); this.fine.set(key, tile); }
    return tile ?? this.coarse.get(key);
  }

  // Asks for the view's tiles, then coarsely for the rest of the song. What was asked before and not begun is forgotten.
  want(lanes, first, last, fine) {
    this.queue = [];
    const queued = new Set();
    const ask = (index, known) => {
      for (const lane of lanes) {
        const key = `${lane.name}/${index}`;
        if (index >= lane.count || known.has(key) || queued.has(key) || this.busy.has(key) || (this.failed.get(key) ?? 0) > 1) continue;
        queued.add(key);
        this.queue.push({ lane, index, key });
      }
    };
    for (let index = first; index <= last; index += 1) ask(index, fine ? this.fine : this.coarse);
    const count = Math.max(0, ...lanes.map((lane) => lane.count));
    if (this.coarse.size < count * lanes.length) for (let index = 0; index < count; index += 1) ask(index, this.coarse);
    this.next();
  }

  next() {
    while (this.busy.size < (this.soundLoads() ? FETCHES_BESIDE_SOUND : FETCHES) && this.queue.length) {
      const { lane, index, key } = this.queue.shift();
      const abort = new AbortController();
      this.busy.set(key, abort);
      fetchBytes(lane.tile(index), abort.signal)
        .then((bytes) => this.keep(key, parseTile(bytes)))
        .catch((error) => {
          if (abort.signal.aborted) return;
          this.failed.set(key, (this.failed.get(key) ?? 0) + 1);
          this.problem = `The picture of “${lane.label}” could not be loaded (${error.message}). The sound is not affected.`;
        })
        .finally(() => {
          if (this.busy.get(key) === abort) this.busy.delete(key);
          if (!abort.signal.aborted) { this.onChange(); this.next(); }
        });
    }
  }

  keep(key, tile) {
    let peak = 0;
    for (let i = 0; i < 2 * tile.valid; i += 1) peak = Math.max(peak, Math.abs(tile.peaks[i]) / 16384);
    const lane = key.slice(0, key.lastIndexOf("/"));
    this.peak = Math.max(this.peak, peak);
    this.peaks.set(lane, Math.max(this.peaks.get(lane) ?? 0, peak));
    this.coarse.set(key, coarseTile(tile));
    this.fine.set(key, tile);
    while (this.fine.size > FINE_TILES) this.fine.delete(this.fine.keys().next().value);
  }

  // A lane that is all but silent is not blown up to noise.
  peakOf(lane) { return Math.max(0.01, this.peaks.get(lane.name) ?? this.peak); }

  retry() { this.failed.clear(); this.problem = null; }

  dispose() {
    this.onChange.cancel();
    this.queue = [];
    for (const abort of this.busy.values()) abort.abort();
    this.busy.clear();
  }
}
