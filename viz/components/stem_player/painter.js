// Draws what the player shows and asks for what it needs for that.

function drawPlayer(player) {
  player.dirty = false;
  const { data, timeline, tiles, engine } = player;
  const { view } = timeline;
  const style = getComputedStyle(player.root);
  const width = Math.max(1, timeline.ruler.clientWidth) * (window.devicePixelRatio || 1);
  const step = timeline.span / width;
  const segment = data.segment_frames;
  const fine = step < segment / (player.picture === "spectrogram" ? COARSE_SPECTRA : COARSE_PEAKS) / 2;
  tiles.want(data.lanes, Math.floor(view.start / segment), Math.floor(view.end / segment), fine);
  const shared = { tiles, segments: engine.segments, segment, gain: data.gain, table: player.table };
  for (const row of player.rows) {
    const tile = tiles.get(row.lane, Math.floor(view.start / segment), false) ?? tiles.get(row.lane, 0, false);
    row.drawAxis(player.picture === "spectrogram", tile);
    if (player.picture === "spectrogram") drawSpectrogram(row.canvas, view, row.lane, shared);
    else drawWave(row.canvas, view, row.lane, { ...shared, colour: row.lane.colour, peak: player.even ? tiles.peakOf(row.lane) : tiles.peak });
  }
  if (step < segment / 1024 && data.available) wantSamples(player);
  drawRuler(timeline.canvas, view, data.samplerate, style.color, style.fontFamily);
  player.music.draw(view, style);
  drawOverview(timeline.map, player.length(), data.lanes.filter((lane) => lane.kind !== "mix"), { ...shared, colour: style.color });
  player.refreshBadge();
}

function wantSamples(player) {
  const { engine, timeline, data } = player;
  const first = engine.indexOf(timeline.view.start);
  for (const index of [first, engine.indexOf(timeline.view.end)]) if (index < data.available) engine.segments.want(index);
}
