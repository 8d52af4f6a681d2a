// The present view as a PNG with nothing behind it, at twice the size on screen or more.

async function takePicture(bench) {
  const { stage } = bench;
  const { viewer } = stage;
  if (!viewer) return null;
  bench.selection.point([]);
  stage.element.classList.add("shooting");
  viewer.enableFog(false); // fog would mix the page's colour into far parts
  viewer.render();
  const picture = await fetch(viewer.pngURI()).then((answer) => answer.blob());
  stage.fog();
  viewer.render();
  stage.element.classList.remove("shooting");
  return picture;
}

async function savePicture(bench) {
  const picture = await takePicture(bench);
  if (!picture) { bench.say("There is no 3D view to take a picture of"); return; }
  save(`${fileName(bench.data.title)}.png`, picture);
  bench.say("The picture is among your downloads");
}
