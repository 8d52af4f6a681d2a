// What the person chose: background, edge, how the picture is shown. Kept in this browser from visit to visit.

const KEPT_AS = "fourfold-live";
const SIZES = { "640 × 480": [640, 480], "1280 × 720": [1280, 720], "1920 × 1080": [1920, 1080] };
const DEFAULTS = { behind: "blur", colour: "#00b140", blur: 0.03, edge: 0, softness: 0, mirror: true, calm: true, exact: true, size: "1280 × 720", camera: "" };

function readLook() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT_AS) ?? "{}");
    const look = { ...DEFAULTS };
    for (const name of Object.keys(look)) if (typeof kept[name] === typeof look[name]) look[name] = kept[name];
    if (!(look.size in SIZES)) look.size = DEFAULTS.size;
    if (!(look.behind in BEHIND) || look.behind === "picture") look.behind = DEFAULTS.behind; // the picture itself is not kept
    if (!/^#[0-9a-f]{6}$/i.test(look.colour)) look.colour = DEFAULTS.colour;
    return look;
  } catch {
    return { ...DEFAULTS };
  }
}

function keepLook(look) {
  try { localStorage.setItem(KEPT_AS, JSON.stringify(look)); } catch { /* private windows keep nothing, which is fine */ }
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
