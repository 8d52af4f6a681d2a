// The 3D view. The camera moves only when somebody moves it: colours, styles, films and selections leave it alone.

const ELEMENT_COLOURS = { N: "#3050f8", O: "#e02010", S: "#c8a000" };
const LOOSE_COLOURS = { C: "#a8a8a8", H: "#e8e8e8", P: "#e08214", F: "#2ca02c", Cl: "#2ca02c", Br: "#8c3b1e", I: "#7b3294", Fe: "#c0571c", Mg: "#1a9850", Ca: "#1a9850", Na: "#8567c4", K: "#8567c4", Zn: "#6b7a99", ...ELEMENT_COLOURS };
const LIGANDS = ["ligand", "ion", "sugar", "nucleic", "modified"];
const EXTRA_STYLES = [["balls", "Balls and sticks"], ["sticks", "Sticks"], ["spheres", "Spheres"], ["nothing", "As the rest"]];
const BASE_STYLES = [["cartoon", "Cartoon"], ["trace", "Trace of Cα"], ["sticks", "Sticks"], ["spheres", "Spheres"]];

class Stage {
  constructor(bench) {
    this.bench = bench;
    this.holder = el("div", { class: "holder" });
    this.readout = el("div", { class: "readout", hidden: true });
    this.message = el("p", { class: "notice", hidden: true });
    this.element = el("div", { class: "stage", tabindex: 0, role: "application", "aria-roledescription": "3D view", "aria-describedby": "summary", onkeydown: (event) => this.key(event) }, this.holder, this.readout, this.message);
    // The page scrolls under the wheel until the view has been clicked, or Ctrl is held.
    this.element.addEventListener("wheel", (event) => { if (!event.ctrlKey && !this.element.matches(":focus-within")) event.stopPropagation(); }, { capture: true });
    this.element.addEventListener("pointerdown", () => this.element.focus({ preventScroll: true }));
    this.element.addEventListener("pointerleave", () => bench.selection.point([]));
    this.overlays = new Map();
    this.shapes = [];
    this.dashes = []; // over gaps of the chains
    this.frame = null; // what a film shows instead of the result: { rows, values, atoms }
  }

  async start(url, view) {
    if (!hasWebGL()) { this.refuse(NO_WEBGL); return; }
    let library = null;
    try { library = await loadLibrary(url); } catch (error) { console.warn(error); this.refuse(NO_LIBRARY); return; }
    if (this.disposed) return;
    const settings = { backgroundColor: this.bench.colours.back, backgroundAlpha: 0, antialias: true, hoverDuration: 40, cartoonQuality: this.bench.protein.length > 700 ? 5 : 10 };
    this.library = library;
    try { this.viewer = library.createViewer(this.holder, settings); } catch (error) { console.warn(error); this.refuse(NO_WEBGL); return; }
    this.load();
    this.fog();
    if (view) this.viewer.setView(view); else this.viewer.zoomTo();
    this.viewer.render();
    this.viewer.getCanvas().draw = () => this.viewer.render(); // see figure_tools/collage.js
    this.bench.staged();
  }

  refuse(sentence) {
    this.message.textContent = sentence;
    this.message.hidden = false;
    this.element.classList.add("without");
    this.bench.staged();
  }

  // ---- models ----

  load() {
    if (!this.viewer) return;
    this.viewer.removeAllModels();
    this.overlays.clear();
    this.filmModel = this.othersModel = null;
    this.atoms = unpackAtoms(this.bench.protein.raw);
    this.model = this.viewer.addModel();
    this.model.addAtoms(molAtoms(this.bench.protein, this.atoms, this.callbacks()));
    this.loadOthers();
    this.loadOverlays();
    this.restyle();
  }

  // What is beside the protein, as far as it is to be seen.
  loadOthers() {
    if (!this.viewer) return;
    if (this.othersModel) this.viewer.removeModel(this.othersModel);
    this.othersModel = null;
    const { others } = this.bench.protein.raw;
    const { look } = this.bench;
    const kinds = new Set([...(look.ligands === false ? [] : LIGANDS), ...(look.waters ? ["water"] : [])]);
    if (!others || !others.groups.some(([, kind]) => kinds.has(kind))) return;
    const say = { hoverable: true, hover_callback: (atom) => this.showWords(atom.properties.label), unhover_callback: () => this.showWords("") };
    this.othersModel = this.viewer.addModel();
    this.othersModel.addAtoms(looseAtoms(others, kinds, say));
  }

  showWords(text) {
    this.readout.hidden = !text;
    this.readout.textContent = text;
  }

  callbacks() {
    return {
      clickable: true, hoverable: true,
      callback: (atom, viewer, event) => this.bench.pickAtom(atom, event),
      hover_callback: (atom) => this.bench.selection.point([atom.row]),
      unhover_callback: () => this.bench.selection.point([]),
    };
  }

  loadOverlays() {
    if (!this.viewer) return;
    for (const { model } of this.overlays.values()) this.viewer.removeModel(model);
    this.overlays.clear();
    for (const raw of this.bench.data.overlays) {
      const protein = new Protein(raw.structure);
      const model = this.viewer.addModel();
      const atoms = unpackAtoms(raw.structure);
      model.addAtoms(molAtoms(protein, atoms));
      this.overlays.set(raw.id, { model, protein, atoms, colour: raw.colour });
    }
  }

  // Shows `frame` of a film instead of the result; null shows the result again.
  showFrame(frame) {
    const same = frame && this.frame && frame.film === this.frame.film;
    this.frame = frame;
    if (!this.viewer) return;
    if (!same && this.filmModel) { this.viewer.removeModel(this.filmModel); this.filmModel = null; }
    if (frame && !this.filmModel) {
      this.filmModel = this.viewer.addModel();
      this.filmModel.addAtoms(molAtoms(this.bench.protein, frame.atoms, this.callbacks()));
    }
    if (frame) {
      const shown = this.filmModel.selectedAtoms({});
      frame.atoms.forEach((atom, i) => Object.assign(shown[i], { x: atom.x, y: atom.y, z: atom.z }));
    }
    this.restyle();
  }

  get shownAtoms() { return this.frame ? this.frame.atoms : this.atoms; }

  // ---- looks ----

  restyle() {
    if (!this.viewer) return;
    const { selection, look } = this.bench;
    const main = this.filmModel ?? this.model;
    const hue = (atom) => this.bench.shade(atom.row);
    const carbon = (atom) => ELEMENT_COLOURS[atom.elem] ?? hue(atom);
    if (this.filmModel) this.model.hide(); else this.model.show();
    this.dress(main, this.bench.protein, look.style, hue, carbon);
    if (look.extra !== "nothing") main.setStyle({ predicate: (atom) => selection.has(atom.row) }, this.extra(look.extra, carbon), true);
    for (const [id, { model, protein, colour }] of this.overlays) {
      if (this.bench.overlayShown(id)) { model.show(); this.dress(model, protein, look.style, () => colour, (atom) => ELEMENT_COLOURS[atom.elem] ?? colour); } else model.hide();
    }
    if (this.othersModel) {
      const colorfunc = (atom) => LOOSE_COLOURS[atom.elem] ?? "#b05fc8";
      if (this.frame) this.othersModel.hide(); else this.othersModel.show();
      this.othersModel.setStyle({}, { stick: { radius: 0.18, colorfunc }, sphere: { scale: 0.27, colorfunc } });
    }
    this.drawGaps();
    this.resurface();
    this.viewer.render();
  }

  // What a file does not show of a chain, as a dashed line between the residues before and after.
  drawGaps() {
    this.dashes.forEach((dash) => this.viewer.removeShape(dash));
    this.dashes = this.dashesOf(this.bench.protein, this.shownAtoms, (row) => this.bench.shade(row));
    for (const [id, { protein, atoms, colour }] of this.overlays) if (this.bench.overlayShown(id)) this.dashes.push(...this.dashesOf(protein, atoms, () => colour));
  }

  dashesOf(protein, atoms, hue) {
    const at = (row) => atoms.find((atom) => atom.row === row && atom.place === 1);
    return protein.gaps.map((gap) => [gap, at(gap.before), at(gap.after)]).filter(([, one, other]) => one && other).map(([gap, one, other]) => this.viewer.addCylinder({
      start: { x: one.x, y: one.y, z: one.z }, end: { x: other.x, y: other.y, z: other.z }, radius: 0.32, dashed: true, dashLength: 1.4, gapLength: 1, color: hue(gap.before),
      hoverable: true, hover_callback: () => this.showWords(protein.sayGap(gap)), unhover_callback: () => this.showWords(""),
    }));
  }

  dress(model, protein, style, hue, carbon) {
    const styles = {
      cartoon: protein.backbone ? { cartoon: { colorfunc: hue, arrows: true } } : { cartoon: { style: "trace", thickness: 0.35, colorfunc: hue } },
      trace: { cartoon: { style: "trace", thickness: 0.35, colorfunc: hue } },
      sticks: protein.backbone ? { stick: { radius: 0.16, colorfunc: carbon } } : { sphere: { radius: 0.7, colorfunc: hue } },
      spheres: { sphere: { colorfunc: carbon } },
    };
    model.setStyle({}, styles[style]);
  }

  extra(kind, carbon) {
    return { balls: { stick: { radius: 0.14, colorfunc: carbon }, sphere: { scale: 0.24, colorfunc: carbon } }, sticks: { stick: { radius: 0.2, colorfunc: carbon } }, spheres: { sphere: { scale: 0.8, colorfunc: carbon } } }[kind];
  }

  // A surface takes a while, so it is made once and only coloured again; a film has none.
  resurface() {
    const wanted = this.bench.look.surface && !this.frame;
    const style = { opacity: 0.78, colorfunc: (atom) => this.bench.shade(atom.row) };
    if (!wanted) {
      if (this.surface) this.viewer.removeAllSurfaces();
      this.surface = null;
    } else if (this.surface?.id !== undefined && this.surface.model === this.model) this.viewer.setSurfaceMaterialStyle(this.surface.id, style);
    else if (!this.surface || this.surface.model !== this.model) this.makeSurface(style);
  }

  async makeSurface(style) {
    this.viewer.removeAllSurfaces();
    const surface = { model: this.model };
    this.surface = surface;
    this.bench.say("Making the surface");
    const type = this.bench.protein.length > 800 ? "VDW" : "SES";
    try { surface.id = await this.viewer.addSurface(type, style, { model: this.model }); } catch (error) { console.warn(error); this.bench.say("The surface could not be made"); return; }
    if (this.surface !== surface) { this.viewer.removeSurface(surface.id); return; }
    this.resurface();
    this.viewer.render();
    this.bench.say("The surface is there");
  }

  // ---- pointing and measuring ----

  showHover() {
    const rows = this.bench.selection.hover;
    const { protein } = this.bench;
    this.readout.hidden = rows.length === 0;
    if (rows.length) this.readout.textContent = rows.map((row) => `${protein.name(row)}, ${this.bench.colouring.say(row, this.bench.values())}`).join(" · ");
    if (!this.viewer) return;
    if (this.marks) this.marks.forEach((mark) => this.viewer.removeShape(mark));
    const accent = this.bench.colours.accent;
    this.marks = rows.map((row) => this.shownAtoms.find((atom) => atom.row === row && atom.place === 1)).filter(Boolean)
      .map(({ x, y, z }) => this.viewer.addSphere({ center: { x, y, z }, radius: 1.1, color: accent, opacity: 0.7 }));
    this.viewer.render();
  }

  showMeasures(measures, picks) {
    if (!this.viewer) return;
    this.shapes.forEach((shape) => this.viewer.removeShape(shape));
    this.viewer.removeAllLabels();
    const { text, back } = this.bench.colours;
    this.shapes = picks.map(({ x, y, z }) => this.viewer.addSphere({ center: { x, y, z }, radius: 0.55, color: this.bench.colours.accent, opacity: 0.85 }));
    for (const { points, value, unit } of measures) {
      for (let i = 1; i < points.length; i += 1) this.shapes.push(this.viewer.addCylinder({ start: points[i - 1], end: points[i], radius: 0.09, dashed: true, color: text }));
      const middle = points.length === 3 ? points[1] : ["x", "y", "z"].reduce((mean, axis) => ({ ...mean, [axis]: points.reduce((sum, point) => sum + point[axis], 0) / points.length }), {});
      this.viewer.addLabel(figure(value, unit), { position: middle, fontSize: 13, fontColor: text, backgroundColor: back, backgroundOpacity: 0.85, inFront: true });
    }
    this.labelResidues();
    this.viewer.render();
  }

  // Names of the residues that somebody labelled, at their Cα.
  labelResidues() {
    const { look, protein, colours: { text, back } } = this.bench;
    for (const row of look.labels ?? []) {
      const at = row < protein.length && this.shownAtoms.find((atom) => atom.row === row && atom.place === 1);
      if (at) this.viewer.addLabel(protein.name(row), { position: { x: at.x, y: at.y, z: at.z }, fontSize: 12, fontColor: text, backgroundColor: back, backgroundOpacity: 0.8, inFront: true });
    }
  }

  // ---- the camera, when asked ----

  reset() { this.viewer?.zoomTo({}, 400); }
  lookAt(rows) {
    const wanted = new Set(rows);
    this.viewer?.zoomTo({ predicate: (atom) => wanted.has(atom.row) }, 400);
  }

  key(event) {
    if (!this.viewer || event.ctrlKey || event.metaKey || event.altKey) return;
    const turn = event.shiftKey ? 3 : 15;
    const action = {
      ArrowLeft: () => this.viewer.rotate(-turn, "y"), ArrowRight: () => this.viewer.rotate(turn, "y"), ArrowUp: () => this.viewer.rotate(-turn, "x"), ArrowDown: () => this.viewer.rotate(turn, "x"),
      "+": () => this.viewer.zoom(1.15), "=": () => this.viewer.zoom(1.15), "-": () => this.viewer.zoom(1 / 1.15),
    }[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
    this.viewer.render();
  }

  // The room on the page changed with `change`: what was in sight from side to side stays so.
  reshape(change) {
    const narrow = () => Math.min(1, this.holder.clientWidth / this.holder.clientHeight);
    const before = narrow();
    change();
    if (!this.viewer || before === narrow()) return;
    this.viewer.resize();
    this.viewer.zoom(narrow() / before);
    this.viewer.render();
  }

  // The theme or the size changed.
  refit() {
    if (!this.viewer) return;
    this.viewer.setBackgroundColor(this.bench.colours.back, 0);
    this.fog();
    this.viewer.resize();
    this.viewer.render();
  }

  // Far parts fade into a light page; on a dark one that would hide them.
  fog() { this.viewer.enableFog(!this.bench.colours.dark); }

  dispose() {
    this.disposed = true;
    if (!this.viewer) return;
    this.viewer.removeAllSurfaces();
    this.viewer.removeAllModels();
    this.viewer.clear();
  }
}
