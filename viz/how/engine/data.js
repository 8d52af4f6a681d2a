// What there is to learn: shapes that are drawn here, or points that somebody brings. All are scaled to mean 0 and
// standard deviation 1 in each coordinate, and parted into points to learn from and points kept apart to measure with.

const TRAIN = 800, HELD_OUT = 800;
const LARGEST_DATA = 4000, SMALLEST_DATA = 40;
const TAU = 2 * Math.PI;

const around = (centres, spread) => ({
  modes: centres,
  spread,
  draw: (u, n) => {
    const [x, y] = centres[Math.min(centres.length - 1, Math.floor(u[0] * centres.length))];
    return [x + spread * n[0], y + spread * n[1]];
  },
});

const ringOf = (count, radius) => Array.from({ length: count }, (_, k) => [radius * Math.cos((TAU * k) / count), radius * Math.sin((TAU * k) / count)]);
const gridOf = (side, gap) => Array.from({ length: side * side }, (_, k) => [gap * ((k % side) - (side - 1) / 2), gap * (Math.floor(k / side) - (side - 1) / 2)]);

// Each has `draw(u, n)`: a point from three uniform and two normal numbers.
const SHAPES = {
  ring: { title: "Ring of eight", ...around(ringOf(8, 1.5), 0.1) },
  grid: { title: "Grid of nine", ...around(gridOf(3, 1.3), 0.12) },
  moons: {
    title: "Two moons",
    draw: (u, n) => {
      const angle = Math.PI * u[1], upper = u[0] < 0.5;
      return [(upper ? Math.cos(angle) : 1 - Math.cos(angle)) + 0.07 * n[0], (upper ? Math.sin(angle) : 0.5 - Math.sin(angle)) + 0.07 * n[1]];
    },
  },
  spiral: {
    title: "Spiral",
    draw: (u, n) => { const turn = 1.6 * TAU * Math.sqrt(0.04 + 0.96 * u[0]); return [0.2 * turn * Math.cos(turn) + 0.05 * n[0], 0.2 * turn * Math.sin(turn) + 0.05 * n[1]]; },
  },
  pinwheel: {
    title: "Pinwheel",
    draw: (u, n) => {
      const radius = 0.3 + Math.abs(0.8 + 0.35 * n[0]), turn = (TAU * Math.floor(5 * u[0])) / 5 + 0.9 * radius + 0.09 * n[1];
      return [radius * Math.cos(turn), radius * Math.sin(turn)];
    },
  },
  board: {
    title: "Chessboard",
    draw: (u) => { const cell = Math.min(7, Math.floor(8 * u[0])), row = cell >> 1, column = 2 * (cell & 1) + (row & 1); return [column + u[1] - 2, row + u[2] - 2]; },
  },
  circle: { title: "Two circles", draw: (u, n) => { const radius = u[1] < 0.4 ? 0.6 : 1.5; return [radius * Math.cos(TAU * u[0]) + 0.05 * n[0], radius * Math.sin(TAU * u[0]) + 0.05 * n[1]]; } },
};

// Points (N, 2) of a shape, from its own stream: the same for the same seed.
function drawShape(name, seed, count) {
  const stream = new Stream(seed, "data", 0);
  const uniforms = stream.uniforms(3 * count), normals = stream.normals(2 * count);
  const points = new Float32Array(2 * count);
  for (let i = 0; i < count; i += 1) points.set(SHAPES[name].draw(uniforms.subarray(3 * i, 3 * i + 3), normals.subarray(2 * i, 2 * i + 2)), 2 * i);
  return points;
}

// Data to learn from: `train` and `held` (N, 2) scaled, `modes` with a spread each, and how to get back to the units.
function prepareShape(name, seed) {
  const shape = SHAPES[name];
  const points = drawShape(name, seed, TRAIN + HELD_OUT);
  const scale = scaleOf(points);
  const train = scaled(points.subarray(0, 2 * TRAIN), scale), held = scaled(points.subarray(2 * TRAIN), scale);
  const modes = shape.modes
    ? shape.modes.map(([x, y]) => ({ x: (x - scale.mean[0]) / scale.spread[0], y: (y - scale.mean[1]) / scale.spread[1], radius: (3 * shape.spread) / Math.min(...scale.spread) }))
    : regions(train, seed);
  return { name, train, held, scale, modes, blobs: Boolean(shape.modes) };
}

// Points that somebody brings: a quarter, at most 800, is kept apart.
function prepareOwn(points, seed) {
  const count = points.length / 2;
  if (count < SMALLEST_DATA) throw new Error(`There are only ${count} points: it takes at least ${SMALLEST_DATA} to learn anything.`);
  const order = shuffled(count, seed).slice(0, LARGEST_DATA);
  const scale = scaleOf(points);
  if (!scale.spread.every((value) => value > 0 && Number.isFinite(value))) throw new Error("All points lie on one line along an axis: both columns must vary.");
  const ordered = new Float32Array(2 * order.length);
  order.forEach((from, to) => { ordered[2 * to] = points[2 * from]; ordered[2 * to + 1] = points[2 * from + 1]; });
  const kept = Math.max(10, Math.min(HELD_OUT, order.length >> 2));
  const all = scaled(ordered, scale);
  const train = all.subarray(2 * kept), held = all.subarray(0, 2 * kept);
  return { name: "own", train, held, scale, modes: regions(train, seed), blobs: false };
}

function scaleOf(points) {
  const count = points.length / 2, mean = [0, 0], spread = [0, 0];
  for (let i = 0; i < points.length; i += 1) mean[i & 1] += points[i] / count;
  for (let i = 0; i < points.length; i += 1) spread[i & 1] += (points[i] - mean[i & 1]) ** 2 / count;
  return { mean, spread: spread.map(Math.sqrt) };
}

const scaled = (points, { mean, spread }) => points.map((value, i) => (value - mean[i & 1]) / spread[i & 1]);

function shuffled(count, seed) {
  const chance = new Stream(seed, "data", 1).uniforms(count);
  const order = Array.from({ length: count }, (_, i) => i);
  return order.sort((a, b) => chance[a] - chance[b] || a - b);
}

// Data without blobs are parted into eight regions of their own (Lloyd's k-means, first centre by the seed, the others
// farthest away): a model that leaves one out has not learned it all.
const REGIONS = 8;
function regions(points, seed) {
  const count = points.length / 2;
  const centres = [[points[0], points[1]]];
  const distance = new Float64Array(count).fill(Infinity);
  while (centres.length < REGIONS) {
    const [cx, cy] = centres[centres.length - 1];
    let far = 0;
    for (let i = 0; i < count; i += 1) {
      distance[i] = Math.min(distance[i], (points[2 * i] - cx) ** 2 + (points[2 * i + 1] - cy) ** 2);
      if (distance[i] > distance[far]) far = i;
    }
    centres.push([points[2 * far], points[2 * far + 1]]);
  }
  for (let round = 0; round < 12; round += 1) {
    const sums = centres.map(() => [0, 0, 0]);
    for (let i = 0; i < count; i += 1) {
      const one = sums[nearest(centres, points[2 * i], points[2 * i + 1])];
      one[0] += points[2 * i]; one[1] += points[2 * i + 1]; one[2] += 1;
    }
    sums.forEach(([x, y, n], k) => { if (n) centres[k] = [x / n, y / n]; });
  }
  const radius = centres.map(() => [0, 0]);
  for (let i = 0; i < count; i += 1) {
    const k = nearest(centres, points[2 * i], points[2 * i + 1]);
    radius[k][0] += (points[2 * i] - centres[k][0]) ** 2 + (points[2 * i + 1] - centres[k][1]) ** 2;
    radius[k][1] += 1;
  }
  return centres.map(([x, y], k) => ({ x, y, radius: 2 * Math.sqrt(radius[k][0] / Math.max(1, radius[k][1])) + 1e-6, share: radius[k][1] / count }));
}

function nearest(centres, x, y) {
  let best = 0, least = Infinity;
  centres.forEach(([cx, cy], k) => { const d = (x - cx) ** 2 + (y - cy) ** 2; if (d < least) { least = d; best = k; } });
  return best;
}

// Two columns of numbers out of a text: commas, semicolons, tabs or spaces between; a first line of names is allowed.
// Decimal commas are read where something else parts the columns. Returns points (N, 2) and the names.
function parseTable(text) {
  const lines = text.split(/\r\n|\r|\n/).map((line) => line.trim()).filter(Boolean);
  if (!lines.length) throw new Error("There is no text in it: copy or drop two columns of numbers.");
  const separator = [";", "\t", ","].find((mark) => lines[Math.min(1, lines.length - 1)].includes(mark)) ?? /\s+/;
  const cells = (line) => line.split(separator).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
  const number = (cell) => (cell === "" || cell === undefined ? NaN : Number(separator === "," ? cell : cell.replace(",", ".")));
  const first = cells(lines[0]);
  const named = first.length >= 2 && first.slice(0, 2).some((cell) => Number.isNaN(number(cell)));
  const rows = lines.slice(named ? 1 : 0).map((line) => cells(line).slice(0, 2).map(number));
  const good = rows.filter((row) => row.length === 2 && row.every(Number.isFinite));
  if (good.length < SMALLEST_DATA) throw new Error(`${good.length} rows with two numbers were read; it takes at least ${SMALLEST_DATA}. The first two columns are used.`);
  return { points: Float32Array.from(good.flat()), names: named ? first.slice(0, 2) : ["first column", "second column"], left_out: rows.length - good.length };
}
