"""What explains a finished separation: its quality card, its spectrograms, where it came from."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from studio import services
from studio.library.library import Run
from studio.songs import stem_file
from studio.ui import charts, downloads, formatting, run_sections
from studio.ui.run_sections import analysed
from studio.web import urls

MARKS = {
    "good": ":green-badge[:material/check: good]",
    "fair": ":orange-badge[:material/remove: fair]",
    "poor": ":red-badge[:material/priority_high: poor]",
    "info": "",
}


def stem_files(run: Run) -> dict[str, Path]:
    """The finished stems by name, in the order the engine gave them."""
    library = services.library()
    stored = {item.name: library.local(run.id, item) for item in library.artifacts(run.id, "stem")}
    return {name: stored[name] for name in run.facts.get("stems", stored) if name in stored}


def mix_file(run: Run) -> Path:
    return services.library().only(run.id, "mix")


def quality(run: Run) -> None:
    """The quality card: what the files themselves tell, in plain words."""

    def make() -> bytes:
        from evaluation.metrics.separation.quality import assess

        return json.dumps(assess(mix_file(run), stem_files(run)).as_dict()).encode()

    analysed(run, "quality", make, "Listening to the stems to judge them…", lambda answer: _card(json.loads(answer)))


def _card(card: dict[str, Any]) -> None:
    st.caption("Measured on the files themselves, without knowing the true stems. Hover a name for what it means.")
    for note in card["notes"]:
        st.caption(f":material/info: {note}")
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in card["rows"]:
        groups.setdefault(row["stem"], []).append(row)
    _rows("The whole song", groups.pop("", []), columns=3)
    columns = st.columns(2)
    for index, (stem, rows) in enumerate(groups.items()):
        with columns[index % 2]:
            _rows(stem.capitalize(), rows, columns=1)


def _rows(title: str, rows: list[dict[str, Any]], columns: int) -> None:
    with st.container(border=True):
        st.markdown(f"**{title}**")
        for start in range(0, len(rows), columns):
            for place, row in zip(st.columns(columns), rows[start : start + columns], strict=False):
                colon = "" if row["label"].endswith("?") else ":"
                heading = f"**{row['label']}**{colon} {row['text']} {MARKS[row['verdict']]}"
                place.markdown(heading, help=row["definition"])
                place.caption(row["sentence"])


def spectrograms(run: Run) -> None:
    """Log-mel spectrograms of mix and stems on one scale, and the share of the sound each stem took."""

    def make() -> bytes:
        from viz.separation.spectrogram import log_mel

        pictures = {name: log_mel(path) for name, path in {"mix": mix_file(run), **stem_files(run)}.items()}
        first = next(iter(pictures.values()))
        arrays: dict[str, Any] = {f"db:{name}": picture.db.astype(np.float16) for name, picture in pictures.items()}
        arrays |= {"times": first.times, "freqs": first.freqs, "seconds": np.array(first.seconds)}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()

    analysed(run, "spectrograms", make, "Drawing the spectrograms…", _pictures)


def _pictures(answer: bytes) -> None:
    from viz.separation.spectrogram import (
        Spectrogram,
        describe,
        describe_masks,
        mask_panels,
        soft_masks,
        spectrogram_panels,
    )

    with np.load(io.BytesIO(answer)) as data:
        axes = (data["times"], data["freqs"], float(data["seconds"]))
        pictures = {
            key.removeprefix("db:"): Spectrogram(data[key].astype(np.float32), *axes)
            for key in data.files
            if key.startswith("db:")
        }
    mix = pictures.pop("mix")
    kind = st.radio(
        "Picture",
        ["How loud", "Which stem took it"],
        horizontal=True,
        label_visibility="collapsed",
        help="How loud: level at each time and pitch. Which stem took it: the soft mask, the share of the song's sound "
        "at each time and pitch that went to a stem.",
    )
    shown = {"mix": mix, **pictures}
    if kind == "How loud":
        st.caption("Level in dB (0 = full scale) at each time and pitch; all panels share one scale.")
        charts.show(spectrogram_panels(shown), alt=describe(shown), key="spectrograms")
    else:
        masks = soft_masks(mix, pictures)
        st.caption("The soft mask of each stem: which share of the song's sound it took. The shares add up to one.")
        charts.show(mask_panels(masks), alt=describe_masks(masks), key="masks")


def files(run: Run) -> list[downloads.Download]:
    """Every stem as the model wrote it, and the mix; the player makes other formats and subsets."""
    opens_in = "Opens in every audio editor and most players."
    return [
        downloads.Download(
            f"For DJ programs ({stem_file.ENDING})",
            "The mix and four stems in one file, for Traktor, VirtualDJ, djay or Mixxx.",
            f"{urls.run_url(run.id)}/song{stem_file.ENDING}",
            icon=":material/album:",
        ),
        *(
            downloads.from_artifact(run.id, stored, f"{formatting.escape(stored.name)}.wav", opens_in)
            for kind in ("stem", "mix")
            for stored in services.library().artifacts(run.id, kind)
        ),
    ]


def about(run: Run) -> None:
    """Where the result came from, its files as the model wrote them, and the way to repeat or delete it."""
    run_sections.origin(run)
    st.caption("The files as the model wrote them, in 32-bit floating point: nothing is rounded or clipped.")
    downloads.show(files(run))
    run_sections.repeat_or_delete(run, change="Run it with other options")
