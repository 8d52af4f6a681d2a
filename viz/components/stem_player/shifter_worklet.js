// Shifts the pitch of a stereo stream by a ratio and keeps its speed. A phase vocoder stretches time by the ratio, and
// what it made is read that many times faster. Phases are locked around each peak of the spectrum (Laroche & Dolson,
// 1999), and both channels turn alike, so that the stereo image stays. `studio/songs/stretch.py` does the same for files.

const SIZE = 4096; // frames of a window
const HOP = SIZE / 4; // at most, of the analysis
const LATENCY = SIZE + HOP + 256;
const RING = 4 * SIZE;
const MASK = RING - 1;

class Fourier {
  constructor(size) {
    this.size = size;
    this.order = Uint32Array.from({ length: size }, (_, i) => i);
    for (let i = 1, j = 0; i < size; i += 1) {
      let bit = size >> 1;
      for (; j & bit; bit >>= 1) j ^= bit;
      j ^= bit;
      this.order[i] = j;
    }
    this.cos = Float64Array.from({ length: size / 2 }, (_, i) => Math.cos((-2 * Math.PI * i) / size));
    this.sin = Float64Array.from({ length: size / 2 }, (_, i) => Math.sin((-2 * Math.PI * i) / size));
  }

  // In place; with re and im exchanged it is the inverse, times the size.
  transform(re, im) {
    const { size, order, cos, sin } = this;
    for (let i = 0; i < size; i += 1) {
      const j = order[i];
      if (i >= j) continue;
      const x = re[i];
      const y = im[i];
      re[i] = re[j]; im[i] = im[j];
      re[j] = x; im[j] = y;
    }
    for (let half = 1; half < size; half *= 2) {
      const step = size / (2 * half);
      for (let first = 0; first < size; first += 2 * half) {
        for (let k = 0; k < half; k += 1) {
          const a = first + k;
          const b = a + half;
          const c = cos[k * step];
          const s = sin[k * step];
          const x = re[b] * c - im[b] * s;
          const y = re[b] * s + im[b] * c;
          re[b] = re[a] - x; im[b] = im[a] - y;
          re[a] += x; im[a] += y;
        }
      }
    }
  }
}

const pair = (length) => [new Float64Array(length), new Float64Array(length)];

class PitchShifter {
  constructor() {
    this.fourier = new Fourier(SIZE);
    this.window = Float64Array.from({ length: SIZE }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / SIZE));
    this.power = new Float64Array(SIZE / 2 + 1);
    this.reset();
  }

  reset() {
    this.input = pair(RING);
    this.stretched = pair(RING);
    this.now = pair(SIZE); // spectra of left + i right
    this.before = pair(SIZE);
    this.last = pair(SIZE); // what was made last
    this.written = 0; // frames of input
    this.read = 0; // frames given out
    this.place = 0; // of the next output frame in the stretched stream
    this.next = 0; // where the next window goes in it
    this.end = 0; // behind the last window
  }

  // left and right are changed in place.
  process(left, right, ratio) {
    for (let i = 0; i < left.length; i += 1, this.written += 1) {
      this.input[0][this.written & MASK] = left[i];
      this.input[1][this.written & MASK] = right[i];
    }
    for (let i = 0; i < left.length; i += 1) {
      while (this.next < this.place + 3) this.addWindow(ratio);
      left[i] = this.at(this.stretched[0]);
      right[i] = this.at(this.stretched[1]);
      this.place += ratio;
      this.read += 1;
    }
  }

  // Between four samples (Catmull-Rom).
  at(samples) {
    const first = Math.floor(this.place);
    const t = this.place - first;
    const a = samples[(first - 1) & MASK];
    const b = samples[first & MASK];
    const c = samples[(first + 1) & MASK];
    const d = samples[(first + 2) & MASK];
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
  }

  analyse([re, im], from) {
    const [left, right] = this.input;
    for (let i = 0; i < SIZE; i += 1) {
      re[i] = left[(from + i) & MASK] * this.window[i];
      im[i] = right[(from + i) & MASK] * this.window[i];
    }
    this.fourier.transform(re, im);
  }

  addWindow(ratio) {
    const hop = Math.round(HOP * Math.min(1, ratio));
    const from = Math.round(this.read - LATENCY + (this.next - this.place) / ratio);
    this.analyse(this.now, from);
    this.analyse(this.before, from - hop);
    this.turn(ratio);
    const [re, im] = this.now;
    this.last[0].set(re);
    this.last[1].set(im);
    this.fourier.transform(im, re);
    const scale = hop / (0.375 * SIZE * SIZE);
    for (let i = 0; i < SIZE; i += 1) {
      const to = (this.next + i) & MASK;
      const fresh = this.next + i >= this.end;
      const gain = this.window[i] * scale;
      this.stretched[0][to] = (fresh ? 0 : this.stretched[0][to]) + re[i] * gain;
      this.stretched[1][to] = (fresh ? 0 : this.stretched[1][to]) + im[i] * gain;
    }
    this.end = this.next + SIZE;
    this.next += hop;
  }

  // Turns the phases so that each peak goes on from the window before; what would fold back is left out.
  turn(ratio) {
    const { power, now: [re, im] } = this;
    const top = Math.min(SIZE / 2, Math.floor(SIZE / 2 / ratio));
    for (let k = 0; k <= SIZE / 2; k += 1) {
      const mirror = (SIZE - k) % SIZE;
      power[k] = re[k] * re[k] + im[k] * im[k] + re[mirror] * re[mirror] + im[mirror] * im[mirror];
    }
    let begin = 1;
    let peak = this.peakAfter(1);
    while (begin < SIZE / 2) {
      const following = this.peakAfter(peak + 1);
      const border = following >= SIZE / 2 ? SIZE / 2 : (peak + following + 1) >> 1;
      this.turnBins(begin, border, this.angle(Math.min(peak, SIZE / 2 - 1)), top);
      begin = border;
      peak = following;
    }
  }

  peakAfter(first) {
    const { power } = this;
    for (let k = Math.max(first, 2); k < SIZE / 2 - 2; k += 1) {
      if (power[k] > power[k - 1] && power[k] > power[k - 2] && power[k] >= power[k + 1] && power[k] >= power[k + 2]) return k;
    }
    return SIZE / 2;
  }

  // The unit number by which bin k turns: what was made last against what was there a hop ago, over both channels.
  angle(k) {
    const m = SIZE - k;
    const { last: [yr, yi], before: [br, bi] } = this;
    const x = yr[k] * br[k] + yi[k] * bi[k] + yr[m] * br[m] + yi[m] * bi[m];
    const y = yi[k] * br[k] - yr[k] * bi[k] - yi[m] * br[m] + yr[m] * bi[m];
    const length = Math.hypot(x, y);
    return length > 1e-18 ? [x / length, y / length] : [1, 0];
  }

  turnBins(first, end, [c, s], top) {
    const { now: [re, im] } = this;
    for (let k = first; k < end; k += 1) {
      const m = SIZE - k;
      const gain = k <= top ? 1 : 0;
      const a = re[k];
      const b = re[m];
      re[k] = gain * (a * c - im[k] * s);
      im[k] = gain * (a * s + im[k] * c);
      re[m] = gain * (b * c + im[m] * s);
      im[m] = gain * (im[m] * c - b * s);
    }
  }
}

if (typeof AudioWorkletProcessor !== "undefined") {
  registerProcessor("pitch-shifter", class extends AudioWorkletProcessor {
    static get parameterDescriptors() {
      return [{ name: "ratio", defaultValue: 1, minValue: 0.125, maxValue: 8, automationRate: "k-rate" }];
    }

    process([input], [output], { ratio: [ratio] }) {
      if (Math.abs(ratio - 1) < 1e-4) { // the sound goes another way
        this.shifter = null;
        return true;
      }
      this.shifter ??= new PitchShifter();
      const [left, right] = output;
      if (input[0]) left.set(input[0]);
      if (input[0]) right.set(input[1] ?? input[0]);
      this.shifter.process(left, right, ratio);
      return true;
    }
  });
}
