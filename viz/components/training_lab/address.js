// The state in the address: data~seed~step~changes~chapter~family, such as "ring~1~800~0.generator_rate.0p01~4~gan".
// Knobs and step belong to one family; another one takes over only data and seed.

const written = (value) => String(value).replace(".", "p");

function writeAddress({ family, shape, seed, step, changes, chapter }) {
  const told = changes.map(([at, name, value]) => [at, name, written(value)].join(".")).join("_");
  return [shape, seed, step, told, chapter, family].join("~");
}

function readAddress(text, family) {
  const [shape, seed, step, told, chapter, of] = String(text).split("~");
  const known = { shape: engine.SHAPES[shape] || shape === "own" ? shape : "ring", seed: clamp(parseInt(seed, 10) || 1, 1, 999999), step: 0, changes: [], chapter: 0 };
  if (of !== family) return known;
  const changes = (told || "").split(/_(?=\d+\.)/).map((one) => one.split(".")).filter((one) => one.length === 3 && KNOBS[one[1]])
    .map(([at, name, value]) => [parseInt(at, 10), name, Number(value.replace("p", "."))]).filter(([at, name, value]) => at >= 0 && value >= KNOBS[name].low && value <= KNOBS[name].high);
  return { ...known, step: clamp(parseInt(step, 10) || 0, 0, engine.LAST_STEP), changes, chapter: clamp(parseInt(chapter, 10) || 0, 0, STORIES[family].length - 1) };
}
