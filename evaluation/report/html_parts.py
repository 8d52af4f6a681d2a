"""The small parts that pages of a report are put together from."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(f"<th scope='col'>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<div class='scroll'><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>"


def figure(picture: str, caption: str) -> str:
    return f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>"


def bullets(lines: Sequence[str], otherwise: str) -> str:
    if not lines:
        return f"<p>{escape(otherwise)}</p>" if otherwise else ""
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"
