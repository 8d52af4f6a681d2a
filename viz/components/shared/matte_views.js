// What is seen: the five views, worked out of a frame's colours and its matte.

const VIEWS = [
  ["source", "Source", "The picture as it was filmed"],
  ["alpha", "Matte", "White is kept, black is see-through, gray is in between"],
  ["foreground", "Foreground", "The person's own colours, as editors find them under the matte"],
  ["checker", "Cut-out", "The person alone; the checkerboard shows through where it is see-through"],
  ["composite", "New background", "The person over the background chosen below"],
];
const COLOURS = { green: "#00b140", blue: "#0047bb", white: "#ffffff", black: "#000000", grey: "#808080" };
const BLUR = 0.03; // of the long side, as in exact frames
const BLUR_SIDE = 96; // so blurred, there is nothing finer to see
const CHECKS = 64; // squares along the long side, as in exact frames

function sheet(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

// One frame at the proxy's size. `colour` is RGBA pixels, `alpha(i)` the matte of pixel i (0..255).
class Looked {
  constructor(width, height, colour, alpha) {
    Object.assign(this, { width, height, colour, alpha, made: new Map() });
  }

  // A canvas of that view; backgrounds are drawn by `lay`.
  view(name, background) {
    const key = name === "composite" ? `composite ${background.key}` : name;
    if (!this.made.has(key)) this.made.set(key, this.drawn(name, background));
    return this.made.get(key);
  }

  drawn(name, background) {
    const canvas = sheet(this.width, this.height);
    const context = canvas.getContext("2d");
    if (name === "source" || name === "alpha" || name === "meant") {
      context.putImageData(this.pixels(name), 0, 0);
      return canvas;
    }
    const person = sheet(this.width, this.height);
    person.getContext("2d").putImageData(this.pixels(name === "foreground" ? "solid" : "cut"), 0, 0);
    if (name === "checker") layChecks(context, this.width, this.height);
    else if (name === "composite") background.lay(context, this.width, this.height, () => this.rest());
    else { context.fillStyle = "#000"; context.fillRect(0, 0, this.width, this.height); }
    if (name === "composite") background.stand(context, person);
    else context.drawImage(person, 0, 0);
    return canvas;
  }

  // The picture without the person: see-through where they are.
  rest() {
    const canvas = sheet(this.width, this.height);
    canvas.getContext("2d").putImageData(this.pixels("rest"), 0, 0);
    return canvas;
  }

  // The same with its edge moved and softened by so many pixels, and nothing outside of a part (two corners, 0..1).
  edited(edge, soft, region) {
    const key = JSON.stringify([Math.round(edge), Math.round(4 * soft), region]);
    if (key === "[0,0,[]]") return this;
    if (this.editedAs !== key) {
      const { width, height } = this;
      let alpha = movedEdge(this.alpha, width, height, Math.round(edge));
      if (soft >= 0.25) alpha = softened(alpha, width, height, soft / 2);
      if (region.length === 2) alpha = within(alpha, width, height, region);
      this.editedAs = key;
      this.editedLook = new Looked(width, height, this.colour, alpha);
    }
    return this.editedLook;
  }

  pixels(how) {
    const { colour, alpha } = this;
    const made = new ImageData(this.width, this.height);
    const out = new Uint32Array(made.data.buffer);
    const from = new Uint32Array(colour.buffer, colour.byteOffset, out.length);
    for (let i = 0; i < out.length; i += 1) {
      const a = how === "source" ? 255 : how === "rest" ? 255 - alpha[i] : alpha[i];
      if (how === "alpha") out[i] = 0xff000000 | (a * 0x010101);
      else if (how === "meant") out[i] = dimmed(from[i], a);
      else out[i] = (from[i] & 0x00ffffff) | ((how === "solid" ? (a > 0 ? 255 : 0) : a) << 24);
    }
    return made;
  }
}

// Each pixel the greatest (pixels > 0) or least of those around it: along rows, then along columns.
function movedEdge(alpha, width, height, pixels) {
  if (!pixels) return alpha;
  const reach = Math.abs(pixels), better = pixels > 0 ? Math.max : Math.min;
  const along = (values, length, step, lines, next) => {
    const out = new Uint8Array(values.length);
    for (let line = 0; line < lines; line += 1) {
      for (let at = 0; at < length; at += 1) {
        const to = line * next + at * step;
        let best = values[to];
        for (let k = -Math.min(reach, at); k <= Math.min(reach, length - 1 - at); k += 1) best = better(best, values[to + k * step]);
        out[to] = best;
      }
    }
    return out;
  };
  return along(along(alpha, width, 1, height, width), height, width, width, 1);
}

// Blurred by a Gaussian of that many pixels: a canvas does it far quicker than a loop.
function softened(alpha, width, height, sigma) {
  const [from, to] = [sheet(width, height), sheet(width, height)];
  const image = new ImageData(width, height);
  for (let i = 0; i < alpha.length; i += 1) image.data[4 * i + 3] = alpha[i];
  from.getContext("2d").putImageData(image, 0, 0);
  const context = to.getContext("2d", { willReadFrequently: true });
  context.filter = `blur(${sigma}px)`;
  context.drawImage(from, 0, 0);
  const data = context.getImageData(0, 0, width, height).data;
  return Uint8Array.from(alpha, (_, i) => data[4 * i + 3]);
}

function within(alpha, width, height, corners) {
  const [[left, right], [top, bottom]] = [0, 1].map((axis) => corners.map((place) => place[axis] * (axis ? height : width)).sort((a, b) => a - b));
  return alpha.map((value, i) => { const x = (i % width) + 0.5, y = Math.floor(i / width) + 0.5; return x >= left && x <= right && y >= top && y <= bottom ? value : 0; });
}

// A pixel as it is where it is kept; dark and without colour where it goes.
function dimmed(pixel, alpha) {
  const parts = [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  const gray = 24 + 0.3 * (0.3 * parts[0] + 0.59 * parts[1] + 0.11 * parts[2]);
  const [red, green, blue] = parts.map((part) => Math.round(gray + ((part - gray) * alpha) / 255));
  return 0xff000000 | (blue << 16) | (green << 8) | red;
}

// From a video or picture that carries the source above its matte.
function lookAtProxy(drawable, width, height) {
  const half = Math.floor(height / 2);
  const board = (lookAtProxy.board ??= sheet(1, 1));
  if (board.width !== width || board.height !== height) Object.assign(board, { width, height });
  const context = board.getContext("2d", { willReadFrequently: true });
  context.drawImage(drawable, 0, 0, width, height);
  const colour = context.getImageData(0, 0, width, half).data;
  const matte = context.getImageData(0, half, width, half).data;
  const alpha = new Uint8Array(width * half);
  // A codec may leave a level or two of unrest in flat black and white.
  for (let i = 0; i < alpha.length; i += 1) { const value = matte[4 * i]; alpha[i] = value < 4 ? 0 : value > 251 ? 255 : value; }
  return new Looked(width, half, colour, alpha);
}

// From a see-through picture: what is fully see-through has lost its colour.
function lookAtPreview(image) {
  const width = image.naturalWidth;
  const height = image.naturalHeight;
  const board = sheet(width, height);
  const context = board.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const colour = context.getImageData(0, 0, width, height).data;
  const alpha = new Uint8Array(width * height);
  for (let i = 0; i < alpha.length; i += 1) { alpha[i] = colour[4 * i + 3]; }
  return new Looked(width, height, colour, alpha);
}

function layChecks(context, width, height) {
  const cell = Math.max(width, height) / CHECKS;
  context.fillStyle = "rgb(235, 235, 235)";
  context.fillRect(0, 0, width, height);
  context.fillStyle = "rgb(185, 185, 185)";
  for (let row = 0; row * cell < height; row += 1) {
    for (let column = (row + 1) % 2; column * cell < width; column += 2) context.fillRect(column * cell, row * cell, cell, cell);
  }
}

// Out of focus: each pixel the mean of those around it, weighed by how opaque they are, so that nothing of what was
// left out comes in. Opaque itself.
function outOfFocus(image, sigma) {
  const { data, width, height } = image;
  let sums = Float32Array.from(data, (value, i) => (i % 4 === 3 ? value : value * data[i - (i % 4) + 3]));
  sums = blurred(sums, width, height, 4, sigma);
  sums = blurred(sums, height, width, 4 * width, sigma, 4);
  for (let i = 0; i < data.length; i += 4) {
    const weight = Math.max(sums[i + 3], 1e-6);
    for (let part = 0; part < 3; part += 1) data[i + part] = sums[i + part] / weight;
    data[i + 3] = 255;
  }
  return image;
}

// A Gaussian along lines of `length` pixels that lie `step` apart; the lines themselves begin `next` apart.
function blurred(values, length, lines, step, sigma, next = step * length) {
  const reach = Math.ceil(3 * sigma);
  const taps = Float32Array.from({ length: 2 * reach + 1 }, (_, k) => Math.exp(-((k - reach) ** 2) / (2 * sigma ** 2)));
  const out = new Float32Array(values.length);
  for (let line = 0; line < lines; line += 1) {
    for (let at = 0; at < length; at += 1) {
      const to = line * next + at * step;
      for (let k = -Math.min(reach, at); k <= Math.min(reach, length - 1 - at); k += 1) {
        const [from, tap] = [to + k * step, taps[k + reach]];
        for (let part = 0; part < 4; part += 1) out[to + part] += tap * values[from + part];
      }
    }
  }
  return out;
}

// What lies behind: a colour, the scene out of focus, or the run's own background.
class Behind {
  // `place` may say size, across, down and shadow, as in the settings.
  constructor(words, own, place = {}) {
    this.place = { size: 1, across: 0, down: 0, shadow: 0, ...place };
    this.own = words === "own" && own?.drawable ? own : null;
    this.words = words;
    const { size, across, down, shadow } = this.place;
    this.key = `${words} ${this.own ? 1 : 0} ${size} ${across} ${down} ${shadow}`;
  }

  // Draws the person at their place, with a shadow; the light on the edge is in exact frames only.
  stand(context, person) {
    const { size, across, down, shadow } = this.place;
    const { width, height } = person;
    const side = Math.max(width, height);
    if (shadow) Object.assign(context, { shadowColor: `rgba(0, 0, 0, ${0.75 * shadow})`, shadowBlur: 0.04 * side, shadowOffsetX: 0.03 * side, shadowOffsetY: 0.015 * side });
    context.drawImage(person, across * width + ((1 - size) * width) / 2, down * height + (1 - size) * height, size * width, size * height);
    context.shadowColor = "transparent";
  }

  lay(context, width, height, rest) {
    if (this.words === "blur") {
      const scale = Math.min(1, BLUR_SIDE / Math.max(width, height));
      const small = sheet(Math.max(2, Math.round(width * scale)), Math.max(2, Math.round(height * scale)));
      const soft = small.getContext("2d", { willReadFrequently: true });
      soft.imageSmoothingQuality = "high";
      soft.drawImage(rest(), 0, 0, small.width, small.height);
      const seen = soft.getImageData(0, 0, small.width, small.height);
      soft.putImageData(outOfFocus(seen, BLUR * Math.max(small.width, small.height)), 0, 0);
      context.imageSmoothingQuality = "high";
      context.drawImage(small, 0, 0, width, height);
    } else if (this.own) {
      const [across, down] = this.own.size;
      const scale = Math.max(width / across, height / down);
      const [wide, high] = [across * scale, down * scale];
      context.drawImage(this.own.drawable, (width - wide) / 2, (height - high) / 2, wide, high);
    } else {
      context.fillStyle = COLOURS[this.words] ?? (/^#[0-9a-f]{6}$/i.test(this.words) ? this.words : "#808080");
      context.fillRect(0, 0, width, height);
    }
  }
}
