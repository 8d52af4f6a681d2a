// The board: examples of each class above, answers with their bars below. Streamlit calls the default export.

class AnswerBoard {
  constructor(data, host) {
    this.run = data.run;
    this.root = el("div", { class: "board component", role: "group" });
    host.append(this.root);
  }

  update(data) {
    const text = JSON.stringify(data);
    if (text === this.text) return;
    this.text = text;
    this.root.setAttribute("aria-label", data.title ?? "Answers");
    const classes = (data.classes ?? []).filter((one) => one.pictures.length);
    this.root.replaceChildren(
      ...(classes.length ? [el("div", { class: "classes" }, ...classes.map((one) => this.taught(one)))] : []),
      el("div", { class: "answers" }, ...(data.answers ?? []).map((one) => this.answer(one))));
  }

  taught(one) {
    return el("figure", {}, el("div", { class: "shots" }, ...one.pictures.filter(Boolean).map((src) => el("img", { src, alt: "" }))), el("figcaption", {}, one.name));
  }

  answer(one) {
    const bars = one.bars.map(([name, share, colour]) => el("div", { class: "bar" }, el("span", { class: "name" }, name),
      el("span", { class: "track" }, el("i", { style: `width:${Math.max(0.5, 100 * share)}%;background:${/^#[0-9a-f]{6}$/i.test(colour) ? colour : "#7c8592"}` })),
      el("span", { class: "share" }, `${Math.round(100 * share)} %`)));
    return el("div", { class: "answer" }, one.picture ? el("img", { src: one.picture, alt: one.title }) : null,
      el("div", { class: "words" }, one.verdict ? el("div", { class: "verdict" }, one.verdict) : null, ...bars, el("div", { class: "note" }, one.title)));
  }

  dispose() { this.root.remove(); }
}

export default function answerBoard(run) {
  return mounted(AnswerBoard, run);
}
