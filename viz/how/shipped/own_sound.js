// A sound of the visitor's as the networks hear it: decoded, brought to 11,025 Hz in mono, and of it 0.46 s as a patch.

const MOST_SECONDS = 60, OWN_PEAK = 0.64; // −3 dB of 0.9: the middle of the loudnesses that were trained on
const FADE = 0.02 * SOUND.rate; // every sound that was trained on ends so softly
const STEPS_AROUND = 4; // hops before and after a moment, to tell where a sound begins

// The bytes of a sound file as a wave; throws where the browser cannot decode them.
async function waveOfFile(bytes) {
  const audio = await new OfflineAudioContext(1, 1, SOUND.rate).decodeAudioData(bytes); // which resamples, too
  const channels = Array.from({ length: audio.numberOfChannels }, (_, k) => audio.getChannelData(k));
  const wave = new Float32Array(Math.min(audio.length, MOST_SECONDS * SOUND.rate));
  for (const channel of channels) for (let k = 0; k < wave.length; k += 1) wave[k] += channel[k] / channels.length;
  return wave;
}

// Where the strongest hit or note begins, in samples: where most more power comes after than before.
function strongestStart(wave) {
  const { hop } = SOUND, powers = Array.from({ length: Math.ceil(wave.length / hop) }, (_, t) => wave.subarray(t * hop, (t + 1) * hop).reduce((sum, v) => sum + v * v, 0));
  const around = (from, to) => powers.slice(Math.max(0, from), to).reduce((sum, v) => sum + v, 0);
  const rises = powers.map((_, t) => around(t, t + STEPS_AROUND) - around(t - STEPS_AROUND, t));
  return Math.max(0, argmax(rises) * hop - hop / 2);
}

// 0.46 s from `start` on, at the level of those that were trained on; silence stays silent.
function stretchOf(wave, start) {
  const stretch = Float32Array.from({ length: SOUND.samples }, (_, k) => (wave[start + k] ?? 0) * Math.min(1, (SOUND.samples - 1 - k) / FADE));
  const peak = stretch.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  return peak < 1e-4 ? stretch : stretch.map((v) => (v * OWN_PEAK) / peak);
}

// The mel bands `(64, 257)`, in half precision.
function readBank() {
  const view = new DataView(Uint8Array.from(atob(MEL_BANK), (letter) => letter.charCodeAt(0)).buffer);
  return Float32Array.from({ length: view.byteLength / 2 }, (_, k) => HALF[view.getUint16(2 * k, true)]);
}

// A wave of 0.46 s as a packed sound `(8, 16, 16)` in −1..1, the way back of `unpackSound` and `magnitudesOf`.
function packedSound(wave, bank) {
  const { bins, bands, moments, loudest, range } = SOUND, x = new Float32Array(8 * 256);
  framesOf(wave, moments).forEach(([re, im], t) => {
    const power = re.map((a, k) => a * a + im[k] * im[k]);
    for (let band = 0; band < bands; band += 1) {
      let sum = 0;
      for (let bin = 0; bin < bins; bin += 1) sum += bank[band * bins + bin] * power[bin];
      const level = (2 * (10 * Math.log10(Math.max(sum, 1e-10)) - loudest)) / range + 1;
      x[((band % 4) * 2 + (t % 2)) * 256 + (band >> 2) * 16 + (t >> 1)] = Math.max(-1, Math.min(1, level));
    }
  });
  return x;
}
