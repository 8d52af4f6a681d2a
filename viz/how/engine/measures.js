// How near generated points are to real ones. Each measure is read between a floor (real points against other real
// points) and a ceiling (a plain normal distribution), which are measured in the same way with as many points.

const CELLS = 40, WINDOW = 3.2; // the density is taken on 40 x 40 cells from -3.2 to 3.2
const NEIGHBOURS = 3;
const MEASURED = 400; // points in each measure of neighbours

// A smoothed share of points in each cell: (CELLS * CELLS), sums to 1. Points outside count at the edge.
function density(points) {
  const cells = new Float64Array(CELLS * CELLS);
  for (let i = 0; i < points.length; i += 2) cells[place(points[i + 1]) * CELLS + place(points[i])] += 2 / points.length;
  return smooth(smooth(cells, 1), CELLS);
}

const place = (value) => Math.max(0, Math.min(CELLS - 1, Math.floor(((value + WINDOW) / (2 * WINDOW)) * CELLS)));

// Three cells wide, in the direction of `stride`; what would leave the plane stays in its last cell.
function smooth(cells, stride) {
  const out = new Float64Array(cells.length);
  for (let i = 0; i < cells.length; i += 1) {
    const along = stride === 1 ? i % CELLS : Math.floor(i / CELLS);
    out[i] += 0.5 * cells[i];
    out[along > 0 ? i - stride : i] += 0.25 * cells[i];
    out[along + 1 < CELLS ? i + stride : i] += 0.25 * cells[i];
  }
  return out;
}

// Jensen-Shannon divergence in bits, 0 (the same) to 1 (nowhere together), of two densities.
function divergence(p, q) {
  let bits = 0;
  for (let i = 0; i < p.length; i += 1) {
    const half = (p[i] + q[i]) / 2;
    if (p[i] > 0) bits += 0.5 * p[i] * Math.log2(p[i] / half);
    if (q[i] > 0) bits += 0.5 * q[i] * Math.log2(q[i] / half);
  }
  return Math.max(0, bits);
}

// Modes that hold at least a fifth of their fair share of the points, and the share of points in any of them.
function coverage(points, modes) {
  const counts = modes.map(() => 0), centres = modes.map(({ x, y }) => [x, y]);
  let inside = 0;
  for (let i = 0; i < points.length; i += 2) {
    const k = nearest(centres, points[i], points[i + 1]);
    if (Math.hypot(points[i] - modes[k].x, points[i + 1] - modes[k].y) <= modes[k].radius) { counts[k] += 1; inside += 1; }
  }
  const all = points.length / 2;
  const reached = counts.map((count, k) => count / all >= 0.2 * (modes[k].share ?? 1 / modes.length));
  return { found: reached.filter(Boolean).length, of: modes.length, reached, inside: inside / all };
}

const first = (points, count) => points.subarray(0, 2 * Math.min(count, points.length / 2));

// Squared distances from each point to its nearest among `others`, `skip` of them left out (1: itself).
function neighbourDistance(points, others, rank) {
  return Float64Array.from({ length: points.length / 2 }, (_, i) => {
    const least = new Array(rank).fill(Infinity);
    for (let j = 0; j < others.length; j += 2) {
      const d = (points[2 * i] - others[j]) ** 2 + (points[2 * i + 1] - others[j + 1]) ** 2;
      if (d >= least[rank - 1]) continue;
      let k = rank - 1;
      for (; k > 0 && least[k - 1] > d; k -= 1) least[k] = least[k - 1];
      least[k] = d;
    }
    return least[rank - 1];
  });
}

// The share of `points` that lie within the third-neighbour radius of some point of `among` (Kynkäänniemi et al. 2019).
function within(points, among) {
  const radius = neighbourDistance(among, among, NEIGHBOURS + 1); // the nearest of all is the point itself
  let inside = 0;
  for (let i = 0; i < points.length; i += 2) {
    for (let j = 0; j < among.length; j += 2) {
      if ((points[i] - among[j]) ** 2 + (points[i + 1] - among[j + 1]) ** 2 <= radius[j >> 1]) { inside += 1; break; }
    }
  }
  return inside / (points.length / 2);
}

const median = (values) => { const sorted = Float64Array.from(values).sort(); return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2; };

// Is it copying? Medians of the distance to the nearest training point, of generated and of held-out points, and the
// share of generated points that are nearer than half of the held-out ones (chance: one half).
function copying(points, train, held) {
  const own = neighbourDistance(points, train, 1).map(Math.sqrt), real = neighbourDistance(held, train, 1).map(Math.sqrt);
  const middle = median(real);
  return { distance: median(own), held: middle, nearer: own.filter((d) => d < middle).length / own.length };
}

// Mean ln density of held-out points under generated ones, each widened to a small bell of one width (Parzen): a measure
// that all families have. The width is the one of eight that suits the training data best.
const WIDTHS = [0.03, 0.05, 0.07, 0.1, 0.14, 0.2, 0.3, 0.45];
function parzen(held, points, width) {
  const n = points.length / 2, norm = Math.log(n * TAU * width * width);
  let sum = 0;
  for (let i = 0; i < held.length; i += 2) {
    let total = 1e-12;
    for (let j = 0; j < points.length; j += 2) total += Math.exp(-((held[i] - points[j]) ** 2 + (held[i + 1] - points[j + 1]) ** 2) / (2 * width * width));
    sum += Math.log(total) - norm;
  }
  return sum / (held.length / 2);
}

function bestWidth(train) {
  const half = 2 * (train.length >> 2), a = first(train.subarray(0, half), MEASURED), b = first(train.subarray(half), MEASURED);
  return WIDTHS.reduce((best, width) => (parzen(a, b, width) > parzen(a, b, best) ? width : best));
}

const SAMPLES = 800;

// What all measures of one data set share, with the floor and the ceiling of each: a normal distribution of the mean and
// covariance of the training points is what one can have without learning.
function yardstick(data, seed) {
  const stream = new Stream(seed, "measure", 0);
  const held = density(data.held), width = bestWidth(data.train);
  const base = { held, width };
  const real = repeated(data.train, SAMPLES);
  // The training points stand for a perfect model, but copies they are: real points kept apart show what is no copying.
  const floor = { ...measure(real, data, base, true), copying: copying(first(data.held, MEASURED), data.train, data.held) };
  return { ...base, floor, ceiling: measure(plainNormal(data.train, SAMPLES, stream), data, base, true) };
}

// `count` points out of `points`, which are repeated where there are fewer.
const repeated = (points, count) => Float32Array.from({ length: 2 * Math.min(count, points.length / 2) }, (_, i) => points[i]);

function plainNormal(points, count, stream) {
  const n = points.length / 2;
  let xy = 0;
  for (let i = 0; i < points.length; i += 2) xy += (points[i] * points[i + 1]) / n;
  const rest = Math.sqrt(Math.max(0, 1 - xy * xy)), noise = stream.normals(2 * count);
  for (let i = 0; i < noise.length; i += 2) noise[i + 1] = xy * noise[i] + rest * noise[i + 1];
  return noise;
}

// The measures of generated points (N, 2); with `all`, also those that take comparing every pair.
function measure(points, data, base, all = false) {
  const brief = { divergence: divergence(density(points), base.held), modes: coverage(points, data.modes) };
  if (!all) return brief;
  const some = first(points, MEASURED), held = first(data.held, MEASURED);
  return { ...brief, precision: within(some, held), recall: within(held, some), likelihood: parzen(held, points, base.width), copying: copying(some, data.train, held) };
}
