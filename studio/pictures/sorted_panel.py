"""Sorted pictures to look at: a grid to filter, to put right by a tap, to teach with, and to fetch as folders."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import streamlit as st

from backends.core.errors import UserError
from backends.shared import images
from studio import services
from studio.library.library import Run
from studio.pictures import files, image_tiles, sorted_addresses
from studio.pictures.project import Project
from studio.pictures.project_folder import NoSuchProject
from studio.pictures.sorted_run import (
    SortedPicture,
    classes_of,
    correct,
    corrections,
    files_of,
    sorted_pictures,
    table,
)
from studio.pictures.task import projects
from studio.ui import formatting
from studio.web import urls
from viz.components.picture_grid import Tile, clear, picture_grid
from viz.fewshot.figures import NONE

PAGE_SIZE, THUMB_SIDE = 24, 256
ALL, PUT_RIGHT = "All of them", "Put right by hand"
LOOK = "Only look"


def show(run: Run) -> None:
    """The grid with its filters, and what can be done with the pictures."""
    found = table(run)
    if found is None:
        st.info("This run has no table of answers.", icon=":material/info:")
        return
    pictures, classes = sorted_pictures(run, found), classes_of(found)
    shown = _filtered(run, pictures, classes)
    target = st.pills(
        "A tap says that a picture is", [LOOK, *classes, NONE], default=LOOK, required=True, key=f"tap-{run.id}"
    )
    key = f"sorted-{run.id}"
    if not shown:
        st.caption("No picture is like that.")
        return
    part = image_tiles.page_of([one.name for one in shown], key, PAGE_SIZE)
    by_name = {one.name: one for one in shown}
    chosen = picture_grid(_tiles(run, [by_name[name] for name in part]), key, label="Sorted pictures", size=120)
    if chosen and target != LOOK:
        correct(run, chosen, str(target), {one.name: one.answer for one in pictures})
        clear(key)
        st.rerun()
    _actions(run, pictures, chosen, key)


def _filtered(run: Run, pictures: Sequence[SortedPicture], classes: Sequence[str]) -> list[SortedPicture]:
    """The pictures that are wanted, the least sure first if so wished."""
    labels = [label for label in (*classes, NONE) if any(one.label == label for one in pictures)]
    counts = {label: sum(one.label == label for one in pictures) for label in labels}
    counts[ALL] = len(pictures)
    if corrected := sum(bool(one.correction) for one in pictures):
        counts[PUT_RIGHT] = corrected
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.selectbox(
            "Show", [ALL, *labels, *([PUT_RIGHT] if corrected else [])],
            format_func=lambda one: f"{one} ({counts[one]:,})", key=f"wanted-{run.id}", width=260,
        )  # fmt: skip
        low, high = st.slider("How sure", 0, 100, (0, 100), 5, format="%d %%", key=f"sure-{run.id}", width=260)
        unsure = st.toggle("The least sure first", key=f"unsure-{run.id}")
    kept = [
        one
        for one in pictures
        if low <= 100 * one.share <= high
        and (wanted == ALL or (bool(one.correction) if wanted == PUT_RIGHT else one.label == wanted))
    ]
    return sorted(kept, key=lambda one: one.share) if unsure else kept


def _tiles(run: Run, pictures: Sequence[SortedPicture]) -> list[Tile]:
    small = _thumbs(run.id, tuple(one.name for one in pictures))
    tiles = []
    for one in pictures:
        sure = f"{100 * one.share:.0f} %"
        note = f"you said so; it said {one.answer}" if one.correction else one.name
        tone = "good" if one.correction else "warn" if one.answer == NONE else ""
        badge = one.label if one.correction or one.answer == NONE else f"{one.label} {sure}"
        tiles.append(Tile(one.name, small[one.name], one.name, note=note, badge=badge, tone=tone))
    return tiles


@st.cache_data(max_entries=40, show_spinner=False)
def _thumbs(run_id: str, names: tuple[str, ...]) -> dict[str, str]:
    """The small pictures of one page as data addresses; "" for one that cannot be read any more."""
    run, found = services.library().get(run_id), dict.fromkeys(names, "")
    if run is None:
        return found
    with files_of(run) as there:
        for name in names:
            try:
                picture = images.read(there[name].read(), THUMB_SIDE)
            except (KeyError, UserError):
                continue
            data = base64.b64encode(files.small(picture.rgb, THUMB_SIDE)).decode()
            found[name] = f"data:image/webp;base64,{data}"
    return found


def _actions(run: Run, pictures: Sequence[SortedPicture], chosen: Sequence[str], key: str) -> None:
    """Teach with chosen or corrected pictures, take corrections back, and fetch everything as folders."""
    fixed = corrections(run)
    taught = list(chosen) or list(fixed)
    with st.container(horizontal=True, vertical_alignment="center"):
        what = "chosen" if chosen else "put right"
        if st.button(
            f"Teach with the {len(taught)} {what}", icon=":material/school:", key=f"{key}-teach", disabled=not taught,
            help="They become examples of the project: choose pictures, or put some right, first.",
        ):  # fmt: skip
            _teach(run, [one for one in pictures if one.name in set(taught)])
        back = [name for name in chosen if name in fixed] if chosen else list(fixed)
        if back and st.button("Take corrections back", icon=":material/undo:", key=f"{key}-back"):
            correct(run, back, "", {})
            clear(key)
            st.rerun()
        url = sorted_addresses.folders_url(run.id, urls.base_path())
        st.link_button("Fetch as folders (ZIP)", url, icon=":material/folder_zip:")
    if said := st.session_state.pop(f"{key}-said", ""):
        st.success(formatting.escape(said), icon=":material/check:")


def _teach(run: Run, pictures: Sequence[SortedPicture]) -> None:
    """Pictures become examples of what they count as; those that are none of the classes are left."""
    project = _project(run)
    if project is None:
        st.error("The project that sorted these pictures is not here any more.", icon=":material/error:")
        return
    usable = [one for one in pictures if one.label != NONE]
    report = files.ImportReport()
    with files_of(run) as there, st.spinner("Adding the pictures…"):
        for label in dict.fromkeys(one.label for one in usable):
            mine = [(one.name, there[one.name].read) for one in usable if one.label == label and one.name in there]
            report.merge(files.import_files(project, mine, project.class_called(label).id))
    left = len(pictures) - len(usable)
    rest = f" {left} of none of the classes {'was' if left == 1 else 'were'} left." if left else ""
    more = " ".join(files.first_few([*report.problems, *report.notices]))
    st.session_state[f"sorted-{run.id}-said"] = (
        f"{formatting.count(report.added, 'example')} added to “{project.state.name}”.{rest} {more}".strip()
    )
    clear(f"sorted-{run.id}")
    st.rerun()


def _project(run: Run) -> Project | None:
    try:
        return projects().open(run.facts.get("asked", {}).get("project", ""))
    except NoSuchProject:
        return None
