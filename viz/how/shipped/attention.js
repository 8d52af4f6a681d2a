// Attention: a small network of two layers answers "what followed this word the last time?".

const EXAMPLES = [
  ["letters", "a b c d a c b d b a"],
  ["words", "the cat saw the dog and the dog saw the cat and the"],
  ["a rhyme", "row row row your boat gently down the stream row your boat"],
];
const QUESTIONS = 24; // random texts on which the accuracy is measured at once

function wordsOf(text) {
  const words = text.toLowerCase().trim().split(/\s+/).filter(Boolean);
  return words.length === 1 ? [...words[0]] : words;
}

class AttentionLab extends Exhibit {
  constructor(data, host) {
    super(data, host, { text: EXAMPLES[1][1], off: [], positions: true, mask: true, temperature: 1, at: -1, head: "1.0", step: 0 });
    this.title = "Attention";
    this.w = readWeights(SHIPPED.attention);
    const random = randomOf(20260);
    this.tests = Array.from({ length: QUESTIONS }, () => Array.from({ length: LENGTH }, () => Math.floor(LETTERS * random())));
  }

  get switches() {
    const { off, positions, mask, temperature } = this.state;
    return { off: new Set(off), positions, mask, temperature };
  }

  build() {
    const s = this.state;
    this.input = el("input", { type: "text", value: s.text, maxlength: 300, "aria-label": "Text", oninput: () => this.set({ text: this.input.value, at: -1 }) });
    this.wrong = live();
    this.tokens = el("div", { class: "tokens" });
    this.storyText = el("div", {});
    this.heads = el("div", { class: "heads" });
    this.score = el("div", {});
    this.inside = el("div", {});
    this.studio = new StudioHeads(s.studio ?? {}, (studio) => { this.state.studio = studio; this.sendSoon(); });
    this.root.append(
      part("1 · Words become tokens", said("Write words, or letters without spaces. At each one the network says what followed the same word the last time. It knows no words: it sees only which ones are alike, so it cannot have learned the answer by heart."),
        this.input, el("div", { class: "buttons" }, EXAMPLES.map(([name, text]) => press(name, () => { this.input.value = text; this.set({ text, at: -1 }); }))), this.wrong, this.tokens),
      part("2 · Turn it", el("div", { class: "controls" },
        switcher("It knows the positions", s.positions, (on) => this.set({ positions: on }), "Off: no word knows where it stands."),
        switcher("It sees only what came before", s.mask, (on) => this.set({ mask: on }), "Off: it may also look at later words, which it never learned to."),
        slider("Temperature", { min: 0.1, max: 4, step: 0.1, value: s.temperature, help: "Divides the scores before the softmax: low is all or nothing, high is even.", on: (v) => this.set({ temperature: v }) })), this.score),
      part("3 · The heads", said("Each square is one head: a row for each word that asks, a column for each word that is looked at, white where it looks. Choose a head to see its numbers; switch it off to see whether it mattered."), this.heads, this.storyText),
      part("4 · Queries, keys, values", this.inside), this.studio.root);
  }

  draw() {
    const words = wordsOf(this.state.text), names = [...new Set(words)];
    const fault = !words.length ? "Write some words." : words.length > LENGTH ? `That is ${words.length} words; the network reads at most ${LENGTH}.`
      : names.length > LETTERS ? `These are ${names.length} different words; the network can tell ${LETTERS} apart.` : "";
    this.wrong.textContent = fault;
    if (fault) return;
    const letters = words.map((word) => names.indexOf(word));
    const read = follow(this.w, letters, this.switches), wanted = followed(letters);
    const told = read.logits.map((row) => argmax(row.subarray(0, names.length)));
    const asked = wanted.map((one, t) => [one, t]).filter(([one]) => one !== null);
    const at = this.state.at >= 0 && this.state.at < words.length ? this.state.at : (asked.at(-1)?.[1] ?? words.length - 1);
    this.shown = { words, names, letters, read, wanted, told, at };
    refill(this.tokens, ...words.map((word, t) => el("button", {
      type: "button", class: wanted[t] === null ? "" : wanted[t] === told[t] ? "right" : "wrong", "aria-pressed": String(t === at), onclick: () => this.set({ at: t }),
      title: wanted[t] === null ? "Here for the first time: there is nothing to answer." : `Right: ${names[wanted[t]]}`,
    }, word, el("small", {}, wanted[t] === null ? "·" : `→ ${names[told[t]]}`))));
    this.drawHeads();
    this.drawStory();
    this.drawInside();
    this.measure();
  }

  drawHeads() {
    const { words, read, at } = this.shown, size = words.length, measured = this.measured.attention?.heads ?? {};
    refill(this.heads, ...read.layers.flatMap((heads, layer) => heads.map(({ weights }, head) => {
      const id = `${layer}.${head}`, off = this.state.off.includes(id), known = measured[id];
      const canvas = pixels(size, size, 150, `Layer ${layer + 1}, head ${head + 1}: where each of ${size} words looks`);
      const image = new ImageData(size, size);
      weights.forEach((row, t) => row.forEach((share, s) => image.data.set([255 * share, 255 * share, t === at ? 120 + 135 * share : 255 * share, 255], 4 * (t * size + s))));
      canvas.getContext("2d").putImageData(image, 0, 0);
      const pick = el("button", { type: "button", class: "pick", "aria-label": `Numbers of layer ${layer + 1}, head ${head + 1}`, "aria-pressed": String(id === this.state.head), onclick: () => this.set({ head: id }) }, canvas);
      return el("div", { class: `head ${off ? "off" : ""}` }, pick,
        switcher(`Layer ${layer + 1}, head ${head + 1}`, !off, (on) => this.set({ off: on ? this.state.off.filter((one) => one !== id) : [...this.state.off, id] })),
        known ? el("small", {}, `on the word before ${within(known.before)}, on the answer ${within(known.answer)}; without it ${within(known.without)} right`) : null);
    })));
  }

  // The story, of measured numbers: it says so where the textbook's head is not there.
  drawStory() {
    const m = this.measured.attention;
    if (!m) return this.storyText.replaceChildren();
    const rank = (what) => Object.entries(m.heads).sort((a, b) => b[1][what].value - a[1][what].value)[0];
    const [beforeId, before] = rank("before"), [answerId, answer] = rank("answer");
    const name = (id) => `layer ${Number(id[0]) + 1}, head ${Number(id[2]) + 1}`;
    const textbook = "The textbook tells it in two steps: a head of the first layer looks at the word before, so that each word carries its predecessor; then a head of the second layer looks for the place whose predecessor is the word at hand.";
    const alike = (what, layer) => Object.entries(m.heads).filter(([id, one]) => Number(id[0]) === layer && one[what].value > 0.4).length;
    const many = (count) => ["none", "one", "two", "three", "all four"][count];
    const first = alike("before", 0) ? `Here ${many(alike("before", 0))} of the four heads of the first layer do so, ${name(beforeId)} most, with ${within(before.before)} of its weight on the word before.`
      : `No head of the first layer does so here: the closest, ${name(beforeId)}, puts only ${within(before.before)} of its weight on the word before.`;
    const second = alike("answer", 1) ? `And ${many(alike("answer", 1))} of the second layer look at the answer, ${name(answerId)} most, with ${within(answer.answer)}.`
      : `No head of the second layer looks at the answer: the closest, ${name(answerId)}, puts ${within(answer.answer)} there.`;
    const test = `Weight alone proves nothing. Switched off, ${name(beforeId)} brings accuracy from ${within(m.right)} to ${within(before.without)} and ${name(answerId)} to ${within(answer.without)}; guessing the text’s commonest word gives ${within(m.floor)}. A head that looked at all earlier words alike would put ${within(m.even.before)} on the word before and ${within(m.even.answer)} on the answer.${alike("answer", 1) > 1 ? " What one head does, its neighbours do too; switch several off to see the answer go." : ""}`;
    return this.storyText.replaceChildren(said(textbook), said(first, " ", second), said(test));
  }

  drawInside() {
    const { words, names, read, told, wanted, at } = this.shown, [layer, head] = this.state.head.split(".").map(Number);
    const { query, key, scores, weights } = read.layers[layer][head];
    const places = words.map((_, s) => s).filter((s) => !this.state.mask || s <= at);
    const strip = (values) => {
      const canvas = pixels(values.length, 1, 120, "numbers as colours"), image = new ImageData(values.length, 1), most = Math.max(...values.map(Math.abs), 1e-6);
      values.forEach((v, k) => { const c = v / most; image.data.set([c > 0 ? 213 : 0, c > 0 ? 94 : 114, c > 0 ? 0 : 178, 255 * Math.abs(c)], 4 * k); });
      canvas.getContext("2d").putImageData(image, 0, 0);
      canvas.style.background = "transparent";
      canvas.style.height = "14px";
      return canvas;
    };
    const rows = places.map((s) => el("tr", {}, el("th", {}, words[s]), el("td", {}, strip(Array.from(key[s]))), el("td", {}, scores[at][s].toFixed(2)), el("td", {}, percent(weights[at][s]))));
    const best = argmax(weights[at]);
    this.inside.replaceChildren(
      said(el("b", {}, `Layer ${layer + 1}, head ${head + 1}, asked by “${words[at]}” (word ${at + 1}). `), "Its query:"), strip(Array.from(query[at])),
      said("Each word offers a key. Query times key over √12 is the score; softmax makes shares of the scores that sum to 1; by these shares the words’ values are added up. The four heads stand side by side, and what they bring is added to the word."),
      el("div", { class: "numbers" }, el("table", {}, el("tr", {}, el("th", {}, "word"), el("th", {}, "key"), el("th", {}, "score"), el("th", {}, "share")), rows)),
      live(`This head looks most at “${words[best]}” (word ${best + 1}, ${percent(weights[at][best])}). `,
        wanted[at] === null ? `“${words[at]}” is here for the first time, so there is no answer to find.` : `In the end the network says “${names[told[at]]}”, which is ${told[at] === wanted[at] ? "right" : `wrong: it was “${names[wanted[at]]}”`}.`));
  }

  // Accuracy on random texts with everything as it is set now; a few texts a frame, so that nothing stalls.
  measure() {
    const mine = (this.measuring = (this.measuring ?? 0) + 1), floor = this.measured.attention?.floor;
    let right = 0, all = 0, done = 0;
    const went = () => {
      if (mine !== this.measuring || this.ended) return;
      const begin = performance.now();
      while (done < this.tests.length && performance.now() - begin < 30) {
        const letters = this.tests[done], wanted = followed(letters), told = follow(this.w, letters, this.switches).logits.map(argmax);
        wanted.forEach((one, t) => { if (one !== null) { all += 1; right += one === told[t]; } });
        done += 1;
      }
      const share = right / all, half = 1.96 * Math.sqrt((share * (1 - share)) / all + 1 / (4 * all * all));
      const off = this.state.off.length ? ` with ${this.state.off.length} head${this.state.off.length > 1 ? "s" : ""} off` : "";
      this.score.replaceChildren(el("span", { class: "big", "data-accuracy": share.toFixed(4), "data-done": String(done === this.tests.length) }, percent(share)),
        live(`right on ${all} questions about ${done} random texts${off} (${percent(Math.max(0, share - half))} to ${percent(Math.min(1, share + half))})${floor ? `; guessing gives ${within(floor)}` : ""}.`));
      if (done < this.tests.length) requestAnimationFrame(went);
      else this.saySoon();
    };
    went();
  }
}
