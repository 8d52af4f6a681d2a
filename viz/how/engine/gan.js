// A generative adversarial network (Goodfellow et al. 2014) with the loss for the generator that does not saturate.

class Gan {
  constructor(seed) {
    const { generator, judge, activation, betas } = SPEC.gan;
    const sizes = { g: countParameters(generator), d: countParameters(judge) };
    this.seed = seed;
    this.store = new Store({ g: sizes.g, d: sizes.d, gm: sizes.g, gv: sizes.g, dm: sizes.d, dv: sizes.d, gn: 1, dn: 1 });
    const parts = this.store.parts;
    this.generator = new Network(generator, activation, parts.g);
    this.judge = new Network(judge, activation, parts.d);
    this.adamG = new Adam(parts.g, parts.gm, parts.gv, parts.gn, betas);
    this.adamD = new Adam(parts.d, parts.dm, parts.dv, parts.dn, betas);
    const stream = new Stream(seed, "initial", 0);
    this.generator.initialise(stream);
    this.judge.initialise(stream);
  }

  // One step on the points `data.train` (N, 2). Returns what happened: losses, points and arrows.
  train(data, step, knobs) {
    const rows = SPEC.batch;
    const batches = new Stream(this.seed, "judge_batch", step), noises = new Stream(this.seed, "judge_noise", step), blurs = new Stream(this.seed, "blur", step);
    let judged = null;
    for (let turn = 0; turn < knobs.judge_steps; turn += 1) {
      const real = pick(data.train, batches, rows);
      const generated = this.generator.forward(noises.uniforms(2 * rows, -1, 1), rows);
      judged = { real, generated, loss: this.trainJudge(blurred(real, blurs, knobs.blur), blurred(generated, blurs, knobs.blur), rows, knobs.judge_rate) };
    }
    const codes = new Stream(this.seed, "noise", step).uniforms(2 * rows, -1, 1);
    const moved = this.trainGenerator(codes, rows, knobs.generator_rate, blurs, knobs.blur);
    return { judge_loss: judged.loss, real: judged.real, ...moved };
  }

  trainJudge(real, generated, rows, rate) {
    const both = new Float32Array(4 * rows);
    both.set(real);
    both.set(generated, 2 * rows);
    const logits = this.judge.forward(both, 2 * rows, true);
    const upstream = new Float32Array(2 * rows);
    let loss = 0;
    for (let row = 0; row < rows; row += 1) {
      loss += (softplus(-logits[row]) + softplus(logits[rows + row])) / rows;
      upstream[row] = (sigmoid(logits[row]) - 1) / rows;
      upstream[rows + row] = sigmoid(logits[rows + row]) / rows;
    }
    this.judge.backward(upstream, 2 * rows);
    this.adamD.update(this.judge.gradients, rate);
    return loss;
  }

  trainGenerator(codes, rows, rate, blurs, blur) {
    const points = this.generator.forward(codes, rows, true);
    const logits = this.judge.forward(blurred(points, blurs, blur), rows, true);
    const upstream = new Float32Array(rows);
    let loss = 0;
    for (let row = 0; row < rows; row += 1) {
      loss += softplus(-logits[row]) / rows;
      upstream[row] = (sigmoid(logits[row]) - 1) / rows;
    }
    const arrows = this.judge.backward(upstream, rows, false);
    this.generator.backward(arrows.slice(), rows);
    this.adamG.update(this.generator.gradients, rate);
    // Downhill, in the loss of one point alone.
    return { generator_loss: loss, codes, points, arrows: arrows.map((value) => -value * rows) };
  }

  sample(count, stream) { return this.generator.forward(stream.uniforms(2 * count, -1, 1), count); }

  // The judge's belief, 0 to 1, that points (N, 2) are real.
  belief(points, count) { return this.judge.forward(points, count).map(sigmoid); }

  // Where the corners of a square grid over the noise come to lie: (side * side, 2).
  warped(side) { return this.generator.forward(squareGrid(side, 1), side * side); }
}

const pick = (points, stream, count) => {
  const chosen = new Float32Array(2 * count);
  stream.integers(count, points.length / 2).forEach((index, row) => {
    chosen[2 * row] = points[2 * index];
    chosen[2 * row + 1] = points[2 * index + 1];
  });
  return chosen;
};

// With noise of the standard deviation `blur`, which takes sharp edges from the judge (Sønderby et al. 2017).
const blurred = (points, stream, blur) => {
  if (!blur) return points;
  const noise = stream.normals(points.length);
  return points.map((value, i) => value + blur * noise[i]);
};

// The corners of a grid over the square from -half to half, row by row: (side * side, 2).
function squareGrid(side, half) {
  const points = new Float32Array(2 * side * side);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      points[2 * (y * side + x)] = half * ((2 * x) / (side - 1) - 1);
      points[2 * (y * side + x) + 1] = half * ((2 * y) / (side - 1) - 1);
    }
  }
  return points;
}
