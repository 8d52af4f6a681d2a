"""`python -m studio.findings.make_story`: make the built-in story anew from the project's own samples.

It runs the models that ship with Fourfold on samples whose truth is known, writes what was measured into the claims,
and packs story and results into the bundle that every studio opens. Takes some minutes without a graphics card.
"""

from __future__ import annotations

import base64
import csv
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

SONG_SECONDS, CLIP_SECONDS, CLIP_SIZE, CLIP_RATE = 4.0, 2.0, (320, 180), 15
AUTHOR = "Fourfold"
TOUCH = "Point at the map to see each picture; the classes below it can be dimmed."
SPEAK = "Press Space to play. Solo (S) a stem, then switch to the original (O)."


def main() -> int:
    """Make the bundle; the exit code."""
    from studio import services
    from studio.findings.builtin import BUNDLE
    from studio.findings.bundle import pack_story

    with tempfile.TemporaryDirectory(prefix="fourfold-story-") as home:
        weights = os.environ.get("FOURFOLD_WEIGHTS")
        os.environ.update({"FOURFOLD_HOME": home, "FOURFOLD_WEIGHTS": weights or f"{home}/weights"})
        services.backend().wait_ready(300)
        try:
            story = make(Path(home) / "made")
            made = pack_story(story, False, Path(home) / "story.fourfold")
            BUNDLE.parent.mkdir(exist_ok=True)
            shutil.copyfile(made, BUNDLE)
        finally:
            services.stop()
    print(f"{BUNDLE}: {BUNDLE.stat().st_size / 1e6:.1f} MB")  # noqa: T201
    return 0


def make(folder: Path) -> str:
    """Run everything and enter the story; its id."""
    from studio import services
    from studio.library.findings import Step

    folder.mkdir()
    text = _text_step
    steps = [
        text("Four ways to take things apart", INTRO, "Ten steps, about ten minutes. N opens this window's notes."),
        *_songs(folder),
        *_clips(folder),
        *_proteins(),
        *_pictures(folder),
        text("What none of this shows", LIMITS, "The most important step: say it before somebody asks."),
    ]
    assert all(isinstance(step, Step) for step in steps)
    return services.findings().create_story("Fourfold in ten steps", AUTHOR, steps).id


INTRO = """- **Songs** into voice, drums, bass and the rest
- **People** out of videos
- **Proteins** from their letters into space
- **Pictures** told apart after a few examples

All on this computer, with what ships with Fourfold."""

LIMITS = """- Every sample here was made by Fourfold itself, so that the truth is known.
- One sample each: no claim about songs, videos or proteins in general.
- The models are the small ones that ship with it; larger ones can be fetched.
- A reason is a measurement too: its verdict stands beside it, whatever it says.

Now with your own: every result stays in the library, and **Pin to a finding** keeps a moment for the next story."""

WHY = (
    "The question and the place are the page's own proposal. Open the tests; compare with the model that knows nothing."
)


def _text_step(title: str, text: str, notes: str = "") -> Any:
    from studio.library.findings import Step

    return Step("text", title=title, text=text, notes=notes)


def _run(task: str, name: str, source: Path, card: str, options: Mapping[str, Any], **extra: Path) -> Any:
    """A finished run. Raises RuntimeError where it did not end well."""
    import time

    from studio import services

    run_id = services.jobs().submit(task, name, source, card, options, extra=extra)
    while (view := services.jobs().get(run_id)) is None or not view.ended:
        time.sleep(0.3)
    run = services.library().get(run_id)
    if run is None or run.status != "done":
        raise RuntimeError(f"{name} with {card}: {run.error if run else 'gone'}")
    return run


def _finding(title: str, words: tuple[str, str], evidence: Sequence[Any], notes: str = "") -> Any:
    """A step with a new finding; `words` are its claim and its limits."""
    from studio import services
    from studio.library.findings import Step

    claim, limits = words
    return Step("finding", services.findings().create(title, claim, limits, AUTHOR, evidence).id, notes=notes)


def _evidence(run: Any, moment: Mapping[str, Any] | None = None) -> Any:
    from studio.library.findings import Evidence

    return Evidence(run.task, run.id, moment or {}, f"{run.card.get('title', run.weights)}", run.metrics)


def _why(run: Any) -> Any:
    """A step with the reason of a run."""
    from studio.findings.story_reasons import reason

    title, claim, limits, evidence = reason(run)
    return _finding(title, (claim, limits), [evidence], WHY)


# -- the four tasks ----------------------------------------------------------------------------------------------------


def _songs(folder: Path) -> list[Any]:
    from evaluation.metrics.separation.scores import align_files, whole_song_scores
    from evaluation.synthetic.song import make_song, write_sample
    from studio.songs.results import mix_file, stem_files

    truth = write_sample(folder / "song", make_song(SONG_SECONDS))
    runs, scores = [], []
    for card in ("htdemucs-starter", "dsp"):
        run = _run("separation", "Sample song.flac", truth["mix"], card, {})
        stems = stem_files(run)
        shared = {name: path for name, path in truth.items() if name in stems}
        found = whole_song_scores(align_files(shared, stems, mix_file(run), 44_100))["stems"]["vocals"]
        runs.append(run)
        scores.append(found)
    claim = (
        f"The voice comes out at {scores[0]['si_sdr']:.1f} dB SI-SDR; without learning, beside it, at "
        f"{scores[1]['si_sdr']:.1f} dB. The song itself has {scores[0]['mix_si_sdr']:.1f} dB."
    )
    limits = f"{SONG_SECONDS:.0f} seconds of a song that Fourfold plays and sings itself; the true voice is known."
    moment = {"solo": ["vocals"], "view": "waveform", "position": 0.0}
    evidence = [_evidence(run, moment) for run in runs]
    return [_finding("A song in parts", (claim, limits), evidence, SPEAK), _why(runs[0])]


def _clips(folder: Path) -> list[Any]:
    from evaluation.synthetic.clip import make_clip, write_clip

    clip = make_clip(CLIP_SECONDS, *CLIP_SIZE, CLIP_RATE)
    (folder / "clip").mkdir()
    write_clip(clip, folder / "clip" / "clip.mp4", folder / "clip" / "alpha.mkv")
    runs = [
        _run("matting", "Sample clip.mp4", folder / "clip" / "clip.mp4", card, {"export": "webm"})
        for card in ("modnet-starter", "classical")
    ]
    learned, rules = (100 * _matte_error(run, clip) for run in runs)
    claim = f"On average a pixel's alpha is off by {learned:.1f} %; by hand-made rules, beside it, by {rules:.1f} %."
    limits = f"{CLIP_SECONDS:.0f} seconds of a drawn person; hair, glass and motion blur of a camera are harder."
    evidence = [_evidence(run, {"view": "alpha", "wipe": 0.5, "frame": 8}) for run in runs]
    return [_finding("A person without the background", (claim, limits), evidence, "Drag the wipe."), _why(runs[0])]


def _matte_error(run: Any, clip: Any) -> float:
    """The mean absolute difference of the finished mattes, 0 to 1, at the size of the proxy."""
    import av
    import cv2

    from evaluation.metrics.matting.mattes import mad
    from studio import services

    errors = []
    with av.open(str(services.library().only(run.id, "proxy"))) as container:
        for frame, truth in zip(container.decode(video=0), clip, strict=False):
            both = frame.to_ndarray(format="gray")
            matte = both[both.shape[0] // 2 :].astype(np.float32) / 255
            true = cv2.resize(truth.alpha.astype(np.float32), matte.shape[::-1], interpolation=cv2.INTER_AREA)
            errors.append(mad(matte, true))
    return float(np.mean(errors))


def _proteins() -> list[Any]:
    from evaluation.metrics.folding.folds import compare
    from studio.proteins import run_data
    from studio.proteins.samples import of_id

    built = of_id("helices")
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / built.file
        path.write_text(built.text)
        known = _run("folding", built.file, path, "structure", {})
        truth = run_data.load_fold(known)
        fasta = Path(place) / "hairpin.fasta"
        letters = truth.structure.sequence if truth else ""
        fasta.write_text(f">{built.name}\n{letters}\n")
        run = _run("folding", fasta.name, fasta, "esmfold-starter", {})
    fold = run_data.load_fold(run)
    if fold is None or truth is None:
        raise RuntimeError("A fold left no structure behind.")
    scores = compare(fold.structure, truth.structure)
    claim = (
        f"From its {len(fold.structure)} letters alone: mean pLDDT {fold.structure.mean_confidence:.0f}, TM-score "
        f"{scores.tm:.2f} to the structure that was built by rule, beside it."
    )
    limits = "A small network, and a helical hairpin that no experiment has seen. Over 0.5 means the same fold."
    evidence = [_evidence(run), replace(_evidence(known), caption="Built by rule")]
    return [_finding("A protein from its letters", (claim, limits), evidence, "Drag to turn it."), _why(run)]


def _pictures(folder: Path) -> list[Any]:
    """The answers, and how many of them are right."""
    from evaluation.synthetic.pictures import queries, write_sample
    from studio import services

    sample = folder / "pictures"
    sample.mkdir()
    write_sample(sample)
    questions = sorted((sample / "questions").iterdir(), key=lambda path: int(path.stem.split()[-1]))
    with zipfile.ZipFile(sample / "questions.zip", "w") as bundle:
        for path in questions:
            bundle.write(path, path.name)
    support = {"support": sample / "shots.zip", "classes": sample / "classes.txt"}
    run = _run("fewshot", "Sample questions.zip", sample / "questions.zip", "clip-starter", {}, **support)
    with services.library().only(run.id, "predictions").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    truth = {picture.name: picture.kind for picture in queries()}
    right = sum(truth[row["file"]] == ("" if row["abstained"] == "yes" else row["class"]) for row in rows)
    claim = f"{right} of {len(rows)} new pictures get the right answer after {_shots(sample)} examples of each class."
    limits = "Pictures that Fourfold draws itself. Photographs are harder, and eight classes are few."
    evidence = [_evidence(run, _board(rows, sample)), _evidence(run, _map(run, sample))]
    return [_finding("Told apart after a few examples", (claim, limits), evidence, TOUCH), _why(run)]


def _map(run: Any, sample: Path) -> dict[str, Any]:
    """The pictures as the model sees them, alike ones close together, as a pinned map has them."""
    from evaluation.metrics.fewshot.embedding import pca
    from studio import services
    from studio.findings import snapshots
    from studio.pictures.embedding_map import board

    with np.load(services.library().only(run.id, "features"), allow_pickle=False) as stored:
        features = {name: stored[name] for name in stored.files}
    points, share = pca(np.vstack([features["support_images"], features["images"]]))
    names, classes = [str(name) for name in features["classes"]], features["labels"]
    titles = [Path(str(name)).name for part in ("support_names", "names") for name in features[part]]
    files = {path.name: path for path in sample.rglob("*.png")}
    labels = np.concatenate([classes, np.full(len(features["images"]), -1)])
    alt = (
        f"Map of {len(titles)} pictures, alike ones close together: the two directions in which they differ most hold "
        f"{100 * share:.0f} % of all differences. Questions have no class."
    )
    faces = [(title, _small(files[title])) for title in titles]
    return snapshots.of_board(board(points, labels, names, faces, alt))


def _shots(sample: Path) -> int:
    return len(list(next(iter((sample / "shots").iterdir())).iterdir()))


def _board(rows: list[dict[str, str]], sample: Path) -> dict[str, Any]:
    """The first answers with their pictures, as a pinned project has them."""
    from studio.pictures.exhibit import MAX_ANSWERS, MAX_BARS
    from viz.fewshot.figures import class_colour

    names = [name for name in rows[0] if name not in ("file", "class", "probability", "abstained")]
    answers = []
    for row in rows[:MAX_ANSWERS]:
        shares = np.array([float(row[name]) for name in names])
        order = np.argsort(-shares, kind="stable")[:MAX_BARS]
        bars = [[names[k], round(float(shares[k]), 4), class_colour(int(k))] for k in order]
        picture = _small(sample / "questions" / row["file"])
        answers.append({"title": row["file"], "picture": picture, "verdict": row["class"], "bars": bars})
    classes = [
        {"name": kind.name, "pictures": [_small(path) for path in sorted(kind.iterdir())[:2]]}
        for kind in sorted((sample / "shots").iterdir())
    ]
    return {"title": "Sample pictures", "classes": classes, "answers": answers}


def _small(path: Path) -> str:
    import io

    from PIL import Image

    target = io.BytesIO()
    with Image.open(path) as picture:
        picture.convert("RGB").resize((96, 96)).save(target, "WEBP", quality=75)
    return f"data:image/webp;base64,{base64.b64encode(target.getvalue()).decode()}"


if __name__ == "__main__":
    sys.exit(main())
