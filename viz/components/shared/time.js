// Times as people write and hear them.

// 62.5 -> "1:02.5" (digits = 1); hours are written as minutes, as players of songs do.
function formatTime(seconds, digits = 1) {
  const steps = 10 ** digits;
  const total = Math.round(Math.max(0, seconds) * steps);
  const minutes = Math.floor(total / (60 * steps));
  const rest = ((total - minutes * 60 * steps) / steps).toFixed(digits);
  return `${minutes}:${rest.padStart(digits ? 3 + digits : 2, "0")}`;
}

// "1:02.5", "62.5" or "1:01:02" -> seconds; null when it is not a time.
function parseTime(text) {
  const match = /^\s*(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d*)?)\s*$/.exec(text);
  if (!match) return null;
  const seconds = parseFloat(match[3].replace(",", "."));
  if (match[2] !== undefined && seconds >= 60) return null;
  return Number(match[1] || 0) * 3600 + Number(match[2] || 0) * 60 + seconds;
}

// What a screen reader says.
function spokenTime(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  return (minutes ? `${minutes} minute${minutes === 1 ? "" : "s"} ` : "") + `${whole % 60} second${whole % 60 === 1 ? "" : "s"}`;
}
