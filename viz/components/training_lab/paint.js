// Drawing on a canvas whose middle is (0, 0) and whose edge is `half`: points, lines, grids, fields. Colours are of the
// Okabe-Ito set, which those who see few colours can tell apart, in a light and a dark version.

const engine = labEngine();

const LIGHT = { real: "#0072b2", made: "#c2570c", grid: "#7a4fa3", good: "#00795a", faint: "rgba(30,40,50,0.13)", text: "#17212b" };
const DARK = { real: "#56b4e9", made: "#f0a23c", grid: "#c39be8", good: "#3cc79b", faint: "rgba(230,240,250,0.16)", text: "#e8edf1" };

// Whether a CSS colour is dark, by its luminance.
function isDark(colour) {
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  probe.fillStyle = colour;
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
  return 0.299 * r + 0.587 * g + 0.114 * b < 128;
}

class Plane {
  constructor(label, half) {
    this.half = half;
    this.canvas = el("canvas", { class: "plane", role: "img", "aria-label": label });
    this.context = this.canvas.getContext("2d");
  }

  // Clears it, at the sharpness of the screen. Returns false while it is not on show.
  begin(palette) {
    const box = this.canvas.getBoundingClientRect();
    if (!box.width) return false;
    const sharp = Math.min(2, window.devicePixelRatio || 1), size = Math.round(box.width * sharp);
    if (this.canvas.width !== size) this.canvas.width = this.canvas.height = size;
    this.palette = palette;
    this.scale = size / (2 * this.half);
    this.sharp = sharp;
    this.context.setTransform(1, 0, 0, 1, 0, 0);
    this.context.globalAlpha = 1;
    this.context.clearRect(0, 0, size, size);
    return true;
  }

  x(value) { return (value + this.half) * this.scale; }
  y(value) { return (this.half - value) * this.scale; }

  // From a place in the window to a place in the plane.
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width * 2 - 1) * this.half, (1 - (event.clientY - box.top) / box.height * 2) * this.half];
  }

  axes() {
    const { context, canvas } = this;
    context.strokeStyle = this.palette.faint;
    context.lineWidth = this.sharp;
    context.beginPath();
    for (const value of [-2, -1, 0, 1, 2]) {
      context.moveTo(this.x(value), 0); context.lineTo(this.x(value), canvas.height);
      context.moveTo(0, this.y(value)); context.lineTo(canvas.width, this.y(value));
    }
    context.stroke();
  }

  points(points, colour, radius = 2.2, alpha = 0.75) {
    const { context } = this;
    context.globalAlpha = alpha;
    context.fillStyle = colour;
    const r = radius * this.sharp * Math.max(0.8, this.canvas.width / this.sharp / 460);
    context.beginPath();
    for (let i = 0; i < points.length; i += 2) {
      const x = this.x(points[i]), y = this.y(points[i + 1]);
      context.moveTo(x + r, y);
      context.arc(x, y, r, 0, 7);
    }
    context.fill();
    context.globalAlpha = 1;
  }

  // Each point in the colour of where it belongs: `hues` in degrees.
  tinted(points, hues, radius = 2.4) {
    const { context } = this, r = radius * this.sharp;
    const light = this.palette === DARK ? 66 : 44;
    for (let i = 0; i < points.length; i += 2) {
      context.fillStyle = `hsla(${hues[i >> 1]}, 62%, ${light}%, 0.85)`;
      context.fillRect(this.x(points[i]) - r, this.y(points[i + 1]) - r, 2 * r, 2 * r);
    }
  }

  lines(from, to, colour, alpha = 0.6) {
    const { context } = this;
    context.globalAlpha = alpha;
    context.strokeStyle = colour;
    context.lineWidth = 1.2 * this.sharp;
    context.beginPath();
    for (let i = 0; i < from.length; i += 2) { context.moveTo(this.x(from[i]), this.y(from[i + 1])); context.lineTo(this.x(to[i]), this.y(to[i + 1])); }
    context.stroke();
    context.globalAlpha = 1;
  }

  // Arrows at `points` along `vectors`, the longest of the common ones `most` long, so that they can be compared.
  arrows(points, vectors, colour, most = 0.45) {
    const { context } = this, count = vectors.length / 2;
    const lengths = Array.from({ length: count }, (_, k) => Math.hypot(vectors[2 * k], vectors[2 * k + 1]));
    const large = lengths.slice().sort((a, b) => a - b)[Math.floor(0.9 * (count - 1))] || 1;
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = 1.6 * this.sharp;
    for (let k = 0; k < count; k += 1) {
      const length = Math.min(1, lengths[k] / large) * most;
      if (length < 0.02) continue;
      const ux = vectors[2 * k] / lengths[k], uy = vectors[2 * k + 1] / lengths[k];
      const x = this.x(points[2 * k]), y = this.y(points[2 * k + 1]), tx = x + ux * length * this.scale, ty = y - uy * length * this.scale;
      const head = Math.min(5 * this.sharp, 0.5 * length * this.scale);
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(tx, ty);
      context.moveTo(tx, ty);
      context.lineTo(tx - head * (ux + 0.6 * uy), ty + head * (uy - 0.6 * ux));
      context.moveTo(tx, ty);
      context.lineTo(tx - head * (ux - 0.6 * uy), ty + head * (uy + 0.6 * ux));
      context.stroke();
    }
  }

  // A bent sheet of side * side corners: the smaller a cell, the denser the points, the stronger its colour.
  sheet(corners, side, colour) {
    const { context } = this;
    const flat = (2 * this.half / (side - 1)) ** 2;
    context.fillStyle = context.strokeStyle = colour;
    for (let row = 0; row + 1 < side; row += 1) {
      for (let column = 0; column + 1 < side; column += 1) {
        const cell = [row * side + column, row * side + column + 1, (row + 1) * side + column + 1, (row + 1) * side + column];
        const [a, b, c, d] = cell.map((k) => [corners[2 * k], corners[2 * k + 1]]);
        const area = Math.abs((c[0] - a[0]) * (d[1] - b[1]) - (d[0] - b[0]) * (c[1] - a[1])) / 2;
        context.globalAlpha = clamp(0.05 + 0.05 * Math.sqrt(flat / (area + 1e-4)), 0.05, 0.5);
        context.beginPath();
        [a, b, c, d].forEach(([x, y], k) => (k ? context.lineTo(this.x(x), this.y(y)) : context.moveTo(this.x(x), this.y(y))));
        context.closePath();
        context.fill();
        context.globalAlpha = 0.5;
        context.lineWidth = 0.8 * this.sharp;
        context.stroke();
      }
    }
    context.globalAlpha = 1;
  }

  // The judge's belief on side * side places: blue where it says real, orange where it says painted.
  field(values, side) {
    const small = (this.small ??= el("canvas", { width: side, height: side })), paper = small.getContext("2d");
    const image = paper.createImageData(side, side);
    const [real, made] = [this.palette.real, this.palette.made].map((hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16)));
    for (let row = 0; row < side; row += 1) {
      for (let column = 0; column < side; column += 1) {
        const value = values[row * side + column], at = 4 * ((side - 1 - row) * side + column), colour = value > 0.5 ? real : made;
        for (let k = 0; k < 3; k += 1) image.data[at + k] = colour[k];
        image.data[at + 3] = Math.min(1, Math.abs(value - 0.5) * 2) * 120;
      }
    }
    paper.putImageData(image, 0, 0);
    this.context.imageSmoothingEnabled = true;
    this.context.drawImage(small, 0, 0, this.canvas.width, this.canvas.height);
  }

  circle(x, y, radius, colour, width = 1.6) {
    const { context } = this;
    context.strokeStyle = colour;
    context.lineWidth = width * this.sharp;
    context.beginPath();
    context.arc(this.x(x), this.y(y), Math.max(1, radius * this.scale), 0, 7);
    context.stroke();
  }
}
