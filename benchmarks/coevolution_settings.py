"""TM-score of the `coevolution` engine's folds from simulated couplings: for settings chosen on chains not measured.

    python -m benchmarks.coevolution_settings --data DIR --measured FILES --part tune
    python -m benchmarks.coevolution_settings --data DIR --measured FILES --set population_descent.ROUNDS=9

DIR holds `chains_train.npz` and `ca_traces_train.npz` (`evaluation.datasets.protein_chains`), FILES are structures
whose sequences no chain here may be like: those that `benchmarks.coevolution` measures. Five chains each of helices, of
strands and of both are there to choose settings (`tune`), seven each to see whether they hold (`check`); all of 60 to
105 residues, compact, of different clusters. Today's settings were not chosen here.

No alignment is needed: the scores of couplings are drawn. A contact is coupled by a strength of its own, as are, more
weakly, pairs up to 13 Å apart, over noise of heavy tails (`couplings`); helices and strands are wrong in stretches, in
one residue of five (`states`). The likeliest L/5, L/2 and L pairs are contacts in 0.76, 0.62 and 0.49, where the
alignments of `benchmarks.coevolution` have 0.77, 0.57 and 0.44.

Seed 0 on the first 14 chains of `tune`, one fold each:

    kind      mean TM-score, range
    helices   0.43   0.35 to 0.53
    strands   0.32   0.25 to 0.40
    both      0.39   0.30 to 0.56

The mean over all is 0.38, the median 0.37. Real alignments of such precision do better (0.48), so trust a
difference here only as far as it shows there too. One that did not: a search that settles Cα alone first, in five
dimensions, and then lays a backbone along, its settings chosen here, had 0.44 (0.06 better, standard error 0.02) in
half the time. Of the four proteins with alignments, looked at once, three folds each had 0.61, 0.52, 0.43 and 0.26
(3u8v, 4zey, 2crb, 3zee), no better than 0.68, 0.52, 0.45 and 0.29 without it, so it was left out.

Choosing better among what both searches end with, four folds each, did not either. On the first eight chains of `tune`
the best of eight folds has 0.45, where the engine gives 0.37. The correlation of how nearly residues touch with the
couplings of all pairs six or more apart nearly always finds it: 0.45, better by 0.07, standard error 0.02. It was
picked from some sixty measures on five of these; on the other three and two of `check` it is better by 0.08. Of the
four proteins, one run each, it chooses 0.72, 0.54, 0.47 and 0.30, where the engine in the same run has 0.72, 0.53, 0.50
and 0.27, and the best of eight 0.72, 0.54, 0.50 and 0.30: there choosing has little to gain. A second run of 3u8v,
whose descent went worse, has 0.59 for 0.54. On the eight ProteinMPNN's likelihood of the sequence chooses 0.35 to 0.40
(it tells better from worse only above a TM-score of about 0.5), the fold most like the others has 0.38, that of best
buried hydrophobic residues 0.39.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tmtools
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from scipy.special import softmax

from backends.folding.alignment.profile import LOOP
from backends.folding.coevolution.contacts import contact_probabilities
from backends.folding.coevolution.engine import agreement, fold_chain
from backends.folding.coevolution.restraints import expected_radius
from backends.folding.structure.plausibility_checks import check_structure
from backends.folding.structure.reader import read_structure
from backends.folding.types import Model
from benchmarks.coevolution import precision
from evaluation.datasets.protein_chains import TRAIN, UNKNOWN, Chains, read_chains, without_alike

KINDS = ("helices", "strands", "both")
PARTS = {"tune": slice(0, 5), "check": slice(5, 12)}
LONGEST, SHORTEST, LONGEST_BOND = 105, 60, 4.2


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--measured", type=Path, nargs="*", default=[])
    parser.add_argument("--part", choices=PARTS, default="tune")
    parser.add_argument("--signal", type=float, default=2.6)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--set", nargs="+", default=[], metavar="MODULE.NAME=NUMBER", help="constants of the engine")
    arguments = parser.parse_args()
    for setting in arguments.set:
        change(setting)
    measured = [read_structure(path).sequence for path in arguments.measured]
    chains = without_alike(read_chains(arguments.data), measured)
    scores = []
    for kind, chain in chosen(chains, PARTS[arguments.part]):
        scores += [report(chains, kind, chain, arguments.signal, seed) for seed in arguments.seeds]
    print(f"TM-score: mean {np.mean(scores):.3f}, median {np.median(scores):.3f} of {len(scores)} folds")  # noqa: T201


def change(setting: str) -> None:
    """Set a constant of a module of the engine, as in `population_descent.ROUNDS=9`, in that module alone."""
    name, value = setting.split("=")
    module, constant = name.split(".")
    found = importlib.import_module(f"backends.folding.coevolution.{module}")
    setattr(found, constant, type(getattr(found, constant))(float(value)))


def chosen(chains: Chains, part: slice) -> Iterator[tuple[str, int]]:
    """The kind and the number of each chain, in an order that is always the same: one of each kind, and again."""
    found: dict[str, list[int]] = {kind: [] for kind in KINDS}
    seen: set[int] = set()
    for index in np.random.default_rng(7).permutation(chains.of(TRAIN)).tolist():
        kind = kind_of(chains, index)
        if kind is not None and chains.cluster[index] not in seen and len(found[kind]) < PARTS["check"].stop:
            seen.add(int(chains.cluster[index]))
            found[kind].append(index)
    rounds = zip(*(found[kind][part] for kind in KINDS), strict=True)
    return (chain for each in rounds for chain in zip(KINDS, each, strict=True))


def kind_of(chains: Chains, index: int) -> str | None:
    """Helices, strands or both; None of a chain that is of no use here: broken, not compact, or neither."""
    rows = chains.rows(index)
    atoms, states = chains.atoms[rows], chains.states[rows]
    if not SHORTEST <= len(atoms) <= LONGEST or not np.isfinite(atoms).all() or UNKNOWN in chains.residues[rows]:
        return None
    ca = atoms[:, 1]
    radius = np.sqrt(np.square(ca - ca.mean(0)).sum(1).mean())
    broken = np.linalg.norm(np.diff(ca, axis=0), axis=1).max() > LONGEST_BOND
    touching = (distances(atoms)[np.triu_indices(len(ca), 6)] < 8).sum()
    helix, strand = (states == 0).mean(), (states == 1).mean()
    if broken or radius > 1.15 * expected_radius(len(ca)) or touching < 0.9 * len(ca) or helix + strand < 0.4:
        return None
    if helix > 0.45 and strand < 0.1:
        return "helices"
    if strand > 0.35 and helix < 0.1:
        return "strands"
    return "both" if helix > 0.2 and strand > 0.15 else None


def distances(atoms: np.ndarray) -> np.ndarray:
    """`(L, L)` Å of the Cβ."""
    cb = atoms[:, 4].astype(float)
    return np.linalg.norm(cb[:, None] - cb[None], axis=-1)


def couplings(apart: np.ndarray, signal: float, draw: np.random.Generator) -> np.ndarray:
    """`(L, L)` scores of couplings, in units of their noise, of residues `(L, L)` Å apart.

    `signal · near · strength + noise`: near is 1 of a contact and falls to 0 at 13 Å, from 0.7 on; strengths are
    gamma-distributed, alike for neighbouring pairs and low for whole columns that vary little; the noise is Student's
    t of 5 degrees of freedom.
    """
    length = len(apart)
    near = np.where(apart < 8, 1.0, 0.7 * np.clip((13 - apart) / 5, 0, 1))
    smooth = gaussian_filter(draw.normal(size=(length, length)), 1.2)
    varied = draw.gamma(8, 1 / 8, length)
    strength = draw.gamma(1.3, 1 / 1.3, (length, length)) * np.exp(0.3 * smooth / smooth.std())
    scores = signal * near * strength * np.sqrt(np.outer(varied, varied)) + draw.standard_t(5, (length, length))
    return np.triu(scores, 1) + np.triu(scores, 1).T


def states(true: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """`(L, 3)` probabilities of helix, strand and loop: the true ones, `(L,)`, blurred and with smooth noise."""
    known = gaussian_filter1d(np.eye(3)[np.where(true < 0, LOOP, true)], 0.7, axis=0)
    noise = gaussian_filter1d(draw.normal(size=known.shape), 2, axis=0)
    return softmax(4.5 * known + 2.1 * noise / noise.std(), axis=1)


def report(chains: Chains, kind: str, index: int, signal: float, seed: int) -> float:
    """Fold a chain from drawn couplings, print one line, and return the TM-score."""
    rows, sequence = chains.rows(index), chains.sequence(index)
    atoms, draw = chains.atoms[rows], np.random.default_rng([seed, index])
    apart, told = distances(atoms), states(chains.states[rows], draw)
    contacts = contact_probabilities(couplings(apart, signal, draw), told, np.ones(len(told)), np.inf)
    began = time.process_time()
    fold = next(event for event in fold_chain(sequence, contacts, told, seed) if isinstance(event, Model)).structure
    seconds = time.process_time() - began
    trace, truth = fold.ca.astype(float), atoms[:, 1].astype(float)
    tm, mirrored = (
        float(tmtools.tm_align(trace * [1, 1, hand], truth, sequence, sequence).tm_norm_chain2) for hand in (1, -1)
    )
    precise = " ".join(f"{precision(contacts, atoms[:, 4], fraction):.2f}" for fraction in (0.2, 0.5, 1.0))
    q3 = (told.argmax(1) == np.where(chains.states[rows] < 0, LOOP, chains.states[rows])).mean()
    print(  # noqa: T201
        f"{kind} {index} seed {seed}: {len(sequence)} residues, Q3 {q3:.2f}, precision L/5 L/2 L {precise}, "
        f"TM {tm:.3f}, of its mirror image {mirrored:.3f}, estimate {fold.mean_confidence:.0f} against lDDT "
        f"{agreement(truth, trace[None]).mean():.0f}, geometry {check_structure(fold).verdict}, {seconds:.0f} s",
        flush=True,
    )
    return tm


if __name__ == "__main__":
    main()
