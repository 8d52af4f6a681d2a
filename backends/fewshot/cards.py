"""The few-shot engines, and their models as data: what each is, weighs, is bad at, and where it is published.

`outputs` says what a model understands: "pictures", and "words" where a sentence can teach it a class.
"""

from __future__ import annotations

from backends.core.model_card import Limits, ModelCard, Need, WeightFile
from backends.core.task import EngineSpec
from backends.fewshot.flamingo.cards import FLAMINGO_CARDS, FLAMINGO_STARTER
from backends.fewshot.flamingo.options import FlamingoOptions
from backends.fewshot.options import FeatureEngineOptions

ENGINES: dict[str, EngineSpec] = {
    "clip": EngineSpec("backends.fewshot.clip.engine:ClipEngine", FeatureEngineOptions),
    "efficientnet": EngineSpec("backends.fewshot.efficientnet:EfficientNetEngine", FeatureEngineOptions),
    "flamingo": EngineSpec("backends.fewshot.flamingo.engine:FlamingoEngine", FlamingoOptions),
    "prototypes": EngineSpec("backends.fewshot.prototypes:PrototypesEngine", FeatureEngineOptions),
}

_TASK = "fewshot"
_LIMITS = {"cpu": Limits(megapixels=100.0)}
_BOTH = ("pictures", "words")
_FREE = "Released under the MIT licence, weights included: free for any use."

_STARTER = "clip-starter"
"""Its folder in `backends/starters/`."""

ARCHITECTURES = {
    "clip-vit-b32-laion2b": "ViT-B-32",
    "clip-vit-b32-openai": "ViT-B-32-quickgelu",
    "clip-rn50-openai": "RN50-quickgelu",
}
"""open_clip's name of the network in each published file; a folder says it itself."""


_STARTER_FILES = (
    WeightFile(
        "open_clip_model.safetensors",
        11_038_650,
        "c3b5c54bd1f747b8e3f2a069baa939490e330fd569bbec65a7354bfdbf32c656",
        path=_STARTER,
    ),
    WeightFile(
        "open_clip_config.json",
        587,
        "fedb619c925ef7e2a2791a71fb15a94a77ab340b731b181b4149fffa25703935",
        path=_STARTER,
    ),
    WeightFile(
        "tokenizer.json",
        160_889,
        "e38ae2f06a5ba84d0b667d822a1c4eec0fa75c5019261e3fceb9e976de0921df",
        path=_STARTER,
    ),
    WeightFile(
        "tokenizer_config.json",
        186,
        "e32b0fc3617813d4ae089454d232bce447af82dc89d27f477abdbc0e242cd524",
        path=_STARTER,
    ),
)
"""The first holds EfficientNet-Lite0 too, which is the starter's image tower."""


def _folder(repository: str, card: str, tokenizer: bool = False) -> Need:
    files = "open_clip_config.json, open_clip_model.safetensors (or open_clip_pytorch_model.bin)"
    files += ", tokenizer.json, tokenizer_config.json and special_tokens_map.json" if tokenizer else ""
    how = (
        f"The weights are not on this machine, and no checksum of theirs is known here to fetch them by: download "
        f"{files} of the hub repository {repository} and put them into the folder “{card}” of Fourfold's weights, "
        "or name that folder with --weights."
    )
    return Need("folder", repository, how)


# Speeds are seconds a picture on two cores: half of the processor's work in one thread, networks on pictures of noise
# of their own size in batches of eight, the descriptors on pictures of 32 × 32; large files take longer to decode.

CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        id="clip-vit-b16-datacomp",
        task=_TASK,
        engine="clip",
        title="CLIP ViT-B/16 (DataComp)",
        summary="Sees finer detail than the others of its size, and was trained on pictures chosen for good captions.",
        weak_at="Four times slower than ViT-B/32; counting, reading and where things stand are not its strength.",
        licence="MIT",
        licence_note=_FREE,
        tier="full",
        outputs=_BOTH,
        parameters=149_620_737,
        needs=(_folder("laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K", "clip-vit-b16-datacomp"),),
        limits=_LIMITS,
        speed=0.22,
        preference=70,
    ),
    ModelCard(
        id="siglip-vit-b16",
        task=_TASK,
        engine="clip",
        title="SigLIP ViT-B/16",
        summary="Trained to judge each pair of picture and sentence by itself, with words that fit well.",
        weak_at="Slow without a graphics card, and it needs its own tokenizer beside its weights to understand words.",
        licence="Apache-2.0",
        licence_note="Released by Google under Apache 2.0, weights included: free for any use.",
        tier="full",
        outputs=_BOTH,
        parameters=203_155_970,
        needs=(_folder("timm/ViT-B-16-SigLIP", "siglip-vit-b16", tokenizer=True),),
        limits=_LIMITS,
        speed=0.22,
        preference=65,
    ),
    ModelCard(
        id="clip-vit-b32-datacomp",
        task=_TASK,
        engine="clip",
        title="CLIP ViT-B/32 (DataComp)",
        summary="Quick, and better than the other ViT-B/32: its pictures were chosen for good captions.",
        weak_at="It sees a picture in 49 coarse patches: small things and fine differences are lost.",
        licence="MIT",
        licence_note=_FREE,
        tier="full",
        outputs=_BOTH,
        parameters=151_277_313,
        needs=(_folder("laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K", "clip-vit-b32-datacomp"),),
        limits=_LIMITS,
        speed=0.065,
        preference=60,
    ),
    ModelCard(
        id="clip-vit-b32-laion2b",
        task=_TASK,
        engine="clip",
        title="CLIP ViT-B/32 (LAION-2B)",
        summary="The usual CLIP: it knows thousands of things by name, quickly, from two billion captioned pictures.",
        weak_at="It sees a picture in 49 coarse patches: small things and fine differences are lost.",
        licence="MIT",
        licence_note=_FREE,
        tier="full",
        outputs=_BOTH,
        parameters=151_277_313,
        files=(
            WeightFile(
                name="open_clip_model.safetensors",
                bytes=605_143_316,
                sha256="ac4f8c4b88af6d963118cbf40ad93176d092abbedfcb752601ae1866352656e6",
                hub="laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
                revision="1a25a446712ba5ee05982a381eed697ef9b435cf",
            ),
        ),
        limits=_LIMITS,
        speed=0.065,
        preference=50,
    ),
    ModelCard(
        id="mobileclip-s1",
        task=_TASK,
        engine="clip",
        title="MobileCLIP S1",
        summary="Made for telephones: small and quick, and nearly as good as a CLIP of twice its size.",
        weak_at="Its weights are for research only, and fine differences are not its strength.",
        licence="Apple research licence",
        licence_note="Apple's weights are for research only, not for products; read the licence in their repository.",
        tier="full",
        outputs=_BOTH,
        parameters=84_969_729,
        needs=(_folder("apple/MobileCLIP-S1-OpenCLIP", "mobileclip-s1"),),
        limits=_LIMITS,
        speed=0.1,
        preference=45,
    ),
    ModelCard(
        id="clip-vit-b32-openai",
        task=_TASK,
        engine="clip",
        title="CLIP ViT-B/32 (OpenAI)",
        summary="The first CLIP, with which most published results on few pictures were made.",
        weak_at="Later ones of the same size are better; it is here to compare with papers.",
        licence="MIT",
        licence_note=_FREE,
        tier="full",
        outputs=_BOTH,
        parameters=151_277_313,
        files=(
            WeightFile(
                name="open_clip_model.safetensors",
                bytes=605_143_284,
                sha256="e6d1bd7789aa45192b3bf90570a789b478bae1b74ebcce7eddd908e83a2b7c31",
                hub="timm/vit_base_patch32_clip_224.openai",
                revision="a6f597a30f7b82c51704746581f9a4e41421e878",
            ),
        ),
        limits=_LIMITS,
        speed=0.065,
        preference=40,
    ),
    ModelCard(
        id="clip-rn50-openai",
        task=_TASK,
        engine="clip",
        title="CLIP ResNet-50 (OpenAI)",
        summary="A convolutional CLIP: the one in the papers on Tip-Adapter and its kin.",
        weak_at="The least accurate CLIP here; it is here to compare with papers.",
        licence="MIT",
        licence_note=_FREE,
        tier="full",
        outputs=_BOTH,
        parameters=102_007_137,
        files=(
            WeightFile(
                name="open_clip_model.safetensors",
                bytes=408_291_932,
                sha256="da0baa37fb2211eee5729ab69ed587eb10d48f5b7076ceeed01552fc3d4cb4ee",
                hub="timm/resnet50_clip.openai",
                revision="ec3d92cf63a5f9d591f0d611b736895966c73076",
            ),
        ),
        limits=_LIMITS,
        speed=0.09,
        preference=30,
    ),
    ModelCard(
        id="clip-starter",
        task=_TASK,
        engine="clip",
        title="Starter",
        summary="Comes with Fourfold: sees by EfficientNet-Lite0, and knows some thousands of things by name.",
        weak_at=(
            "Its words were taught briefly and one by one: of a sentence it knows the thing, hardly what else is said "
            "of it, nor left from right or above from below; it mistakes much of what a large CLIP tells apart."
        ),
        measured=(
            "On CIFAR-10, of which it never saw a picture, 51.7 % are right by words alone (95 % interval 47.6 to "
            "55.7, where guessing gives 10), and with examples beside the words 52.2 % with one a class (51.2 to 53.1) "
            "and 64.9 % with 16 (63.7 to 66.2), where “Colour, texture and shape” has 20.3 and 41.3 %."
        ),
        licence="research only",
        licence_note=(
            "Two of the collections of pictures its words were taught on allow research only. The image tower is "
            "EfficientNet-Lite0 under Apache 2.0."
        ),
        tier="starter",
        outputs=_BOTH,
        parameters=5_459_585,
        files=_STARTER_FILES,
        limits=_LIMITS,
        preference=15,
    ),
    ModelCard(
        id="efficientnet-lite0",
        task=_TASK,
        engine="efficientnet",
        title="EfficientNet-Lite0",
        summary="Learned to tell 1,000 kinds of things apart: it sees what a picture means, and needs no download.",
        weak_at="It knows no words, so each class needs examples; what is unlike its 1,000 kinds it sees less well.",
        measured=(
            "On CIFAR-10, of which it never saw a picture, 53.5 % are right with four examples a class (95 % interval "
            "52.2 to 54.7), where “Colour, texture and shape” has 29.1 and guessing gives 10."
        ),
        licence="Apache-2.0",
        licence_note=(
            "Published by Google under Apache 2.0, weights included, and packaged by ML Illustrated; it learned from "
            "ImageNet, whose photographs are for research."
        ),
        tier="starter",
        outputs=("pictures",),
        parameters=3_371_008,
        files=_STARTER_FILES[:1],
        limits=_LIMITS,
        preference=12,
    ),
    ModelCard(
        id="prototypes",
        task=_TASK,
        engine="prototypes",
        title="Colour, texture and shape",
        summary="Needs no download: it describes a picture by its colours, textures and outlines and compares those.",
        weak_at="It has learned nothing and knows no words: it sees what a picture looks like, not what it means.",
        licence="MIT",
        licence_note="This part of Fourfold learned from no data and is free for any use.",
        tier="builtin",
        outputs=("pictures",),
        limits=_LIMITS,
        speed=0.004,
        preference=10,
        measured=(
            "After 16 examples of each of ten kinds of small photographs (CIFAR-10), 39 ± 1 of 100 others are right, "
            "where guessing gives 10; none of these pictures had a part in its making."
        ),
    ),
    *FLAMINGO_CARDS,
    FLAMINGO_STARTER,
)
"""Best first."""
