"""The matting engines, and their models as data: what each is, weighs, is bad at, and where it is published."""

from __future__ import annotations

from backends.core.model_card import Limits, ModelCard, WeightFile
from backends.core.task import EngineSpec
from backends.matting.capabilities import MattingCapabilities
from backends.matting.options import MattingOptions
from backends.weights.packaged import MEDIAPIPE

ENGINES: dict[str, EngineSpec] = {
    "modnet": EngineSpec(
        "backends.matting.engines.modnet_engine:ModnetEngine",
        MattingOptions,
        MattingCapabilities(live_sides=(192, 256, 320, 384, 512)),
    ),
    "onnx": EngineSpec(
        "backends.matting.engines.onnx_engine:OnnxEngine",
        MattingOptions,
        MattingCapabilities(live_sides=(256,)),
    ),
    "lite": EngineSpec(
        "backends.matting.engines.lite_engine:LiteEngine",
        MattingOptions,
        MattingCapabilities(live_sides=(256,)),
    ),
    "lite_edge": EngineSpec(
        "backends.matting.engines.lite_edge:LiteEdgeEngine",
        MattingOptions,
        MattingCapabilities(live_sides=(192, 256, 320, 384, 448)),
    ),
    "chroma": EngineSpec(
        "backends.matting.engines.chroma_engine:ChromaEngine",
        MattingOptions,
        MattingCapabilities(live_sides=(320, 480, 640)),
    ),
    "classical": EngineSpec(
        "backends.matting.engines.classical:ClassicalEngine",
        MattingOptions,
        MattingCapabilities(live_sides=(160, 192, 224, 256, 320)),
    ),
}

_TASK = "matting"
_ZOO = "https://storage.openvinotoolkit.org/repositories/open_model_zoo/public/2022.2/"
_OBS = "https://raw.githubusercontent.com/royshil/obs-backgroundremoval/main/models/"
_LIMITS = {"cpu": Limits(megapixels=35.6)}  # 8K video; pictures may be larger

_MODNET_NOTE = "Released by the paper's authors under Apache 2.0, weights included: free for any use."


def _modnet(kind: str, sha256: str) -> WeightFile:
    name = f"modnet_{kind}_portrait_matting.ckpt"
    url = f"{_ZOO}modnet-{kind}-portrait-matting/{name}"
    return WeightFile(name=name, bytes=26_255_603, sha256=sha256, url=url)


def _mediapipe(path: str, size: int, sha256: str) -> WeightFile:
    """A network of MediaPipe's, in its wheel at `path` below `mediapipe/modules/`."""
    name = path.rpartition("/")[2]
    return WeightFile(name=name, bytes=size, sha256=sha256, archive=MEDIAPIPE, path=f"mediapipe/modules/{path}")


_SELFIE = _mediapipe(
    "selfie_segmentation/selfie_segmentation.tflite",
    249_505,
    "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
)
_SELFIE_WIDE = _mediapipe(
    "selfie_segmentation/selfie_segmentation_landscape.tflite",
    250_145,
    "a77d03f4659b9f6b6c1f5106947bf40e99d7655094b6527f214ea7d451106edd",
)
_MEDIAPIPE_NOTE = "MediaPipe by Google, weights included, under Apache 2.0: free for any use."

CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        id="selfie-edge",
        task=_TASK,
        engine="lite_edge",
        title="Selfie network with a fine edge",
        summary="A tiny network for video calls finds the person; the edge is then solved from the picture's colours.",
        weak_at="The network sees 256 pixels, so thin things far from the body get lost; made for one person close by.",
        licence="Apache-2.0",
        licence_note=_MEDIAPIPE_NOTE,
        tier="full",
        outputs=("alpha",),
        parameters=212_600,
        files=(_SELFIE, _SELFIE_WIDE),
        limits=_LIMITS,
        overhead=1.0,
        preference=45,
        measured=(
            "On 60 portraits kept apart, whose masks have a hard edge, its mean absolute error is 0.035 (95 % interval "
            "0.026 to 0.062), the plain network's 0.035 (0.026 to 0.058); on the rendered clip 0.011 against 0.017."
        ),
    ),
    ModelCard(
        id="modnet-photographic",
        task=_TASK,
        engine="modnet",
        title="MODNet for photographs",
        summary="A trained network that finds one person and their hair in photographs and good video.",
        weak_at="It wants a person who fills much of the picture; things held in the hand and far-off people get lost.",
        licence="Apache-2.0",
        licence_note=_MODNET_NOTE,
        tier="full",
        outputs=("alpha",),
        parameters=6_487_075,
        files=(_modnet("photographic", "7c22235f0925deba15d4d63e53afcb654c47055bbcd98f56e393ab2584007ed8"),),
        limits=_LIMITS,
        overhead=1.0,
        preference=40,
    ),
    ModelCard(
        id="modnet-webcam",
        task=_TASK,
        engine="modnet",
        title="MODNet for webcams",
        summary="The same network adapted to webcams: steadier from frame to frame, softer in the hair.",
        weak_at="Its edges are softer than those of the photographic one, and whole bodies are not its strength.",
        licence="Apache-2.0",
        licence_note=_MODNET_NOTE,
        tier="full",
        outputs=("alpha",),
        parameters=6_487_075,
        files=(_modnet("webcam", "913b82b66558db39b6286c150f809017d7528c872b156eb14333c9c6cb52108b"),),
        limits=_LIMITS,
        overhead=1.0,
        preference=30,
    ),
    ModelCard(
        id="selfie",
        task=_TASK,
        engine="onnx",
        title="Selfie segmentation",
        summary="A tiny network for video calls: quick on any machine, with a plain edge.",
        weak_at="It sees 256 × 256 pixels, so hair and fingers are only outlined; made for one person close by.",
        licence="Apache-2.0",
        licence_note="MediaPipe Selfie Segmentation by Google, in ONNX format.",
        tier="full",
        outputs=("alpha",),
        parameters=106_405,
        files=(
            WeightFile(
                name="selfie_segmentation.onnx",
                bytes=447_596,
                sha256="1511ab5564cb0ae179cba9bcad6ad931003ccc71656f11fd270967023678c6a5",
                url=_OBS + "selfie_segmentation.onnx",
            ),
        ),
        limits=_LIMITS,
        overhead=1.0,
        preference=20,
    ),
    ModelCard(
        id="selfie-lite",
        task=_TASK,
        engine="lite",
        title="Selfie network, plain",
        summary="The same tiny network without the solved edge: the quickest there is, for slow machines.",
        weak_at="Hair and fingers are only outlined; made for one person close by.",
        licence="Apache-2.0",
        licence_note=_MEDIAPIPE_NOTE,
        tier="full",
        outputs=("alpha",),
        parameters=106_405,
        files=(_SELFIE,),
        limits=_LIMITS,
        overhead=1.0,
        preference=22,
        measured="On 60 portraits kept apart its mean absolute error is 0.035 (95 % interval 0.026 to 0.058).",
    ),
    ModelCard(
        id="classical",
        task=_TASK,
        engine="classical",
        title="Built-in cut-out",
        summary="Needs no download: it finds a face or a standing body, cuts along colours and solves for the hair.",
        weak_at="It needs a face or a whole body to be seen, and colours unlike the background's.",
        licence="MIT",
        licence_note="This cut-out is part of Fourfold and is free for any use.",
        tier="builtin",
        outputs=("alpha",),
        limits=_LIMITS,
        speed=0.016,
        overhead=6.0,
        preference=10,
    ),
    ModelCard(
        id="chroma-key",
        task=_TASK,
        engine="chroma",
        title="Green screen",
        summary="For a real green or blue screen: all before it stays, people and things, with hair and soft edges.",
        weak_at="It needs an evenly lit screen on top and at both sides; what wears the screen's colour goes with it.",
        licence="MIT",
        licence_note="This keyer is part of Fourfold and is free for any use.",
        tier="builtin",
        outputs=("alpha",),
        limits=_LIMITS,
        overhead=0.2,
        preference=2,
    ),
    ModelCard(
        id="modnet-starter",
        task=_TASK,
        engine="modnet",
        title="MODNet starter",
        summary="A small network that ships with Fourfold: quick, and it needs neither a face nor a standing body.",
        weak_at=(
            "Its training was short: it keeps bags and things close by, and loses heads of people far away. "
            "The selfie network and the built-in cut-out are steadier in videos."
        ),
        licence="research only",
        licence_note=(
            "The collections of photographs that it learned from are for research. Its encoder began as Google's "
            "EfficientNet-Lite0 (Apache-2.0)."
        ),
        tier="starter",
        outputs=("alpha",),
        parameters=4_110_491,
        files=(
            WeightFile(
                name="modnet-starter.safetensors",
                bytes=4_442_462,
                sha256="7695e47d37c6539d73349133c249c70264cd8913bc505d7c42becc8c0c091485",
            ),
        ),
        limits=_LIMITS,
        overhead=0.3,
        preference=5,
        measured=(
            "On 60 portraits kept apart its mean absolute error is 0.040 (95 % interval 0.031 to 0.058), that of the "
            "built-in cut-out 0.091 (0.070 to 0.129), that of the selfie network 0.035 (0.026 to 0.058)."
        ),
    ),
)
"""Best first."""

DETECTORS = ModelCard(
    id="person-detectors",
    task=_TASK,
    engine="lite",
    title="Face and body detectors",
    summary="They tell the built-in cut-out where people are, and check what other models cut out.",
    weak_at="People seen from behind close by, and faces that are mostly hidden.",
    licence="Apache-2.0",
    licence_note=_MEDIAPIPE_NOTE,
    tier="full",
    files=(
        _mediapipe(
            "face_detection/face_detection_full_range_sparse.tflite",
            676_746,
            "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
        ),
        _mediapipe(
            "pose_detection/pose_detection.tflite",
            2_959_046,
            "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
        ),
    ),
)
"""Not for cutting out by themselves: used wherever they are here."""
