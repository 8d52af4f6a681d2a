// The keyboard: everything a mouse can do. Keys that a field under the cursor needs stay with it.

function keyDown(bench, event) {
  const target = event.composedPath()[0];
  if (event.defaultPrevented || event.metaKey || event.altKey) return;
  const action = event.ctrlKey ? loupeKey(bench, event) : keyAction(bench, event, target);
  if (!action) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}

function loupeKey(bench, event) {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  return way && bench.loupe.on ? () => bench.loupe.nudge(...way) : null;
}

function keyAction(bench, event, target) {
  if (/^[1-5]$/.test(event.key)) return () => bench.setView(VIEWS[Number(event.key) - 1][0]);
  if (bench.hints.on) {
    const hint = { k: () => { bench.hints.kind = "keep"; bench.refresh(); }, d: () => { bench.hints.kind = "drop"; bench.refresh(); }, e: () => { bench.hints.kind = "edge"; bench.refresh(); }, z: () => bench.hints.takeBack(bench.hints.all.length - 1), escape: () => bench.hints.toggle(false), enter: target.matches("button, a, select") ? null : () => bench.hints.addHere() }[event.key.toLowerCase()];
    if (hint) return hint;
  }
  if (event.key === " ") return target.matches("button, a, select") ? null : () => bench.togglePlay();
  if (target.matches("select, input[type=color]")) return null;
  if (target.matches("input[type=range]:not(.scrub)") && /^(Arrow|Home|End|Page)/.test(event.key)) return null;
  const step = event.shiftKey ? 10 : 1;
  return {
    ArrowLeft: () => bench.step(-step), ArrowRight: () => bench.step(step),
    Home: () => bench.goTo(bench.film.frameAt(0)), End: () => bench.goTo(bench.film.frameAt(bench.film.places - 1)),
    n: () => bench.strip.jump(1), p: () => bench.strip.jump(-1), l: () => bench.loupe.toggle(), m: () => bench.toggleSound(), c: () => bench.hints.toggle(), x: () => bench.exchange(),
    w: () => bench.setWipe(bench.wipe > 0 && bench.wipe < 1 ? 1 : 0.5),
    "+": () => bench.stage.zoomTo(bench.stage.zoom * 1.5), "=": () => bench.stage.zoomTo(bench.stage.zoom * 1.5),
    "-": () => bench.stage.zoomTo(bench.stage.zoom / 1.5), 0: () => bench.stage.zoomTo(1), "?": () => bench.toggleHelp(),
    Escape: bench.help.hidden ? null : () => bench.toggleHelp(),
  }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
}
