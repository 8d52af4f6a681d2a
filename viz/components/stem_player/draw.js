// Canvases. A view is { start, end } in song frames; x runs over the canvas's device pixels.

function colourTable(colours) {
  const anchors = colours.map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  const table = new Uint32Array(256);
  for (let level = 0; level < 256; level += 1) {
    const place = (level / 255) * (anchors.length - 1);
    const low = Math.min(anchors.length - 2, Math.floor(place));
    const [r, g, b] = anchors[low].map((value, i) => Math.round(value + (anchors[low + 1][i] - value) * (place - low)));
    table[level] = (255 << 24) | (b << 16) | (g << 8) | r;
  }
  return table;
}

// Fits a canvas to its box on this screen; returns its context, cleared.
function sharp(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  return context;
}

// Zoomed in past the tiles' columns the samples themselves are drawn, where they are in memory.
function sampleRange(buffer, lane, from, to) {
  let low = Infinity;
  let high = -Infinity;
  for (const channel of [2 * lane, 2 * lane + 1]) {
    const samples = buffer.getChannelData(channel);
    for (let i = from; i <= Math.min(to, samples.length - 1); i += 1) {
      low = Math.min(low, samples[i]);
      high = Math.max(high, samples[i]);
    }
  }
  return low > high ? null : [low, high];
}

function tileRange(tile, from, to, segment) {
  const first = Math.min(tile.valid - 1, Math.floor((from * tile.columns) / segment));
  const last = Math.min(tile.valid - 1, Math.max(first, Math.ceil((to * tile.columns) / segment) - 1));
  let low = 0;
  let high = 0;
  for (let i = first; i <= last; i += 1) {
    low = Math.min(low, tile.peaks[2 * i]);
    high = Math.max(high, tile.peaks[2 * i + 1]);
  }
  return [low / 16384, high / 16384];
}

function drawWave(canvas, view, lane, { tiles, segments, segment, gain, colour, peak }) {
  const context = sharp(canvas);
  const { width, height } = canvas;
  const step = (view.end - view.start) / width;
  const fine = step < segment / COARSE_PEAKS / 2;
  const detailed = step < segment / 512 / 2;
  const scale = (height / 2 - 2) / peak;
  const thin = Math.max(1, window.devicePixelRatio || 1);
  context.fillStyle = colour;
  for (let x = 0; x < width; x += 1) {
    const frame = Math.floor(view.start + x * step);
    const index = Math.floor(frame / segment);
    if (frame < 0 || index >= lane.count) continue;
    const from = frame - index * segment;
    const to = Math.min(segment, Math.ceil(view.start + (x + 1) * step) - index * segment);
    const buffer = detailed ? segments.ready.get(index) : null;
    const tile = tiles.get(lane, index, fine);
    const found = buffer ? sampleRange(buffer, lane.place, from, to)?.map((value) => value / gain)
      : tile?.valid && from < (tile.valid * segment) / tile.columns ? tileRange(tile, from, to, segment) : null;
    if (!found) continue;
    const top = height / 2 - found[1] * scale;
    context.fillRect(x, Math.min(top, height / 2 - thin / 2), 1, Math.max(thin, (found[1] - found[0]) * scale));
  }
}

// One picture column a spectrogram column or device pixel, whichever is coarser; the browser stretches it to the lane.
function drawSpectrogram(canvas, view, lane, { tiles, segment, table }) {
  const context = sharp(canvas);
  const step = (view.end - view.start) / canvas.width;
  const fine = step < segment / COARSE_SPECTRA / 2;
  const sample = tiles.get(lane, Math.max(0, Math.floor(view.start / segment)), fine) ?? tiles.get(lane, 0, fine);
  if (!sample) return;
  const grain = Math.max(step, segment / (fine ? 128 : COARSE_SPECTRA));
  const first = Math.floor(view.start / grain);
  const columns = Math.ceil(view.end / grain) - first;
  const image = new ImageData(columns, sample.mels);
  const pixels = new Uint32Array(image.data.buffer);
  for (let column = 0; column < columns; column += 1) paintSpectrum(pixels, column, columns, (first + column) * grain, grain, lane, { tiles, segment, table, fine });
  const picture = drawSpectrogram.picture ??= document.createElement("canvas");
  Object.assign(picture, { width: columns, height: sample.mels });
  picture.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(picture, (first * grain - view.start) / step, 0, (columns * grain) / step, canvas.height);
}

function paintSpectrum(pixels, column, columns, frame, grain, lane, { tiles, segment, table, fine }) {
  const index = Math.floor((frame + 1) / segment);
  const tile = index < lane.count && frame >= 0 ? tiles.get(lane, index, fine) : null;
  if (!tile) return;
  const from = Math.floor(((frame + 1 - index * segment) * tile.spectra) / segment);
  const to = Math.max(from + 1, Math.min(tile.drawn, Math.floor(((frame + grain - index * segment) * tile.spectra) / segment)));
  if (from >= tile.drawn) return;
  for (let mel = 0; mel < tile.mels; mel += 1) {
    let level = 0;
    for (let i = from; i < to; i += 1) level = Math.max(level, tile.levels[i * tile.mels + mel]);
    pixels[(tile.mels - 1 - mel) * columns + column] = table[level];
  }
}

const RULER_STEPS = [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800];

function drawRuler(canvas, view, rate, colour, font) {
  const context = sharp(canvas);
  const ratio = window.devicePixelRatio || 1;
  const { width, height } = canvas;
  const start = view.start / rate;
  const seconds = (view.end - view.start) / rate;
  const step = RULER_STEPS.find((one) => (one / seconds) * width > 64 * ratio) ?? 3600;
  const minor = step / 5;
  context.fillStyle = colour;
  context.font = `${11 * ratio}px ${font}`;
  context.textBaseline = "top";
  for (let mark = Math.floor(start / minor); mark * minor <= start + seconds; mark += 1) {
    const x = Math.round(((mark * minor - start) / seconds) * width);
    const major = mark % 5 === 0;
    context.globalAlpha = major ? 0.55 : 0.25;
    context.fillRect(x, height - (major ? 8 : 4) * ratio, Math.max(1, Math.round(ratio)), (major ? 8 : 4) * ratio);
    if (!major) continue;
    context.globalAlpha = 0.8;
    const label = formatTime(mark * minor, step >= 1 ? 0 : step >= 0.1 ? 1 : 2);
    if (x + context.measureText(label).width + 4 * ratio < width) context.fillText(label, x + 4 * ratio, 3 * ratio);
  }
  context.globalAlpha = 1;
}

// The whole song as the loudest of the lanes' peaks.
function drawOverview(canvas, length, lanes, { tiles, segment, colour }) {
  const context = sharp(canvas);
  const { width, height } = canvas;
  const step = length / width;
  const fine = length < 32 * segment;
  context.fillStyle = colour;
  context.globalAlpha = 0.45;
  for (let x = 0; x < width; x += 1) {
    const index = Math.floor((x * step) / segment);
    const from = x * step - index * segment;
    let high = 0;
    for (const lane of lanes) {
      const tile = index < lane.count ? tiles.get(lane, index, fine) : null;
      if (!tile?.valid || from >= (tile.valid * segment) / tile.columns) continue;
      const range = tileRange(tile, from, Math.min(segment, from + step), segment);
      high = Math.max(high, range[1], -range[0]);
    }
    const half = Math.max(0.5, (high / tiles.peak) * (height / 2 - 2));
    if (high > 0) context.fillRect(x, height / 2 - half, 1, 2 * half);
  }
  context.globalAlpha = 1;
}
