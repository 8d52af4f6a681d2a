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
  const call = shown.calls;
  // A run overtaken by the next one is cleaned up too, while what it showed lives on: only one off the page ends.
  return () => setTimeout(() => {
    if (shown.calls !== call || shown.root.isConnected) return;
    shown.dispose();
    if (parentElement.shown === shown) delete parentElement.shown;
  }, 0);
}
