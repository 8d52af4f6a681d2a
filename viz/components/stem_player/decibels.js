const linear = (decibels) => 10 ** (decibels / 20);
const formatDecibels = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(1)} dB`;
