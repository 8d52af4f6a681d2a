// Views that were saved: camera, colours, style, selection and labels, each under a name, kept by this browser.

const VIEWS_KEY = "fourfold-views:", MOST_VIEWS = 20;

class SavedViews {
  constructor(bench) {
    this.bench = bench;
    this.name = el("input", { type: "text", maxlength: 60, placeholder: "Name of this view", "aria-label": "Name of this view", onkeydown: (event) => { if (event.key === "Enter") this.save(); } });
    this.list = el("ul", {});
    this.problem = el("p", { class: "problem", role: "alert", hidden: true });
    this.element = el("section", { class: "panel", "aria-label": "Saved views" }, el("h3", {}, "Saved views"), el("div", { class: "row" }, this.name, button("Save", () => this.save(), { title: "Camera, colours, selection and labels as they are now" })), this.problem, this.list);
    this.refresh();
  }

  get key() { return `${VIEWS_KEY}${this.bench.run}`; }

  all() {
    try { return JSON.parse(localStorage.getItem(this.key) ?? "[]"); } catch (error) { console.warn(error); return []; } // storage is off, or was written by hand
  }

  keep(views) {
    try { localStorage.setItem(this.key, JSON.stringify(views)); } catch (error) { // storage is off or full
      console.warn(error);
      this.problem.textContent = "This browser keeps nothing for this page, so views cannot be saved.";
      this.problem.hidden = false;
      return;
    }
    this.problem.hidden = true;
    this.refresh();
  }

  save() {
    const { bench } = this;
    const views = this.all();
    const name = this.name.value.trim() || `View ${views.length + 1}`;
    const view = { name, camera: bench.stage.viewer?.getView() ?? null, look: bench.look, rows: bench.selection.sorted(), shape: shapeOf(bench.data) };
    this.keep([...views.filter((one) => one.name !== name), view].slice(-MOST_VIEWS));
    this.name.value = "";
    bench.say(`${name} is saved`);
  }

  show(view) {
    const { bench } = this;
    bench.look = { ...view.look };
    if (!bench.colourings.some((one) => one.id === bench.look.colour)) bench.look.colour = bench.data.colour;
    bench.buildTools();
    bench.selection.set(view.rows.filter((row) => row < bench.protein.length));
    bench.stage.loadOthers();
    bench.setColour(bench.look.colour);
    bench.measure.refresh(); // which draws the labels
    if (view.camera && view.shape === shapeOf(bench.data)) bench.stage.viewer?.setView(view.camera);
    bench.say(`${view.name} is shown`);
  }

  refresh() {
    this.list.replaceChildren(...this.all().map((view) => el("li", { class: "row" }, button(view.name, () => this.show(view)),
      keyButton("close", `Forget ${view.name}`, () => this.keep(this.all().filter((one) => one.name !== view.name))))));
  }
}
