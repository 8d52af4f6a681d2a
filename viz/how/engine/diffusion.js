// A denoising diffusion model (Ho et al. 2020; the cosine schedule of Nichol and Dhariwal 2021; DDIM of Song et al. 2021).

class Diffusion {
  constructor(seed) {
    const { network, activation, betas } = SPEC.diffusion;
    const size = countParameters(network);
    this.seed = seed;
    this.store = new Store({ w: size, average: size, first: size, second: size, count: 1 });
    const { w, average, first, second, count } = this.store.parts;
    this.network = new Network(network, activation, w);
    this.smooth = new Network(network, activation, average); // sampled from: an average over the last steps
    this.adam = new Adam(w, first, second, count, betas);
    this.network.initialise(new Stream(seed, "initial", 0));
    average.set(w);
    this.schedule = cosineSchedule();
  }

  train(data, step, knobs) {
    const rows = SPEC.batch;
    const points = pick(data.train, new Stream(this.seed, "batch", step), rows);
    const noise = new Stream(this.seed, "noise", step).normals(2 * rows);
    const times = new Stream(this.seed, "time", step).integers(rows, SPEC.diffusion.steps).map((t) => t + 1);
    return this.trainOn(points, noise, times, rows, knobs);
  }

  trainOn(points, noise, times, rows, knobs) {
    const noisy = this.noised(points, noise, times, rows);
    const guess = this.network.forward(features(noisy, times, rows), rows, true);
    const upstream = new Float32Array(2 * rows);
    let loss = 0;
    for (let i = 0; i < 2 * rows; i += 1) {
      const miss = guess[i] - noise[i];
      loss += (miss * miss) / (2 * rows);
      upstream[i] = miss / rows;
    }
    this.network.backward(upstream, rows);
    this.adam.update(this.network.gradients, knobs.rate);
    const { w, average, count } = this.store.parts;
    const keep = Math.min(SPEC.diffusion.average, (1 + count[0]) / (10 + count[0]));
    for (let i = 0; i < w.length; i += 1) average[i] = keep * average[i] + (1 - keep) * w[i];
    return { loss, points, noise, times, noisy, guess };
  }

  // x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) e
  noised(points, noise, times, rows) {
    const noisy = new Float32Array(2 * rows);
    for (let i = 0; i < 2 * rows; i += 1) {
      const a = this.schedule.product[times[i >> 1]];
      noisy[i] = Math.sqrt(a) * points[i] + Math.sqrt(1 - a) * noise[i];
    }
    return noisy;
  }

  // The guess of the noise at points (N, 2), all at time t.
  guess(points, t, count) {
    return this.smooth.forward(features(points, new Int32Array(count).fill(t), count), count);
  }

  // From noise to points in `stops` steps: the film, one frame a stop, with the guess of the clean points at each.
  // All `steps` of them are ancestral sampling; fewer are DDIM, which adds no noise.
  film(count, stream, stops = SPEC.diffusion.steps) {
    const { product, beta } = this.schedule;
    const T = SPEC.diffusion.steps;
    const ancestral = stops >= T;
    const times = Array.from({ length: stops + 1 }, (_, k) => Math.round((T * (stops - k)) / stops));
    let points = stream.normals(2 * count);
    const frames = [points], clean = [];
    for (let k = 0; k < stops; k += 1) {
      const t = times[k], s = times[k + 1];
      const noise = this.guess(points, t, count);
      const a = product[t], b = product[s];
      const guess = points.map((value, i) => clip((value - Math.sqrt(1 - a) * noise[i]) / Math.sqrt(a)));
      clean.push(guess);
      if (ancestral) {
        const fresh = s > 0 ? stream.normals(2 * count) : null;
        const spread = Math.sqrt((beta[t] * (1 - b)) / (1 - a));
        const c0 = (Math.sqrt(b) * beta[t]) / (1 - a), ct = (Math.sqrt(1 - beta[t]) * (1 - b)) / (1 - a);
        points = points.map((value, i) => c0 * guess[i] + ct * value + (fresh ? spread * fresh[i] : 0));
      } else {
        const last = points;
        points = guess.map((value, i) => Math.sqrt(b) * value + (Math.sqrt(1 - b) * (last[i] - Math.sqrt(a) * value)) / Math.sqrt(1 - a));
      }
      frames.push(points);
    }
    return { frames, clean, times };
  }

  sample(count, stream, stops) {
    const { frames } = this.film(count, stream, stops);
    return frames[frames.length - 1];
  }

  // The variational bound on ln p(x) in nats, mean over points (N, 2): equation 5 of Ho et al., with the spread of each
  // step of the way back that suits the training points best (Bao et al. 2022): var_t = b_t + (mean squared miss of the
  // mean), b_t the spread that is known even of clean points. A step then costs ln(var_t / b_t) where it holds as well
  // for new points.
  bound(points, train, stream) {
    const here = this.misses(points, stream), there = this.misses(train, stream);
    let nats = 0;
    for (let t = 1; t <= SPEC.diffusion.steps; t += 1) {
      const known = here.known[t], variance = known + there.squares[t] / 2;
      nats += t > 1
        ? Math.log(variance / known) + (2 * known + here.squares[t]) / (2 * variance) - 1
        : Math.log(2 * Math.PI * variance) + here.squares[t] / (2 * variance);
    }
    const last = this.schedule.product[SPEC.diffusion.steps];
    let prior = 0; // KL(q(x_T | x_0) || N(0, 1))
    for (const value of points) prior += (0.5 * (last * value ** 2 - last - Math.log(1 - last))) / (points.length / 2);
    return -(nats + prior);
  }

  // By time: squared distance between the mean of x_{t-1} given x_t and x_0, and the network's guess of it, mean over
  // points (N, 2), one draw of noise a time; and the variance `known` that this mean has even for a known x_0.
  misses(points, stream) {
    const { product, beta } = this.schedule;
    const count = points.length / 2, T = SPEC.diffusion.steps;
    const squares = new Float64Array(T + 1), known = new Float64Array(T + 1);
    for (let t = 1; t <= T; t += 1) {
      const noise = stream.normals(2 * count);
      const guess = this.guess(this.noised(points, noise, new Int32Array(count).fill(t), count), t, count);
      const a = product[t], factor = beta[t] ** 2 / ((1 - beta[t]) * (1 - a));
      for (let i = 0; i < 2 * count; i += 1) squares[t] += (factor * (guess[i] - noise[i]) ** 2) / count;
      known[t] = (beta[t] * (1 - product[t - 1])) / (1 - a);
    }
    return { squares, known };
  }
}

const clip = (value) => Math.max(-4, Math.min(4, value)); // data lie within about ±3: keeps early guesses on the page

function cosineSchedule() {
  const { steps, schedule_offset: offset, largest_beta: largest } = SPEC.diffusion;
  const level = (t) => Math.cos((((t / steps + offset) / (1 + offset)) * Math.PI) / 2) ** 2;
  const beta = new Float64Array(steps + 1), product = new Float64Array(steps + 1).fill(1);
  for (let t = 1; t <= steps; t += 1) {
    beta[t] = Math.min(1 - level(t) / level(t - 1), largest);
    product[t] = product[t - 1] * (1 - beta[t]);
  }
  return { beta, product };
}

// What the network is given of a point at a time: (rows, 16), as `spec.json` describes it.
function features(points, times, rows) {
  const { place_frequencies: places, time_frequencies: moments, network, steps } = SPEC.diffusion;
  const width = network[0];
  const out = new Float32Array(rows * width);
  for (let row = 0; row < rows; row += 1) {
    const x = points[2 * row], y = points[2 * row + 1], time = times[row] / steps;
    let at = row * width;
    out[at++] = x;
    out[at++] = y;
    for (const f of places) { out[at++] = Math.sin(f * x); out[at++] = Math.cos(f * x); out[at++] = Math.sin(f * y); out[at++] = Math.cos(f * y); }
    for (const f of moments) { out[at++] = Math.sin(f * time); out[at++] = Math.cos(f * time); }
  }
  return out;
}
