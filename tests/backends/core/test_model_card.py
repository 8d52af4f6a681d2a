"""The separation cards agree with themselves."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from backends.separation.cards import CARDS

FILES = [pytest.param(card, file, id=file.name) for card in CARDS for file in card.files]


def test_ids_and_weights_files_are_unique():
    assert len({card.id for card in CARDS}) == len(CARDS)
    names = [file.name for card in CARDS for file in card.files]
    assert len(set(names)) == len(names)
    assert len({file.sha256 for card in CARDS for file in card.files}) == len(names)


@pytest.mark.parametrize(("card", "file"), [one for one in FILES if one.values[1].url])
def test_the_publishers_file_name_carries_the_digest(card, file):
    address = urlsplit(file.url)
    assert address.scheme == "https" and address.path.endswith(f"/{file.name}") and not file.hub
    signature, prefix = re.fullmatch(r"([0-9a-f]{8})-([0-9a-f]{8})\.th", file.name).groups()
    assert re.fullmatch(r"[0-9a-f]{64}", file.sha256) and file.sha256.startswith(prefix)
    assert signature != prefix


@pytest.mark.parametrize(("card", "file"), FILES)
def test_the_size_fits_the_parameters(card, file):
    """The published states hold two bytes a parameter, those of Spleeter four, with under one percent around them."""
    stored = (4 if card.engine == "spleeter" else 2) * card.parameters / len(card.files)
    assert stored < file.bytes < 1.01 * stored


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_a_card_says_what_people_need_to_know(card):
    for sentence in (card.summary, card.weak_at, card.licence_note):
        assert sentence.endswith(".") and sentence[0].isupper()
    assert card.task == "separation" and card.title and card.licence
    assert card.outputs[:4] == ("drums", "bass", "other", "vocals")
    assert card.limit("cuda").seconds == 3 * 3600


def test_tiers_say_whether_there_is_something_to_fetch():
    for card in CARDS:
        assert (card.tier != "builtin") == bool(card.files) == (card.engine != "dsp")
        assert (card.tier == "full") == bool(card.download_bytes)
        assert card.tier in {"builtin", "starter", "full"}


def test_the_longest_song_still_fits_a_float_stereo_wav():
    for card in CARDS:
        assert card.limit("cpu").seconds * 44100 * 2 * 4 < 2**32


def test_the_default_is_plain_demucs_then_spleeter_and_the_starter_comes_after_the_built_in_separator():
    ranked = [card.id for card in sorted(CARDS, key=lambda card: -card.preference)]
    assert ranked == ["htdemucs", "htdemucs_ft", "htdemucs_6s", "spleeter", "dsp", "htdemucs-starter"]
    assert len({card.preference for card in CARDS}) == len(CARDS)
    by_id = {card.id: card for card in CARDS}
    assert by_id["htdemucs_ft"].download_bytes == 4 * 84_141_271
    assert by_id["htdemucs_6s"].outputs[4:] == ("guitar", "piano")


def test_every_card_says_how_long_it_takes():
    assert all(card.speed > 0 for card in CARDS)
    by_id = {card.id: card for card in CARDS}
    assert by_id["htdemucs_ft"].speed == 4 * by_id["htdemucs"].speed
