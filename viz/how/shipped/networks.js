// The shipped networks, as backends/generation/networks has them; a picture or packed sound is `(C, 16, 16)` in −1..1.

// --- VAE: β goes in as log10 and its square.

function vaeCondition(w, beta) {
  const level = Math.log10(beta);
  return silu(linear(w, "weigh", Float32Array.of(level, level * level)));
}

function vaeEncode(w, x, beta) {
  let h = halved(silu(conv3(w, "down1", x, 16)), 16);
  h = halved(silu(conv3(w, "down2", h, 8)), 8);
  h = silu(film(w, "film_in", linear(w, "inward", h), vaeCondition(w, beta), 1));
  const told = linear(w, "code", h), size = told.length / 2;
  return { mean: told.slice(0, size), logVariance: told.slice(size).map((v) => Math.min(4, Math.max(-12, v))) };
}

// KL of each coordinate from the standard normal, in nats.
const vaeNats = ({ mean, logVariance }) => mean.map((m, k) => 0.5 * (m * m + Math.exp(logVariance[k]) - 1 - logVariance[k]));

function vaeDecode(w, z, beta) {
  let h = silu(film(w, "film_out", linear(w, "from_code", z), vaeCondition(w, beta), 1));
  h = silu(linear(w, "outward", h));
  h = silu(conv3(w, "up1", doubled(h, 4), 8));
  h = silu(conv3(w, "up2", doubled(h, 8), 16));
  return conv3(w, "paint", h, 16).map(Math.tanh);
}

// --- GAN

function generate(w, z) {
  let h = silu(linear(w, "outward", silu(linear(w, "inward", z))));
  h = silu(conv3(w, "up1", doubled(h, 4), 8));
  h = silu(conv3(w, "up2", doubled(h, 8), 16));
  return conv3(w, "paint", h, 16).map(Math.tanh);
}

// --- diffusion

const mixing = (time) => [Math.cos(0.5 * Math.PI * time), Math.sin(0.5 * Math.PI * time)];

function block(w, name, x, condition, side) {
  const inside = film(w, `${name}.film`, conv3(w, `${name}.first`, silu(groupNorm(w, `${name}.norm`, x, side)), side), condition, side * side);
  const around = w[`${name}.around.weight`] ? conv1(w, `${name}.around`, x, side) : x;
  return added(around, conv3(w, `${name}.second`, silu(inside), side));
}

// v at `time` of 0..1; `labels` is a list of whole numbers, the last of each kind meaning "any".
function denoiserVelocity(w, x, time, labels) {
  const angles = Array.from({ length: 8 }, (_, k) => time * Math.PI * 2 ** ((5 * k) / 7));
  const waves = Float32Array.from([...angles.map(Math.sin), ...angles.map(Math.cos)]);
  let told = linear(w, "time2", silu(linear(w, "time1", waves)));
  labels.forEach((label, k) => { told = added(told, w[`names.${k}.weight`].subarray(label * told.length, (label + 1) * told.length)); });
  told = silu(told);
  const large = block(w, "down1", conv3(w, "stem", x, 16), told, 16);
  const half = block(w, "down2", halved(large, 16), told, 8);
  let h = block(w, "bottom", halved(half, 8), told, 4);
  h = block(w, "up2", added(doubled(conv1(w, "narrow2", h, 4), 4), half), told, 8);
  h = block(w, "up1", added(doubled(conv1(w, "narrow1", h, 8), 8), large), told, 16);
  return conv3(w, "paint", silu(groupNorm(w, "norm", h, 16)), 16);
}

const anyLabels = (w) => Object.keys(w).filter((name) => name.startsWith("names.")).map((name) => w[name].length / 32 - 1);

// One DDIM step from `time` to `later`; `kept` = {picture, stays} keeps a part of a picture as it is.
function denoiseStep(w, x, { time, later, labels, guidance, kept }) {
  const any = anyLabels(w), at = Math.min(time, 0.999);
  let v = denoiserVelocity(w, x, at, labels);
  if (guidance !== 1 && labels.some((label, k) => label !== any[k])) {
    const free = denoiserVelocity(w, x, at, any);
    v = free.map((value, k) => value + guidance * (v[k] - value));
  }
  const [alpha, sigma] = mixing(at), [alpha2, sigma2] = mixing(later);
  const guess = x.map((value, k) => {
    const clean = Math.min(1, Math.max(-1, alpha * value - sigma * v[k]));
    return kept && kept.stays[k % 256] ? kept.picture[k] : clean;
  });
  return { guess, velocity: v, x: x.map((value, k) => alpha2 * guess[k] + (sigma2 * (value - alpha * guess[k])) / sigma) };
}

// --- the judge: chances of each label

function judge(w, x) {
  let h = halved(silu(conv3(w, "down1", x, 16)), 16);
  h = halved(silu(conv3(w, "down2", h, 8)), 8);
  h = halved(silu(conv3(w, "down3", h, 4)), 4);
  const chances = [];
  for (let k = 0; w[`heads.${k}.weight`]; k += 1) chances.push(softmax(linear(w, `heads.${k}`, h)));
  return chances;
}

// --- attention: 2 layers of 4 heads on 48 numbers

const WIDTH = 48, HEADS = 4, LAYERS = 2, HEAD_WIDTH = WIDTH / HEADS, LETTERS = 16, LENGTH = 32;

function layerNorm(w, name, x) {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const scale = 1 / Math.sqrt(x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length + 1e-5);
  return x.map((v, k) => (v - mean) * scale * w[`${name}.weight`][k] + w[`${name}.bias`][k]);
}

function placeWaves(place) {
  const angles = Array.from({ length: WIDTH / 2 }, (_, k) => place / 100 ** (k / (WIDTH / 2 - 1)));
  return Float32Array.from([...angles.map(Math.sin), ...angles.map(Math.cos)]);
}

// Letters (whole numbers) to {logits[T], layers[{query, key, value, scores, weights}[head]]}.
// switches: off (Set of "layer.head" from 0), positions, mask, temperature.
function follow(w, letters, switches) {
  let rows = letters.map((letter, place) => {
    const x = w["letters.weight"].slice(letter * WIDTH, (letter + 1) * WIDTH);
    return switches.positions ? added(x, linear(w, "places", placeWaves(place))) : x;
  });
  const layers = [];
  for (let layer = 0; layer < LAYERS; layer += 1) {
    const parts = rows.map((x) => linear(w, `layers.${layer}.qkv`, layerNorm(w, `layers.${layer}.norm`, x)));
    const mixed = rows.map(() => new Float32Array(WIDTH));
    const heads = [];
    for (let head = 0; head < HEADS; head += 1) {
      const piece = (x, which) => x.subarray(which * WIDTH + head * HEAD_WIDTH, which * WIDTH + (head + 1) * HEAD_WIDTH);
      const query = parts.map((x) => piece(x, 0)), key = parts.map((x) => piece(x, 1)), value = parts.map((x) => piece(x, 2));
      const scores = query.map((q, t) => key.map((k, s) => (switches.mask && s > t ? -Infinity
        : q.reduce((sum, one, d) => sum + one * k[d], 0) / (Math.sqrt(HEAD_WIDTH) * switches.temperature))));
      const weights = scores.map(softmax);
      if (!switches.off.has(`${layer}.${head}`)) {
        weights.forEach((row, t) => row.forEach((share, s) => {
          if (share > 0) for (let d = 0; d < HEAD_WIDTH; d += 1) mixed[t][head * HEAD_WIDTH + d] += share * value[s][d];
        }));
      }
      heads.push({ query, key, value, scores, weights });
    }
    rows = rows.map((x, t) => added(x, linear(w, `layers.${layer}.out`, mixed[t])));
    layers.push(heads);
  }
  return { logits: rows.map((x) => linear(w, "answer", layerNorm(w, "norm", x))), layers };
}

// What followed each letter the last time; null where it is there for the first time.
function followed(letters) {
  return letters.map((letter, t) => {
    const last = letters.lastIndexOf(letter, t - 1);
    return t === 0 || last < 0 ? null : letters[last + 1];
  });
}
