// From a picture of any size to the square that the network sees: the resampling of Pillow, so that answers are the same.

const KERNELS = {
  bilinear: { reach: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { reach: 2, weight: (x) => {
    const a = -0.5, t = Math.abs(x);
    if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
    return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
  } },
};

// For each of `size` places along a line: where its part of [from, to) of the input begins, and how much each pixel counts.
function taps(length, from, to, size, kernel) {
  const scale = (to - from) / size, wide = Math.max(1, scale), reach = kernel.reach * wide;
  return Array.from({ length: size }, (_, place) => {
    const centre = from + (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5)), last = Math.min(length, Math.trunc(centre + reach + 0.5));
    const weights = Float64Array.from({ length: last - first }, (_unused, i) => kernel.weight((first + i - centre + 0.5) / wide));
    const sum = weights.reduce((one, other) => one + other, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

// `box` [left, top, right, bottom] of RGBA pixels as width × height × RGB; each pass rounds to whole numbers, as Pillow does.
function resampled({ data, width, height }, [left, top, right, bottom], newWidth, newHeight, kernel) {
  const across = taps(width, left, right, newWidth, kernel), down = taps(height, top, bottom, newHeight, kernel);
  const begin = down[0].first, end = down[newHeight - 1].first + down[newHeight - 1].weights.length;
  const rows = new Uint8ClampedArray((end - begin) * newWidth * 3);
  for (let y = begin, to = 0; y < end; y += 1) {
    for (const { first, weights } of across) {
      for (let c = 0; c < 3; c += 1, to += 1) {
        let sum = 0;
        for (let i = 0, at = (y * width + first) * 4 + c; i < weights.length; i += 1, at += 4) sum += weights[i] * data[at];
        rows[to] = sum;
      }
    }
  }
  const out = new Uint8ClampedArray(newWidth * newHeight * 3), line = newWidth * 3;
  down.forEach(({ first, weights }, y) => {
    for (let x = 0; x < line; x += 1) {
      let sum = 0;
      for (let i = 0, at = (first - begin) * line + x; i < weights.length; i += 1, at += line) sum += weights[i] * rows[at];
      out[y * line + x] = sum;
    }
  });
  return out;
}

// The part [left, top, right, bottom] of a picture that becomes the square, where its ends are cut off.
function middle(width, height, side) {
  const short = Math.min(width, height);
  const edges = [width, height].map((length) => {
    const full = length === short ? side : Math.floor((side * length) / short), start = roundHalfEven((full - side) / 2);
    return [(start * length) / full, ((start + side) * length) / full];
  });
  return [edges[0][0], edges[1][0], edges[0][1], edges[1][1]];
}

function roundHalfEven(value) {
  const whole = Math.floor(value), rest = value - whole;
  return rest === 0.5 ? whole + (whole % 2) : Math.round(value);
}

// side × side × RGB of ImageData; `how` says the mode, the interpolation and the fill.
function square(picture, { side, mode, interpolation, fill }) {
  const kernel = KERNELS[interpolation], whole = [0, 0, picture.width, picture.height];
  if (mode === "squash") return resampled(picture, whole, side, side, kernel);
  if (mode !== "longest") return resampled(picture, middle(picture.width, picture.height, side), side, side, kernel);
  const scale = side / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width, picture.height].map((length) => Math.max(1, roundHalfEven(length * scale)));
  const small = resampled(picture, whole, width, height, kernel), out = new Uint8ClampedArray(side * side * 3).fill(fill);
  const left = Math.floor((side - width) / 2), top = Math.floor((side - height) / 2);
  for (let y = 0; y < height; y += 1) out.set(small.subarray(y * width * 3, (y + 1) * width * 3), ((top + y) * side + left) * 3);
  return out;
}
