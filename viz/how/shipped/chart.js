// Lines with bands: series of {name, x, y, low, high}; `marks` = {floor, ceiling} as dashed lines with words; `most` = the top of the scale.
function chart({ title, x, y, series, marks = [], logX = false, now = null, percentY = false, most = null }) {
  const W = 360, H = 190, left = 44, right = 12, top = 12, foot = 34;
  const xs = series.flatMap((one) => one.x), ys = [...series.flatMap((one) => [...one.y, ...(one.low ?? []), ...(one.high ?? [])]), ...marks.map((m) => m.value)];
  const scale = logX ? Math.log10 : (v) => v;
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)].map(scale), y0 = Math.min(0, ...ys), y1 = most ?? (percentY ? 1 : Math.max(...ys) * 1.05 || 1);
  const px = (v) => left + ((W - left - right) * (scale(v) - x0)) / (x1 - x0 || 1);
  const py = (v) => H - foot - ((H - top - foot) * (v - y0)) / (y1 - y0 || 1);
  const line = (points) => points.map(([a, b], k) => `${k ? "L" : "M"}${px(a).toFixed(1)},${py(b).toFixed(1)}`).join("");
  const ticks = [y0, (y0 + y1) / 2, y1], write = (v) => (percentY ? percent(v) : Number(v.toPrecision(2)).toString());
  const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];
  let svg = ticks.map((v) => `<line x1="${left}" x2="${W - right}" y1="${py(v)}" y2="${py(v)}" class="grid"/><text x="${left - 5}" y="${py(v) + 4}" text-anchor="end">${write(v)}</text>`).join("");
  const across = [...new Set(xs)].sort((a, b) => a - b).filter((_, k, all) => all.length < 8 || k % 2 === 0);
  svg += across.map((v) => `<text x="${px(v)}" y="${H - foot + 15}" text-anchor="middle">${v}</text>`).join("");
  svg += `<text x="${(W + left) / 2}" y="${H - 3}" text-anchor="middle">${x}</text>`;
  // Names stand at the right end and at the left end by turns, so that marks of nearly one height can be told apart.
  const named = (m, k) => (k % 2 ? `x="${left + 4}"` : `x="${W - right}" text-anchor="end"`);
  svg += marks.map((m, k) => `<line x1="${left}" x2="${W - right}" y1="${py(m.value)}" y2="${py(m.value)}" class="mark"/><text ${named(m, k)} y="${py(m.value) - 3}" class="marked">${m.name}</text>`).join("");
  series.forEach((one, k) => {
    const colour = colours[k % colours.length];
    if (one.low) svg += `<path d="${line([...one.x.map((v, i) => [v, one.high[i]]), ...one.x.map((v, i) => [v, one.low[i]]).reverse()])}Z" fill="${colour}" opacity="0.18"/>`;
    svg += `<path d="${line(one.x.map((v, i) => [v, one.y[i]]))}" stroke="${colour}" class="curve"/>`;
    svg += one.x.map((v, i) => `<circle cx="${px(v)}" cy="${py(one.y[i])}" r="2.6" fill="${colour}"><title>${one.name}: ${v} → ${write(one.y[i])}</title></circle>`).join("");
  });
  if (now !== null) svg += `<line x1="${px(now)}" x2="${px(now)}" y1="${top}" y2="${H - foot}" class="now"/>`;
  const figure = el("figure", { class: "chart" });
  const words = series.map((one) => `${one.name}: ${one.y.map((v, i) => `${one.x[i]} ${write(v)}`).join(", ")}`).join("; ");
  figure.innerHTML = `<svg viewBox="0 0 ${W} ${H}" role="img">${svg}</svg>`;
  figure.querySelector("svg").setAttribute("aria-label", `${title}. ${y} by ${x}. ${words}`);
  figure.prepend(el("figcaption", {}, el("b", {}, title), ` (${y})`,
    series.length > 1 ? el("span", { class: "legend" }, series.map((one, k) => el("span", {}, el("i", { style: `background:${colours[k % colours.length]}` }), one.name))) : null));
  return figure;
}
