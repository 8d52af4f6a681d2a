"""Real files of the field's data sets, which are not passed on: read where `FOURFOLD_REAL_FILES` names their folder.

What lies where there: `formats/musdb18-7s`, `formats/proteinnet/{text_sample,tf_sample}`, `formats/laion/*.parquet`,
`formats/davis/VIDEO`, `benchmarks/musdb18_test_museval`, `audio/mir1k`, `images/omniglot`. Each test needs one of them.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from evaluation.datasets.laion import read_metadata
from evaluation.datasets.mir1k import Mir1k
from evaluation.datasets.musdb18 import Musdb18, read_streams
from evaluation.datasets.museval_scores import medians, read_scores
from evaluation.datasets.omniglot import OmniglotRuns
from evaluation.datasets.proteinnet import ProteinNet, read_file
from evaluation.datasets.video_objects import read_palette


def real(part: str) -> Path:
    """A part of the folder; skips where it is not there."""
    folder = os.environ.get("FOURFOLD_REAL_FILES", "")
    if not folder or not (Path(folder) / part).exists():
        pytest.skip(f"no real files of {part}: set FOURFOLD_REAL_FILES to a folder that has them")
    return Path(folder) / part


def test_a_stem_file_of_musdb18_has_five_sounds_whose_stems_make_the_mixture() -> None:
    folder = real("formats/musdb18-7s")
    waves, rate = read_streams(next((folder / "train").glob("*.stem.mp4")))
    total = np.sum(waves[1:], axis=0)
    length = min(total.shape[1], waves[0].shape[1])
    left = waves[0][:, :length] - total[:, :length]
    assert rate == 44100 and 6.5 < length / rate < 8
    assert np.mean(left**2) < 0.01 * np.mean(waves[0] ** 2), "but for the noise of the coder"
    (unit,) = Musdb18(folder).units("train")
    assert set(unit.reference) == {"drums", "bass", "other", "vocals"}
    scores = list(read_scores(folder))
    assert {score.target for score in scores} >= {"vocals"} and any(np.isfinite(score.value) for score in scores)


def test_text_and_tfrecord_of_proteinnet_hold_the_same_chain_in_angstroms() -> None:
    folder = real("formats/proteinnet")
    (text,), (packed,) = (list(read_file(folder / name)) for name in ("text_sample", "tf_sample"))
    assert text.id == packed.id == "TBM#T0366" and text.sequence == packed.sequence
    assert np.array_equal(text.seen, packed.seen) and 0 < text.seen.sum() < len(text.seen)
    assert np.allclose(text.backbone[text.seen], packed.backbone[packed.seen], atol=1e-3)
    both = text.seen[1:] & text.seen[:-1]
    steps = np.linalg.norm(np.diff(text.backbone[:, 1], axis=0), axis=1)[both]
    assert np.median(steps) == pytest.approx(3.8, abs=0.05)
    (unit,) = ProteinNet(folder / "tf_sample").units("all")
    assert unit.inputs["sequence"] == text.sequence


def test_metadata_of_img2dataset_has_addresses_and_captions() -> None:
    table = read_metadata(str(next(real("formats/laion").glob("*.parquet"))))
    assert {"URL", "TEXT"} <= set(table.columns) and len(table) == 1000 and table["URL"].str.startswith("http").all()


def test_palettes_of_davis_are_numbers_of_objects() -> None:
    masks = sorted(next(path for path in real("formats/davis").iterdir() if path.is_dir()).glob("*.png"))
    indices = [read_palette(path) for path in masks]
    assert len(indices) > 1 and all(set(np.unique(index)) <= {0, 1, 2} for index in indices)
    assert all((index == 1).sum() > 100 for index in indices)


def test_scores_of_musdb18_have_the_published_medians() -> None:
    found = medians(read_scores(real("benchmarks/musdb18_test_museval")))
    # Stöter et al. 2019, and the evaluation campaign of 2018 for Wave-U-Net (STL2).
    published = {
        "OpenUnmix": {"vocals": 6.32, "drums": 5.73, "bass": 5.23, "other": 4.02},
        "WaveUNet": {"vocals": 3.25, "drums": 4.22, "bass": 3.21, "other": 2.25},
    }
    for system, values in published.items():
        for target, value in values.items():
            assert found[system, target, "SDR"] == pytest.approx(value, abs=0.01), (system, target)


def test_clips_of_mir1k_are_of_twelve_singers() -> None:
    units = list(Mir1k(real("audio/mir1k")).units("all"))
    assert len({unit.group for unit in units}) == 12
    sample = units[0].load()
    assert np.allclose(sample.inputs["mixture"], sum(sample.reference.values()))


def test_runs_of_omniglot_ask_for_twenty_letters() -> None:
    place = next(real("images/omniglot").rglob("all_runs.zip"))
    units = list(OmniglotRuns(place).units("all"))
    assert len(units) == 20 and len(units[0].inputs["queries"]) == 20 == len(np.unique(units[0].reference))
