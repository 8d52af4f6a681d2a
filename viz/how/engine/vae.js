// A variational autoencoder (Kingma and Welling 2014; beta as in Higgins et al. 2017) with one learned spread of its
// decoder, so that its loss at beta = 1 is a bound on the likelihood in nats.

class Vae {
  constructor(seed) {
    const { encoder, decoder, activation, betas } = SPEC.vae;
    const e = countParameters(encoder), d = countParameters(decoder), all = e + d + 1;
    this.seed = seed;
    this.store = new Store({ all, first: all, second: all, count: 1 });
    const { all: parameters, first, second, count } = this.store.parts;
    this.encoder = new Network(encoder, activation, parameters.subarray(0, e));
    this.decoder = new Network(decoder, activation, parameters.subarray(e, e + d));
    this.scale = parameters.subarray(e + d); // ln s
    this.gradients = new Float32Array(all);
    this.encoder.gradients = this.gradients.subarray(0, e);
    this.decoder.gradients = this.gradients.subarray(e, e + d);
    this.scaleGradient = this.gradients.subarray(e + d);
    this.adam = new Adam(parameters, first, second, count, betas);
    const stream = new Stream(seed, "initial", 0);
    this.encoder.initialise(stream);
    this.decoder.initialise(stream);
    this.scale[0] = SPEC.vae.first_log_scale;
  }

  train(data, step, knobs) {
    const rows = SPEC.batch;
    const points = pick(data.train, new Stream(this.seed, "batch", step), rows);
    const noise = new Stream(this.seed, "noise", step).normals(2 * rows);
    return this.trainOn(points, noise, rows, knobs);
  }

  trainOn(points, noise, rows, knobs) {
    const codes = this.encoder.forward(points, rows, true); // (rows, 4): two means, two ln variances
    const z = drawCodes(codes, noise, rows);
    const back = this.decoder.forward(z, rows, true);
    const variance = Math.exp(2 * this.scale[0]);
    const upstream = new Float32Array(2 * rows);
    let squares = 0;
    for (let i = 0; i < 2 * rows; i += 1) {
      const miss = back[i] - points[i];
      squares += miss * miss;
      upstream[i] = miss / (variance * rows);
    }
    const error = squares / (2 * variance * rows) + 2 * this.scale[0] + Math.log(2 * Math.PI);
    this.scaleGradient[0] = 2 - squares / (variance * rows);
    const dz = this.decoder.backward(upstream, rows);
    const { divergence, dcodes } = divergenceOf(codes, noise, dz, rows, knobs.beta);
    this.encoder.backward(dcodes, rows);
    this.adam.update(this.gradients, knobs.rate);
    this.scale[0] = Math.max(this.scale[0], SPEC.vae.smallest_log_scale);
    return { loss: error + knobs.beta * divergence, error, divergence, points, codes, z, back };
  }

  // Points (N, 2) with the decoder's spread: what the model says the data look like.
  sample(count, stream) {
    const points = this.decoder.forward(stream.normals(2 * count), count);
    const noise = stream.normals(2 * count);
    const spread = Math.exp(this.scale[0]);
    return points.map((value, i) => value + spread * noise[i]);
  }

  encode(points, count) { return this.encoder.forward(points, count); }

  decode(codes, count) { return this.decoder.forward(codes, count); }

  // Where a grid of codes comes to lie whose cells all hold the same share of the prior.
  warped(side) {
    const grid = squareGrid(side, 1).map((value) => normalQuantile(0.5 + 0.49 * value));
    return this.decoder.forward(grid, side * side);
  }

  // KL in nats of each of the two coordinates, mean over points (N, 2).
  used(points, count) {
    const codes = this.encode(points, count);
    const nats = [0, 0];
    for (let row = 0; row < count; row += 1) {
      for (let k = 0; k < 2; k += 1) {
        const mean = codes[4 * row + k], ln = codes[4 * row + 2 + k];
        nats[k] += (0.5 * (mean * mean + Math.exp(ln) - 1 - ln)) / count;
      }
    }
    return nats;
  }

  // The importance-weighted bound on ln p(x) with `draws` draws (Burda et al. 2016), in nats, mean over points (N, 2).
  bound(points, count, stream, draws = 32) {
    const codes = this.encode(points, count);
    const ln = new Float64Array(draws);
    const spread = this.scale[0], variance = Math.exp(2 * spread);
    let sum = 0;
    for (let row = 0; row < count; row += 1) {
      const noise = stream.normals(2 * draws);
      const z = new Float32Array(2 * draws);
      for (let i = 0; i < 2 * draws; i += 1) z[i] = codes[4 * row + (i & 1)] + Math.exp(0.5 * codes[4 * row + 2 + (i & 1)]) * noise[i];
      const back = this.decoder.forward(z, draws);
      for (let draw = 0; draw < draws; draw += 1) {
        let weight = -2 * spread - Math.log(2 * Math.PI); // ln p(x|z) + ln p(z) - ln q(z|x)
        for (let k = 0; k < 2; k += 1) {
          const miss = points[2 * row + k] - back[2 * draw + k];
          weight -= (miss * miss) / (2 * variance);
          weight += 0.5 * (noise[2 * draw + k] ** 2 - z[2 * draw + k] ** 2) + 0.5 * codes[4 * row + 2 + k];
        }
        ln[draw] = weight;
      }
      const most = Math.max(...ln);
      sum += most + Math.log(ln.reduce((total, value) => total + Math.exp(value - most), 0) / draws);
    }
    return sum / count;
  }
}

function drawCodes(codes, noise, rows) {
  const z = new Float32Array(2 * rows);
  for (let row = 0; row < rows; row += 1) {
    for (let k = 0; k < 2; k += 1) z[2 * row + k] = codes[4 * row + k] + Math.exp(0.5 * codes[4 * row + 2 + k]) * noise[2 * row + k];
  }
  return z;
}

// KL(q(z|x) || N(0, 1)) in nats, mean over rows, and d loss / d codes (rows, 4) given d loss / d z (rows, 2).
function divergenceOf(codes, noise, dz, rows, beta) {
  const dcodes = new Float32Array(4 * rows);
  let divergence = 0;
  for (let row = 0; row < rows; row += 1) {
    for (let k = 0; k < 2; k += 1) {
      const mean = codes[4 * row + k], ln = codes[4 * row + 2 + k], variance = Math.exp(ln);
      divergence += (0.5 * (mean * mean + variance - 1 - ln)) / rows;
      dcodes[4 * row + k] = dz[2 * row + k] + (beta * mean) / rows;
      dcodes[4 * row + 2 + k] = dz[2 * row + k] * 0.5 * Math.exp(0.5 * ln) * noise[2 * row + k] + (beta * 0.5 * (variance - 1)) / rows;
    }
  }
  return { divergence, dcodes };
}

// The inverse of the normal distribution by Newton's steps from a logistic start; good to 1e-6 within ±4.
function normalQuantile(share) {
  let x = Math.log(share / (1 - share)) / 1.702;
  for (let round = 0; round < 6; round += 1) x -= (normalCdf(x) - share) / (Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI));
  return x;
}

// Abramowitz and Stegun 7.1.26 through the error function.
function normalCdf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x) / Math.SQRT2);
  const tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-0.5 * x * x);
  return x >= 0 ? 1 - 0.5 * tail : 0.5 * tail;
}
