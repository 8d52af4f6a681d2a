// What is to be seen of a model at one step: points, fields and grids as arrays, ready to be drawn.

const VIEW_POINTS = 400, FIELD = 36, GRID = 17, ARROWS = 70;
const VIEW_HALF = 2.6; // the picture shows -2.6 to 2.6

const VIEWS = {
  gan(model, seed) {
    const codes = new Stream(seed, "view", 0).uniforms(2 * VIEW_POINTS, -1, 1); // the same at every step: points move, and do not jump
    const made = model.generator.forward(codes, VIEW_POINTS);
    const logits = model.judge.forward(made.slice(0, 2 * ARROWS), ARROWS, true);
    const arrows = model.judge.backward(logits.map((logit) => sigmoid(logit) - 1), ARROWS, false).map((value) => -value);
    return { made, arrows, field: model.belief(squareGrid(FIELD, VIEW_HALF), FIELD * FIELD), grid: model.warped(GRID) };
  },
  vae(model, seed, data) {
    const some = first(data.train, VIEW_POINTS), count = some.length / 2;
    const codes = model.encode(some, count);
    const means = new Float32Array(2 * count), widths = new Float32Array(2 * count);
    for (let i = 0; i < 2 * count; i += 1) {
      means[i] = codes[4 * (i >> 1) + (i & 1)];
      widths[i] = Math.exp(0.5 * codes[4 * (i >> 1) + 2 + (i & 1)]);
    }
    return {
      made: model.sample(VIEW_POINTS, new Stream(seed, "view", 0)), means, widths, back: model.decode(means, count),
      grid: model.warped(GRID), used: model.used(some, count), spread: Math.exp(model.scale[0]), weights: model.store.numbers.slice(),
    };
  },
  diffusion(model) { return { weights: model.store.numbers.slice() }; }, // its points are those of the film
};

// One step in slow motion: the stages of it, with what each is to show.
const STAGES = {
  gan(session, happened, before) {
    const { model } = session, rows = SPEC.batch;
    const after = model.generator.forward(happened.codes, rows);
    const field = model.belief(squareGrid(FIELD, VIEW_HALF), FIELD * FIELD);
    return [
      { sentence: `${rows} real points are picked, and the generator paints ${rows} from noise.`, real: happened.real, made: happened.points, field: before.field },
      { sentence: `The judge learns to tell them apart: its loss is ${happened.judge_loss.toFixed(2)} (${(2 * Math.LN2).toFixed(2)} would be guessing).`, real: happened.real, made: happened.points, field },
      { sentence: "At each painted point the judge says which way would look more real.", made: happened.points, arrows: happened.arrows, field },
      { sentence: "The generator changes its weights, so that its points move that way.", made: after, from: happened.points, field },
    ];
  },
  vae(session, happened) {
    const rows = SPEC.batch, { model } = session;
    const means = new Float32Array(2 * rows).map((_, i) => happened.codes[4 * (i >> 1) + (i & 1)]);
    const learned = model.decode(happened.z, rows);
    return [
      { sentence: `${rows} real points are picked.`, real: happened.points },
      { sentence: "The encoder gives each a code: a place in the small plane, and how sure it is of it.", real: happened.points, means },
      { sentence: "A code is drawn from there: a little noise, so that neighbours must mean nearly the same.", real: happened.points, means: happened.z },
      { sentence: `The decoder turns each code into a point. The lines are what is missed: ${happened.error.toFixed(2)} nats, and ${happened.divergence.toFixed(2)} nats for the codes.`, made: happened.back, from: happened.points, means: happened.z },
      { sentence: "Both networks change their weights, so that the lines and the codes get shorter.", made: learned, from: happened.points, means: happened.z },
    ];
  },
  diffusion(session, happened) {
    const rows = SPEC.batch, { model } = session;
    const learned = model.network.forward(features(happened.noisy, happened.times, rows), rows);
    const error = (guess) => guess.reduce((sum, value, i) => sum + (value - happened.noise[i]) ** 2, 0) / guess.length;
    const clean = (guess) => guess.map((value, i) => { const a = model.schedule.product[happened.times[i >> 1]]; return clip((happened.noisy[i] - Math.sqrt(1 - a) * value) / Math.sqrt(a)); });
    return [
      { sentence: `${rows} real points are picked.`, real: happened.points },
      { sentence: "Each is moved by noise, some a little and some until nothing is left of its place.", made: happened.noisy, from: happened.points },
      { sentence: `The network sees only where they are now, and guesses where they came from: ${error(happened.guess).toFixed(2)} of the noise is missed.`, made: clean(happened.guess), from: happened.noisy, real: happened.points },
      { sentence: `It changes its weights: on these points it now misses ${error(learned).toFixed(2)}.`, made: clean(learned), from: happened.noisy, real: happened.points },
    ];
  },
};
