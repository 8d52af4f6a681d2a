// Small networks on one example: planes are Float32Arrays `(C, S, S)`, vectors `(D,)`. The layers are torch's.

const HALF = (() => {
  // Every half-precision number as a float, by its bits.
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits += 1) {
    const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, rest = bits & 1023;
    table[bits] = sign * (exponent === 0 ? rest * 2 ** -24 : exponent === 31 ? (rest ? NaN : Infinity) : (1 + rest / 1024) * 2 ** (exponent - 15));
  }
  return table;
})();

// A safetensors file of half-precision weights, in base64, as {name: Float32Array}.
function readWeights(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const weights = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [begin, end] = entry.data_offsets;
    const values = new Float32Array((end - begin) / 2);
    for (let k = 0; k < values.length; k += 1) values[k] = HALF[view.getUint16(8 + length + begin + 2 * k, true)];
    weights[name] = values;
  }
  return weights;
}

const silu = (x) => x.map((v) => v / (1 + Math.exp(-v)));

function linear(w, name, x) {
  const weight = w[`${name}.weight`], bias = w[`${name}.bias`];
  const inputs = x.length, outputs = weight.length / inputs, out = new Float32Array(outputs);
  for (let o = 0, k = 0; o < outputs; o += 1) {
    let sum = bias ? bias[o] : 0;
    for (let i = 0; i < inputs; i += 1, k += 1) sum += weight[k] * x[i];
    out[o] = sum;
  }
  return out;
}

// 3 × 3 with zeros around. The input is copied into a wider plane, so that the inner loop meets no edge, and two outputs
// are summed at once, so that each value is read once for both: twice as fast as the plain loops.
function conv3(w, name, x, side) {
  const weight = w[`${name}.weight`], bias = w[`${name}.bias`], area = side * side, wide = side + 2, size = wide * wide;
  const inputs = x.length / area, outputs = bias.length, around = new Float64Array(inputs * size);
  for (let c = 0; c < inputs; c += 1)
    for (let y = 0; y < side; y += 1)
      around.set(x.subarray(c * area + y * side, c * area + (y + 1) * side), c * size + (y + 1) * wide + 1);
  const out = new Float32Array(outputs * area), one = new Float64Array(area), two = new Float64Array(area);
  for (let o = 0; o < outputs; o += 2) {
    const last = o + 1 === outputs, other = last ? o : o + 1;
    one.fill(bias[o]);
    two.fill(bias[other]);
    for (let c = 0; c < inputs; c += 1) {
      const k = (o * inputs + c) * 9, m = (other * inputs + c) * 9;
      const a0 = weight[k], a1 = weight[k + 1], a2 = weight[k + 2], a3 = weight[k + 3], a4 = weight[k + 4];
      const a5 = weight[k + 5], a6 = weight[k + 6], a7 = weight[k + 7], a8 = weight[k + 8];
      const b0 = weight[m], b1 = weight[m + 1], b2 = weight[m + 2], b3 = weight[m + 3], b4 = weight[m + 4];
      const b5 = weight[m + 5], b6 = weight[m + 6], b7 = weight[m + 7], b8 = weight[m + 8];
      for (let y = 0, q = 0; y < side; y += 1) {
        let p = c * size + y * wide;
        let r0 = around[p], r1 = around[p + 1], s0 = around[p + wide], s1 = around[p + wide + 1], t0 = around[p + 2 * wide], t1 = around[p + 2 * wide + 1];
        for (let x2 = 0; x2 < side; x2 += 1, p += 1, q += 1) {
          const r2 = around[p + 2], s2 = around[p + wide + 2], t2 = around[p + 2 * wide + 2];
          one[q] += a0 * r0 + a1 * r1 + a2 * r2 + a3 * s0 + a4 * s1 + a5 * s2 + a6 * t0 + a7 * t1 + a8 * t2;
          two[q] += b0 * r0 + b1 * r1 + b2 * r2 + b3 * s0 + b4 * s1 + b5 * s2 + b6 * t0 + b7 * t1 + b8 * t2;
          r0 = r1; r1 = r2; s0 = s1; s1 = s2; t0 = t1; t1 = t2;
        }
      }
    }
    out.set(one, o * area);
    if (!last) out.set(two, other * area);
  }
  return out;
}

function conv1(w, name, x, side) {
  const weight = w[`${name}.weight`], bias = w[`${name}.bias`], area = side * side;
  const inputs = x.length / area, out = new Float32Array(bias.length * area);
  for (let o = 0, k = 0; o < bias.length; o += 1) {
    const plane = out.subarray(o * area, (o + 1) * area).fill(bias[o]);
    for (let c = 0; c < inputs; c += 1, k += 1)
      for (let q = 0; q < area; q += 1) plane[q] += weight[k] * x[c * area + q];
  }
  return out;
}

// Normalised within each of four groups of channels.
function groupNorm(w, name, x, side) {
  const weight = w[`${name}.weight`], bias = w[`${name}.bias`], area = side * side, size = x.length / 4;
  const out = new Float32Array(x.length);
  for (let g = 0; g < 4; g += 1) {
    let mean = 0, square = 0;
    for (let k = g * size; k < (g + 1) * size; k += 1) mean += x[k];
    mean /= size;
    for (let k = g * size; k < (g + 1) * size; k += 1) square += (x[k] - mean) ** 2;
    const scale = 1 / Math.sqrt(square / size + 1e-5);
    for (let k = g * size; k < (g + 1) * size; k += 1) {
      const channel = (k / area) | 0;
      out[k] = (x[k] - mean) * scale * weight[channel] + bias[channel];
    }
  }
  return out;
}

// x · (1 + a) + b for each channel, a and b of a condition (FiLM).
function film(w, name, x, condition, area) {
  const told = linear(w, `${name}.linear`, condition), channels = told.length / 2;
  return x.map((value, k) => { const c = (k / area) | 0; return value * (1 + told[c]) + told[channels + c]; });
}

function halved(x, side) {
  const small = side / 2, channels = x.length / (side * side), out = new Float32Array(channels * small * small);
  for (let c = 0, q = 0; c < channels; c += 1)
    for (let y = 0; y < small; y += 1)
      for (let s = 0; s < small; s += 1, q += 1) {
        const p = c * side * side + 2 * y * side + 2 * s;
        out[q] = 0.25 * (x[p] + x[p + 1] + x[p + side] + x[p + side + 1]);
      }
  return out;
}

function doubled(x, side) {
  const large = 2 * side, channels = x.length / (side * side), out = new Float32Array(channels * large * large);
  for (let c = 0, q = 0; c < channels; c += 1)
    for (let y = 0; y < large; y += 1)
      for (let s = 0; s < large; s += 1, q += 1) out[q] = x[c * side * side + (y >> 1) * side + (s >> 1)];
  return out;
}

const added = (x, y) => x.map((value, k) => value + y[k]);

function softmax(x) {
  const most = Math.max(...x), exps = Array.from(x, (v) => Math.exp(v - most)), sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((v) => v / sum);
}

const argmax = (x) => x.reduce((best, v, k) => (v > x[best] ? k : best), 0);

// Random numbers that a seed repeats (mulberry32), and standard normal ones of them (Box and Muller).
function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
function normals(count, random) {
  return Float32Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}
