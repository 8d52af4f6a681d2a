// How each family is drawn: the large plane of points, and the small one of noise, codes or the film.

// Around the circle by where a point lies, so that a point and its code wear one colour.
const huesOf = (points) => Float32Array.from({ length: points.length / 2 }, (_, k) => (Math.atan2(points[2 * k + 1], points[2 * k]) * 180) / Math.PI + 180);

const LAYERS = {
  gan: { real: "Real", made: "Painted", field: "Judge's belief", arrows: "Arrows", sheet: "Bent sheet" },
  vae: { real: "Real", made: "New points", back: "There and back", sheet: "Bent sheet" },
  diffusion: { real: "Real", film: "The film", arrows: "Guessed way", clean: "Guessed clean point" },
};

const FACES = {
  gan: {
    small: "The square of noise that the generator bends",
    large(plane, lab, layers) {
      const { view } = lab.shown;
      if (layers.has("field")) plane.field(view.field, engine.FIELD);
      if (layers.has("sheet")) plane.sheet(view.grid, engine.GRID, plane.palette.grid);
      if (layers.has("real")) plane.points(lab.opened.train, plane.palette.real, 1.9, 0.55);
      if (layers.has("made")) plane.points(view.made, plane.palette.made, 2.3, 0.9);
      if (layers.has("arrows")) plane.arrows(view.made, view.arrows, plane.palette.text);
    },
    aside(plane, lab) {
      const corners = engine.squareGrid(engine.GRID, 2);
      plane.sheet(corners, engine.GRID, plane.palette.grid);
      const codes = (lab.noise ??= new engine.Stream(lab.seed, "view", 0).uniforms(800, -2, 2));
      plane.points(codes, plane.palette.made, 1.6, 0.8);
    },
  },
  vae: {
    small: "The plane of codes: drag the ring",
    large(plane, lab, layers) {
      const { view } = lab.shown, some = lab.opened.train.subarray(0, view.back.length);
      if (layers.has("sheet")) plane.sheet(view.grid, engine.GRID, plane.palette.grid);
      if (layers.has("back")) { plane.lines(some, view.back, plane.palette.made, 0.5); }
      if (layers.has("real")) plane.tinted(some, (lab.hues ??= huesOf(some)), 2);
      if (layers.has("made")) plane.points(view.made, plane.palette.made, 2.1, 0.85);
      const [x, y] = lab.decoded();
      plane.circle(x, y, 2 * view.spread, plane.palette.text, 2.4);
      plane.circle(x, y, 0.02, plane.palette.text, 4);
    },
    aside(plane, lab) {
      const { view } = lab.shown, some = lab.opened.train.subarray(0, view.back.length);
      for (const radius of [1, 2]) plane.circle(0, 0, radius, plane.palette.faint, 2);
      plane.tinted(view.means, (lab.hues ??= huesOf(some)), 1.7);
      plane.circle(...lab.code, 0.16, plane.palette.text, 3);
    },
  },
  diffusion: {
    small: "Forty points on their way",
    large(plane, lab, layers) {
      const { palette } = plane;
      if (layers.has("real")) plane.points(lab.opened.train, palette.real, 1.7, lab.forward ? 0.18 : 0.4);
      if (lab.forward) { plane.points(lab.noised(), palette.real, 2.1, 0.8); return lab.drawArrows(plane, layers); }
      const film = lab.film;
      if (!film) return null;
      const k = clamp(lab.frame, 0, film.frames.length - 1);
      if (layers.has("clean") && k < film.clean.length) {
        plane.lines(film.frames[k], film.clean[k], palette.good, 0.35);
        plane.points(film.clean[k], palette.good, 1.9, 0.85);
      }
      if (layers.has("film")) plane.points(film.frames[k], palette.made, 2.2, 0.85);
      return lab.drawArrows(plane, layers);
    },
    aside(plane, lab) {
      if (!lab.film) return;
      const { frames } = lab.film, { context } = plane, count = Math.min(40, frames[0].length / 2);
      context.strokeStyle = plane.palette.made;
      context.globalAlpha = 0.4;
      context.lineWidth = plane.sharp;
      for (let i = 0; i < count; i += 1) {
        context.beginPath();
        frames.slice(0, lab.frame + 1).forEach((frame, k) => (k ? context.lineTo(plane.x(frame[2 * i]), plane.y(frame[2 * i + 1])) : context.moveTo(plane.x(frame[2 * i]), plane.y(frame[2 * i + 1]))));
        context.stroke();
      }
      context.globalAlpha = 1;
      plane.points(frames[clamp(lab.frame, 0, frames.length - 1)].subarray(0, 2 * count), plane.palette.made, 2, 0.9);
    },
  },
};

// A stage of one step in slow motion.
function drawStage(plane, stage, small) {
  if (small) {
    for (const radius of [1, 2]) plane.circle(0, 0, radius, plane.palette.faint, 2);
    if (stage.means) plane.points(stage.means, plane.palette.made, 2, 0.9);
    return;
  }
  if (stage.field) plane.field(stage.field, engine.FIELD);
  if (stage.real) plane.points(stage.real, plane.palette.real, 2.3, 0.8);
  if (stage.from) plane.lines(stage.from, stage.made, plane.palette.text, 0.35);
  if (stage.made) plane.points(stage.made, plane.palette.made, 2.4, 0.9);
  if (stage.arrows) plane.arrows(stage.made, stage.arrows, plane.palette.text, 0.55);
}
