"""The presenter's view as one HTML document: steps on a stage with live players, notes in a second window.

    deck_document("My talk", slides, library="/assets/3Dmol.js", nonce="…")     # served by the studio
    deck_document("My talk", slides)                                            # one file with everything inside

The same document is shown from the studio, where the parts load their sound and pictures from its addresses, and
exported as a file that opens without any network. It asks no model server for anything.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from viz.components.bundle import SHARED, bundle_style
from viz.vendor import THREEDMOL

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Component:
    """Where the browser code of a kind of part lies: its module, its style, and its default export."""

    module: str
    style: str
    function: str


COMPONENTS: Mapping[str, Component] = {
    "stems": Component("stem_player", "player.css", "stemPlayer"),
    "matte": Component("matte_workbench", "workbench.css", "matteWorkbench"),
    "structure": Component("structure_workbench", "workbench.css", "structureWorkbench"),
    "answers": Component("answer_board", "board.css", "answerBoard"),
    "map": Component("map_board", "board.css", "mapBoard"),
    "figure": Component("figure_board", "board.css", "figureBoard"),
}
"""What draws a part, by its kind."""

POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src {own} data: blob:; "
    "media-src {own} data: blob:; connect-src {own} data: blob:; frame-src {frames}; worker-src blob:; "
    "base-uri 'none'; form-action 'none'"
)
"""Content-Security-Policy: nothing is loaded but from the studio itself, or from inside the file."""


@dataclass(frozen=True)
class SlidePart:
    """Something live on a slide: the kind and data of a component.

    Attributes:
        kind: one of `COMPONENTS`.
        data: the component's manifest.
        alt: what is seen, in a sentence.
        caption: a line below it.
        still: address of a picture for print, and for when the part cannot be drawn.
        live: address at which the result can be tried again, while a model server answers.
    """

    kind: str
    data: Mapping[str, Any]
    alt: str
    caption: str = ""
    still: str = ""
    live: str = ""


@dataclass(frozen=True)
class Slide:
    """One step on the stage. `claim`, `text` and `limits` are Markdown; `notes` are shown to the speaker only."""

    title: str
    claim: str = ""
    text: str = ""
    limits: str = ""
    who: str = ""
    notes: str = ""
    parts: tuple[SlidePart, ...] = field(default=())


def deck_document(title: str, slides: Sequence[Slide], *, library: str = "", nonce: str = "", ready: str = "") -> str:
    """The document.

    Args:
        title: of the story.
        slides: its steps.
        library: address of 3Dmol.js; "" puts it into the document where a structure needs it.
        nonce: of the response's Content-Security-Policy; "" writes a policy into the document that lets nothing in.
        ready: address that says whether the model server answers; "" never offers to try anything live.
    """
    kinds = sorted({part.kind for slide in slides for part in slide.parts})
    inside = {"title": title, "library": library, "ready": ready, "slides": [_slide(slide) for slide in slides]}
    head = "" if nonce else f'<meta http-equiv="Content-Security-Policy" content="{offline_policy()}">'
    mark = f' nonce="{nonce}"' if nonce else ""
    vendor = ""
    if "structure" in kinds and not library:
        vendor = f'<script type="text/plain" id="library">{_inline(THREEDMOL.read_text("utf-8"))}</script>'
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{head}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_style()}</style></head><body>"
        f'<main id="deck"></main><div id="paper">{_paper(title, slides)}</div>'
        f'<script type="application/json" id="data">{_json(inside)}</script>{vendor}'
        f"<script{mark}>{_scripts(tuple(kinds))}</script></body></html>"
    )


def offline_policy() -> str:
    """The policy of a file that stands alone; 3Dmol is started from a blob."""
    return POLICY.format(scripts="'unsafe-inline' blob:", own="", frames="'none'").replace("  ", " ")


def online_policy(nonce: str) -> str:
    """The policy of the document that the studio serves."""
    return POLICY.format(scripts=f"'nonce-{nonce}' 'self'", own="'self'", frames="'self'")


@cache
def _markdown() -> MarkdownIt:
    # No HTML of the writer's gets through, and no picture, which would be loaded from elsewhere.
    return MarkdownIt("commonmark", {"html": False, "breaks": True}).disable("image")


def render(text: str) -> str:
    """Markdown as harmless HTML."""
    return _markdown().render(text)


def plain(text: str) -> str:
    """Markdown as words without its marks, a line for each paragraph or point."""
    blocks = (token.children or () for token in _markdown().parse(text) if token.type == "inline")
    return "\n".join(
        "".join(" " if child.type.endswith("break") else child.content for child in block) for block in blocks
    )


def _slide(slide: Slide) -> dict[str, Any]:
    return {
        **asdict(slide),
        "claim": _markdown().renderInline(slide.claim),
        "text": render(slide.text),
        "limits": render(slide.limits),
    }


def _json(data: Any) -> str:
    """JSON that cannot end the script element that it stands in."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _inline(script: str) -> str:
    return script.replace("</script", "<\\/script")


@cache
def _scripts(kinds: tuple[str, ...]) -> str:
    parts = ["const COMPONENTS = {}, STYLES = {};"]
    for kind in kinds:
        component = COMPONENTS[kind]
        folder = SHARED.parent / component.module
        code = import_module(f"viz.components.{component.module}").SCRIPT
        # Each component was written as a module; a function around it gives it a scope of its own again.
        body = code.replace("export default function", "return function")
        parts.append(f"COMPONENTS.{kind} = (() => {{\n{body}\n}})();")
        parts.append(f"STYLES.{kind} = {json.dumps(bundle_style(folder / component.style))};")
    shared = [(SHARED / f"{name}.js").read_text("utf-8") for name in ("icons", "dom")]
    own = [(_HERE / f"{name}.js").read_text("utf-8") for name in ("parts", "notes", "deck")]
    parts.append("(() => {\n" + "\n".join([*shared, *own]) + "\n})();")
    return _inline("\n".join(parts))


@cache
def _style() -> str:
    return (_HERE / "deck.css").read_text("utf-8")


def _paper(title: str, slides: Sequence[Slide]) -> str:
    """Every step on a page of its own, for print and for browsers without scripts."""
    return "".join(_sheet(title, place, slide) for place, slide in enumerate(slides, 1))


def _sheet(title: str, place: int, slide: Slide) -> str:
    stills = "".join(
        f"<figure>{_still(part)}<figcaption>{html.escape(_words(part))}</figcaption></figure>"
        for part in slide.parts
        if part.still or part.data.get("columns") or part.data.get("excerpts")
    )
    claim = f'<p class="claim">{_markdown().renderInline(slide.claim)}</p>' if slide.claim else ""
    limits = f"<h3>Where it ends</h3>{render(slide.limits)}" if slide.limits else ""
    who = f'<p class="who">{html.escape(slide.who)}</p>' if slide.who else ""
    foot = f"<footer>{html.escape(title)} · {place}</footer>"
    return (
        f"<section><h2>{html.escape(slide.title)}</h2>{claim}{render(slide.text)}"
        f'<div class="stills">{stills}</div>{limits}{who}{foot}</section>'
    )


def _words(part: SlidePart) -> str:
    """What stands below a picture on paper: its caption, and of a reason how far it can be trusted."""
    trust = part.data.get("trust") or {}
    return " · ".join(words for words in (part.caption or part.alt, trust.get("sentence", "")) if words)


def _still(part: SlidePart) -> str:
    """What stands on paper: the picture, or the pictures, names of sounds, or table that were pinned."""
    if part.still:
        return f'<img src="{html.escape(part.still)}" alt="{html.escape(part.alt)}">'
    if excerpts := part.data.get("excerpts"):
        return "".join(map(_excerpt, excerpts))
    rows = "".join(
        f"<tr>{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in row)}</tr>" for row in part.data["rows"]
    )
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in part.data["columns"])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _excerpt(excerpt: Mapping[str, str]) -> str:
    name = html.escape(excerpt["name"])
    if excerpt["kind"] == "picture":
        return f'<img src="{html.escape(excerpt["address"])}" alt="{name}"><p>{name}</p>'
    return f"<p>♪ {name}: to be heard in the file of this story.</p>"
