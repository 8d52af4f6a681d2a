// The protein as the views need it: residues by index ("rows"), their names, and the atoms.

const PLACES = ["N", "CA", "C", "CB", "O", "CG", "CG1", "CG2", "OG", "OG1", "SG", "CD", "CD1", "CD2", "ND1", "ND2", "OD1", "OD2", "SD", "CE", "CE1", "CE2", "CE3", "NE", "NE1", "NE2", "OE1", "OE2", "CH2", "NH1", "NH2", "OH", "CZ", "CZ2", "CZ3", "NZ", "OXT"];
const THREE = { A: "Ala", R: "Arg", N: "Asn", D: "Asp", C: "Cys", Q: "Gln", E: "Glu", G: "Gly", H: "His", I: "Ile", L: "Leu", K: "Lys", M: "Met", F: "Phe", P: "Pro", S: "Ser", T: "Thr", W: "Trp", Y: "Tyr", V: "Val", X: "Unk" };
const STATES = { H: "helix", E: "strand", "-": "neither helix nor strand" };

class Protein {
  constructor(raw) {
    this.raw = raw;
    this.sequence = raw.sequence;
    this.length = raw.sequence.length;
    this.chains = raw.chains.map(([name, start, stop]) => ({ name, start, stop }));
    this.secondary = raw.secondary;
    this.linked = raw.linked;
    this.backbone = raw.backbone;
    this.gaps = (raw.gaps ?? []).map(([before, after, missing]) => ({ before, after, missing }));
    this.chainAt = new Array(this.length);
    for (const chain of this.chains) this.chainAt.fill(chain.name, chain.start, chain.stop);
    this.index = new Map();
    for (let row = 0; row < this.length; row += 1) this.index.set(`${this.chainAt[row]}:${this.number(row)}`, row);
  }

  number(row) { return `${this.raw.numbers[row]}${this.raw.insertions?.[row] ?? ""}`; }
  residue(row) { return this.raw.components?.[row] ?? THREE[this.sequence[row]]; }
  name(row) { return `${this.residue(row)} ${this.number(row)}${this.chains.length > 1 ? ` of chain ${this.chainAt[row]}` : ""}`; }
  short(row) { return `${this.chains.length > 1 ? `${this.chainAt[row]}:` : ""}${this.residue(row)}${this.number(row)}`; }

  sayGap({ before, after, missing }) { return `${this.short(before)} to ${this.short(after)}: ${missing ? `${plural(missing, "residue")} missing` : "the chain is broken"}`; }

  // What Python gets: [chain, number], with the insertion code third where there is one.
  address(row) {
    const code = this.raw.insertions?.[row];
    return code ? [this.chainAt[row], this.raw.numbers[row], code] : [this.chainAt[row], this.raw.numbers[row]];
  }

  // Runs of rows within one chain: [first, last].
  runs(rows) {
    const found = [];
    for (const row of rows) {
      const last = found.at(-1);
      if (last && row === last[1] + 1 && this.chainAt[row] === this.chainAt[last[1]]) last[1] = row;
      else found.push([row, row]);
    }
    return found;
  }

  // "5–16, 30" or "A 5–16, B 3": at most `most` runs.
  say(rows, most = 6) {
    const runs = this.runs(rows);
    const several = this.chains.length > 1;
    const words = runs.slice(0, most).map(([first, last]) => `${several ? `${this.chainAt[first]} ` : ""}${this.number(first)}${last > first ? `–${this.number(last)}` : ""}`);
    return words.join(", ") + (runs.length > most ? ` and ${runs.length - most} more` : "");
  }

  // "12-20, A:5, 30" -> rows, or null where it is not understood.
  parse(text) {
    const rows = new Set();
    for (const part of text.split(/[,;\s]+/).filter(Boolean)) {
      const match = /^(?:([^:]+):)?(-?\d+[A-Za-z]?)(?:[-–](?:[^:]+:)?(-?\d+[A-Za-z]?))?$/.exec(part);
      if (!match) return null;
      const chain = match[1] ?? this.chains[0].name;
      const ends = [match[2], match[3] ?? match[2]].map((number) => this.index.get(`${chain}:${number}`));
      if (ends.some((row) => row === undefined)) return null;
      for (let row = Math.min(...ends); row <= Math.max(...ends); row += 1) rows.add(row);
    }
    return rows.size ? [...rows] : null;
  }
}

// { row, place, x, y, z } of each packed atom; `rows` are the residues' indices in the main protein.
function unpackAtoms(raw, rows) {
  const [counts, places, xyz] = [bytesOf(raw.counts), bytesOf(raw.places), floatsOf(raw.xyz)];
  const atoms = new Array(places.length);
  let at = 0;
  counts.forEach((count, residue) => {
    for (let k = 0; k < count; k += 1, at += 1) {
      atoms[at] = { residue, row: rows ? rows[residue] : residue, place: places[at], x: xyz[3 * at], y: xyz[3 * at + 1], z: xyz[3 * at + 2] };
    }
  });
  return atoms;
}
