"""The sound files that can be read, as data: the demuxers, and the endings that such files have.

A file is recognised by its bytes; the endings only say what to offer, and which files of a folder are songs.
"""

from __future__ import annotations

SUFFIXES: dict[str, tuple[str, ...]] = {
    "wav": (".wav", ".wave", ".bwf", ".rf64"),
    "w64": (".w64",),
    "aiff": (".aif", ".aiff", ".aifc"),
    "caf": (".caf",),
    "au": (".au", ".snd"),
    "mp3": (".mp3", ".mp2", ".mpga", ".mpa", ".m2a", ".mp1"),
    "flac": (".flac",),
    "ogg": (".ogg", ".oga", ".opus", ".ogv", ".ogm", ".ogx", ".spx"),
    "aac": (".aac", ".adts"),
    "wv": (".wv",),
    "asf": (".wma", ".wmv", ".asf"),
    "mov": (".m4a", ".m4b", ".m4r", ".mp4", ".m4v", ".mov", ".qt", ".f4v", ".f4a", ".3gp", ".3g2"),
    "matroska": (".mka", ".mkv", ".weba", ".webm"),
    "mpegts": (".ts", ".mts", ".m2ts", ".m2t", ".tod"),
    "mpeg": (".mpg", ".mpeg", ".vob", ".mod", ".m2p"),
    "mxf": (".mxf",),
    "avi": (".avi", ".divx"),
    "flv": (".flv",),
    "ac3": (".ac3",),
    "eac3": (".eac3", ".ec3"),
    "dts": (".dts",),
    "tta": (".tta",),
    "ape": (".ape",),
    "tak": (".tak",),
    "mpc8": (".mpc",),
    "dsf": (".dsf",),
    "amr": (".amr",),
    "voc": (".voc",),
}
"""The endings of files by the FFmpeg demuxer that reads them. Playlists, manifests and other formats that refer to
further files are not among them, so a crafted file cannot make the decoder read anything else."""

ALL_SUFFIXES = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)

FORMATS = "WAV, MP3, FLAC, M4A, OGG or Opus file, or a video with sound"
"""The usual ones, in the words of a sentence."""
