"""What a project's classifier says of one picture that is not kept: of what is held in front of the camera."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from studio import services
from studio.pictures import image_tiles
from studio.pictures.fitted import FittedProject, fit_project, missing_step
from studio.pictures.inference_client import TASK, InferenceCall
from studio.pictures.project import Project
from studio.pictures.task import feature_loaders
from studio.ui import formatting
from studio.web.responses import NotReady

NOT_YET = "The answers come once the model has looked at the examples."


def answer(project: Project, picture: bytes) -> dict[str, Any]:
    """Probabilities by the id of a class, the name of the best, and whether it is none of them.

    Raises:
        NotReady: there is no classifier yet, or no model server.
        BadInput, CallFailed: the picture cannot be read, or the server was lost.
    """
    fitted, card = _fitted(project)
    with tempfile.TemporaryDirectory(prefix="fourfold-live-") as folder:
        file = Path(folder) / "camera.jpg"
        file.write_bytes(picture)
        call = InferenceCall(services.backend(), card, project.token)
        made = call.results({"query": file}, {"only": "features"})["features"]
    with np.load(io.BytesIO(made), allow_pickle=False) as arrays:
        features, space = np.asarray(arrays["images"], np.float32), str(arrays["space"])
    if space != fitted.classifier.space:
        raise NotReady(NOT_YET)  # the model server has another model under this name by now
    found = fitted.classifier.predict(features)
    best = int(found.best[0])
    shares = {each.id: float(share) for each, share in zip(fitted.classes, found.probabilities[0], strict=True)}
    silent = len(project.state.classes) - len(shares)
    return {
        "shares": shares,
        "best": fitted.names[best],
        "none": bool(found.abstained[0]),
        "others": f"{formatting.count(silent, 'class', 'classes')} without an example cannot be the answer."
        if silent
        else "",
    }


def _fitted(project: Project) -> tuple[FittedProject, str]:
    task = services.backend().info().tasks.get(TASK)
    if task is None:
        raise NotReady(services.backend().state().sentence)
    card = image_tiles.card_of(task, project.state.card)
    loader = feature_loaders().get(project, card)
    loader.ensure_loaded()
    fitted = fit_project(project, loader)
    if fitted is None:
        raise NotReady(missing_step(project, loader) or NOT_YET)
    return fitted, card.id
