"""One file for one or several studies: it opens without a network, prints well, and is the same for the same rows.

What it says comes from the rows alone. `report.json`, with the studies and their findings, is inside, so that a program
can read them and the studies can be run again.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from backends.core.errors import BadInput
from evaluation.report import svg, tables, words
from evaluation.report.examples import Examples
from evaluation.report.html_parts import bullets, figure, table
from evaluation.report.transfer import across
from evaluation.statistics.verdicts import belief_text
from evaluation.studies.results import Measured, StudyResults, span

MAX_BYTES = 5_000_000
EXAMPLES_BYTES = 3_000_000
"""Of these so many may be sound, pictures and chains."""
POLICY = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""What a browser lets the page load: nothing from elsewhere."""
STYLE = Path(__file__).with_name("style.css")
CHANGING = ("begun",)
"""What a study notes of the clock, which two runs of one seed do not share."""

TITLES = {"separation": "Songs", "matting": "Videos", "folding": "Proteins", "fewshot": "Pictures"}


def render(studies: Sequence[StudyResults], title: str = "", front: str = "", back: str = "") -> str:
    """The report as one HTML page.

    Args:
        studies: what to tell of, in this order.
        title: of the report; the study's own if there is one study.
        front, back: HTML before and after the studies.

    Raises:
        BadInput: there is nothing to report, or the file would be too large.
    """
    if not studies or not any(results.measured for results in studies):
        raise BadInput("There is nothing to report yet: no study has a value.")
    title = title or (studies[0].study.title if len(studies) == 1 else "Report")
    parts, examples = [f"<h1>{escape(title)}</h1>", front], Examples(EXAMPLES_BYTES)
    if len(studies) > 1:
        links = (f'<li><a href="#study-{n}">{escape(r.study.title)}</a></li>' for n, r in enumerate(studies))
        parts.append(f"<nav aria-label='Contents'><ul>{''.join(links)}</ul></nav>")
    for number, results in enumerate(studies):
        parts += [
            f'<section id="study-{number}"><h2>{escape(results.study.title)}</h2>',
            *_study(results, examples),
            "</section>",
        ]
    parts += [*across(studies), back, _embedded(studies), examples.script()]
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE.read_text('utf-8')}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body>\n</html>\n"
    )
    if len(page.encode()) > MAX_BYTES:
        raise BadInput("The report would be larger than 5 MB: report fewer studies at once.")
    return page


def _study(results: StudyResults, examples: Examples) -> Iterator[str]:
    """Limits before praise: what keeps the numbers small, then what they are."""
    yield f"<p>{escape(results.study.question)}</p>"
    if not results.measured:
        yield "<p>There is no value yet.</p>"
        return
    yield f'<p class="headline">{escape(words.headline(results))}</p>'
    yield "<h3>What these numbers cannot say</h3>"
    yield bullets([*words.limits(results), *words.yardsticks(results)], "Nothing that the study could find.")
    yield "<h3>Scores</h3>"
    for measured in results.measured:
        yield from _measure(results, measured)
    yield from _groups(results)
    yield from _published(results)
    yield from _robustness(results)
    yield from _trust(results)
    yield "<h3>Worst units</h3>"
    yield _worst(results)
    if shown := list(examples.of(results)):
        yield "<h3>Heard and seen</h3>"
        yield from shown
    yield "<h3>Methods</h3>"
    yield f"<p>{escape(words.methods(results))}</p>"
    yield _origins(results)


def _measure(results: StudyResults, measured: Measured) -> Iterator[str]:
    found = results.findings(measured)
    name = measured.axis
    yield f"<h4>{escape(measured.title)}</h4><p class='quiet'>{escape(measured.metric.meaning)}</p>"
    rows = [
        [
            system.system,
            span(measured, system.median, system.low, system.high),
            str(system.n),
            str(system.missing),
            system.ties,
        ]
        for system in found.systems
    ]
    yield table(["System", "Median (95 % interval)", results.things.capitalize(), "Missing", "Alike"], rows)
    known = [system for system in found.systems if system.n]
    scale = measured.scale
    yield figure(
        svg.medians([(s.system, s.median * scale, s.low * scale, s.high * scale) for s in known], name),
        words.group_sentence(found),
    )
    if measured.metric.higher_is_better is None:
        return
    yield bullets([pair.verdict for pair in found.pairs], "There is no pair to compare.")
    beliefs = [belief_text(pair, found.margin, results.wording(measured)) for pair in found.pairs]
    yield bullets([said for said in beliefs if said], "")
    for pair in found.pairs[:1]:
        both = results.table(measured)[[pair.a, pair.b]].dropna()
        values = ((both[pair.a] - both[pair.b]) * scale).tolist()
        if values:
            picture = svg.differences(values, pair.low * scale, pair.high * scale, f"{pair.a} − {pair.b}, {name}")
            yield figure(picture, f"Each dot is one of {len(values)} {results.things}; the band is the interval.")


def _robustness(results: StudyResults) -> Iterator[str]:
    conditions, measured = results.conditions(), results.measured[0]
    if not conditions:
        return
    yield "<h3>What it bears</h3>"
    for condition in conditions:
        lines = []
        for system in results.systems:
            points = results.curve(measured, system, condition.id)
            if points:
                lines.append((system, [(condition.level(severity), interval) for severity, interval in points]))
        if lines:
            picture = svg.curves(lines, measured.scale, measured.axis)
            yield figure(picture, f"{condition.title}: median and 95 % interval at each level.")
    yield bullets(list(words.robustness(results)), "")


def _groups(results: StudyResults) -> Iterator[str]:
    measured = results.measured[0]
    for grouping in results.groupings:
        if rows := tables.by_group(results, measured, grouping):
            yield f"<h3>{escape(words.grouping_title(grouping))}</h3><p class='quiet'>{escape(words.GROUPS)}</p>"
            found = results.by_group(measured, grouping)
            assert found is not None
            yield table(["Group", results.things.capitalize(), *map(str, found.columns)], rows)


def _published(results: StudyResults) -> Iterator[str]:
    if not results.study.published:
        return
    yield "<h3>Published elsewhere</h3>"
    yield f"<p class='quiet'>{escape(words.PUBLISHED)}</p>"
    yield table(tables.PUBLISHED_HEAD, tables.published(results))


def _trust(results: StudyResults) -> Iterator[str]:
    if not results.trust:
        return
    yield "<h3>Does confidence keep its word?</h3>"
    yield figure(svg.reliability(results.trust), words.RELIABILITY)
    yield bullets(list(words.trust(results)), "")


def _worst(results: StudyResults) -> str:
    measured = results.measured[0]
    rows = []
    for system in results.systems:
        for unit, value, where in results.worst(measured, system, 3):
            place = "" if where is None else results.place_name(where)
            rows.append([system, unit, measured.metric.format(value), place])
    return table(["System", "Unit", measured.title, "Worst place"], rows)


def _origins(results: StudyResults) -> str:
    about = results.about
    lines = [f"Data: {about['dataset']['title']}, licence: {about['dataset']['licence']}."]
    for name, system in about["systems"].items():
        weights = ", ".join(f"{file} (sha256 {digest[:12]}…)" for file, digest in system.get("weights", {}).items())
        lines.append(f"{name}: {system['title']}. {system.get('trained_on', '')} {weights}".strip())
    return bullets(lines, "")


def report_json(studies: Sequence[StudyResults]) -> dict[str, Any]:
    """The studies and what was found, without what the clock said."""
    return {
        "format": 1,
        "studies": [
            {
                "about": {name: value for name, value in results.about.items() if name not in CHANGING},
                "findings": {measured.title: results.findings(measured).to_json() for measured in results.measured},
                "rows": _rows(results),
            }
            for results in studies
        ],
    }


def _rows(results: StudyResults) -> str:
    """Every row but its time, as Parquet in base64."""
    file = io.BytesIO()
    results.rows.drop(columns="seconds").to_parquet(file, index=False, compression="zstd")
    return base64.b64encode(file.getvalue()).decode()


def _embedded(studies: Sequence[StudyResults]) -> str:
    text = json.dumps(report_json(studies), ensure_ascii=False, sort_keys=True, default=_plain).replace("<", "\\u003c")
    return f'<script type="application/json" id="report.json">{text}</script>'


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)
