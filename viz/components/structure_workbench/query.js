// Residues chosen by words: “12-20, A:5”, “CYS”, “chain B and plddt < 50”, “within 5 of ligand”, “not helix”.
//
//   any   = both { (“or” | “,”) both }      both = one { “and” one }
//   one   = “not” one | “(” any “)” | “within” number “of” one | a word
//
// Plain lists of numbers may go without commas, as they always could.

const QUERY_WORDS = /\(|\)|,|;|<=|>=|≤|≥|[<>=]|"[^"]*"|[^\s(),;<>=≤≥"]+/g;
const QUERY_HELP = "Write numbers as in the sequence above, such as 12-20 or A:5, names such as CYS, chain B, helix, strand, plddt < 50, within 5 of ligand, and join them with and, or, not.";
const QUERY_STATES = new Map(Object.entries({ helix: "H", strand: "E", sheet: "E", loop: "-", coil: "-" }));
const QUERY_LOOSE = new Map(Object.entries({ ligand: ["ligand", "sugar"], ion: ["ion"], water: ["water"], dna: ["nucleic"], rna: ["nucleic"], nucleic: ["nucleic"] }));

class UnknownWords extends Error {}

class ResidueQuery {
  // `known` has protein (with `parse`), columns (a Map of lower-case name -> values a row), atoms ({ row, x, y, z }) and
  // loose ({ kind, x, y, z }): what lies beside the protein.
  constructor(text, known) {
    this.words = text.match(QUERY_WORDS) ?? [];
    this.at = 0;
    this.known = known;
    this.every = Array.from({ length: known.protein.length }, (_, row) => row);
  }

  // Rows in order. Throws UnknownWords with a sentence.
  rows() {
    const found = this.any();
    if (this.at < this.words.length) throw new UnknownWords(`“${this.words[this.at]}” does not fit here.`);
    return [...found].sort((a, b) => a - b);
  }

  get word() { return this.words[this.at]; }
  is(...words) { return this.word !== undefined && words.includes(this.word.toLowerCase()); }
  take(...words) { return this.is(...words) ? this.words[this.at++] : null; }

  any() {
    const found = new Set(this.both());
    for (;;) {
      if (this.take("or", ",", ";")) { if (this.word === undefined) break; } else if (this.word === undefined || this.is(")", "and") || !/\d/.test(this.word)) break;
      for (const row of this.both()) found.add(row);
    }
    return found;
  }

  both() {
    let found = this.one();
    while (this.take("and", "&")) {
      const next = this.one();
      found = new Set([...found].filter((row) => next.has(row)));
    }
    return found;
  }

  one() {
    if (this.word === undefined) throw new UnknownWords("Something is missing at the end.");
    if (this.take("not", "!")) {
      const without = this.one();
      return new Set(this.every.filter((row) => !without.has(row)));
    }
    if (this.take("(")) {
      const found = this.any();
      if (!this.take(")")) throw new UnknownWords("A bracket is not closed.");
      return found;
    }
    if (this.take("within")) return this.within();
    if (this.take("all")) return new Set(this.every);
    if (this.take("chain")) return this.chain();
    if (this.take("resi", "residue", "residues")) return this.numbers(this.words[this.at++] ?? "");
    return this.named(this.words[this.at++]);
  }

  chain() {
    const name = (this.words[this.at++] ?? "").replaceAll('"', "");
    const chain = this.known.protein.chains.find((one) => one.name === name) ?? this.known.protein.chains.find((one) => one.name.toLowerCase() === name.toLowerCase());
    if (!chain) throw new UnknownWords(`There is no chain “${name}” here.`);
    return new Set(this.every.slice(chain.start, chain.stop));
  }

  numbers(text) {
    const rows = this.known.protein.parse(text.replace(/^\//, "").replace(/^([^:/]+)\//, "$1:").replace(/^(-?\d+):(-?\d+)$/, "$1-$2"));
    if (rows === null) throw new UnknownWords(`Residue “${text}” is not in the structure.`);
    return new Set(rows);
  }

  named(word) {
    const lower = word.toLowerCase();
    const { protein, columns } = this.known;
    if (["<", ">", "<=", ">=", "≤", "≥", "="].includes(this.word)) return this.compared(lower);
    if (QUERY_STATES.has(lower)) return new Set(this.every.filter((row) => protein.secondary[row] === QUERY_STATES.get(lower)));
    if (/\d/.test(word) && !this.every.some((row) => protein.residue(row).toLowerCase() === lower)) return this.numbers(word);
    const found = this.every.filter((row) => protein.residue(row).toLowerCase() === lower);
    if (found.length) return new Set(found);
    if (/^[a-z]{3}$/.test(lower) && Object.values(THREE).some((name) => name.toLowerCase() === lower)) throw new UnknownWords(`There is no ${word.toUpperCase()} in this structure.`);
    throw new UnknownWords(columns.has(lower) ? `Compare ${word} with a number, such as ${word} > 1.` : `“${word}” is not understood.`);
  }

  compared(name) {
    const sign = this.words[this.at++];
    const limit = Number(this.words[this.at++]);
    const values = this.known.columns.get(name);
    if (!values) throw new UnknownWords(`There are no numbers called “${name}” here; there are ${[...this.known.columns.keys()].join(", ") || "none"}.`);
    if (!Number.isFinite(limit)) throw new UnknownWords(`A number has to come after “${sign}”.`);
    const fits = { "<": (value) => value < limit, ">": (value) => value > limit, "<=": (value) => value <= limit, "≤": (value) => value <= limit, ">=": (value) => value >= limit, "≥": (value) => value >= limit, "=": (value) => value === limit }[sign];
    return new Set(this.every.filter((row) => values[row] !== null && values[row] !== undefined && fits(values[row])));
  }

  // Residues with an atom nearer than so many Å to an atom of what follows; those that it is about are not among them.
  within() {
    const reach = Number(this.words[this.at++]);
    if (!(reach > 0)) throw new UnknownWords("After “within” comes a distance in Å, such as within 5 of ligand.");
    if (!this.take("of")) throw new UnknownWords("After the distance comes “of”, such as within 5 of ligand.");
    const kinds = QUERY_LOOSE.get(this.word?.toLowerCase());
    if (kinds) {
      const around = this.known.loose.filter((atom) => kinds.includes(atom.kind));
      if (!around.length) throw new UnknownWords(`There is no ${this.word} beside the protein.`);
      this.at += 1;
      return this.near(around, reach, new Set());
    }
    const centre = this.one();
    return this.near(this.known.atoms.filter((atom) => centre.has(atom.row)), reach, centre);
  }

  // By cells as wide as the reach, so that large structures take no longer than it takes to read them.
  near(around, reach, without) {
    const cell = (value) => Math.floor(value / reach);
    const cells = new Map();
    for (const atom of around) {
      const key = `${cell(atom.x)},${cell(atom.y)},${cell(atom.z)}`;
      if (!cells.has(key)) cells.set(key, []);
      cells.get(key).push(atom);
    }
    const found = new Set();
    for (const atom of this.known.atoms) {
      if (without.has(atom.row) || found.has(atom.row)) continue;
      for (let k = 0; k < 27; k += 1) {
        const key = `${cell(atom.x) + (k % 3) - 1},${cell(atom.y) + (Math.floor(k / 3) % 3) - 1},${cell(atom.z) + Math.floor(k / 9) - 1}`;
        if (cells.get(key)?.some((one) => (one.x - atom.x) ** 2 + (one.y - atom.y) ** 2 + (one.z - atom.z) ** 2 <= reach * reach)) { found.add(atom.row); break; }
      }
    }
    return found;
  }
}

// { rows } of a text, or { problem } as a sentence.
function selectByWords(text, known) {
  try {
    const rows = new ResidueQuery(text, known).rows();
    return rows.length ? { rows } : { problem: "No residue is like that." };
  } catch (error) {
    if (!(error instanceof UnknownWords)) throw error;
    return { problem: `${error.message} ${QUERY_HELP}` };
  }
}

// What the workbench knows of its residues by name, for selectByWords.
function knownOf(bench) {
  const columns = new Map();
  for (const one of bench.data.colourings) {
    if (one.kind === "categories") continue;
    columns.set(one.id === "plddt" ? "plddt" : one.label.toLowerCase(), one.values);
    columns.set(one.id.toLowerCase(), one.values);
  }
  const raw = bench.data.structure.others;
  const xyz = raw ? floatsOf(raw.xyz) : [];
  const loose = (raw?.groups ?? []).flatMap(([, kind, start, end]) => Array.from({ length: end - start }, (_, k) => ({ kind, x: xyz[3 * (start + k)], y: xyz[3 * (start + k) + 1], z: xyz[3 * (start + k) + 2] })));
  return { protein: bench.protein, columns, atoms: bench.stage.atoms ?? unpackAtoms(bench.data.structure), loose };
}
