"""The quality card's rows: what each number means in plain words, and where good ends and poor begins.

Why these limits:

- residual: at -40 dB what is missing has a hundredth of the song's amplitude and is masked by it; at -20 dB, a tenth,
  it is heard in quiet places.
- bleed: true stems of real and synthetic recordings measure below 0.2 %, masks made from the true stems up to 2 %
  (-17 dB, heard only in pauses); at 10 % (-10 dB) the other instrument is plainly there.
- clipping: one clipped sample in 100,000 is less than a click every two seconds; one in a thousand is heard as grit.
- true peak: EBU R 128 asks for -1 dBTP at most; above 0 a player or an encoder has to cut the wave.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from evaluation.metrics.separation.loudness_meters import SILENCE_DB, LevelMeter

if TYPE_CHECKING:
    from evaluation.metrics.separation.tempo_key import Key, Tempo

Verdict = Literal["good", "fair", "poor", "info"]

LIMITS = {"residual": (-40.0, -20.0), "bleed": (0.02, 0.10), "clipping": (1e-5, 1e-3), "true_peak": (-1.0, 0.0)}
"""For each item the highest value that is still good, and the highest that is still fair."""
NOT_ENOUGH = "There is not enough sound to tell."
STREAMING_LUFS = -14.0
"""What the large streaming services turn songs to."""


@dataclass(frozen=True)
class Row:
    """One line of the card. `value` is None where there is not enough sound to tell.

    `unit` is "dB", "%" (`value` is then a share from 0 to 1), "LUFS", "dBTP", "BPM" or "" (`value` is then a text);
    `stem` is empty for what concerns the whole song; `confidence` runs from 0 to 1 where the item has one.
    """

    id: str
    label: str
    value: float | str | None
    unit: str
    verdict: Verdict
    sentence: str
    definition: str
    stem: str = ""
    confidence: float | None = None

    @property
    def text(self) -> str:
        """The value as it is shown, such as "-23.1 LUFS" or "4.2 %"."""
        if self.value is None:
            return "–"
        if isinstance(self.value, str):
            return self.value
        if self.unit == "%":
            return percent(self.value)
        digits = 0 if self.unit == "BPM" else 1
        return f"{self.value:.{digits}f} {self.unit}".replace("-", "−")


DEFINITIONS = {
    "residual": "Residual: the song minus all stems, compared with the song in decibels; more negative is better.",
    "bleed": "Bleed: the share of a stem's energy that is a copy of what belongs to other stems. It is estimated from "
    "how far the waves move in step, without knowing the true stems.",
    "level": "Level: the average strength (RMS) in decibels below the loudest a file can hold.",
    "silence": f"Silence: the share of time in which the stem is softer than {SILENCE_DB:.0f} dB.".replace("-", "−"),
    "over": "Overs: samples beyond full scale. They are kept here, but a 16- or 24-bit file has to cut them off.",
    "clipping": "Clipping: wave tops cut flat because the recording was too loud for its file; it sounds harsh.",
    "loudness": "Loudness (LUFS): how loud the whole song seems to the ear, as defined by ITU-R BS.1770.",
    "true_peak": "True peak (dBTP): the highest point of the sound wave between the stored samples.",
    "tempo": "Tempo: beats a minute. The confidence is the share of stretches of the song that agree on the beat.",
    "key": "Key: the scale the notes fit best (Krumhansl and Kessler's profiles). Confidence: how clearly it wins.",
}


def percent(share: float) -> str:
    """A share from 0 to 1 in words that fit its size."""
    if share <= 0.0:
        return "0 %"
    if share < 0.001:
        return "under 0.1 %"
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"


def judged(item: str, value: float) -> Verdict:
    """Where `value` lies in `LIMITS[item]`; lower is better in all of them."""
    good, fair = LIMITS[item]
    return "good" if value <= good else "fair" if value <= fair else "poor"


def unknown(item: str, label: str, unit: str, stem: str = "", why: str = NOT_ENOUGH) -> Row:
    """A row for what cannot be told."""
    return Row(f"{item}_{stem}" if stem else item, label, None, unit, "info", why, DEFINITIONS[item], stem)


def residual_row(db: float | None) -> Row:
    label = "Do the stems add up to the song?"
    if db is None:
        return unknown("residual", label, "dB")
    verdict = judged("residual", db)
    sentence = {
        "good": "Yes: played together, the stems give back the song; any difference is too small to hear.",
        "fair": "Nearly: played together, the stems differ a little from the song, which may be heard in quiet places.",
        "poor": "No: played together, the stems do not give back the song; something is missing or was added.",
    }[verdict]
    return Row("residual", label, db, "dB", verdict, sentence, DEFINITIONS["residual"])


def bleed_row(stem: str, share: float | None) -> Row:
    label = f"Other sounds in “{stem}”"
    if share is None:
        return unknown("bleed", label, "%", stem)
    verdict = judged("bleed", share)
    sentence = {
        "good": f"“{stem}” is clean: hardly anything of the other stems is left in it.",
        "fair": f"Some of the other stems seems to be left in “{stem}”; you may hear it where “{stem}” is quiet.",
        "poor": f"A good part of “{stem}” seems to come from other stems; you will hear them in it.",
    }[verdict]
    return Row(f"bleed_{stem}", label, share, "%", verdict, sentence, DEFINITIONS["bleed"], stem)


def stem_rows(stem: str, meter: LevelMeter) -> list[Row]:
    """Level, silence and overs of one stem."""
    heard = 1.0 - meter.silence_share
    silent = meter.level_db < SILENCE_DB
    level = f"On average “{stem}” is {-meter.level_db:.0f} dB below the loudest a file can hold."
    presence = f"“{stem}” sounds during {percent(heard)} of the song."
    if silent:
        level = presence = f"“{stem}” is silent: nothing of it was found in this song."
    rows = [
        Row(f"level_{stem}", f"Level of “{stem}”", meter.level_db, "dB", "info", level, DEFINITIONS["level"], stem),
        Row(
            f"silence_{stem}", f"Silence in “{stem}”", meter.silence_share, "%", "info", presence,
            DEFINITIONS["silence"], stem,
        ),
    ]  # fmt: skip
    if meter.over:
        sentence = (
            f"The loudest places of “{stem}” go over full scale; turn it down before saving it with 16 or 24 bits."
        )
        label = f"Too loud places in “{stem}”"
        rows.append(Row(f"over_{stem}", label, meter.over_share, "%", "fair", sentence, DEFINITIONS["over"], stem))
    return rows


def clipping_row(share: float | None) -> Row:
    label = "Is the song clipped?"
    if share is None:
        return unknown("clipping", label, "%")
    verdict = judged("clipping", share)
    sentence = {
        "good": "No: the song you gave has no wave tops cut flat.",
        "fair": "Slightly: some of the loudest places of the song you gave are cut flat, which you may not notice.",
        "poor": "Yes: the song you gave is cut flat at its loudest places; the stems inherit that harshness.",
    }[verdict]
    return Row("clipping", label, share, "%", verdict, sentence, DEFINITIONS["clipping"])


def loudness_row(lufs: float | None) -> Row:
    if lufs is None:
        return unknown("loudness", "Loudness", "LUFS")
    away = lufs - STREAMING_LUFS
    if abs(away) <= 1.5:
        sentence = "About as loud as streaming services play songs."
    else:
        sentence = f"{abs(away):.0f} LU {'louder' if away > 0 else 'softer'} than streaming services play songs."
    return Row("loudness", "Loudness", lufs, "LUFS", "info", sentence, DEFINITIONS["loudness"])


def true_peak_row(db: float | None) -> Row:
    if db is None:
        return unknown("true_peak", "Highest peak", "dBTP")
    verdict = judged("true_peak", db)
    sentence = {
        "good": "There is head-room left above the loudest moment.",
        "fair": "The loudest moment nearly fills the file; saving as MP3 may push it over.",
        "poor": "Between its samples the wave goes over full scale; some players will distort the loudest moments.",
    }[verdict]
    return Row("true_peak", "Highest peak", db, "dBTP", verdict, sentence, DEFINITIONS["true_peak"])


def tempo_row(tempo: Tempo | None) -> Row:
    if tempo is None:
        return unknown("tempo", "Tempo", "BPM")
    if tempo.confidence == 0.0:
        why = "No steady beat was found."
        return unknown("tempo", "Tempo", "BPM", why=why)
    if tempo.confidence >= 0.7:
        sentence = "A steady beat all through; if you count half or double as fast, that is right too."
    else:
        sentence = "Only parts of the song agree on this beat: it may be free, change, or count half or double."
    return Row("tempo", "Tempo", tempo.bpm, "BPM", "info", sentence, DEFINITIONS["tempo"], confidence=tempo.confidence)


def key_row(key: Key | None) -> Row:
    """A margin of 0.1 between the two best keys counts as full confidence; a fit below 0.5 is no key at all."""
    if key is None:
        return unknown("key", "Key", "")
    if key.fit < 0.5:
        return unknown("key", "Key", "", why="No key fits the notes of this song well.")
    confidence = min(1.0, key.margin / 0.1)
    if confidence >= 0.7:
        sentence = f"The notes fit {key.name} clearly best."
    else:
        sentence = f"The notes fit {key.name} best, but {key.runner_up} is close: take it as a guess."
    return Row("key", "Key", key.name, "", "info", sentence, DEFINITIONS["key"], confidence=confidence)
