"""What the scripts that recreate reports must print, and must never print, where that is known.

The scripts print what they see and judge nothing. A script without a check here can only be seen to run to its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from benchmarks import song_checks as songs
from benchmarks import video_checks as videos
from benchmarks.report_output import Check, ValueCheck

LOSSLESS_AND_WEBM = videos.FILES[:2]

CHECKS: Mapping[str, tuple[Check | ValueCheck, ...]] = {
    "songs/r_surround": (
        Check("7.1 AAC is split", r"m4a rc 0\b"),
        Check("7.1 Opus is split", r"opus rc 0\b"),
    ),
    "songs/r_overwrite": (
        Check("the input keeps its size", r"1 song called mix\.wav.*size (\d+) -> \1\b"),
        Check("the user's own file stays", r"notes\.txt 1\b"),
        Check("a stem that is split again stays", r"other\.wav (\w+) -> \1\b"),
        Check("stems of two runs are apart", r"beside them: \[('bass\.wav', )?'drums\.wav'.*'vocals\.wav'\]"),
    ),
    "songs/r_downmix": (
        Check("unnamed speakers keep their sides", r"six\.wav 0 left==right: False"),
        Check("height speakers keep their sides", r"h714\.wav 0 left==right: False"),
        Check("no layout is summed", r"left==right: True", never=True),
    ),
    "songs/r_dc": (
        Check("the residual is there", r"residual: -\d"),
        Check("a constant level makes no residual", r"residual: \d", never=True),
    ),
    "songs/r_chain": (
        Check("equal links are all read", r"chain_same\.ogg 12 s in, 12\.0"),
        Check("a lost half is no lost piece", r"1 of its \d+ pieces", never=True),
    ),
    "videos/c01_apac": (
        Check("the clip is cut out", r"apac rc 0\b"),
        Check("the lost track is named", r"sound track of an unknown codec is lost"),
    ),
    "videos/c03_mkv_vfr": (ValueCheck("a constant rate stays exact in MOV and MP4", videos.rates_stay),),
    "videos/c04_longlast": (ValueCheck("the last frame stays as long as in the source", videos.last_frame_stays),),
    "videos/c05_prores_tags": (
        ValueCheck("container and frames name the colours of the source", videos.tags_everywhere),
        Check("no colour is said to have changed", r"'colour', '(changed|lost)'", never=True),
    ),
    "videos/c06_depth": (
        ValueCheck("a slow ramp is as fine as in the source", videos.ramp_is_as_fine),
        Check("all 10 bits are said to be there", r"'bit depth', 'kept', '10 bits"),
    ),
    "videos/c07_alpha_in": (
        ValueCheck("what is see-through in a clip stays so, in all frames", videos.holes_stay),
        ValueCheck("what is see-through in a picture stays so", videos.hole_of_the_picture_stays),
    ),
    "videos/c08_sound": (
        ValueCheck(
            "every click is heard when it is in the source",
            partial(videos.clicks_keep_time, names=videos.SOUNDS, exports=videos.FILES),
        ),
        ValueCheck(
            "six channels stay six",
            partial(videos.channels_stay, channels={"s51.mkv": 6, "s51ac3.mkv": 6}, exports=videos.FILES),
        ),
        ValueCheck("tracks keep their names and languages", videos.track_names_stay),
    ),
    "videos/c09_pcmgap": (
        ValueCheck(
            "holes in the sound stay holes",
            partial(videos.clicks_keep_time, names=videos.HOLES, exports=LOSSLESS_AND_WEBM, since=0.1),
        ),
        ValueCheck(
            "the first moment of the sound is heard",
            partial(videos.clicks_keep_time, names=videos.HOLES, exports=LOSSLESS_AND_WEBM, until=0.1),
        ),
        ValueCheck(
            "all channels stay",
            partial(videos.channels_stay, channels={"flac24.mkv": 1, "quad.mov": 4}, exports=LOSSLESS_AND_WEBM),
        ),
        ValueCheck("24 bits stay 24 in MOV", videos.bits_stay),
    ),
    "videos/c10_pcm": (
        ValueCheck("every export has the sound, in as many channels", videos.every_format_takes_plain_sound),
        Check("no export fails", r"FAILED", never=True),
    ),
    "videos/c11_timecode": (
        Check("MOV has the timecode", r"prores4444\.mov [^\n]*'timecode': '10:20:30:12'"),
        Check("MOV has title and date", r"prores4444\.mov [^\n]*'2024-05-01T10:00:00[^\n]*'Interview A'"),
        Check("MP4 has the timecode", r"composite\.mp4 [^\n]*'timecode': '10:20:30:12'"),
        Check("the report names the timecode", r"(?m)^\('timecode', 'kept'"),
    ),
    "videos/c12_editlist": (
        ValueCheck("a trimmed clip stays trimmed, with sound and picture in time", videos.trims_stay),
        Check("no export fails", r"FAILED", never=True),
    ),
    "videos/c14_rounding": (Check("the export is as light as the source", r"where the matte is 1: -?0\.[0-2]\d*\s*$"),),
    "videos/c15_pictures": (
        ValueCheck("odd pictures come out upright, in their colours", videos.pictures_are_right),
        Check("a moving picture is a clip", r"(?m)^anim\.avif as VIDEO"),
        Check("a name in any script is taken", r"(?m)^Ünïcödé [^\n]* OK "),
    ),
    "videos/c18_plate": (
        ValueCheck("nobody fades once in view", videos.nobody_fades),
        ValueCheck("an empty place gives an empty matte", videos.nobody_is_imagined),
    ),
    "videos/c20_ts": (ValueCheck("exports begin at once, whatever the clock of the source", videos.start_at_once),),
    "songs/r_vbr": (
        ValueCheck("the length of 21 min 10 s is known before the run", songs.length_is_counted),
        Check("nothing is called too long", r"\| too_long:  \|"),
    ),
    "songs/r_video": (
        ValueCheck("the track with music is split", songs.music_is_split),
        ValueCheck("sound keeps its time against the picture", songs.sound_keeps_time),
        Check("a longer picture is no damage", r"ends early|announces", never=True),
    ),
    "songs/r_keepalive": (Check("no request meets a closed connection", r", [1-9]\d* failed", never=True),),
}
"""By the script's folder and name."""
