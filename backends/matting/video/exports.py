"""The export formats as data: how each is encoded, what it can hold, which programs open it, how large it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from backends.core.errors import BadInput
from backends.matting.types import MediaInfo

CUTOUT, MATTE, COMPOSITE = "cutout", "matte", "composite"
RAW_MATTE, SOURCE_AND_MATTE = "raw", "stacked"
"""Contents that only the program itself reads: the engine's own mattes, and the source above its finished matte."""


@dataclass(frozen=True)
class Export:
    """One kind of output.

    Attributes:
        kind: its name as an option and as a file.
        title: its name for people.
        content: "cutout" (colour and alpha), "matte" (alpha as gray), "composite" (over a new background), or one of
            the two that only the program itself reads.
        suffix: of the file, with its dot.
        opens_in: which programs open it, as a sentence.
        caveat: what to know before choosing it, as a sentence.
        codec: FFmpeg's name of the video encoder; empty where there is no video stream.
        pix_fmt: FFmpeg's name of the pixel format.
        options: for the encoder.
        container: options for the container.
        audio: the codecs, by FFmpeg's names, that the container takes as they are.
        audio_codec: what any other sound is encoded as; "" where the format holds no sound.
        timecode: whether it has a place for a timecode.
        square: its pixels can only be square.
        even: its sides can only be even.
        limited: the programs that open it take black to be 16, whatever the file says.
        max_seconds: how long it may be; 0 for any length.
        bits_per_pixel: measured size of a talking person at 1080p, for estimates.
        artifact: the kind of artifact that it is in a result.
    """

    kind: str
    title: str
    content: str
    suffix: str
    opens_in: str
    caveat: str = ""
    codec: str = ""
    pix_fmt: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    container: Mapping[str, str] = field(default_factory=dict)
    audio: tuple[str, ...] = ()
    audio_codec: str = ""
    timecode: bool = False
    square: bool = False
    even: bool = False
    limited: bool = False
    bits_per_pixel: float = 1.0
    max_seconds: float = 0.0
    artifact: str = "export"

    def estimate(self, info: MediaInfo, seconds: float | None = None) -> int:
        """The size to expect in bytes, for the whole video or for `seconds` of it."""
        frames = info.frames if seconds is None else seconds * float(info.rate)
        sound = 24_000 * len(info.audio) * (info.seconds if seconds is None else seconds) if self.audio else 0
        return round(info.width * info.height * max(frames, 1) * self.bits_per_pixel / 8 + sound)


_PCM = (
    *("pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le"),
    *("pcm_s16be", "pcm_s24be", "pcm_s32be", "pcm_f32be", "pcm_f64be"),
    *("pcm_u8", "pcm_alaw", "pcm_mulaw"),
)
_MOV_AUDIO = ("aac", "mp3", "ac3", "eac3", "alac", *_PCM)
_MP4_AUDIO = ("aac", "mp3", "ac3", "eac3", "alac", "opus", "flac")
_X264 = {"crf": "18", "preset": "veryfast"}
# Where the first frame comes later than the sound is written in ticks of this clock, which has whole numbers of them
# for 24000, 25, 30000 and 90000 Hz; milliseconds are the default.
_EXACT = {"movie_timescale": "360000"}
_FASTSTART = {"movflags": "+faststart", **_EXACT}
_WITH_TIMECODE = {**_FASTSTART, "write_tmcd": "1"}

ANIMATION_SECONDS = 30.0
"""How long an animated picture may be: its encoders hold all of it in memory, and so do the programs that show it."""

EXPORTS: dict[str, Export] = {
    export.kind: export
    for export in (
        Export(
            kind="prores4444",
            title="ProRes 4444 with alpha (MOV)",
            content=CUTOUT,
            suffix=".mov",
            opens_in="Opens in Final Cut, Premiere, DaVinci Resolve, After Effects and Avid.",
            caveat="Large; players such as VLC show it over black, which is no fault of the file.",
            codec="prores_ks",
            pix_fmt="yuva444p10le",
            options={"profile": "4444", "vendor": "apl0", "alpha_bits": "16", "qscale": "2"},
            audio=_MOV_AUDIO,
            audio_codec="pcm_s16le",
            container=_EXACT,
            timecode=True,
            limited=True,
            bits_per_pixel=3.6,
        ),
        Export(
            kind="webm",
            title="WebM with alpha (VP9)",
            content=CUTOUT,
            suffix=".webm",
            opens_in="Opens in Chrome, Edge, Firefox, OBS and web pages.",
            caveat="Safari and most editors show it without its transparency.",
            codec="libvpx-vp9",
            pix_fmt="yuva420p",
            options={
                "crf": "24",
                "b": "0",
                "deadline": "realtime",
                "cpu-used": "6",
                "row-mt": "1",
                "threads": "2",
                "auto-alt-ref": "0",  # libvpx drops the alpha of frames that it reorders
            },
            audio=("opus", "vorbis"),
            audio_codec="libopus",
            square=True,
            bits_per_pixel=0.15,
        ),
        Export(
            kind="png",
            title="PNG pictures (ZIP)",
            content=CUTOUT,
            suffix=".zip",
            opens_in="Opens in every editor that takes picture sequences, such as Blender, Nuke and After Effects.",
            caveat="One picture a frame and no sound; times.csv in it says when each one is shown.",
            bits_per_pixel=4.0,
        ),
        Export(
            kind="webp",
            title="Animated WebP with alpha",
            content=CUTOUT,
            suffix=".webp",
            opens_in="Opens in every browser, in Telegram and WhatsApp stickers, and in chat programs.",
            caveat=f"No sound, and up to {ANIMATION_SECONDS:g} seconds.",
            codec="libwebp_anim",
            pix_fmt="bgra",
            options={"quality": "80", "compression_level": "2"},
            container={"loop": "0"},
            square=True,
            bits_per_pixel=0.6,
            max_seconds=ANIMATION_SECONDS,
        ),
        Export(
            kind="apng",
            title="Animated PNG with alpha",
            content=CUTOUT,
            suffix=".apng",
            opens_in="Opens in every browser and in Signal and Discord stickers, without loss.",
            caveat=f"Large, no sound, and up to {ANIMATION_SECONDS:g} seconds.",
            codec="apng",
            pix_fmt="rgba",
            options={"pred": "mixed"},
            container={"plays": "0"},
            square=True,
            bits_per_pixel=6.0,
            max_seconds=ANIMATION_SECONDS,
        ),
        Export(
            kind="luma",
            title="Black and white matte (MP4)",
            content=MATTE,
            suffix=".mp4",
            opens_in="Opens everywhere; lay it over the original as a luma or track matte.",
            caveat="It holds only the matte: keep the original beside it.",
            codec="libx264",
            pix_fmt="yuv420p",
            options=_X264,
            container=_WITH_TIMECODE,
            audio=_MP4_AUDIO,
            audio_codec="aac",
            timecode=True,
            even=True,
            bits_per_pixel=0.03,
        ),
        Export(
            kind="composite",
            title="Over a new background (MP4)",
            content=COMPOSITE,
            suffix=".mp4",
            opens_in="Opens everywhere: phones, players, editors, chat programs.",
            caveat="The background is part of the picture and cannot be changed later.",
            codec="libx264",
            pix_fmt="yuv420p",
            options=_X264,
            container=_WITH_TIMECODE,
            audio=_MP4_AUDIO,
            audio_codec="aac",
            timecode=True,
            even=True,
            bits_per_pixel=0.1,
        ),
    )
}

ALPHA_EXPORT = Export(
    kind="alpha",
    title="Lossless matte (MKV)",
    content=MATTE,
    suffix=".mkv",
    opens_in="Opens in Fourfold, VLC and everything built on FFmpeg; made for measuring.",
    codec="ffv1",
    pix_fmt="gray",
    options={"threads": "2", "level": "3", "slices": "4"},
    bits_per_pixel=0.4,
    artifact="alpha",
)
"""Written beside a luma export: exactly one gray frame for each source frame, without loss."""

RAW_MATTE_EXPORT = replace(
    ALPHA_EXPORT, kind="matte", content=RAW_MATTE, title="Mattes as they were found (MKV)", artifact="matte"
)
"""The raw mattes, at the engine's working size: from them, another export needs no second run of the network."""

PROXY_EXPORT = Export(
    kind="proxy",
    title="Source above matte (MP4)",
    content=SOURCE_AND_MATTE,
    suffix=".mp4",
    opens_in="Opens in the workbench.",
    codec="libx264",
    pix_fmt="yuv420p",
    # Short groups of pictures without reordering, so that a browser seeks to any frame at once.
    options={"crf": "24", "preset": "superfast", "g": "12", "bf": "0"},
    container=_FASTSTART,
    audio=("aac", "mp3"),  # which every browser plays
    audio_codec="aac",
    square=True,
    even=True,
    bits_per_pixel=0.1,
    artifact="proxy",
)

_UNSUPPORTED = {
    "mp4": "An MP4 cannot hold transparency: choose prores4444 or webm for a see-through background, "
    "or composite for an MP4 over a new one.",
    "gif": "A GIF has no soft edges, so hair would look cut with scissors: choose webp, apng or webm instead.",
    "h264": "H.264 cannot hold transparency: choose prores4444 or webm.",
    "hevc": "HEVC with transparency can only be made on Apple computers: choose prores4444 and convert it there.",
}
_ALIASES = {"mov": "prores4444", "prores": "prores4444", "vp9": "webm", "zip": "png", "matte": "luma"}


def parse_exports(names: str) -> tuple[Export, ...]:
    """The exports named in a comma-separated list, each once.

    Raises:
        BadInput: one of them is unknown or cannot hold a cut-out, or there is none.

    >>> [export.kind for export in parse_exports("mov, WebM, mov")]
    ['prores4444', 'webm']
    """
    kinds = dict.fromkeys(_ALIASES.get(name, name) for name in names.lower().replace(" ", "").split(",") if name)
    for kind in kinds:
        if kind in _UNSUPPORTED or kind.split("+")[0] in _UNSUPPORTED:
            raise BadInput(_UNSUPPORTED[kind.split("+")[0]])
        if kind not in EXPORTS:
            raise BadInput(f"There is no export called “{kind}”; there is {', '.join(EXPORTS)}.")
    if not kinds:
        raise BadInput(f"Choose what to make: {', '.join(EXPORTS)}.")
    return tuple(EXPORTS[kind] for kind in kinds)
