// What a component shows lives on the element that Streamlit gave it: made on its first run, brought up to date on every
// later one, made anew for another `data.run`, and ended once it has left the page.
function mounted(Shown, { data, parentElement, setStateValue }) {
  let shown = parentElement.shown;
  if (shown && shown.run !== data.run) {
    shown.dispose();
    shown = null;
  }
  shown ??= new Shown(data, parentElement);
  parentElement.shown = shown;
  shown.calls = (shown.calls ?? 0) + 1;
  shown.update(data, setStateValue);
  shown.root.style.colorScheme = schemeOf(shown.root);
  const call = shown.calls;
  // A run overtaken by the next one is cleaned up too, while what it showed lives on: only one off the page ends.
  return () => setTimeout(() => {
    if (shown.calls !== call || shown.root.isConnected) return;
    shown.dispose();
    if (parentElement.shown === shown) delete parentElement.shown;
  }, 0);
}

// Sliders, file choosers and other controls of the browser's own are light unless they are told otherwise: by a stage that
// has a theme of its own, or by the colour behind them.
function schemeOf(node) {
  if (document.getElementById("deck")) return "";
  const colour = getComputedStyle(node).getPropertyValue("--st-background-color").trim(), hex = /^#([0-9a-f]{6})/i.exec(colour)?.[1];
  const [r, g, b] = hex ? hex.match(/../g).map((two) => parseInt(two, 16)) : (colour.match(/[\d.]+/g) ?? [255, 255, 255]).map(Number);
  return 0.299 * r + 0.587 * g + 0.114 * b < 128 ? "dark" : "light";
}
