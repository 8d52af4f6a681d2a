// What is measured, always between floor and ceiling: a bar, the modes that are reached, and the curve over the steps.

const MEASURES = {
  divergence: { title: "Divergence", meaning: "Jensen–Shannon, in bits: 0 is the same, 1 is nowhere together", read: (m) => m.divergence },
  precision: { title: "Precision", meaning: "The share of new points that lie where real ones could", read: (m) => m.precision, better: "more" },
  recall: { title: "Recall", meaning: "The share of real points that the new ones come near to", read: (m) => m.recall, better: "more" },
  likelihood: { title: "Held-out likelihood", meaning: "Mean ln density of real points kept apart, under new points each widened to a small bell", read: (m) => m.likelihood, better: "more" },
  nearer: { title: "Nearer than new real ones", meaning: "The share of new points nearer to a training point than half of the real points kept apart are: 50 % is chance, far more is copying", read: (m) => m.copying.nearer, percent: true, better: "50 %" },
};

class Meters {
  constructor() {
    this.bar = el("div", { class: "bar", "aria-hidden": "true" }, el("i", { class: "floor" }), el("i", { class: "now" }), el("i", { class: "ceiling" }));
    this.value = el("b", {}, "–");
    this.modes = el("div", { class: "modes", role: "img" });
    this.curve = el("canvas", { class: "curve", role: "img", "aria-label": "Divergence over the steps" });
    this.root = el("div", { class: "meters" },
      el("div", { class: "meter" }, el("span", { title: MEASURES.divergence.meaning }, "Divergence"), this.value, this.bar, el("small", {}, el("span", {}, "real"), el("span", {}, "plain bell"))),
      el("div", { class: "meter" }, el("span", {}, "Reached"), this.modes), this.curve);
  }

  update({ opened, brief, history, palette }) {
    const floor = opened.floor.divergence, ceiling = opened.ceiling.divergence, most = Math.max(ceiling * 1.25, 0.05);
    const at = (value) => `${clamp(value / most, 0, 1) * 100}%`;
    const [low, now, high] = this.bar.children;
    low.style.left = at(floor);
    high.style.left = at(ceiling);
    now.style.width = at(brief?.divergence ?? 0);
    this.value.textContent = brief ? two(brief.divergence) : "–";
    const reached = brief?.modes.reached ?? opened.modes.map(() => false);
    this.modes.replaceChildren(...reached.map((yes) => el("i", { class: yes ? "yes" : "" })), el("b", {}, `${reached.filter(Boolean).length} of ${reached.length}`));
    this.modes.setAttribute("aria-label", `${reached.filter(Boolean).length} of ${reached.length} ${opened.blobs ? "blobs" : "regions"} reached`);
    this.draw(history ?? [], floor, ceiling, most, palette);
  }

  draw(history, floor, ceiling, most, palette) {
    const box = this.curve.getBoundingClientRect(), sharp = Math.min(2, window.devicePixelRatio || 1);
    if (!box.width) return;
    Object.assign(this.curve, { width: box.width * sharp, height: box.height * sharp });
    const paper = this.curve.getContext("2d"), { width, height } = this.curve, last = Math.max(100, history[history.length - 1]?.step ?? 0);
    const y = (value) => height - (Math.min(value, most) / most) * (height - 6 * sharp) - 3 * sharp;
    paper.lineWidth = sharp;
    paper.strokeStyle = palette.faint;
    paper.setLineDash([4 * sharp, 4 * sharp]);
    paper.strokeStyle = palette.good;
    this.line(paper, [[0, y(floor)], [width, y(floor)]]);
    paper.strokeStyle = palette.text;
    paper.globalAlpha = 0.5;
    this.line(paper, [[0, y(ceiling)], [width, y(ceiling)]]);
    paper.globalAlpha = 1;
    paper.setLineDash([]);
    paper.lineWidth = 2 * sharp;
    paper.strokeStyle = palette.made;
    this.line(paper, history.map(({ step, divergence }) => [(step / last) * width, y(divergence)]));
  }

  line(paper, places) {
    paper.beginPath();
    places.forEach(([x, y], k) => (k ? paper.lineTo(x, y) : paper.moveTo(x, y)));
    paper.stroke();
  }
}
