"""Write the report of a study, or of every study in a folder, as one file that opens without a network."""

from __future__ import annotations

import argparse
import html
import sys
from pathlib import Path

from backends.core.errors import BadInput
from evaluation.studies.results import StudyResults
from evaluation.studies.store import StudyFolder, find_studies


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder of a study, or one that holds several")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=".html, or .pdf where Chromium is")
    parser.add_argument("--title", default="", help="of the report")
    parser.add_argument("--front", type=Path, metavar="TEXT.md", help="paragraphs to put before the studies")
    parser.add_argument("--back", type=Path, metavar="TEXT.md", help="paragraphs to put after them")


def run(chosen: argparse.Namespace) -> int:
    from evaluation.report.html import render
    from evaluation.report.pdf import print_page

    folders = (
        [StudyFolder(chosen.folder)] if (chosen.folder / "study.json").is_file() else find_studies([chosen.folder])
    )
    if not folders:
        raise BadInput(f"There is no study in {chosen.folder}.")
    folders.sort(key=lambda store: store.path.name)
    studies = [StudyResults.read(store) for store in folders]
    order = ("separation", "matting", "folding", "fewshot")
    studies.sort(key=lambda results: order.index(results.study.task))
    page = render(studies, chosen.title, *(_paragraphs(path) for path in (chosen.front, chosen.back)))
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    content = print_page(page) if chosen.out.suffix.lower() == ".pdf" else page.encode()
    chosen.out.write_bytes(content)
    sys.stdout.write(f"{chosen.out}: {len(studies)} studies, {len(content) / 1e6:.2f} MB\n")
    return 0


def _paragraphs(path: Path | None) -> str:
    """Plain text as HTML: an empty line ends a paragraph, `##` begins a heading, `-` an item. Raises BadInput."""
    if path is None:
        return ""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read as text.") from error
    return "\n".join(_block(block) for block in text.split("\n\n") if block.strip())


def _block(block: str) -> str:
    lines = block.strip().splitlines()
    if lines[0].startswith("## "):
        rest = "\n".join(lines[1:])
        return f"<h2>{html.escape(lines[0][3:])}</h2>" + (_block(rest) if rest else "")
    if lines[0].startswith("- "):
        items = " ".join(lines)[2:].split(" - ")
        return f"<ul>{''.join(f'<li>{html.escape(item)}</li>' for item in items)}</ul>"
    return f"<p>{html.escape(' '.join(lines))}</p>"
