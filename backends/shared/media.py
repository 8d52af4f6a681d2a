"""Reading damaged sound and video with PyAV. Called only in a process of its own: decoders are native code."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import av

PLANE_POINTERS = 8
"""An FFmpeg frame has this many pointers to planes. PyAV finds the last plane by the null pointer behind it, which is
not there where all are taken, and so reads wild memory."""


def packets_until_damage(
    container: av.container.InputContainer, *streams: av.stream.Stream, on_damage: Callable[[], object] = lambda: None
) -> Iterator[av.Packet]:
    """The packets of some streams up to the first damage of the container itself, after which nothing can be found.

    Args:
        container: opened for reading.
        streams: whose packets are wanted.
        on_damage: called where the container is damaged, and not at its end.
    """
    packets = container.demux(*streams)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.error.FFmpegError:
            on_damage()
            return
        yield packet


class Packer:
    """Gives frames of sound in a form that numpy can take: planes as one with the channels in turn, 64-bit as floats.

    Args:
        planes: planar frames with fewer channels are left as they are.
    """

    def __init__(self, planes: int = PLANE_POINTERS) -> None:
        self._planes = planes
        self._resampler: av.AudioResampler | None = None
        self._format: tuple[str, str, int] | None = None

    def __call__(self, frame: av.AudioFrame) -> av.AudioFrame:
        packed = frame.format.name.removesuffix("p")
        if packed != "s64" and (not frame.format.is_planar or frame.layout.nb_channels < self._planes):
            return frame
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or self._format != kind:
            packed = "dbl" if packed == "s64" else packed
            self._resampler = av.AudioResampler(format=packed, layout=frame.layout, rate=frame.sample_rate)
            self._format = kind
        return self._resampler.resample(frame)[0]
