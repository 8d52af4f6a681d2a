"""Sound files of every kind, small Demucs networks, and an engine that splits a mix in a known way."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from backends.core.model_card import Limits, ModelCard
from backends.separation.base import SeparationEngine
from backends.separation.io.audio import open_song, read_mix
from backends.separation.io.mix import Mix


def tone(seconds: float, samplerate: int = 44100, channels: int = 2, level: float = 0.3) -> np.ndarray:
    """(T, C): a different harmonic tone in each channel, so that swapped channels are noticed."""
    time = np.arange(round(seconds * samplerate)) / samplerate
    return np.stack([level * np.sin(2 * np.pi * 220 * (1 + c) * time) for c in range(channels)], axis=1)


def encode(
    path: Path,
    samples: np.ndarray,
    codec: str,
    samplerate: int = 44100,
    *,
    layout: str = "stereo",
    tags: Mapping[str, str] | None = None,
    container: str | None = None,
    picture: bool = False,
    video: bool = False,
    bit_rate: int | None = None,
) -> Path:
    """Write (T, C) samples with PyAV; `picture` attaches a cover, `video` adds two seconds of moving pictures."""
    with av.open(str(path), "w", format=container) as out:
        out.metadata.update(tags or {})
        stream = out.add_stream(codec, rate=samplerate, layout=layout)
        if bit_rate:
            stream.bit_rate = bit_rate
        pictures = _pictures(out, picture, video)
        resampler = av.AudioResampler(stream.codec_context.format, layout, samplerate)
        packed = np.ascontiguousarray(samples, np.float32).reshape(1, -1)  # eight planes or more crash PyAV
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate, frame.pts = samplerate, 0
        for packet in pictures:
            out.mux(packet)
        for piece in [*resampler.resample(frame), *resampler.resample(None), None]:
            out.mux(stream.encode(piece))
    return path


def read_song(
    path: Path, folder: Path, samplerate: int = 44100, limit: float | None = None, **options: Any
) -> tuple[Mix, np.ndarray]:
    """A song as an engine reads it: the mix, whose file lies in `folder`, and its samples (2, T)."""
    reading = read_mix(open_song(path, limit, **options), samplerate, folder / "mix.wav", limit)
    try:
        while True:
            next(reading)
    except StopIteration as stop:
        mix: Mix = stop.value
    return mix, np.concatenate(list(mix.blocks(10_007)), axis=1)


def level(samples: np.ndarray, frequency: float, samplerate: int = 44100) -> float:
    """Amplitude of one sine in a signal (T,)."""
    time = np.arange(len(samples)) / samplerate
    return float(abs(2 * np.mean(samples * np.exp(-2j * np.pi * frequency * time))))


def _pictures(out: Any, picture: bool, video: bool) -> list[Any]:
    if not (picture or video):
        return []
    stream = out.add_stream("mjpeg" if picture else "mpeg4", rate=10)
    stream.width = stream.height = 64
    stream.pix_fmt = "yuvj420p" if picture else "yuv420p"
    if picture:
        stream.disposition = av.stream.Disposition.attached_pic
    packets: list[Any] = []
    for index in range(1 if picture else 20):
        image = np.full((64, 64, 3), 12 * index, np.uint8)
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts = index
        packets += stream.encode(frame)
    return packets + stream.encode(None)


class Halves(SeparationEngine):
    """Sources a quarter, a quarter and half of the mix; pieces of uneven length, some of them empty."""

    name = "halves"
    sources = ("low", "mid", "high")
    gains = (0.25, 0.25, 0.5)

    def load(self, device: str) -> None:
        self.device = device

    def chunks(self, mix: Mix) -> Iterator[np.ndarray]:
        gains = np.array(self.gains, np.float32)[:, None, None]
        for number, block in enumerate(mix.blocks(30_011)):
            if number % 3 == 0:
                yield np.zeros((3, 2, 0), np.float32)
            yield gains * block


def card(seconds: float | None = None) -> ModelCard:
    limits = {"cpu": Limits(seconds=seconds)}
    return ModelCard("halves", "separation", "halves", "Halves", "", "", "MIT", "builtin", limits=limits)


NETWORKS: dict[str, dict[str, Any]] = {
    "HTDemucs": {"channels": 8, "bottom_channels": 16, "t_layers": 2, "t_heads": 2, "segment": Fraction(7, 5)},
    "HDemucs": {"channels": 4, "depth": 5, "nfft": 1024, "segment": Fraction(5, 4)},
    "Demucs": {"channels": 4, "depth": 3, "lstm_layers": 1, "segment": 1.5, "resample": False},
}
"""Small networks of each published class; the arguments are the published ones where they are not about size."""


def network(kind: str, seed: int = 0, sources: tuple[str, ...] = ("drums", "bass", "other", "vocals")) -> Any:
    """A network with random weights in which every layer matters: fresh ones nearly skip their residual layers."""
    import torch
    from demucs.demucs import Demucs
    from demucs.hdemucs import HDemucs
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(seed)
    klass = {"HTDemucs": HTDemucs, "HDemucs": HDemucs, "Demucs": Demucs}[kind]
    model = klass(list(sources), samplerate=8000, **NETWORKS[kind])
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.endswith("scale") or "gamma" in name:
                value.uniform_(0.2, 0.6)
    return model.eval()


def package(model: Any) -> dict[str, Any]:
    """What the demucs package saves: class and arguments, weights in half precision, and its training settings."""
    args, kwargs = model._init_args_kwargs
    state = {key: value.half() for key, value in model.state_dict().items()}
    settings = {"dset": {"segment": 11, "names": ["a"]}, "lr": np.float64(3e-4), "best": np.float32(9.0)}
    return {"klass": type(model), "args": args, "kwargs": kwargs, "state": state, "training_args": settings}


def save_th(model: Any, folder: Path, name: str) -> Path:
    """`name`-CHECKSUM.th as published."""
    import torch

    folder.mkdir(exist_ok=True)
    buffer = io.BytesIO()
    torch.save(package(model), buffer)
    path = folder / f"{name}-{hashlib.sha256(buffer.getvalue()).hexdigest()[:8]}.th"
    path.write_bytes(buffer.getvalue())
    return path


def save_safetensors(model: Any, folder: Path, name: str, **metadata: str) -> Path:
    """`name`.safetensors with the class and its arguments in the metadata, as on the model hub."""
    from safetensors.torch import save_file

    def plain(value: Any) -> Any:
        if isinstance(value, Fraction):
            return {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}
        return value

    folder.mkdir(exist_ok=True)
    held = package(model)
    described = {
        "klass": f"{type(model).__module__}.{type(model).__qualname__}",
        "args": json.dumps(held["args"]),
        "kwargs": json.dumps({key: plain(value) for key, value in held["kwargs"].items()}),
    }
    path = folder / f"{name}.safetensors"
    save_file(held["state"], path, {**described, **metadata})
    return path
