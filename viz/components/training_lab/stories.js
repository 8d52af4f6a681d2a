// The story of each family in short steps. A step may show layers, offer one knob and set the scene; its sentences are
// made from what is measured now, so that they can come out otherwise.

const KNOBS = {
  generator_rate: { title: "How fast the generator learns", low: 0.0001, high: 0.02, log: true, plain: "Learning rate of the generator" },
  judge_rate: { title: "How fast the judge learns", low: 0.0001, high: 0.02, log: true, plain: "Learning rate of the judge" },
  judge_steps: { title: "Turns of the judge for one of the generator", low: 1, high: 5, whole: true, plain: "Judge steps a step" },
  blur: { title: "How blurred the judge sees", low: 0, high: 0.6, step: 0.05, plain: "Noise added to what the judge sees" },
  rate: { title: "How fast it learns", low: 0.0001, high: 0.02, log: true, plain: "Learning rate" },
  beta: { title: "Price of a code (β)", low: 0, high: 8, step: 0.1, plain: "Weight of the divergence of the codes" },
};

const two = (value) => (Math.abs(value) < 0.095 ? value.toFixed(3) : value.toFixed(2));
const steps = (count) => `${count.toLocaleString("en")} step${count === 1 ? "" : "s"}`;

// How near the points are, in words that name floor and ceiling.
function nearness({ brief, opened, step }) {
  if (!brief || !step) return "Nothing is learned yet: press play.";
  const { divergence } = brief, floor = opened.floor.divergence, ceiling = opened.ceiling.divergence;
  const place = `The divergence from real points is ${two(divergence)} bits; real against real it is ${two(floor)}, a plain bell ${two(ceiling)}.`;
  if (divergence >= ceiling) return `${place} So far this is no better than a bell that learned nothing.`;
  return divergence < floor + 0.25 * (ceiling - floor) ? `${place} That is near to real.` : place;
}

function modesSentence({ brief, opened, lowest, step }) {
  if (!brief || !step) return "";
  const { found, of } = brief.modes, what = opened.blobs ? "blobs" : "regions";
  const past = lowest && found > of / 2 && lowest.found <= of / 2 ? ` At step ${lowest.step.toLocaleString("en")} it was only ${lowest.found}: it has recovered.` : "";
  return `It reaches ${found} of ${of} ${what}${found <= of / 2 && step >= 300 ? (found ? ": it has collapsed onto a part of the data" : ": it has collapsed") : ""}.${past}`;
}

const LEVELS = (facts) => `${nearness(facts)} ${modesSentence(facts)}`;

const STORIES = {
  gan: [
    { title: "Two networks, one game", text: (f) => `The blue points are real. A generator paints orange ones out of pure noise; it never sees a blue one. Press play and watch. ${LEVELS(f)}`, layers: ["real", "made"] },
    { title: "The judge", text: () => "A second network, the judge, looks at points and says: real or painted? The ground is blue where it believes “real” and orange where it believes “painted”.", layers: ["real", "made", "field"], knob: "judge_rate" },
    { title: "What the generator is told", text: () => "Only this: for each painted point, which way would look more real to the judge. The arrows are all it ever learns from. Press “Slowly” for one step in pieces.", layers: ["made", "field", "arrows"] },
    { title: "A bent sheet", text: () => "The generator takes a square of noise and bends it over the data. Every cell holds as many points: where cells are small and dark, points crowd. Tears cannot be made, only thin bridges.", layers: ["real", "sheet"], knob: "generator_rate" },
    { title: "Collapse", text: (f) => `Now the generator learns ten times faster than is good. It finds one place that fools the judge and leaps there with everything; the judge follows; it leaps on. Play from the start. ${modesSentence(f)}`, layers: ["real", "made", "field"], scene: { shape: "ring", knobs: { generator_rate: 0.01, judge_rate: 0.001, blur: 0 } }, knob: "generator_rate" },
    { title: "Can it be healed?", text: (f) => `Slow the generator down again and blur what the judge sees: it can no longer tell by hair's breadths, and its arrows reach farther. Play on from here. ${healingSentence()} ${modesSentence(f)}`, layers: ["real", "made", "field"], adjust: { generator_rate: 0.001, judge_rate: 0.002, blur: 0.2 }, knob: "blur" },
    { title: "How good is it?", text: LEVELS, layers: ["real", "made"] },
  ],
  vae: [
    { title: "There and back", text: (f) => `An encoder turns each point into a code, a place in the small plane; a decoder turns the code back into a point. The lines are what is lost on the way. ${f.step ? "" : "Press play: they get shorter."}`, layers: ["real", "back"] },
    { title: "Drag the code", text: () => "Drag the ring in the small plane, or use the arrow keys on it: the circle in the large one is what the decoder makes of that code, and how exact it means it.", layers: ["real", "sheet"] },
    { title: "A code has its price", text: (f) => `Codes must crowd around the middle, as a bell, and be blurred. β is the price: low, and the codes scatter with gaps between; high, and nothing is told any more. ${usedSentence(f)}`, layers: ["real", "back"], knob: "beta" },
    { title: "New points", text: (f) => `Codes drawn from the bell and decoded are points nobody ever saw. ${LEVELS(f)}`, layers: ["real", "made"] },
    { title: "A bent sheet", text: () => "The decoder bends the plane of codes over the data without tearing it, so it lays thin bridges between the parts. That is where its wrong points come from.", layers: ["real", "sheet"], knob: "rate" },
    { title: "How good is it?", text: (f) => `${LEVELS(f)} ${usedSentence(f)}`, layers: ["real", "made"] },
  ],
  diffusion: [
    { title: "Into the noise", text: (f) => `Noise is added to real points, a little at each of ${f.T} moments. Drag: at the end nothing is left of where they came from.`, layers: ["real"], forward: true },
    { title: "Guess the way back", text: () => "The network sees a noisy place and the moment, and guesses where it came from. The arrows are its guesses at this moment. Untrained, they mean nothing: press play, and drag the moment.", layers: ["real", "arrows"], forward: true },
    { title: "Out of the noise", text: (f) => `The film runs backwards: it starts from pure noise and follows the guesses, step by step. Drag through it. ${nearness(f)}`, layers: ["real", "film"] },
    { title: "What it believes now", text: () => "At each moment the network already has a guess of the clean point (green). Early guesses crowd in the middle, the mean of all that is possible; then they part.", layers: ["film", "clean"] },
    { title: "In fewer steps", text: (f) => `All ${f.T} steps are slow. With fewer the film leaps straighter, without fresh noise. How few still land on the data?`, layers: ["real", "film"], knob: "stops" },
    { title: "How good is it?", text: LEVELS, layers: ["real", "film"], knob: "rate" },
  ],
  side: [
    { title: "Same data, same seconds", text: (f) => (f.seconds ? `Each has trained for ${f.seconds.toFixed(1)} s of this computer, whatever a step of it costs.` : "Three families learn the same points. The clock counts the seconds of computing that each has had, and keeps them equal. Press play.") },
  ],
};

function usedSentence({ view }) {
  if (!view?.used) return "";
  const used = view.used.filter((nats) => nats > 0.1).length;
  const nats = view.used.map(two).join(" and ");
  return used ? `It uses ${used} of 2 coordinates: they carry ${nats} nats.` : `Both coordinates are empty (${nats} nats): every point gets the same code, which is called posterior collapse.`;
}

// How often that was measured to help, and what time alone does.
function healingSentence() {
  if (!HEALED) return "";
  const times = ({ value, low, high, count }) => `${Math.round(value * count)} (${Math.round(100 * low)} to ${Math.round(100 * high)} %)`;
  return `Of ${HEALED.collapsed} collapsed ones measured, each of another seed, ${times(HEALED.healed)} came back to more than half of the blobs within ${HEALED.healing} steps; left as they were, ${times(HEALED["left alone"])} did.`;
}
