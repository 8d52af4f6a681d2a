// The workbench: puts the views together. Streamlit calls the default export on every run.

class Workbench extends Component {
  constructor(data, host) {
    super(data, 300);
    this.data = data;
    const before = this.remembered ?? {};
    this.look = before.look ?? { style: data.style, colour: data.colour, surface: false, extra: "balls" };
    this.shownOverlays = before.shownOverlays ?? new Map();
    this.takenSelection = before.takenSelection;
    this.sent = [];
    this.selection = new Selection();
    this.protein = new Protein(data.structure);
    this.restyleSoon = debounce(() => this.stage.restyle(), 30);
    this.build();
    this.attach(host, () => this.invalidate());
    this.readColours();
    this.listen();
    this.accept(data);
    this.selection.rows = new Set(before.rows ?? []);
    this.view = before.shape === shapeOf(data) ? before.view : null; // a camera that looked at another structure
  }

  // ---- building ----

  build() {
    this.stage = new Stage(this);
    this.film = new FilmPlayer(this);
    this.measure = new Measure(this);
    this.ribbon = new Ribbon(this);
    this.chart = new Chart(this);
    this.matrix = new Matrix(this);
    this.selectionPanel = new SelectionPanel(this);
    this.savedViews = new SavedViews(this);
    this.title = el("h3", {});
    this.facts = el("p", { class: "facts" });
    this.legend = el("div", { class: "legend", role: "group", "aria-label": "What the colours mean" });
    this.tools = el("div", { class: "tools" });
    this.buildHelp("Help: mouse and keyboard", helpPanel);
    this.summary = el("p", { class: "spoken", id: "summary" });
    this.overlays = el("div", { class: "slot" });
    this.problems = el("div", { class: "slot" });
    this.files = el("div", { class: "slot" });
    this.root = el("div", { class: "bench component", role: "group", tabindex: -1 },
      el("div", { class: "bar" }, el("div", { class: "heading" }, this.title, this.facts), this.helpButton), this.help, this.tools,
      el("div", { class: "views" }, el("div", { class: "solid" }, this.stage.element, this.legend), this.matrix.element),
      this.chart.element, this.ribbon.element,
      el("div", { class: "panels" }, this.selectionPanel.element, this.film.element, this.overlays, this.problems, this.measure.element, this.savedViews.element, this.files), this.summary, this.status);
    this.root.addEventListener("keydown", (event) => keyDown(this, event));
    this.root.workbench = this;
  }

  buildTools() {
    const { look } = this;
    this.colourPicker = picker("Colour by", this.colourings.map((one) => [one.id, one.label]), look.colour, (id) => this.setColour(id));
    this.stylePicker = picker("Style", BASE_STYLES, look.style, (style) => { look.style = style; this.stage.restyle(); });
    const surface = el("input", { type: "checkbox", onchange: () => { look.surface = surface.checked; this.stage.restyle(); } });
    surface.checked = look.surface;
    const solid = [labelled("Style", this.stylePicker), el("label", { class: "tick" }, surface, "Surface"), ...this.othersTicks(), el("span", { class: "gap" }),
      keyButton("view", "See all (R)", () => this.stage.reset()), keyButton("picture", "Save a picture: PNG without background", () => savePicture(this))];
    this.tools.replaceChildren(labelled("Colour by", this.colourPicker), ...solid);
    this.solidTools = solid;
  }

  // What is beside the protein can be hidden; waters, of which there are hundreds, are at first.
  othersTicks() {
    const kinds = new Set((this.data.structure.others?.groups ?? []).map(([, kind]) => kind));
    const tick = (name, label, at) => {
      const box = el("input", { type: "checkbox", onchange: () => { this.look[name] = box.checked; this.stage.loadOthers(); this.stage.restyle(); } });
      box.checked = at;
      return el("label", { class: "tick" }, box, label);
    };
    return [
      ...(LIGANDS.some((kind) => kinds.has(kind)) ? [tick("ligands", "Ligands", this.look.ligands !== false)] : []),
      ...(kinds.has("water") ? [tick("waters", "Water", Boolean(this.look.waters))] : []),
    ];
  }

  listen() {
    this.selection.onChange(() => { this.restyleSoon(); this.selectionPanel.refresh(); this.measure.refresh(); this.describe(); this.invalidate(); this.emitSoon(); this.say(this.selection.size ? `${plural(this.selection.size, "residue")} selected` : "Nothing selected"); });
    this.selection.onHover(() => { this.pointed = true; this.invalidate(); });
    // Streamlit changes its theme by changing variables, which nothing tells but the colour that moves with them.
    this.root.addEventListener("transitionend", (event) => { if (event.target === this.root) this.recolour(); });
    this.stage.element.addEventListener("dblclick", () => { if (!this.measure.on) this.selection.clear(); });
  }

  readColours() {
    const pen = el("canvas", { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
    const style = getComputedStyle(this.root);
    const read = (name) => {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = style.getPropertyValue(name);
      pen.fillRect(0, 0, 1, 1);
      return hexOf([...pen.getImageData(0, 0, 1, 1).data].slice(0, 3));
    };
    const [text, back, accent] = [read("--text"), read("--back"), read("--accent")];
    this.colours = { text, back, accent, faint: mixed(text, back, 0.38), line: mixed(text, back, 0.75), dark: inkOn(back) === "#ffffff" };
  }

  recolour() {
    this.readColours();
    this.stage.refit();
    this.stage.restyle();
    this.measure.refresh();
    this.film.refresh();
    this.invalidate();
  }

  // ---- data from Python ----

  update(data, setStateValue) {
    this.setStateValue = setStateValue;
    const before = this.data;
    this.accept(data);
    if (!this.started) { this.started = true; this.stage.start(data.library, this.view); } else {
      if (before.structure.xyz !== data.structure.xyz || before.structure.sequence !== data.structure.sequence) { this.stage.load(); this.stage.reset(); }
      else if (JSON.stringify(before.overlays) !== JSON.stringify(data.overlays)) this.stage.loadOverlays();
      this.stage.restyle();
    }
    this.film.update();
    this.takeSelection(data);
    this.invalidate();
  }

  accept(data) {
    if (this.data.structure.sequence !== data.structure.sequence || this.data.structure.xyz !== data.structure.xyz) {
      this.protein = new Protein(data.structure);
      this.atomsByRow = null;
      this.selection.set(this.selection.sorted().filter((row) => row < this.protein.length));
      this.ribbon.width = null;
    }
    if (this.takenColour !== undefined && this.takenColour !== data.colour) this.look.colour = data.colour;
    this.takenColour = data.colour;
    this.data = data;
    this.colourings = data.colourings.map((raw) => new Colouring(raw));
    if (!this.colourings.some((one) => one.id === this.look.colour)) this.look.colour = data.colour;
    this.root.setAttribute("aria-label", `Structure workbench: ${data.title}`);
    this.title.textContent = data.title;
    this.buildTools();
    this.overlays.replaceChildren(overlaysPanel(this));
    this.problems.replaceChildren(problemsPanel(this));
    this.files.replaceChildren(filesPanel(this));
    this.chart.update();
    this.matrix.update();
    this.refreshLegend();
    this.selectionPanel.refresh();
    this.describe();
  }

  // A selection from Python is taken once, when it changes; one that came from here does not come back.
  takeSelection(data) {
    const told = JSON.stringify([data.selection, data.selection_serial]);
    if (told === this.takenSelection) return;
    const before = this.takenSelection ? JSON.parse(this.takenSelection)[1] : 0;
    this.takenSelection = told;
    if (data.selection === null || (before === data.selection_serial && this.sent.includes(JSON.stringify(data.selection)))) return;
    this.selection.set(data.selection);
    if (data.selection.length) this.ribbon.reveal(data.selection[0]);
  }

  // ---- what the views ask ----

  get colouring() { return this.colourings.find((one) => one.id === this.look.colour) ?? this.colourings[0]; }
  frameValues() { return this.film.values(); }
  values() { return (this.colouring.id === "plddt" ? this.frameValues() : null) ?? this.colouring.values; }

  // The colour of a residue; in 3D what is not selected fades while something is.
  shade(row, flat = false) {
    const colour = this.colouring.ofValue(this.values()[row]);
    return flat || this.selection.size === 0 || this.selection.has(row) ? colour : mixed(colour, this.colours.back, 0.5);
  }

  overlayShown(id) { return this.shownOverlays.get(id) ?? this.data.overlays.find((one) => one.id === id)?.shown ?? false; }

  caOf(row) {
    this.atomsByRow ??= new Map(unpackAtoms(this.data.structure).filter((atom) => atom.place === 1).map((atom) => [atom.row, atom]));
    return this.atomsByRow.get(row);
  }

  pickAtom(atom, event) {
    if (this.measure.on) { this.measure.pick(atom); return; }
    this.selection.click(atom.row, event.shiftKey);
    this.ribbon.cursor = atom.row;
    this.ribbon.reveal(atom.row);
  }

  setColour(id) {
    this.look.colour = id;
    const wanted = this.colouring;
    if (wanted.numeric && id !== "rainbow") this.chart.id = id;
    this.chart.update();
    this.refreshLegend();
    this.selectionPanel.refresh();
    this.stage.restyle();
    this.invalidate();
    this.say(`Coloured by ${wanted.label}`);
  }

  framed() { this.invalidate(); this.describe(); }

  staged() {
    for (const tool of this.solidTools) if (!tool.classList.contains("gap")) tool.hidden = !this.stage.viewer;
    this.ready = true;
    this.measure.refresh();
    if (this.film.open) this.film.show(this.film.place);
    this.invalidate();
  }

  // ---- words ----

  refreshLegend() {
    const shown = this.data.overlays.filter((one) => this.overlayShown(one.id)).map((one) => el("span", { class: "swatch" }, el("i", { style: `background:${one.colour}` }), one.label));
    const { gaps } = this.protein;
    const dashes = gaps.length ? [el("span", { class: "swatch", title: gaps.map((gap) => this.protein.sayGap(gap)).join("; ") }, el("i", { class: "dashes" }), plural(gaps.length, "gap in a chain", "gaps in chains"))] : [];
    this.legend.replaceChildren(...this.colouring.legend(), ...shown, ...dashes);
    this.legend.title = this.colouring.meaning;
  }

  describe() {
    const { protein, data, selection } = this;
    const facts = [plural(protein.length, "residue"), plural(protein.chains.length, "chain")];
    if (known(data.plddt)) facts.push(`mean ${data.confidence ?? "pLDDT"} ${data.plddt.toFixed(1)}`);
    if (known(data.ptm)) facts.push(`pTM ${data.ptm.toFixed(3)}`);
    if (known(data.iptm)) facts.push(`ipTM ${data.iptm.toFixed(3)}`);
    this.facts.textContent = facts.join(" · ");
    const share = (state) => Math.round((100 * [...protein.secondary].filter((one) => one === state).length) / protein.length);
    const frame = this.film.current;
    this.summary.textContent = `${data.title}: ${facts.join(", ")}. ${share("H")} per cent helix, ${share("E")} per cent strand. ${frame ? `Shown: ${frame.label}.` : ""} ${selection.size ? `Selected: ${protein.say(selection.sorted())}.` : "Nothing selected."}`;
  }

  // ---- drawing ----

  invalidate() { this.request ??= requestAnimationFrame(() => this.frame()); }

  frame() {
    this.request = null;
    if (!this.root.isConnected) return;
    this.ribbon.draw();
    this.chart.draw();
    this.matrix.draw();
    if (this.film.shownWidth !== this.root.clientWidth) { this.film.shownWidth = this.root.clientWidth; this.film.refresh(); }
    if (this.pointed) { this.pointed = false; this.stage.showHover(); }
  }

  // ---- state to Python ----

  emit() {
    const rows = this.selection.sorted();
    const now = JSON.stringify(rows);
    if (now === this.sent.at(-1) || (!this.sent.length && !rows.length)) return;
    this.sent = [...this.sent, now].slice(-12);
    this.setStateValue("selection", { run: this.run, rows, residues: rows.map((row) => this.protein.address(row)) });
  }

  // The camera, the selection and the controls.
  remember() {
    const { look, shownOverlays, takenSelection } = this;
    return { look, rows: this.selection.sorted(), view: this.stage.viewer?.getView(), shape: shapeOf(this.data), shownOverlays, takenSelection };
  }

  release() {
    this.film.pause();
    this.restyleSoon.cancel();
    this.stage.dispose();
  }
}

// Tells the coordinates of one structure from those of another.
function shapeOf(data) { return `${data.structure.xyz.length}:${data.structure.xyz.slice(0, 160)}`; }

export default function structureWorkbench(run) {
  return mounted(Workbench, run);
}
