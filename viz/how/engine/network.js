// A dense network with its backward pass, and Adam. Parameters lie in one flat array, layer by layer: weights (out, in)
// row by row, then biases (out). Activations stand behind all layers but the last.

const ACTIVATIONS = {
  leaky_relu: { value: (x) => (x > 0 ? x : SPEC.gan.slope * x), slope: (x) => (x > 0 ? 1 : SPEC.gan.slope) },
  silu: {
    value: (x) => x / (1 + Math.exp(-x)),
    slope: (x) => { const s = 1 / (1 + Math.exp(-x)); return s * (1 + x * (1 - s)); },
  },
};

const countParameters = (sizes) => sizes.slice(1).reduce((sum, out, layer) => sum + out * (sizes[layer] + 1), 0);

class Network {
  // `parameters` is a view of `countParameters(sizes)` numbers, which the network reads and never replaces.
  constructor(sizes, activation, parameters) {
    Object.assign(this, { sizes, parameters, activation: ACTIVATIONS[activation] });
    this.gradients = new Float32Array(parameters.length);
    this.layers = [];
    let at = 0;
    for (let layer = 0; layer + 1 < sizes.length; layer += 1) {
      this.layers.push({ inputs: sizes[layer], outputs: sizes[layer + 1], at });
      at += sizes[layer + 1] * (sizes[layer] + 1);
    }
  }

  // Glorot and Bengio 2010: uniform within sqrt(6 / (in + out)).
  initialise(stream) {
    for (const { inputs, outputs, at } of this.layers) {
      const most = Math.sqrt(6 / (inputs + outputs));
      this.parameters.set(stream.uniforms(inputs * outputs, -most, most), at);
      this.parameters.fill(0, at + inputs * outputs, at + outputs * (inputs + 1));
    }
  }

  // `input` (rows, in) -> (rows, out). With `keep`, what `backward` needs is remembered.
  forward(input, rows, keep = false) {
    let values = input;
    const trace = [];
    this.layers.forEach((layer, index) => {
      const sums = this.affine(layer, values, rows);
      let out = sums;
      if (index + 1 < this.layers.length) {
        out = new Float32Array(sums.length);
        const act = this.activation.value;
        for (let i = 0; i < sums.length; i += 1) out[i] = act(sums[i]);
      }
      if (keep) trace.push({ input: values, sums });
      values = out;
    });
    if (keep) this.trace = trace;
    return values;
  }

  affine({ inputs, outputs, at }, values, rows) {
    const w = this.parameters;
    const biases = at + inputs * outputs;
    const out = new Float32Array(rows * outputs);
    for (let row = 0; row < rows; row += 1) {
      const from = row * inputs;
      const to = row * outputs;
      let o = 0;
      for (; o + 3 < outputs; o += 4) { // four sums at a time: each input is read once for them
        const w0 = at + o * inputs, w1 = w0 + inputs, w2 = w1 + inputs, w3 = w2 + inputs;
        let s0 = w[biases + o], s1 = w[biases + o + 1], s2 = w[biases + o + 2], s3 = w[biases + o + 3];
        for (let i = 0; i < inputs; i += 1) {
          const x = values[from + i];
          s0 += w[w0 + i] * x; s1 += w[w1 + i] * x; s2 += w[w2 + i] * x; s3 += w[w3 + i] * x;
        }
        out[to + o] = s0; out[to + o + 1] = s1; out[to + o + 2] = s2; out[to + o + 3] = s3;
      }
      for (; o < outputs; o += 1) {
        let sum = w[biases + o];
        for (let i = 0; i < inputs; i += 1) sum += w[at + o * inputs + i] * values[from + i];
        out[to + o] = sum;
      }
    }
    return out;
  }

  // From d loss / d output (rows, out) of the last `forward(…, keep)`: adds to `gradients` and returns
  // d loss / d input (rows, in). With `weights` false only the latter is worked out.
  backward(upstream, rows, weights = true) {
    let above = upstream;
    for (let index = this.layers.length - 1; index >= 0; index -= 1) {
      const { input, sums } = this.trace[index];
      if (index + 1 < this.layers.length) {
        const slope = this.activation.slope;
        for (let i = 0; i < above.length; i += 1) above[i] *= slope(sums[i]);
      }
      above = this.affineBackward(this.layers[index], input, above, rows, weights);
    }
    return above;
  }

  affineBackward({ inputs, outputs, at }, input, above, rows, weights) {
    const w = this.parameters, g = this.gradients;
    const biases = at + inputs * outputs;
    const below = new Float32Array(rows * inputs);
    for (let row = 0; row < rows; row += 1) {
      const from = row * inputs;
      let o = 0;
      for (; o + 3 < outputs; o += 4) {
        const d0 = above[row * outputs + o], d1 = above[row * outputs + o + 1], d2 = above[row * outputs + o + 2], d3 = above[row * outputs + o + 3];
        const w0 = at + o * inputs, w1 = w0 + inputs, w2 = w1 + inputs, w3 = w2 + inputs;
        if (weights) {
          g[biases + o] += d0; g[biases + o + 1] += d1; g[biases + o + 2] += d2; g[biases + o + 3] += d3;
          for (let i = 0; i < inputs; i += 1) {
            const x = input[from + i];
            below[from + i] += d0 * w[w0 + i] + d1 * w[w1 + i] + d2 * w[w2 + i] + d3 * w[w3 + i];
            g[w0 + i] += d0 * x; g[w1 + i] += d1 * x; g[w2 + i] += d2 * x; g[w3 + i] += d3 * x;
          }
        } else {
          for (let i = 0; i < inputs; i += 1) below[from + i] += d0 * w[w0 + i] + d1 * w[w1 + i] + d2 * w[w2 + i] + d3 * w[w3 + i];
        }
      }
      for (; o < outputs; o += 1) {
        const d = above[row * outputs + o];
        const start = at + o * inputs;
        if (weights) g[biases + o] += d;
        for (let i = 0; i < inputs; i += 1) {
          below[from + i] += d * w[start + i];
          if (weights) g[start + i] += d * input[from + i];
        }
      }
    }
    return below;
  }
}

// Adam (Kingma and Ba 2015) over views of one store, whose count of updates is kept in the store as well.
class Adam {
  constructor(parameters, first, second, count, betas) {
    Object.assign(this, { parameters, first, second, count, betas });
  }

  update(gradients, rate) {
    const [b1, b2] = this.betas;
    const { parameters, first, second, count } = this;
    count[0] += 1;
    const c1 = 1 - b1 ** count[0], c2 = 1 - b2 ** count[0];
    for (let i = 0; i < parameters.length; i += 1) {
      const g = gradients[i];
      first[i] = b1 * first[i] + (1 - b1) * g;
      second[i] = b2 * second[i] + (1 - b2) * g * g;
      parameters[i] -= (rate * (first[i] / c1)) / (Math.sqrt(second[i] / c2) + SPEC.adam.epsilon);
    }
    gradients.fill(0);
  }
}

// All numbers of a model that training changes, in one array: a copy of it is a snapshot.
class Store {
  constructor(parts) {
    this.numbers = new Float32Array(Object.values(parts).reduce((sum, size) => sum + size, 0));
    this.parts = {};
    let at = 0;
    for (const [name, size] of Object.entries(parts)) {
      this.parts[name] = this.numbers.subarray(at, at + size);
      at += size;
    }
  }
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const softplus = (x) => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)));
