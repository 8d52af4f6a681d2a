// The picture alone in a window of its own, for OBS or a projector: no controls, and see-through where nothing is behind.
// The address tells how it looks; what it does not tell is as this browser has it.

function liveWindow(host, query) {
  const { url, card } = host.dataset;
  const stage = new LiveStage({ url, card }, host);
  stage.look = lookFromQuery(query, stage.look);
  stage.root.classList.add("alone");
  stage.start();
  return stage;
}
