"""The exhibit "Where it lives here": which of these ideas is inside the studio's models, and where to see it."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from studio import services, tasks
from studio.how.exhibits import Exhibit
from studio.library.library import Run
from studio.ui import formatting

IDEAS = ("Attention", "VAE", "GAN", "Diffusion")
YES, NO = ":material/check_circle:", ":material/remove:"


@dataclass(frozen=True)
class Inhabitant:
    """A model, or a family of them, and what of each idea is in it.

    Attributes:
        name: of the model.
        task: whose runs can be looked into.
        engines: of those runs; empty for all of the task.
        ideas: for each of IDEAS whether it is there, and a sentence.
        question: of the page Inside that shows it; "" where nothing shows it.
    """

    name: str
    task: str
    engines: tuple[str, ...]
    ideas: tuple[tuple[bool, str], ...]
    question: str = ""


INHABITANTS = (
    Inhabitant(
        "Demucs (songs)",
        "separation",
        ("demucs",),
        (
            (
                True,
                "Yes: between its halves a transformer lets moments look at moments, and the wave at its spectrogram.",
            ),
            (
                False,
                "No: it narrows and widens like one, but its code is not drawn at random, and short cuts go around it.",
            ),
            (False, "No: nobody judges its stems; it is told the right ones."),
            (False, "No: it makes the stems in one pass."),
        ),
        "attention",
    ),
    Inhabitant(
        "MODNet (videos)",
        "matting",
        ("modnet",),
        (
            (False, "Not between places. A relative: it weighs whole channels by what is in the picture."),
            (False, "No: encoder and decoder, but no code that is drawn at random."),
            (False, "No: it learned from mattes that were drawn."),
            (False, "No: one pass a frame."),
        ),
        "views",
    ),
    Inhabitant(
        "ESMFold (proteins)",
        "folding",
        ("esmfold",),
        (
            (
                True,
                "Yes, twice: residues look at residues in its language model, and pairs at pairs in its folding trunk.",
            ),
            (False, "No."),
            (False, "No."),
            (
                False,
                "No: a folding trunk, run a few times over its own answer, which is the nearest it comes to steps.",
            ),
        ),
        "heads",
    ),
    Inhabitant(
        "AlphaFold2 (proteins)",
        "folding",
        ("alphafold2", "colabfold"),
        (
            (True, "Yes: along and across the related sequences, around triangles of residues, and in space."),
            (False, "No."),
            (False, "No."),
            (False, "No: that came with AlphaFold 3, which is not here."),
        ),
    ),
    Inhabitant(
        "ESMFold2 (proteins)",
        "folding",
        ("esmfold2",),
        (
            (True, "Yes: in its language model."),
            (False, "No."),
            (False, "No."),
            (True, "Yes: the places of all atoms come out of noise, step by step, as the pictures here do."),
        ),
    ),
    Inhabitant(
        "CLIP (pictures)",
        "fewshot",
        ("clip",),
        (
            (True, "Yes among words. Among patches in the published ViT; the picture half of the starter has none."),
            (False, "No: its numbers of a picture are made to be compared, not to be decoded."),
            (False, "No. A relative: it learns by telling pairs that belong together from those that do not."),
            (False, "No. It steers many that make pictures, which are not here."),
        ),
        "where",
    ),
    Inhabitant(
        "Flamingo (pictures)",
        "fewshot",
        ("flamingo",),
        (
            (True, "Yes: words look at earlier words, a few latents at patches, and words at latents through gates."),
            (False, "No."),
            (False, "No."),
            (False, "No: it writes one token after another."),
        ),
        "gates",
    ),
)


def show() -> None:
    """A table of models and ideas, each with the way to the visitor's last run of it."""
    st.caption(
        "None of the big models here is a VAE or a GAN: they were told the right answers, so they need not invent any."
    )
    st.caption("This table leads to your own results, so it is the one exhibit that cannot be saved as a file.")
    for inhabitant in INHABITANTS:
        with st.container(border=True):
            st.markdown(f"**{inhabitant.name}**")
            for idea, (there, sentence) in zip(IDEAS, inhabitant.ideas, strict=True):
                st.markdown(f"{YES if there else NO} **{idea}.** {sentence}")
            _way_in(inhabitant)


def _way_in(inhabitant: Inhabitant) -> None:
    """A link to the layer of the last run, to the page where one can be made, or to nothing."""
    run = last_run(inhabitant)
    if not inhabitant.question:
        st.caption("The page Inside cannot show its layers yet.")
    elif run is None:
        task = tasks.get(inhabitant.task)
        st.page_link(task.page, label="Make something with it, then look inside", icon=task.icon)
    else:
        _link(inhabitant, run, "Look inside your last one")


def _link(inhabitant: Inhabitant, run: Run, words: str) -> None:
    """To the layer of a run."""
    st.page_link(
        tasks.INSIDE.path,
        label=f"{words}: {formatting.escape(run.title)}",
        icon=tasks.INSIDE.icon,
        query_params={"run": run.id, "ask": inhabitant.question},
    )


def own_attention() -> None:
    """Links to the attention of the visitor's last runs, where there are any."""
    known = [one for one in INHABITANTS if one.question and one.ideas[IDEAS.index("Attention")][0]]
    found = [(one, run) for one in known if (run := last_run(one)) is not None]
    if not found:
        st.caption("Split a song, fold a protein or sort pictures, and the page Inside shows this in your own result.")
        return
    st.markdown("**In what you made**")
    for inhabitant, run in found:
        _link(inhabitant, run, inhabitant.name)


def last_run(inhabitant: Inhabitant) -> Run | None:
    """The newest finished run of one of its engines."""
    runs = services.library().list(task=inhabitant.task, status="done", limit=50)
    return next((run for run in runs if not inhabitant.engines or run.engine in inhabitant.engines), None)


EXHIBIT = Exhibit(
    "elsewhere",
    "Where it lives here",
    "Which of these ideas is inside the models of this studio, and which is not; with the way to your own last result.",
    show,
    ":material/travel_explore:",
)
