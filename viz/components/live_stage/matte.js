// The matte's edge moved and softened, at the matte's own size; amounts in pixels of it.

// The largest (or smallest) value within `radius` along one axis: `step` is the distance between neighbours.
function along(source, count, length, step, stride, radius, largest) {
  const result = new Uint8Array(source.length);
  for (let line = 0; line < count; line += 1) {
    const start = line * stride;
    for (let at = 0; at < length; at += 1) {
      let best = source[start + at * step];
      const last = Math.min(length - 1, at + radius);
      for (let near = Math.max(0, at - radius); near <= last; near += 1) {
        const value = source[start + near * step];
        if (largest ? value > best : value < best) best = value;
      }
      result[start + at * step] = best;
    }
  }
  return result;
}

function grown(alpha, width, height, radius, largest) {
  if (!radius) return alpha;
  return along(along(alpha, height, width, 1, width, radius, largest), width, height, width, 1, radius, largest);
}

// Grown for positive `pixels`, shrunk for negative; parts of a pixel are a mixture of the whole ones beside them.
function moveEdge(alpha, width, height, pixels) {
  const size = Math.abs(pixels);
  if (size < 0.01) return alpha;
  const near = grown(alpha, width, height, Math.floor(size), pixels > 0);
  const far = grown(alpha, width, height, Math.ceil(size), pixels > 0);
  const share = size - Math.floor(size);
  return near.map((value, i) => Math.round(value + share * (far[i] - value)));
}

// Running means along one axis.
function averaged(source, count, length, step, stride, radius) {
  const result = new Float32Array(source.length);
  for (let line = 0; line < count; line += 1) {
    const start = line * stride;
    const read = (at) => source[start + clamp(at, 0, length - 1) * step];
    let sum = 0;
    for (let at = -radius; at <= radius; at += 1) sum += read(at);
    for (let at = 0; at < length; at += 1) {
      result[start + at * step] = sum / (2 * radius + 1);
      sum += read(at + radius + 1) - read(at - radius);
    }
  }
  return result;
}

// Two means each way, which is close to a Gaussian.
function softened(alpha, width, height, pixels) {
  const radius = Math.round(pixels);
  if (radius < 1) return alpha;
  let field = alpha;
  for (let round = 0; round < 2; round += 1) {
    field = averaged(averaged(field, height, width, 1, width, radius), width, height, width, 1, radius);
  }
  return Uint8Array.from(field, Math.round);
}
