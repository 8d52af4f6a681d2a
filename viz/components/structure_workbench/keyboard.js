// Keys for the whole workbench; the views keep those they need themselves.

function keyDown(bench, event) {
  const target = event.composedPath()[0];
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.matches("input[type=text], select, textarea")) return;
  const action = {
    Escape: () => (bench.help.hidden ? bench.selection.clear() : bench.toggleHelp()),
    r: () => bench.stage.reset(), f: () => { if (bench.selection.size) bench.stage.lookAt(bench.selection.sorted()); }, m: () => bench.measure.switch(), l: () => { if (bench.selection.size) bench.selectionPanel.relabel(); }, "?": () => bench.toggleHelp(),
  }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}
