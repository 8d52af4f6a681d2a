// Distances, angles and dihedrals between atoms, collected in a table.

const MEASURES = [["2", "Distance"], ["3", "Angle"], ["4", "Dihedral"]];
const minusOf = (a, b) => ({ x: a.x - b.x, y: a.y - b.y, z: a.z - b.z });
const dot = (a, b) => a.x * b.x + a.y * b.y + a.z * b.z;
const cross = (a, b) => ({ x: a.y * b.z - a.z * b.y, y: a.z * b.x - a.x * b.z, z: a.x * b.y - a.y * b.x });
const degrees = (radians) => (radians * 180) / Math.PI;

function measured(points) {
  const [a, b, c, d] = points;
  if (points.length === 2) return Math.sqrt(dot(minusOf(a, b), minusOf(a, b)));
  if (points.length === 3) {
    const [u, v] = [minusOf(a, b), minusOf(c, b)];
    return degrees(Math.acos(clamp(dot(u, v) / Math.sqrt(dot(u, u) * dot(v, v)), -1, 1)));
  }
  // IUPAC 1970: looking along b–c, clockwise from a to d is positive.
  const [u, v, w] = [minusOf(b, a), minusOf(c, b), minusOf(d, c)];
  const [m, n] = [cross(u, v), cross(v, w)];
  return degrees(Math.atan2(Math.sqrt(dot(v, v)) * dot(u, n), dot(m, n)));
}

class Measure {
  constructor(bench) {
    this.bench = bench;
    this.on = false;
    this.count = 2;
    this.picks = [];
    this.list = [];
    this.hint = el("p", { class: "note" });
    this.body = el("tbody");
    this.table = el("table", { hidden: true }, el("caption", { class: "spoken" }, "Measurements"), el("thead", {}, el("tr", {}, ["What", "Atoms", "Value", ""].map((name) => el("th", { scope: "col" }, name)))), this.body);
    this.toggle = button("Click atoms", () => this.switch(), { "aria-pressed": "false" });
    this.fromSelection = button("Measure selected residues", () => this.ofSelection(), { title: "Between the Cα atoms of two, three or four selected residues" });
    this.kind = choice("What to measure", MEASURES, "2", (value) => { this.count = Number(value); this.picks = []; this.refresh(); });
    this.takeaway = el("div", { class: "row", hidden: true }, button("Copy", () => this.copy()), button("CSV", () => save(`${fileName(bench.data.title)}_measurements.csv`, new Blob([this.csv()], { type: "text/csv" }))), button("Clear", () => { this.list = []; this.picks = []; this.refresh(); }));
    this.element = el("section", { class: "panel", "aria-label": "Measure" }, el("h3", {}, "Measure"), el("div", { class: "row" }, this.kind, this.toggle, this.fromSelection), this.hint, this.table, this.takeaway);
    this.refresh();
  }

  switch() { this.on = !this.on; this.picks = []; this.refresh(); }

  pick(atom) {
    this.picks.push({ row: atom.row, name: atom.atom, x: atom.x, y: atom.y, z: atom.z });
    if (this.picks.length === this.count) { this.add(this.picks); this.picks = []; }
    this.refresh();
  }

  ofSelection() {
    const rows = this.bench.selection.sorted();
    const points = rows.map((row) => this.bench.stage.shownAtoms?.find((atom) => atom.row === row && atom.place === 1) ?? this.bench.caOf(row));
    this.add(points.map((atom) => ({ row: atom.row, name: "CA", x: atom.x, y: atom.y, z: atom.z })));
    this.refresh();
  }

  add(points) {
    const kind = MEASURES.find(([count]) => Number(count) === points.length)[1];
    const where = this.bench.film?.current ? ` (${this.bench.film.current.label})` : "";
    const value = measured(points);
    const made = { kind: kind + where, points, value: Number(value.toFixed(points.length === 2 ? 3 : 2)), unit: points.length === 2 ? "Å" : "°" };
    this.list.push(made);
    this.bench.say(`${made.kind} ${this.atoms(made)}: ${figure(made.value, made.unit)}`);
  }

  atoms({ points }) { return points.map((point) => `${this.bench.protein.short(point.row)} ${point.name}`).join(" – "); }

  refresh() {
    this.toggle.setAttribute("aria-pressed", String(this.on));
    this.kind.press(String(this.count));
    const size = this.bench.selection.size;
    this.fromSelection.disabled = size < 2 || size > 4;
    const left = this.count - this.picks.length;
    this.hint.textContent = !this.on ? "Switch on, then click atoms in the 3D view; on a cartoon a click takes the Cα atom." : `Click ${plural(left, this.picks.length ? "more atom" : "atom")} in the 3D view.`;
    this.table.hidden = this.takeaway.hidden = this.list.length === 0;
    this.body.replaceChildren(...this.list.map((made, i) => el("tr", {}, el("td", {}, made.kind), el("td", {}, this.atoms(made)), el("td", { class: "number" }, minus(`${made.value} ${made.unit}`)),
      el("td", {}, keyButton("close", `Remove measurement ${i + 1}`, () => { this.list.splice(i, 1); this.refresh(); }, { class: "key small" })))));
    this.bench.stage.showMeasures(this.list, this.picks);
  }

  csv() { return ["what,atoms,value,unit", ...this.list.map((made) => [made.kind, this.atoms(made), made.value, made.unit].map(csvCell).join(","))].join("\n") + "\n"; }

  async copy() {
    try {
      await navigator.clipboard.writeText(this.csv().replaceAll(",", "\t"));
      this.bench.say("Copied");
    } catch (error) {
      console.warn(error);
      this.hint.textContent = "The browser does not let this page copy; take the CSV file instead.";
    }
  }
}
