// The keyboard: everything a mouse can do. Keys that a field under the cursor needs stay with it.

function keyDown(player, event) {
  const target = event.composedPath()[0];
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.matches("input[type=text], select, textarea")) return;
  const action = keyAction(player, event, target);
  if (!action) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}

const pace = (player, speed, steps) => player.setPace(player.engine.speed + speed, player.engine.semitones + steps);

function keyAction(player, event, target) {
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
  if (digit) {
    const lane = player.data.lanes[Number(digit[1]) - 1];
    return lane ? () => (event.shiftKey ? player.toggleSolo(lane) : player.toggleMute(lane)) : null;
  }
  if (event.key === " ") return target.matches("button, a") ? null : () => player.togglePlay();
  if (target.matches("input[type=range]") && /^(Arrow|Home|End|Page)/.test(event.key)) return null;
  const step = event.shiftKey ? 1 : STEP;
  return {
    ArrowLeft: () => player.skip(-step), ArrowRight: () => player.skip(step),
    Home: () => player.seek(0), End: () => player.seek(player.engine.total() ?? player.engine.frontier()),
    l: () => player.toggleLoop(), o: () => player.toggleOriginal(), "+": () => player.timeline.zoom(0.5), "=": () => player.timeline.zoom(0.5),
    "-": () => player.timeline.zoom(2), 0: () => player.timeline.fit(), "?": () => player.toggleHelp(),
    "[": () => pace(player, -0.05, 0), "]": () => pace(player, 0.05, 0), "{": () => pace(player, 0, -1), "}": () => pace(player, 0, 1),
    Escape: player.help.hidden ? null : () => player.toggleHelp(),
  }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
}
