// What lies below the views: the selection in words, further structures, geometry problems, files, help.

class SelectionPanel {
  constructor(bench) {
    this.bench = bench;
    this.field = el("input", { type: "text", placeholder: "12-20, CYS, plddt < 50 …", title: QUERY_HELP, "aria-label": "Residues to select", onchange: () => this.take() });
    this.words = el("p", { class: "note" });
    this.problem = el("p", { class: "problem", role: "alert", hidden: true });
    this.clear = button("Clear", () => bench.selection.clear(), { title: "Select nothing (Esc)" });
    this.look = button("Look at it", () => bench.stage.lookAt(bench.selection.sorted()), { title: "Turn the camera to the selected residues (F)" });
    this.label = button("Label", () => this.relabel(), { title: "Name the selected residues in the 3D view, or take their names away (L)" });
    this.extra = picker("How selected residues are drawn", EXTRA_STYLES, bench.look.extra, (value) => { bench.look.extra = value; bench.stage.restyle(); });
    this.element = el("section", { class: "panel", "aria-label": "Selection" }, el("h3", {}, "Selection"), el("div", { class: "row" }, this.field, this.look, this.label, this.clear), this.problem, this.words, labelled("Drawn as", this.extra));
  }

  take() {
    const text = this.field.value.trim();
    const { rows, problem = "" } = text ? selectByWords(text, knownOf(this.bench)) : { rows: [] };
    this.problem.hidden = !problem;
    this.problem.textContent = problem;
    if (rows) this.bench.selection.set(rows);
  }

  // Labels the selected residues; where all of them are labelled, takes their labels away.
  relabel() {
    const { bench } = this, rows = bench.selection.sorted(), labels = new Set(bench.look.labels ?? []);
    const all = rows.every((row) => labels.has(row));
    for (const row of rows) { if (all) labels.delete(row); else labels.add(row); }
    bench.look.labels = [...labels].sort((a, b) => a - b);
    bench.measure.refresh(); // which draws the labels
    bench.say(all ? "Labels taken away" : `${plural(rows.length, "residue")} labelled`);
  }

  refresh() {
    const { selection, protein } = this.bench;
    const rows = selection.sorted();
    this.clear.disabled = this.look.disabled = this.label.disabled = rows.length === 0;
    this.problem.hidden = true;
    if (!this.field.matches(":focus")) this.field.value = protein.runs(rows).map(([first, last]) => `${protein.chains.length > 1 ? `${protein.chainAt[first]}:` : ""}${protein.number(first)}${last > first ? `-${protein.number(last)}` : ""}`).join(", ");
    this.words.textContent = rows.length ? `${plural(rows.length, "residue")}: ${protein.say(rows)}. ${this.meanOf(rows)}` : "Click or drag in the sequence, the line, the map or the 3D view. Shift adds.";
  }

  meanOf(rows) {
    const { colouring } = this.bench;
    const values = rows.map((row) => this.bench.values()[row]).filter(known);
    return colouring.numeric && values.length ? `Mean ${colouring.label}: ${figure(values.reduce((sum, value) => sum + value, 0) / values.length, colouring.unit)}.` : "";
  }
}

function overlaysPanel(bench) {
  const list = bench.data.overlays.map((raw) => {
    const box = el("input", { type: "checkbox", onchange: () => { bench.shownOverlays.set(raw.id, box.checked); bench.refreshLegend(); bench.stage.restyle(); } });
    box.checked = bench.overlayShown(raw.id);
    return el("li", {}, el("label", {}, box, el("i", { class: "chip", style: `background:${raw.colour}` }), el("span", {}, raw.label)), raw.note ? el("p", { class: "note" }, raw.note) : null);
  });
  return el("section", { class: "panel", hidden: list.length === 0, "aria-label": "Shown together" }, el("h3", {}, "Shown together"), el("ul", {}, list));
}

function problemsPanel(bench) {
  const list = bench.data.problems.map((raw) => {
    const found = raw.residues.length;
    const show = button(found ? `Show ${plural(found, "residue")}` : "No residues to show", () => { bench.selection.set(raw.residues); bench.ribbon.reveal(raw.residues[0]); bench.say(`${raw.label}: ${plural(found, "residue")} selected`); }, { disabled: found === 0 });
    return el("li", { class: `verdict ${raw.verdict}` }, el("div", { class: "row" }, el("b", {}, raw.label), show), raw.sentence ? el("p", { class: "note" }, raw.sentence) : null);
  });
  return el("section", { class: "panel", hidden: list.length === 0, "aria-label": "Geometry" }, el("h3", {}, "Geometry, place by place"), el("ul", {}, list));
}

function filesPanel(bench) {
  const links = bench.data.files.map((file) => el("a", { class: "link", href: file.url, download: "" }, file.label));
  return el("section", { class: "panel", hidden: links.length === 0, "aria-label": "Files" }, el("h3", {}, "Files"), el("div", { class: "row" }, links));
}

const HELP = [
  ["Click", "select a residue, in any view"], ["Drag", "select a stretch; in the 3D view, turn"], ["Shift + click", "add or take away"], ["Double-click", "select nothing"],
  ["Wheel", "zoom the 3D view after a click into it"], ["Ctrl + drag", "move the 3D view"], ["← → in the sequence", "go through residues, with Shift select"], ["Enter, Space", "select the residue"],
  ["Arrows in 3D, + −", "turn, zoom"], ["Arrows in the map", "go through pairs, Enter selects both"], ["Esc", "select nothing"], ["R", "see all"], ["F", "look at the selection"], ["M", "measure on or off"], ["L", "label the selection"], ["?", "this help"],
];

const helpPanel = (close) => el("section", { class: "help", id: "help", hidden: true, "aria-label": "Help" }, keyButton("close", "Close help", close),
  el("h3", {}, "Mouse and keyboard"), el("dl", {}, HELP.map(([keys, words]) => el("div", {}, el("dt", {}, keys), el("dd", {}, words)))));
