// The one selection and the one pointer that every view shares.

class Selection {
  constructor() {
    this.rows = new Set();
    this.hover = []; // the rows under the pointer: one, or the two of a cell in a map
    this.anchor = null; // where a range with Shift begins
    this.listeners = [];
    this.watchers = [];
  }

  get size() { return this.rows.size; }
  has(row) { return this.rows.has(row); }
  sorted() { return [...this.rows].sort((a, b) => a - b); }
  onChange(action) { this.listeners.push(action); }
  onHover(action) { this.watchers.push(action); }
  changed() { this.listeners.forEach((action) => action()); }

  set(rows) {
    const next = new Set(rows);
    if (next.size === this.rows.size && [...next].every((row) => this.rows.has(row))) return;
    this.rows = next;
    this.changed();
  }

  clear() { this.anchor = null; this.set([]); }

  // A click: alone it selects one residue, with Shift it adds or takes away.
  click(row, add) {
    this.anchor = row;
    if (!add) { this.set([row]); return; }
    const next = new Set(this.rows);
    if (!next.delete(row)) next.add(row);
    this.set(next);
  }

  // A drag from one residue to another; `kept` is what was selected before, where Shift is held.
  range(from, to, kept = null) {
    const next = new Set(kept ?? []);
    for (let row = Math.min(from, to); row <= Math.max(from, to); row += 1) next.add(row);
    this.set(next);
  }

  point(rows) {
    if (rows.length === this.hover.length && rows.every((row, i) => row === this.hover[i])) return;
    this.hover = rows;
    this.watchers.forEach((action) => action());
  }
}
