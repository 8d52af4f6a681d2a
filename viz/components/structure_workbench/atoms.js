// Atoms as 3Dmol.js takes them: bonded by chemistry instead of by distance, numbered so that gaps in a chain stay gaps.

const STATE_LETTERS = { H: "h", E: "s", "-": "c" };

function molAtoms(protein, atoms, callbacks = {}) {
  const resi = numbering(protein);
  const states = stateEnds(protein);
  const rows = new Map(atoms.map((atom) => [atom.residue, atom.row]));
  const first = new Map(); // residue * 64 + place -> index of its atom
  const made = atoms.map((atom, index) => {
    first.set(atom.residue * 64 + atom.place, index);
    const row = atom.row;
    const name = PLACES[atom.place];
    return {
      index, serial: index + 1, atom: name, elem: name[0], resn: THREE[protein.sequence[row]].toUpperCase(), chain: protein.chainAt[row],
      resi: resi[row], rescode: String(resi[row]), reschain: 0, hetflag: false, x: atom.x, y: atom.y, z: atom.z, row,
      ss: STATE_LETTERS[protein.secondary[row]], ssbegin: states.begins.has(row), ssend: states.ends.has(row), bonds: [], bondOrder: [], properties: {}, ...callbacks,
    };
  });
  const bond = (one, other) => {
    if (one === undefined || other === undefined) return;
    made[one].bonds.push(other); made[one].bondOrder.push(1);
    made[other].bonds.push(one); made[other].bondOrder.push(1);
  };
  let residue = -1;
  for (const atom of atoms) {
    if (atom.residue === residue) continue;
    residue = atom.residue;
    for (const [one, other] of protein.raw.bonds[protein.sequence[atom.row]] ?? []) bond(first.get(residue * 64 + one), first.get(residue * 64 + other));
    if (protein.linked[atom.row] === "1" && rows.get(residue + 1) === atom.row + 1) bond(first.get(residue * 64 + 2), first.get((residue + 1) * 64));
  }
  return made;
}

// Ligands, ions, waters, nucleic acids and modified residues: they belong to no residue of the protein's arrays.
function looseAtoms(raw, kinds, callbacks) {
  const xyz = floatsOf(raw.xyz);
  const place = new Map(); // atom -> its index among those shown
  const made = [];
  raw.groups.forEach(([label, kind, start, end], group) => {
    if (!kinds.has(kind)) return;
    for (let at = start; at < end; at += 1) {
      place.set(at, made.length);
      made.push({ index: made.length, serial: made.length + 1, atom: raw.elements[at], elem: raw.elements[at], resn: "LIG", chain: "", resi: group + 1, rescode: String(group + 1), reschain: 0,
        hetflag: true, x: xyz[3 * at], y: xyz[3 * at + 1], z: xyz[3 * at + 2], bonds: [], bondOrder: [], properties: { label, kind }, ...callbacks });
    }
  });
  for (let k = 0; k < raw.bonds.length; k += 2) {
    const [one, other] = [place.get(raw.bonds[k]), place.get(raw.bonds[k + 1])];
    if (one === undefined || other === undefined) continue;
    made[one].bonds.push(other); made[one].bondOrder.push(1);
    made[other].bonds.push(one); made[other].bondOrder.push(1);
  }
  return made;
}

// 1, 2, 3… along a chain, with a step of 100 over every gap.
function numbering(protein) {
  let number = 0;
  return Array.from({ length: protein.length }, (_, row) => (number += row === 0 || protein.linked[row - 1] === "1" ? 1 : 100));
}

function stateEnds({ secondary, linked, length }) {
  const [begins, ends] = [new Set(), new Set()];
  for (let row = 0; row < length; row += 1) {
    if (row === 0 || secondary[row] !== secondary[row - 1] || linked[row - 1] !== "1") begins.add(row);
    if (row === length - 1 || secondary[row] !== secondary[row + 1] || linked[row] !== "1") ends.add(row);
  }
  return { begins, ends };
}
