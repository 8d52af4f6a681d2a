// A packed sound `(8, 16, 16)` as a spectrogram of 64 mel bands × 32 moments, and as a wave, as
// backends/generation/sound.py does it: bands to magnitudes by least squares, phases by Griffin and Lim.

const SOUND = { rate: 11025, window: 512, hop: 160, bands: 64, moments: 32, loudest: 30, range: 70 };
SOUND.bins = SOUND.window / 2 + 1;
SOUND.samples = SOUND.hop * SOUND.moments;

function unpackSound(x) {
  const patch = new Float32Array(64 * 32);
  for (let band = 0; band < 64; band += 1)
    for (let moment = 0; moment < 32; moment += 1)
      patch[band * 32 + moment] = x[((band % 4) * 2 + (moment % 2)) * 256 + (band >> 2) * 16 + (moment >> 1)];
  return patch;
}

// `inverse` is the `(257, 64)` pseudo-inverse of the mel bands.
function magnitudesOf(patch, inverse) {
  const { bins, moments, loudest, range } = SOUND, out = Array.from({ length: moments }, () => new Float32Array(bins));
  for (let t = 0; t < moments; t += 1) {
    const power = Float32Array.from({ length: 64 }, (_, band) => {
      const level = patch[band * 32 + t];
      return level <= -0.99 ? 0 : 10 ** ((((level - 1) * range) / 2 + loudest) / 10);
    });
    for (let bin = 0; bin < bins; bin += 1) {
      let sum = 0;
      for (let band = 0; band < 64; band += 1) sum += inverse[bin * 64 + band] * power[band];
      out[t][bin] = Math.sqrt(Math.max(0, sum));
    }
  }
  return out;
}

// In-place radix-2 FFT of a power of two.
function fft(re, im, backwards) {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i += 1) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) { [re[i], re[j]] = [re[j], re[i]]; [im[i], im[j]] = [im[j], im[i]]; }
  }
  for (let size = 2; size <= n; size <<= 1) {
    const angle = ((backwards ? 2 : -2) * Math.PI) / size, half = size >> 1;
    for (let k = 0; k < half; k += 1) {
      const c = Math.cos(angle * k), s = Math.sin(angle * k);
      for (let start = k; start < n; start += size) {
        const a = re[start + half] * c - im[start + half] * s, b = re[start + half] * s + im[start + half] * c;
        re[start + half] = re[start] - a; im[start + half] = im[start] - b;
        re[start] += a; im[start] += b;
      }
    }
  }
  if (backwards) for (let k = 0; k < n; k += 1) { re[k] /= n; im[k] /= n; }
}

const HANN = Float32Array.from({ length: SOUND.window }, (_, k) => 0.5 - 0.5 * Math.cos((2 * Math.PI * k) / SOUND.window));

// Frames (complex, half-spectra) to a wave by overlapping and adding; frames are centred at multiples of the hop.
function wholeWave(frames) {
  const { window, hop, samples } = SOUND, long = samples + 2 * window;
  const wave = new Float32Array(long), weight = new Float32Array(long);
  const re = new Float32Array(window), im = new Float32Array(window);
  frames.forEach(([a, b], t) => {
    for (let k = 0; k <= window / 2; k += 1) {
      re[k] = a[k]; im[k] = b[k];
      if (k && k < window / 2) { re[window - k] = a[k]; im[window - k] = -b[k]; }
    }
    fft(re, im, true);
    for (let k = 0; k < window; k += 1) { wave[t * hop + k] += re[k] * HANN[k]; weight[t * hop + k] += HANN[k] ** 2; }
  });
  return wave.subarray(window / 2, window / 2 + samples).map((v, k) => v / Math.max(1e-3, weight[window / 2 + k]));
}

function framesOf(wave, count) {
  const { window, hop } = SOUND;
  return Array.from({ length: count }, (_, t) => {
    const re = new Float32Array(window), im = new Float32Array(window);
    for (let k = 0; k < window; k += 1) re[k] = (wave[t * hop + k - window / 2] ?? 0) * HANN[k];
    fft(re, im, false);
    return [re.slice(0, window / 2 + 1), im.slice(0, window / 2 + 1)];
  });
}

// Griffin and Lim, with momentum (Perraudin et al. 2013).
function soundWave(x, inverse, rounds = 24, seed = 0) {
  const wanted = magnitudesOf(unpackSound(x), inverse), random = randomOf(seed);
  let phases = wanted.map((row) => Float32Array.from(row, () => 2 * Math.PI * random()));
  let before = null, wave = null;
  for (let round = 0; round <= rounds; round += 1) {
    wave = wholeWave(wanted.map((row, t) => [row.map((m, k) => m * Math.cos(phases[t][k])), row.map((m, k) => m * Math.sin(phases[t][k]))]));
    if (round === rounds) break;
    const now = framesOf(wave, wanted.length);
    phases = now.map(([re, im], t) => re.map((a, k) => {
      const b = im[k], c = before ? before[t][0][k] : 0, d = before ? before[t][1][k] : 0;
      return Math.atan2(b - 0.5 * d, a - 0.5 * c);
    }));
    before = now;
  }
  const most = wave.reduce((peak, v) => Math.max(peak, Math.abs(v)), 1);
  return wave.map((v) => v / most);
}

let audio = null;
function playWave(wave, rate = SOUND.rate) {
  audio ??= new AudioContext();
  audio.resume();
  const buffer = audio.createBuffer(1, wave.length, rate);
  buffer.copyToChannel(wave, 0);
  const source = audio.createBufferSource();
  source.buffer = buffer;
  source.connect(audio.destination);
  source.start();
  return source;
}

// Waves one after the other, with a short silence between.
function joined(waves, pause = 1200) {
  const whole = new Float32Array(waves.reduce((sum, wave) => sum + wave.length + pause, 0));
  let at = 0;
  for (const wave of waves) { whole.set(wave, at); at += wave.length + pause; }
  return whole;
}

// A 16-bit WAV file of a wave.
function wavBlob(wave, rate = SOUND.rate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * wave.length));
  const text = (at, word) => [...word].forEach((letter, k) => view.setUint8(at + k, letter.charCodeAt(0)));
  text(0, "RIFF"); view.setUint32(4, 36 + 2 * wave.length, true); text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
  view.setUint32(24, rate, true); view.setUint32(28, 2 * rate, true); view.setUint16(32, 2, true); view.setUint16(34, 16, true);
  text(36, "data"); view.setUint32(40, 2 * wave.length, true);
  wave.forEach((v, k) => view.setInt16(44 + 2 * k, Math.round(32767 * Math.max(-1, Math.min(1, v))), true));
  return new Blob([view.buffer], { type: "audio/wav" });
}
