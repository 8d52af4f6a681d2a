// Three families side by side on one clock, and the table of what is measured of them.

const NAMES = { gan: "GAN", vae: "VAE", diffusion: "Diffusion" };
const BUDGETS = { 5: "5 s each", 15: "15 s each", 30: "30 s each", 60: "1 min each" };

const range = (values) => [Math.min(...values), values.reduce((sum, value) => sum + value, 0) / values.length, Math.max(...values)];
const shown = (value, percent) => (percent ? `${Math.round(100 * value)} %` : two(value));

const spanOf = (counts) => [...new Set([Math.min(...counts), Math.max(...counts)])].join("–");

class SideBySide {
  constructor() {
    this.planes = Object.fromEntries(Object.keys(NAMES).map((family) => [family, new Plane(`${NAMES[family]}: new points over real ones`, engine.VIEW_HALF)]));
    this.heads = Object.fromEntries(Object.keys(NAMES).map((family) => [family, el("small", {})]));
    this.table = el("div", { class: "table", role: "region", "aria-label": "What was measured", tabindex: 0 });
    this.root = el("div", { class: "sides" },
      el("div", { class: "three" }, ...Object.keys(NAMES).map((family) => el("figure", {}, el("figcaption", {}, el("b", {}, NAMES[family]), this.heads[family]), this.planes[family].canvas))), this.table);
  }

  draw({ shown: models, opened, palette }) {
    for (const { family, view, step, seconds, brief } of models) {
      const plane = this.planes[family];
      if (brief) this.last = { ...this.last, [family]: brief };
      this.heads[family].textContent = `${steps(step)} in ${seconds.toFixed(1)} s`;
      if (!plane.begin(palette)) continue;
      plane.axes();
      plane.points(opened.train, palette.real, 1.8, 0.4);
      plane.points(view.made, palette.made, 2, 0.9);
    }
  }

  // Mean of three draws, with the least and the most in brackets; floor and ceiling stand beside.
  fill({ families }, opened) {
    const cell = (values, measure, better) => {
      const [low, mean, high] = range(values);
      return el("td", { class: better ? "best" : "" }, shown(mean, measure.percent), el("small", {}, ` ${shown(low, measure.percent)}–${shown(high, measure.percent)}`));
    };
    const rows = Object.values(MEASURES).map((measure) => {
      const values = families.map(({ draws }) => draws.map(measure.read)), means = values.map((some) => range(some)[1]);
      const best = measure.better === "50 %" ? null : measure.better === "more" ? Math.max(...means) : Math.min(...means);
      return el("tr", {}, el("th", { scope: "row", title: measure.meaning }, measure.title), ...values.map((some, k) => cell(some, measure, means[k] === best)),
        el("td", {}, shown(measure.read(opened.floor), measure.percent)), el("td", {}, shown(measure.read(opened.ceiling), measure.percent)));
    });
    const row = (title, meaning, texts) => el("tr", {}, el("th", { scope: "row", title: meaning }, title), ...texts.map((text) => el("td", {}, text)));
    rows.splice(1, 0, row("Reached", "Modes of the data that hold a fifth of their fair share of points or more", [...families.map(({ draws }) => `${spanOf(draws.map((m) => m.modes.found))} of ${opened.modes.length}`), ...[opened.floor, opened.ceiling].map((m) => `${m.modes.found} of ${m.modes.of}`)]));
    rows.push(row("Bound on the likelihood", "Nats of a held-out point: VAE by 32 weighted draws, diffusion by its variational bound; a GAN has none", [...families.map(({ bound }) => (bound === null ? "has none" : `≥ ${bound.toFixed(2)}`)), "–", "–"]));
    rows.push(row("Nearest training point", "Median distance of new points; of held-out real points under “real”", [...families.map(({ draws }) => two(range(draws.map((m) => m.copying.distance))[1])), two(opened.floor.copying.held), two(opened.ceiling.copying.distance)]));
    rows.push(row("1,000 points take", "Time to draw new points", [...families.map(({ sample_ms }) => `${sample_ms.toFixed(1)} ms`), "–", "–"]));
    const head = el("tr", {}, el("td", {}), ...families.map(({ family }) => el("th", { scope: "col" }, NAMES[family])), el("th", { scope: "col", title: "Real points against other real points: what cannot be bettered" }, "Real"), el("th", { scope: "col", title: "A normal distribution of the same mean and covariance: what needs no learning" }, "Plain bell"));
    this.table.replaceChildren(el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)), el("p", { class: "hint" }, `After ${families[0].seconds.toFixed(1)} s of computing each: the mean of three draws, with the least and the most.`, ` ${verdict(families, opened)}`));
  }
}

// Who is ahead on the divergence, if the draws do not overlap; and whether anybody copies.
function verdict(families, opened) {
  const order = families.map(({ family, draws }) => ({ name: NAMES[family], range: range(draws.map((m) => m.divergence)), copy: range(draws.map((m) => m.copying.nearer)) })).sort((a, b) => a.range[1] - b.range[1]);
  const [best, second] = order;
  const ahead = best.range[2] < second.range[0] ? `${best.name} is nearest to the data.` : `${best.name} and ${second.name} cannot be told apart by these draws.`;
  const empty = order.filter((one) => one.range[0] >= opened.ceiling.divergence).map((one) => one.name);
  const copies = order.filter((one) => one.copy[0] > 0.65).map((one) => one.name);
  return `${ahead}${empty.length ? ` No better than a plain bell: ${empty.join(", ")}.` : ""} ${copies.length ? `Suspiciously near to training points: ${copies.join(", ")}.` : "None lies nearer to the training points than new real points do by much: no sign of copying."}`;
}
