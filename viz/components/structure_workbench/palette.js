// Colours from Python's colourings: one object a colouring, the same for 3D, ribbon and chart.

const MISSING_COLOUR = "#9aa5ae";
const ERROR_COLOURS = ["#00441b", "#1b7837", "#5aae61", "#a6dba0", "#d9f0d3", "#f7fcf5"];
const CHANCE_COLOURS = ["#f7fbff", "#c6dbef", "#6baed6", "#2171b5", "#08306b"];
const TRUTH_COLOURS = ["#fff8f0", "#e08214", "#7f3b08"];

const rgbOf = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const hexOf = (rgb) => `#${rgb.map((part) => Math.round(clamp(part, 0, 255)).toString(16).padStart(2, "0")).join("")}`;
const mixed = (one, other, part) => hexOf(rgbOf(one).map((value, i) => value + (rgbOf(other)[i] - value) * part));

// 256 colours between the given ones, evenly.
function rampOf(colours) {
  return Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (colours.length - 1);
    const left = Math.min(Math.floor(at), colours.length - 2);
    return mixed(colours[left], colours[left + 1], at - left);
  });
}

// Black or white, whichever reads better on a colour.
function inkOn(hex) {
  const [r, g, b] = rgbOf(hex).map((part) => (part / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.3 ? "#111111" : "#ffffff";
}

class Colouring {
  constructor(raw) {
    Object.assign(this, raw);
    if (raw.kind === "ramp") this.table = rampOf(raw.colours);
  }

  ofValue(value) {
    if (!known(value)) return MISSING_COLOUR;
    if (this.kind === "categories") return this.colours[value] ?? MISSING_COLOUR;
    if (this.kind === "bands") return (this.bands.find((band) => value >= band.from) ?? this.bands.at(-1)).colour;
    return this.table[Math.round(clamp((value - this.low) / (this.high - this.low), 0, 1) * 255)];
  }

  colour(row) { return this.ofValue(this.values[row]); }
  get numeric() { return this.kind !== "categories"; }

  say(row, values = this.values) {
    const value = values[row];
    if (!known(value)) return `${this.label}: not known`;
    return `${this.label}: ${this.kind === "categories" ? this.names[value] : figure(value, this.unit)}`;
  }

  legend() {
    const parts = [el("b", { title: this.meaning }, this.label)];
    const swatch = (colour, text) => el("span", { class: "swatch" }, el("i", { style: `background:${colour}` }), text);
    if (this.kind === "ramp") {
      parts.push(el("span", { class: "scale" }, el("span", {}, figure(this.low)), el("i", { class: "ramp", style: `background:linear-gradient(90deg, ${this.colours.join(", ")})` }), el("span", {}, figure(this.high, this.unit))));
    } else if (this.kind === "bands") parts.push(...this.bands.map((band) => swatch(band.colour, band.label)));
    else parts.push(...this.names.slice(0, 12).map((name, i) => swatch(this.colours[i], name)));
    if (this.kind === "categories" && this.names.length > 12) parts.push(el("span", {}, `and ${this.names.length - 12} more`));
    if (this.values.some((value) => !known(value))) parts.push(swatch(MISSING_COLOUR, "no value"));
    return parts;
  }
}
