// What the classifier says of a feature: the same sums as `classify.py` of the program that takes pictures.

const dot = (one, other, start = 0) => {
  let sum = 0;
  for (let i = 0; i < one.length; i += 1) sum += one[i] * other[start + i];
  return sum;
};

// An array as it stands in the page: its shape, and its numbers as base64 of float32.
function numbers({ shape, data }) {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  return { rows: shape[0], columns: shape[1] ?? 1, values: new Float32Array(bytes.buffer) };
}

function unit(feature) {
  const length = Math.sqrt(dot(feature, feature));
  return Float64Array.from(feature, (value) => value / Math.max(length, 1e-12));
}

class Head {
  constructor(known) {
    this.known = known;
    this.classes = known.classes;
    this.part = Object.fromEntries(Object.entries(known.arrays).map(([name, array]) => [name, numbers(array)]));
  }

  // One number a class: words, a line, and the nearness to each key.
  scores(feature) {
    const { words, weights, bias, keys, values } = this.part, classes = this.classes.length, sharpness = this.known.sharpness;
    const out = Float64Array.from({ length: classes }, (_, k) =>
      dot(feature, words.values, k * words.columns) + dot(feature, weights.values, k * weights.columns) + bias.values[k]);
    for (let row = 0; row < keys.rows; row += 1) {
      const near = Math.exp(-sharpness * (1 - dot(feature, keys.values, row * keys.columns)));
      for (let k = 0; k < classes; k += 1) out[k] += near * values.values[row * classes + k];
    }
    return out;
  }

  // How like its class a picture is, 0 for a usual one; NaN where that could not be measured.
  familiarity(feature, answer) {
    const { images, texts } = this.part, { labels, scales: [mean, spread, wordMean, wordSpread] } = this.known, found = [];
    const own = labels.flatMap((label, row) => (label === answer ? [dot(feature, images.values, row * images.columns)] : []));
    if (own.length && spread > 1e-9) {
      const best = own.sort((a, b) => b - a).slice(0, 3);
      found.push((best.reduce((a, b) => a + b, 0) / best.length - mean) / spread);
    }
    if (texts && wordSpread > 1e-9) {
      const cosines = this.classes.map((_, k) => dot(feature, texts.values, k * texts.columns)), there = cosines.filter(Number.isFinite);
      const middleOfAll = there.reduce((a, b) => a + b, 0) / there.length;
      if (Number.isFinite(cosines[answer])) found.push((cosines[answer] - middleOfAll - wordMean) / wordSpread);
    }
    return found.length ? found.reduce((a, b) => a + b, 0) / found.length : NaN;
  }

  predict(raw) {
    const feature = unit(raw), logits = this.scores(feature).map((score) => score / this.known.temperature);
    const top = Math.max(...logits), powers = Array.from(logits, (logit) => Math.exp(logit - top)), sum = powers.reduce((a, b) => a + b, 0);
    const shares = powers.map((power) => power / sum), best = shares.indexOf(Math.max(...shares));
    const { threshold, rejects } = this.known;
    return { shares, best, none: rejects && threshold !== null && this.familiarity(feature, best) < threshold };
  }
}
