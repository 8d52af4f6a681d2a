"""The left of the pictures page: the classes, each with its name, a sentence, its examples, and ways to add more."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import streamlit as st

from backends.core.errors import UserError
from studio.pictures import image_tiles, intake_addresses
from studio.pictures.files import ImportReport
from studio.pictures.image_tiles import act, shared_value
from studio.pictures.project import Project
from studio.pictures.schema import ImageClass, natural_key, normalise_name
from studio.ui import file_chooser, formatting
from studio.web import urls
from viz.components.picture_drop import picture_drop
from viz.components.picture_grid import picture_grid
from viz.fewshot.figures import class_colour

Copies = Mapping[str, Sequence[str]]
"""By an example that stands for them, its near copies."""

CLASSES_PER_PAGE = 6
EXAMPLES_PER_PAGE = 12
WAYS = {
    "Files": ":material/upload: Files",
    "Camera": ":material/photo_camera: Camera",
    "Paste": ":material/content_paste: Paste",
}


def show(project: Project, understands_words: bool, copies: Copies = MappingProxyType({})) -> None:
    """All classes, and how to make more; `copies` are those of each example that is shown in their stead."""
    state = project.state
    _orphaned_files(project)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader("Classes", width="content")
        with st.popover("Folders at once", icon=":material/folder_zip:"):
            _folders(project)
    if not understands_words and any(each.sentence for each in state.classes):
        st.caption(
            ":material/info: This model does not understand words: the sentences are kept, and not used until you "
            "choose one that does."
        )
    ids = [each.id for each in state.classes]
    for class_id in image_tiles.page_of(_classes_to_show(project), f"classes-{project.token}", CLASSES_PER_PAGE):
        _one(project, project.get_class(class_id), ids.index(class_id), copies)
    if not state.classes:
        st.info(
            "A class is whatever you want to tell apart: “ripe” and “unripe”, or the names of your cats. Make two and "
            "give each a picture.",
            icon=":material/lightbulb:",
        )
    _new(project)


def _classes_to_show(project: Project) -> list[str]:
    """The ids of the classes to show: with many of them, those whose names hold what was typed."""
    classes = project.state.classes
    if len(classes) <= CLASSES_PER_PAGE:
        return [each.id for each in classes]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        typed = st.text_input(
            "Find a class", placeholder=f"Find one of {len(classes)} classes", key=f"find-{project.token}",
            label_visibility="collapsed", icon=":material/search:",
        )  # fmt: skip
        names = [each.name for each in classes]
        if names != sorted(names, key=natural_key) and st.button(
            "Sort", icon=":material/sort_by_alpha:", help="By name; 2 comes before 10."
        ):
            act(project.sort_classes)
    wanted = normalise_name(typed or "")
    found = [each.id for each in classes if wanted in normalise_name(each.name)]
    if not found:
        st.caption("No class is called like that.")
    return found


def _orphaned_files(project: Project) -> None:
    """Files that were chosen for a class which is not there any more are named, not dropped in silence."""
    ids = {each.id for each in project.state.classes}
    names: list[str] = []
    for key in [key for key in map(str, st.session_state) if re.fullmatch(r"add-[0-9a-f]{8}-files-\d+", key)]:
        if key.split("-")[1] not in ids:
            names += [f"“{upload.name}”" for upload in st.session_state[key] or []]
            del st.session_state[key]
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        image_tiles.remember_report(
            ImportReport(
                problems=[
                    f"{', '.join(names[:3])}{more} not added: the class they were chosen for was removed in another "
                    "window."
                ]
            )
        )
        st.rerun()


def _new(project: Project) -> None:
    form = st.form(f"new-class-{project.token}", clear_on_submit=True, border=False)
    with form, st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("New class", placeholder="Name of a class", label_visibility="collapsed")
        made = st.form_submit_button("Add class", icon=":material/add:")
    if made:
        act(lambda: project.add_class(name or ""))


def _one(project: Project, mine: ImageClass, place: int, copies: Copies) -> None:
    key = f"shots-{mine.id}"
    with st.container(border=True, gap="small"):
        _name(project, mine, place)
        if mine.shots:
            _examples(project, mine, key, _grouped(mine, copies, key))
        picture_drop(
            f"drop-{mine.id}",
            f"{intake_addresses.examples_url(project, urls.base_path())}/{mine.id}",
            label=f"Examples of {mine.name}",
            hint="Drop pictures or a folder here",
        )
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            with st.popover(
                "Add examples", icon=":material/add_photo_alternate:", key=f"add-{mine.id}", on_change="rerun"
            ):
                if st.session_state.get(f"add-{mine.id}"):
                    add(project, mine.id, f"add-{mine.id}")
            st.caption(
                formatting.count(len(mine.shots), "example") if mine.shots else "no example yet", width="content"
            )


def _grouped(mine: ImageClass, copies: Copies, key: str) -> Copies:
    """Near copies of examples that are not shown by themselves, unless somebody wants to see them."""
    shots = set(mine.shots)
    own = {sha: [one for one in copies[sha] if one in shots] for sha in mine.shots if copies.get(sha)}
    own = {sha: alike for sha, alike in own.items() if alike}
    count = sum(map(len, own.values()))
    if not own or st.toggle(f"Show {formatting.count(count, 'near copy', 'near copies')}", key=f"{key}-all"):
        return {}
    return own


def _examples(project: Project, mine: ImageClass, key: str, hidden: Copies) -> None:
    """The grid of a class; what is done with a picture that stands for near copies is done with them too."""
    behind = {sha for alike in hidden.values() for sha in alike}
    shown = image_tiles.page_of([sha for sha in mine.shots if sha not in behind], key, EXAMPLES_PER_PAGE)
    badges = {sha: f"{1 + len(hidden[sha])} alike" for sha in shown if sha in hidden}
    tiles = [image_tiles.tile(project, sha, badge=badges.get(sha, "")) for sha in shown]
    chosen = picture_grid(tiles, key, label=f"Examples of {mine.name}", size=64)
    image_tiles.chosen_actions(project, [one for sha in chosen for one in (sha, *hidden.get(sha, ()))], key)


def _name(project: Project, mine: ImageClass, place: int) -> None:
    """The name and the sentence of a class, each written down by itself: the other may have changed elsewhere."""
    name_key, sentence_key = f"name-{mine.id}", f"sentence-{mine.id}"

    def save_field(key: str, change: Callable[[str, str], None], before: str) -> None:
        try:
            change(mine.id, st.session_state[key] or "")
        except UserError as error:
            st.session_state[f"refused-{mine.id}"] = error.sentence
            st.session_state[key] = before
        else:
            st.session_state.pop(f"refused-{mine.id}", None)

    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        colour = f"width:14px;height:14px;border-radius:50%;background:{class_colour(place)}"
        st.html(f'<div style="{colour}"></div>', width="content")
        shared_value(name_key, mine.name)
        st.text_input(
            "Name",
            key=name_key,
            on_change=save_field,
            args=(name_key, project.rename_class, mine.name),
            label_visibility="collapsed",
        )
        with st.popover("", icon=":material/delete:", help="Remove this class", type="tertiary"):
            st.write(
                f"“{formatting.escape(mine.name)}” and its {formatting.count(len(mine.shots), 'example')} are removed."
            )
            if st.button("Remove the class", type="primary", key=f"gone-{mine.id}"):
                act(lambda: project.remove_class(mine.id))
    shared_value(sentence_key, mine.sentence)
    st.text_input(
        "What it looks like",
        key=sentence_key,
        on_change=save_field,
        args=(sentence_key, project.set_sentence, mine.sentence),
        placeholder="A sentence that describes it (may be left out)",
        label_visibility="collapsed",
    )
    if refused := st.session_state.get(f"refused-{mine.id}"):
        st.error(formatting.escape(refused), icon=":material/error:")


def add(project: Project, class_id: str | None, key: str) -> None:
    """Files, the camera or what was copied, for a class or for questions."""
    way = st.segmented_control(
        "From", list(WAYS), default="Files", required=True, format_func=lambda one: WAYS[one], key=f"{key}-way",
        label_visibility="collapsed",
    )  # fmt: skip
    if way == "Camera":
        image_tiles.snapshot(project, class_id, f"{key}-camera")
        return
    if way == "Paste":
        image_tiles.pasted(project, class_id, f"{key}-paste")
        return
    uploads = image_tiles.drop("Pictures, or a zip of them", f"{key}-files")
    if uploads:
        image_tiles.import_uploads(project, uploads, class_id, f"{key}-files")


def _folders(project: Project) -> None:
    st.markdown("Each folder is a class: classes are made as needed and the pictures added to them.")
    picture_drop(
        f"drop-folders-{project.token}",
        intake_addresses.folders_url(project, urls.base_path()),
        label="Folders, one a class",
        hint="Drop a folder of folders here",
        folders=True,
    )
    st.caption("Or a zip of them:")
    key = f"folders-{project.token}"
    turn = st.session_state.get(f"{key}-turn", 0)
    upload = file_chooser.choose_file(
        "Zip of folders", f"{key}-{turn}", most_mb=image_tiles.UPLOAD_MB, instead="Pack it in parts."
    )
    if upload is not None:
        image_tiles.import_folder_zip(project, upload, key)
