"""Sentences made from the numbers of a study, and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from evaluation.statistics import signed_rank
from evaluation.statistics.comparison import Findings
from evaluation.statistics.pairs import MCNEMAR
from evaluation.studies.results import GROUP, Measured, StudyResults, span

PUBLISHED = (
    "These figures are from papers: other code, other machines, perhaps other units. They show the order of size, and "
    "are part of no test."
)
GROUPS = (
    "The median of the first measure within each group of units that belong together, such as the songs of one singer. "
    "A system that leads in every group is likelier to lead in the next one."
)
BELIEF = (
    "The Bayesian signed-rank test with a region of practical equivalence (Benavoli et al. 2017): probabilities, where "
    "the test beside it gives only how surprising the numbers would be if there were no difference."
)
RELIABILITY = (
    "Answers in ten bands by how sure the model was, against how good they were; on the diagonal confidence keeps its "
    "word, below it the model is too sure. Bars are 95 % intervals over groups of units."
)


def grouping_title(grouping: str) -> str:
    """A heading for how units are sorted.

    >>> grouping_title("group"), grouping_title("genre")
    ('Group by group', 'By genre')
    """
    return "Group by group" if grouping == GROUP else f"By {grouping}"


def headline(results: StudyResults) -> str:
    """What the first measure says, in one or two sentences; why it says nothing where it does not."""
    if not results.measured:
        return "There is no value yet."
    measured = results.measured[0]
    found = results.findings(measured)
    known = [system for system in found.systems if system.n]
    best = known[0]
    median = span(measured, best.median, best.low, best.high)
    text = f"By {measured.title} the best of {len(known)} is {best.system}: {median}"
    alike = [system.system for system in known[1:] if set(system.ties) & set(best.ties)]
    if alike:
        return f"{text}. No test tells it apart from {_list(alike)}."
    return f"{text}, and no other is as good." if len(known) > 1 else f"{text}."


def yardsticks(results: StudyResults) -> Iterator[str]:
    """Which models do not surely beat an answer that needs no model."""
    names = [name for name, about in results.about["systems"].items() if about.get("yardstick")]
    for measured in results.measured:
        if measured.metric.higher_is_better is None:
            continue
        found = results.findings(measured)
        for yardstick in names:
            for system in results.systems:
                if system in names or not {system, yardstick} <= {each.system for each in found.systems if each.n}:
                    continue
                pair = found.pair(system, yardstick)
                if pair.outcome == "a" and pair.a == system:
                    continue
                verb = "is worse than" if pair.outcome == "a" else "does not surely beat"
                yield f"By {measured.title}, {system} {verb} “{yardstick}”, which needs no model. {pair.verdict}"


def trust(results: StudyResults) -> Iterator[str]:
    """For each system whether its confidence is too high or too low, and by how much on average."""
    for name, found in results.trust.items():
        gap = sum(band.count * (band.claimed - band.happened) for band in found.bands) / found.count
        way = "too sure" if gap > 0 else "not sure enough"
        text = f"{name}: over {found.count} answers its confidence is off by {100 * found.error:.1f} points of 100"
        yield f"{text}, and on the whole it is {way} by {100 * abs(gap):.1f}." if abs(gap) >= 0.0005 else f"{text}."


def robustness(results: StudyResults) -> Iterator[str]:
    """For each system and condition, what is lost at the harshest level and from where on that is certain."""
    if not results.measured:
        return
    measured = results.measured[0]
    for condition in results.conditions():
        for system in results.systems:
            points = results.curve(measured, system, condition.id)
            if len(points) < 2:
                continue
            clean, (severity, worst) = points[0][1], points[-1]
            first = results.first_certain_loss(measured, system, condition.id)
            text = (
                f"{system}: {measured.title} goes from {measured.metric.format(clean.estimate)} to "
                f"{measured.metric.format(worst.estimate)} at {condition.level(severity)} ({condition.title})"
            )
            yield (
                f"{text}; worse for certain from {condition.level(first)}." if first else f"{text}; no loss is certain."
            )


def limits(results: StudyResults) -> Iterator[str]:
    """What keeps these numbers from saying more."""
    count = len({group for _, group in results.about["units"]})
    what = "groups" if results.clusters else results.things
    comparisons = len(results.systems) * (len(results.systems) - 1) // 2
    least = signed_rank.least_units(comparisons=max(comparisons, 1))
    if count < least:
        yield f"{count} {what} are too few for {comparisons} comparisons: no difference can be certain below {least}."
    elif count < 20:
        yield f"{count} {what} are few: only large differences could be seen."
    if results.about["dataset"]["id"].startswith(("drawn-", "built-")):
        yield "The data is drawn by rule: a model may do better or worse on anything real."
    if leaks := results.about["dataset"].get("leaks"):
        yield leaks
    for fault, missing in results.faults().items():
        yield f"{missing} values are missing: {fault}"
    for unit, notes in results.about.get("notes", {}).items():
        yield from (f"{unit}: {note}" for note in notes)


def methods(results: StudyResults) -> str:
    """A methods paragraph for a paper."""
    study, about = results.study, results.about
    found = results.findings(results.measured[0]) if results.measured else None
    units = (
        f"{len(about['units'])} {results.things} of {about['dataset']['title']} (split “{about['dataset']['split']}”)"
    )
    clusters = f", in {len(set(results.clusters.values()))} groups that are resampled whole" if results.clusters else ""
    seeds = f" Values of {len(study.seeds)} seeds were averaged within a unit." if len(study.seeds) > 1 else ""
    names = " ".join(f"{m.metric.name}: {m.metric.meaning}" for m in _unique(results.measured))
    conditions = ", ".join(
        f"{c.title} ({', '.join(f'{v:g}' for v in c.levels)} {c.unit})" for c in results.conditions()
    )
    harder = f" Inputs were also degraded by {conditions}." if conditions else ""
    correction = (
        f"Holm's correction over {len(found.pairs)} comparisons a measure"
        if found and len(found.pairs) > 1
        else "no correction"
    )
    margin = (
        f" Differences below {study.margin:g} on the first measure count as too small to matter; probabilities that "
        "they are larger or smaller are by the Bayesian signed-rank test (Benavoli et al. 2017)."
        if study.margin
        else ""
    )
    tests = {pair.test for pair in found.pairs} if found else set()
    binary = " Where a value is right or wrong the test is McNemar's, exact." if MCNEMAR in tests else ""
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    return (
        f"We measured {_list(results.systems)} on {units}{clusters}.{seeds} Measures were: {names}{harder} "
        "Systems are summarised by the median over units with a distribution-free 95 % interval (Hettmansperger and "
        "Sheather 1986). Pairs were compared unit by unit with the Wilcoxon signed-rank test, exact for ties and zeros "
        "(zeros by Pratt), and the Hodges-Lehmann difference with the interval that inverts the test, with "
        f"{correction}.{binary}{margin} Software: {versions}."
    )


def group_sentence(found: Findings) -> str:
    """How tie groups read."""
    shared = any(len([system for system in found.systems if letter in system.ties]) > 1 for letter in "abcdefgh")
    return "Systems that share a letter are not told apart by any test." if shared else "All systems are told apart."


def _unique(measured: list[Measured]) -> list[Measured]:
    return list({each.metric.id: each for each in measured}.values())


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "nothing"
