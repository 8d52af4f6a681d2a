"""Drawing a part of a finding on a page, with the component that its kind names."""

from __future__ import annotations

from studio.findings.exhibits import Part


def show_part(part: Part, key: str) -> None:
    """Show what can be seen and heard. Raises KeyError for a kind that nobody draws."""
    if part.kind == "stems":
        from viz.components.stem_player import stem_player

        stem_player(part.data, key=key)
    elif part.kind == "matte":
        from viz.components.matte_workbench import matte_workbench

        matte_workbench(part.data, key=key)
    elif part.kind == "structure":
        from viz.components.structure_workbench import structure_workbench

        structure_workbench(part.data, key=key)
    elif part.kind == "answers":
        from viz.components.answer_board import answer_board

        answer_board(part.data, key=key)
    elif part.kind == "figure":
        from viz.components.figure_board import figure_board

        figure_board(part.data, key=key)
    elif part.kind == "map":
        from viz.components.map_board import map_board

        map_board(part.data, key=key)
    else:
        raise KeyError(part.kind)
