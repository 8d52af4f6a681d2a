// Turns every structure of the page: drag it, or let it turn by itself where the reader has not asked for stillness.
for (const canvas of document.querySelectorAll("canvas.structure")) {
  const traces = JSON.parse(canvas.dataset.traces), context = canvas.getContext("2d");
  const all = traces.flatMap((trace) => trace.points);
  const centre = [0, 1, 2].map((axis) => all.reduce((sum, point) => sum + point[axis], 0) / all.length);
  const reach = Math.max(...all.map((point) => Math.hypot(...point.map((value, axis) => value - centre[axis]))), 1);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches || matchMedia("print").matches;
  let angle = 0.6, tilt = 0.3, held = null, seen = false;
  const draw = () => {
    const size = canvas.width, scale = (0.46 * size) / reach;
    const [sine, cosine, rise, run] = [Math.sin(angle), Math.cos(angle), Math.sin(tilt), Math.cos(tilt)];
    context.clearRect(0, 0, size, size);
    const pieces = [];
    for (const { points, colour, width } of traces) {
      const placed = points.map((point) => {
        const [x, y, z] = point.map((value, axis) => value - centre[axis]);
        const [across, depth] = [cosine * x + sine * z, cosine * z - sine * x];
        return [size / 2 + scale * across, size / 2 - scale * (run * y - rise * depth), rise * y + run * depth];
      });
      for (let i = 1; i < placed.length; i++) pieces.push([placed[i - 1], placed[i], colour, width]);
    }
    pieces.sort((one, other) => one[0][2] + one[1][2] - other[0][2] - other[1][2]);
    context.lineCap = "round";
    for (const [from, to, colour, width] of pieces) {
      context.globalAlpha = 0.45 + (0.55 * ((from[2] + to[2]) / 2 + reach)) / (2 * reach);
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(from[0], from[1]);
      context.lineTo(to[0], to[1]);
      context.stroke();
    }
  };
  const step = () => {
    if (!held) angle += 0.008;
    draw();
    if (seen && !still) requestAnimationFrame(step);
  };
  canvas.onpointerdown = (event) => { held = [event.clientX, event.clientY]; canvas.setPointerCapture(event.pointerId); };
  canvas.onpointerup = () => { held = null; };
  canvas.onpointermove = (event) => {
    if (!held) return;
    angle += (event.clientX - held[0]) / 120;
    tilt += (event.clientY - held[1]) / 120;
    held = [event.clientX, event.clientY];
    draw();
  };
  draw();
  new IntersectionObserver(([entry]) => {
    seen = entry.isIntersecting;
    if (seen) step();
  }).observe(canvas);
}
