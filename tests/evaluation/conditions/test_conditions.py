"""Every condition does what it says, more of it at a higher severity, and the same again from the same seed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from evaluation.conditions.base import Condition, conditions
from evaluation.conditions.pictures import CHANGES, WARPS
from evaluation.conditions.separation import aligned, decode, encode
from evaluation.datasets.base import Sample
from evaluation.metrics.separation.bss_eval import si_sdr

RATE = 22050


def song() -> Sample:
    time = np.arange(RATE // 2) / RATE
    chord = sum(np.sin(2 * np.pi * hertz * time) / (1 + k) for k, hertz in enumerate((220, 331, 1500, 6100)))
    mixture = 0.2 * np.stack([chord, np.roll(chord, 5)]).astype(np.float32)
    mixture *= 0.2 + np.abs(np.sin(2 * np.pi * 4 * time)).astype(np.float32)
    return Sample({"mixture": mixture, "samplerate": RATE}, {"vocals": mixture.copy()})


def under(condition: Condition, sample: Sample, severity: int, seed: int = 0) -> Sample:
    return condition.at(sample, severity, np.random.default_rng(seed))


@pytest.mark.parametrize("name", ["mp3", "noise", "clipping", "band"])
def test_songs_get_worse_with_severity(name: str) -> None:
    clean, condition = song(), conditions("separation")[name]
    true = clean.inputs["mixture"].T
    mild, harsh = (si_sdr(under(condition, clean, severity).inputs["mixture"].T, true) for severity in (1, 5))
    assert mild > harsh + 1
    assert under(condition, clean, 0) is clean
    same = [under(condition, clean, 3, seed=5).inputs["mixture"] for _ in range(2)]
    assert np.array_equal(*same)
    assert same[0].shape == clean.inputs["mixture"].shape


def test_noise_lies_as_far_below_the_music_as_it_says() -> None:
    clean = song()
    noisy = under(conditions("separation")["noise"], clean, 3).inputs["mixture"]
    hiss = noisy - clean.inputs["mixture"]
    assert 10 * np.log10(np.mean(clean.inputs["mixture"] ** 2) / np.mean(hiss**2)) == pytest.approx(10, abs=0.2)


def test_sound_in_a_room_fades_by_60_db_in_its_time() -> None:
    impulse = Sample({"mixture": np.eye(1, 2 * RATE)[0], "samplerate": RATE}, {})
    room = conditions("separation")["reverb"].apply(impulse, 0.4, np.random.default_rng(0)).inputs["mixture"][1:]
    start, stop = (np.mean(room[at : at + 400] ** 2) for at in (0, round(0.3 * RATE)))
    assert 10 * np.log10(start / stop) == pytest.approx(45, abs=3)


@pytest.mark.parametrize("name", ["mp3", "aac"])
def test_the_delay_of_a_coder_is_taken_out(name: str) -> None:
    mixture = song().inputs["mixture"]
    decoded = aligned(decode(encode(mixture, RATE, name, 128_000)), mixture)
    assert decoded.shape == mixture.shape
    assert si_sdr(decoded.T, mixture.T) > 15


def test_a_faster_song_has_faster_stems() -> None:
    faster = under(conditions("separation")["speed"], song(), 4)
    assert faster.inputs["mixture"].shape[1] == pytest.approx(RATE / 2 / 2 ** (5 / 12), abs=2)
    assert faster.reference["vocals"].shape == faster.inputs["mixture"].shape


@pytest.mark.parametrize(("name", "levels", "change"), [(row[0], row[3], row[4]) for row in (*CHANGES, *WARPS)])
def test_pictures_get_worse_with_severity(name: str, levels: tuple[float, ...], change) -> None:
    down, across = np.mgrid[:96, :96]
    rgb = np.stack([128 + 100 * np.sin(across / 6), 128 + 90 * np.cos(down / 5), 2 * across], -1).astype(np.uint8)
    errors = [float(np.abs(change(rgb, level, np.random.default_rng(1)).astype(int) - rgb).mean()) for level in levels]
    assert errors[0] < errors[-1]
    assert all(one <= two for one, two in pairwise(errors)), "each level is as harsh as the one before, or harsher"
    again = [change(rgb, levels[0], np.random.default_rng(1)) for _ in range(2)]
    assert again[0].shape == rgb.shape and again[0].dtype == np.uint8 and np.array_equal(*again)


def test_fourteen_kinds_of_imagenet_c_are_there_and_a_drawing_has_no_colours_left() -> None:
    there = {row[0] for row in (*CHANGES, *WARPS)}
    kinds = {
        *("noise", "shot_noise", "impulse_noise", "defocus", "glass", "motion_blur", "zoom_blur", "snow", "fog"),
        *("brightness", "contrast", "elastic", "small", "jpeg"),
    }
    assert len(kinds) == 14 and kinds <= there and kinds <= conditions("fewshot").keys()
    assert not {"glass", "elastic", "zoom_blur"} & conditions("matting").keys(), "a true matte would lie elsewhere"
    down, across = np.mgrid[:64, :64]
    rgb = np.stack([255 * (across > 32), 90 + 0 * down, 255 * (down > 20)], -1).astype(np.uint8)
    drawn = next(row[4] for row in CHANGES if row[0] == "sketch")(rgb, 1.0, np.random.default_rng(0))
    assert np.ptp(drawn.astype(int), axis=2).max() == 0 and drawn.std() > 5


def test_proteins_lose_residues_and_keep_their_reference() -> None:
    sample = Sample({"sequence": "A" * 40}, "seen")
    mutated = under(conditions("folding")["mutated"], sample, 4)
    assert sum(letter != "A" for letter in mutated.inputs["sequence"]) == 16
    assert mutated.reference == "seen"
    assert len(under(conditions("folding")["cut"], sample, 5).inputs["sequence"]) == 20


def test_fewer_shots_and_mistyped_names() -> None:
    labels = np.repeat([0, 1], 6)
    sample = Sample({"shots": [b"x"] * 12, "labels": labels, "queries": [], "names": ["cat", "x"]}, labels)
    fewer = under(conditions("fewshot")["shots"], sample, 4)
    assert fewer.inputs["labels"].tolist() == [0, 0, 1, 1]
    names = under(conditions("fewshot")["typos"], sample, 1).inputs["names"]
    assert names != ["cat", "x"] and [len(name) for name in names] == [3, 1]


def test_another_key_is_higher_and_lasts_as_long() -> None:
    time = np.arange(RATE) / RATE
    tone = np.stack([np.sin(2 * np.pi * 440 * time)] * 2).astype(np.float32)
    higher = under(
        conditions("separation")["pitch"], Sample({"mixture": tone, "samplerate": RATE}, {"vocals": tone}), 5
    )
    assert higher.inputs["mixture"].shape == tone.shape == higher.reference["vocals"].shape
    inside = higher.reference["vocals"][0, RATE // 4 : -RATE // 4]
    loudest = np.abs(np.fft.rfft(inside * np.hanning(len(inside)))).argmax() * RATE / len(inside)
    assert loudest == pytest.approx(440 * 2 ** (7 / 12), rel=0.01)
    assert np.array_equal(higher.inputs["mixture"], higher.reference["vocals"])  # the stems still sum to the mixture


def test_compressed_clips_and_photos_get_worse_with_severity() -> None:
    down, across = np.mgrid[:45, :63]  # neither side is even
    frame = np.stack([128 + 100 * np.sin(across / 3), 128 + 90 * np.cos(down / 2), 3 * across], -1).astype(np.uint8)
    condition = conditions("matting")["h264"]
    clip = Sample({"frames": np.stack([frame, np.roll(frame, 3, 1)]), "fps": 12}, None)
    mild, harsh = (under(condition, clip, severity).inputs["frames"] for severity in (1, 5))
    assert mild.shape == harsh.shape == (2, 45, 63, 3)
    clear = clip.inputs["frames"].astype(int)
    assert np.abs(mild - clear).mean() < np.abs(harsh - clear).mean()
    assert under(condition, Sample({"photo": frame}, None), 3).inputs["photo"].shape == frame.shape


def test_other_words_say_the_same_thing() -> None:
    condition = conditions("fewshot")["paraphrase"]
    captioned = under(condition, Sample({"captions": ["red cat", "dog"]}, None), 2).inputs["captions"]
    assert all(word in text and text != word for word, text in zip(["red cat", "dog"], captioned, strict=True))
    (template,) = under(condition, Sample({"names": ["cat"]}, None), 1).inputs["templates"]
    assert template.format(c="cat").endswith(("cat", "cat in it")) and "{" not in template.format(c="cat")


def test_unknown_residues_are_x() -> None:
    masked = under(conditions("folding")["masked"], Sample({"sequence": "A" * 40}, "seen"), 4)
    assert masked.inputs["sequence"].count("X") == 16 and masked.reference == "seen"
