// What the person chose: background, edge, how the picture is shown. Kept in this browser from visit to visit, and told by
// the address of a window of its own.

const KEPT_AS = "fourfold-live";
const SIZES = { "640 × 480": [640, 480], "1280 × 720": [1280, 720], "1920 × 1080": [1920, 1080] };
const DEFAULTS = { behind: "blur", colour: "#00b140", blur: 0.03, edge: 0, softness: 0, mirror: true, calm: true, exact: true, size: "1280 × 720", camera: "" };
const LIMITS = { blur: [0.005, 0.045], edge: [-10, 10], softness: [0, 10] };
const UNTOLD = ["camera"]; // its number holds in one browser only

function readLook() {
  try {
    return checkedLook(JSON.parse(localStorage.getItem(KEPT_AS) ?? "{}"));
  } catch {
    return { ...DEFAULTS };
  }
}

function keepLook(look) {
  try { localStorage.setItem(KEPT_AS, JSON.stringify(look)); } catch { /* private windows keep nothing, which is fine */ }
}

// `wanted` over the usual, where it makes sense.
function checkedLook(wanted, usual = DEFAULTS) {
  const look = { ...usual };
  for (const name of Object.keys(look)) if (typeof wanted[name] === typeof look[name]) look[name] = wanted[name];
  for (const [name, [least, most]] of Object.entries(LIMITS)) look[name] = Number.isFinite(look[name]) ? clamp(look[name], least, most) : DEFAULTS[name];
  if (!(look.size in SIZES)) look.size = DEFAULTS.size;
  if (!(look.behind in BEHIND) || look.behind === "picture") look.behind = DEFAULTS.behind; // the picture itself is not kept
  if (!/^#[0-9a-f]{6}$/i.test(look.colour)) look.colour = DEFAULTS.colour;
  return look;
}

// A look as the query of an address, and the look that such a query asks for over `usual`.
function lookToQuery(look) {
  return new URLSearchParams(Object.keys(DEFAULTS).filter((name) => !UNTOLD.includes(name)).map((name) => [name, String(look[name])]));
}

function lookFromQuery(query, usual) {
  const read = { boolean: (text) => text === "true" || text === "1", number: (text) => (text.trim() ? Number(text) : NaN), string: String };
  const asked = [...new URLSearchParams(query)].filter(([name]) => name in DEFAULTS && !UNTOLD.includes(name));
  return checkedLook(Object.fromEntries(asked.map(([name, text]) => [name, read[typeof DEFAULTS[name]](text)])), usual);
}

const MOST_SIDE = 2560;

// A picture file as something that can be drawn, made smaller where it is huge; it stays in this browser.
async function readBackdrop(file) {
  let image;
  try { image = await createImageBitmap(file); } catch { throw new Error("This file is no picture that the browser can show: choose a JPEG, PNG or WebP."); }
  const scale = MOST_SIDE / Math.max(image.width, image.height);
  if (scale >= 1) return image;
  const smaller = await createImageBitmap(image, { resizeWidth: Math.round(image.width * scale), resizeHeight: Math.round(image.height * scale), resizeQuality: "high" });
  image.close();
  return smaller;
}
