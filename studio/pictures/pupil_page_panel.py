"""The classifier as one HTML page with a camera, for pupils: it works offline, in any current browser."""

from __future__ import annotations

import io

from PIL import Image

from backends.core.info import CardInfo
from backends.fewshot.preparation import prepare_image
from backends.shared import images
from studio.pictures.fitted import FittedProject
from studio.pictures.network_offer import NO_NETWORK, NetworkOffer, network_on_demand
from studio.pictures.project import Project
from studio.ui import downloads
from studio.web import filenames
from viz.fewshot.figures import class_colour
from viz.fewshot.pupil_page import ExamplePicture, PupilClassifier, pupil_page

OFFER = NetworkOffer(
    kind="browser-network",
    label="A page with a camera (HTML)",
    icon=":material/videocam:",
    about="One file for pupils: it opens in a browser, takes the camera or a picture and answers, without Fourfold "
    "and without network. No picture leaves the device. Of your examples it holds one, to test itself with.",
    doing="Writing the network for browsers…",
)


def show(project: Project, card: CardInfo, fitted: FittedProject, text: str) -> None:
    """The way to the page; its network is written by the model server when somebody wants it.

    Args:
        project: whose classifier it is.
        card: of the model that looks at the pictures.
        fitted: the classifier.
        text: of the card that goes along.
    """
    if card.engine == NO_NETWORK:
        return
    network = network_on_demand(project, card, OFFER)
    if network is None:
        return
    downloads.show(
        [
            downloads.Download(
                "Save the page",
                OFFER.about,
                make=lambda: page(project, fitted, network, text),
                file_name=f"{filenames.clean(project.state.name) or 'Pictures'}.html",
                media_type="text/html",
            )
        ]
    )


def page(project: Project, fitted: FittedProject, network: bytes, card: str) -> bytes:
    """The page with everything in it."""
    from backends.fewshot.network_file import preparation_of

    preparation = preparation_of(network)
    return pupil_page(
        PupilClassifier(
            project.state.name,
            fitted.classifier.state(),
            [class_colour(place) for place in fitted.places],
            network,
            preparation,
            _test_picture(project, fitted, preparation),
            card,
        )
    )


def _test_picture(project: Project, fitted: FittedProject, preparation: dict[str, str | int]) -> ExamplePicture | None:
    """The first example as the network sees it, with the feature that the model server found of it."""
    if not fitted.shots:
        return None
    side = int(preparation["side"])
    picture = images.read(project.picture(fitted.shots[0]), 2 * side)
    square = prepare_image(
        picture.rgb, side, str(preparation["mode"]), str(preparation["interpolation"]), int(preparation["fill"])
    )
    file = io.BytesIO()
    Image.fromarray(square).save(file, "PNG")
    return ExamplePicture(file.getvalue(), fitted.support.image_features[0])
