"""The models of an NMR ensemble beside the one that is shown."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from backends.folding.structure.writer import superposed_pdb
from studio import services
from studio.proteins import ensemble, run_data, view
from tests.support import findings
from tests.support.folding import helix
from tests.support.pages import fresh_services

HELIX = helix("ACDEFCGHIKLMCPQRSTVW", confidence=None)


@pytest.fixture(autouse=True)
def studio() -> Iterator[None]:
    """Services of its own, which no other test finds."""
    with fresh_services(wait=False):
        yield


def test_every_model_is_a_picture_of_a_film_laid_on_the_first() -> None:
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]], float)
    bent = HELIX.with_atoms(HELIX.atoms + np.linspace(0, 2, len(HELIX))[:, None, None] ** 2).moved(turn, np.ones(3))
    run = findings.fold(HELIX)
    data = superposed_pdb([("one", HELIX), ("two", bent)]).encode()
    services.library().keep(run.id, "input", "input", data, file="nmr.pdb")
    (film,) = view._ensemble_film(run.id, HELIX)
    assert film.kind == "models" and [frame.label[:8] for frame in film.frames] == ["Model 1,", "Model 2,"]
    assert film.frames[0].label == "Model 1, 0.00 Å from the first"
    apart = np.linalg.norm(film.frames[1].structure.ca - HELIX.ca, axis=-1)
    assert 0.1 < np.sqrt(np.square(apart).mean()) < 3.0, "laid on it, and still another shape"
    assert f"{np.sqrt(np.square(apart).mean()):.2f} Å" in film.frames[1].label


def test_where_the_models_differ_is_measured() -> None:
    shift = np.zeros((len(HELIX), 1, 3), np.float32)
    shift[-1] = [0, 0, 6]
    run = findings.fold(HELIX)
    two = superposed_pdb([("one", HELIX), ("two", HELIX.with_atoms(HELIX.atoms + shift))]).encode()
    services.library().keep(run.id, "input", "input", two, file="nmr.pdb")
    first, second = ensemble.laid_models(run.id, HELIX)
    assert first.rmsd < 0.01 < second.rmsd and (first.number, second.number) == (1, 2)
    loose = ensemble.spread([first, second])
    assert loose.argmax() == len(HELIX) - 1 and loose[-1] == pytest.approx(2.6, abs=0.5), "half of 6 Å, less the fit"


def test_one_model_is_no_film() -> None:
    run = findings.fold(HELIX)
    services.library().keep(run.id, "input", "input", superposed_pdb([("one", HELIX)]).encode(), file="one.pdb")
    assert run_data.models_of(run.id) == [] and view._ensemble_film(run.id, HELIX) == []
    alone = findings.fold(HELIX)
    assert run_data.models_of(alone.id) == []
