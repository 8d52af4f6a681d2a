// The list: drag an entry by its handle, or move it with Alt and the arrow keys. Streamlit calls the default export.

class OrderList {
  constructor(data, host) {
    this.run = data.run;
    this.chosen = null;
    this.list = el("ol", { role: "listbox" });
    this.status = el("div", { class: "spoken", role: "status", "aria-live": "polite" });
    this.root = el("div", { class: "order component" }, this.list, this.status);
    this.root.addEventListener("keydown", (event) => this.key(event));
    host.append(this.root);
  }

  update(data, setStateValue) {
    this.send = setStateValue;
    this.list.setAttribute("aria-label", `${data.label}: Alt and an arrow key move the chosen entry`);
    const text = JSON.stringify(data.items);
    if (text === this.text) return;
    this.text = text;
    this.items = data.items;
    if (!this.items.some((one) => one.id === this.chosen)) this.chosen = this.items[0]?.id ?? null;
    this.draw();
  }

  draw() {
    this.list.replaceChildren(...this.items.map((item, place) => this.row(item, place)));
  }

  row(item, place) {
    const handle = el("span", { class: "handle", title: "Drag to move", "aria-hidden": "true" }, "⠿");
    const row = el("li", { role: "option", tabindex: item.id === this.chosen ? 0 : -1, "aria-selected": String(item.id === this.chosen), "data-id": item.id },
      handle, el("span", { class: "number" }, String(place + 1)), el("span", { class: "words" }, el("b", {}, item.title), item.note ? el("small", {}, item.note) : null));
    row.addEventListener("click", () => { this.choose(item.id); this.focus(); });
    handle.addEventListener("pointerdown", (event) => this.grab(event, item.id));
    return row;
  }

  grab(event, id) {
    event.preventDefault();
    this.choose(id, false);
    const move = (next) => {
      const over = this.root.getRootNode().elementFromPoint(next.clientX, next.clientY)?.closest("li");
      if (over && over.dataset.id !== id) this.place(id, this.items.findIndex((one) => one.id === over.dataset.id));
    };
    const drop = () => {
      window.removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) window.removeEventListener(name, drop);
      this.emit();
    };
    window.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, drop);
  }

  place(id, to) {
    const from = this.items.findIndex((one) => one.id === id);
    const [item] = this.items.splice(from, 1);
    this.items.splice(clamp(to, 0, this.items.length), 0, item);
    this.draw();
  }

  key(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const at = this.items.findIndex((one) => one.id === this.chosen);
    const to = clamp(at + step, 0, this.items.length - 1);
    if (!event.altKey) { this.choose(this.items[to].id); this.focus(); return; }
    this.place(this.chosen, to);
    this.focus();
    this.status.textContent = `${this.items[to].title}: now ${to + 1} of ${this.items.length}`;
    this.emit();
  }

  focus() { this.list.querySelector("[aria-selected=true]")?.focus(); }

  choose(id, emit = true) {
    this.chosen = id;
    this.draw();
    if (emit) this.emit();
  }

  emit() { this.send("order", { ids: this.items.map((one) => one.id), chosen: this.chosen }); }

  dispose() { this.root.remove(); }
}

export default function orderList(run) {
  return mounted(OrderList, run);
}
