// Chooses the size of the pictures that are sent. When mattes come too slowly the size falls before the rate does.
// A pure function, so that it can be tested: all that it remembers is in the choice that it is given and gives back.

const AIM = 15; // mattes a second worth a smaller picture
const LATE = 350; // milliseconds from picture to matte worth a smaller picture
const PATIENCE = 3; // roomy looks in a row before a larger picture is tried
const PROBATION = 5; // looks during which a larger picture may turn out to have been a mistake
const USABLE = 8; // mattes a second below which an outline trails visibly behind a moving hand

// Begins in the middle: `sides` are long sides in pixels, smallest first.
function firstChoice(sides) {
  return { sides, index: (sides.length - 1) >> 1, roomy: 0, patience: PATIENCE, probation: 0 };
}

// `seen` holds medians over the last mattes, in milliseconds: `interval` between them, `work` of the model for one,
// `trip` from sending to arrival, and `camera`, the time between the camera's own pictures.
function adapt(choice, seen) {
  const { sides, index } = choice;
  const budget = Math.max(1000 / AIM, 1.1 * seen.camera);
  const probation = Math.max(0, choice.probation - 1);
  if (seen.interval > 1.15 * budget || seen.trip > LATE) {
    const patience = choice.probation ? Math.min(64, 2 * choice.patience) : choice.patience;
    return { ...choice, index: Math.max(0, index - 1), roomy: 0, patience, probation: 0 };
  }
  if (index === sides.length - 1) return { ...choice, roomy: 0, probation };
  const growth = (sides[index + 1] / sides[index]) ** 2;
  const fits = seen.work * growth < 0.8 * budget && seen.trip * growth < LATE;
  const roomy = fits ? choice.roomy + 1 : 0;
  if (roomy < choice.patience) return { ...choice, roomy, probation };
  return { ...choice, index: index + 1, roomy: 0, probation: PROBATION };
}

// What may help where even the smallest pictures come too slowly; "" while the speed can be used. No model is quicker
// than a camera in the dark, and what the model needs for a matte tells whether another one would help.
function slownessAdvice(choice, seen) {
  const longest = 1000 / USABLE;
  if (choice.index > 0 || seen.interval <= Math.max(longest, 1.3 * seen.camera)) return "";
  return seen.work > longest
    ? "Outlines come slowly, even of the smallest pictures: a quicker model may help, or closing other programs."
    : "The model is quick enough, but pictures travel or are drawn slowly: a smaller picture may help, or closing other programs.";
}

// The size at which a picture of `width` × `height` is sent: even numbers, never larger than it is.
function sentSize(width, height, side) {
  const scale = Math.min(1, side / Math.max(width, height));
  const even = (length) => Math.max(32, 2 * Math.round((length * scale) / 2));
  return [even(width), even(height)];
}
