"""The rows of the quality card: each number with a sentence in plain words and a verdict.

Where the verdicts' limits come from:

- residual: at -40 dB what is missing has a hundredth of the song's amplitude and is masked by it; at -20 dB, a tenth,
  which is heard in quiet places.
- bleed: true stems of real and synthetic recordings measure below 0.2 %, masks made from the true stems up to 2 %
  (-17 dB, heard only in pauses); at 10 % (-10 dB) the other instrument is plainly there.
- clipping: one clipped sample in 100,000 is less than a click every two seconds; one in a thousand is heard as grit.
- true peak: EBU R 128 asks for -1 dBTP at most; above 0 a player or an encoder has to cut the wave.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from backends.separation.io.levels import SILENCE_DB, LevelMeter
from evaluation.metrics.base import Metric

if TYPE_CHECKING:
    from evaluation.metrics.separation.tempo_key import Key, Tempo

Verdict = Literal["good", "fair", "poor", "info"]

LIMITS = {"residual": (-40.0, -20.0), "bleed": (0.02, 0.10), "clipping": (1e-5, 1e-3), "true_peak": (-1.0, 0.0)}
"""By metric: the highest value that is still good, and the highest that is still fair."""
NOT_ENOUGH = "There is not enough sound to tell."
STREAMING_LUFS = -14.0
"""The loudness to which the large streaming services adjust songs."""


@dataclass(frozen=True)
class QualityRow:
    """One line of the card.

    Attributes:
        id: the metric, with the stem after it where it is about one, such as "bleed_vocals".
        label: what is asked or measured, in a few words.
        value: None where there is not enough sound to tell; a text for the key.
        unit: "dB", "%" (`value` is then a fraction from 0 to 1), "LUFS", "dBTP", "BPM" or "".
        verdict: good, fair or poor; "info" where neither direction is better.
        sentence: what the value means for this song.
        definition: what the metric is.
        stem: empty for the whole song.
        confidence: 0 to 1 where the metric has one.
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


METRICS = (
    Metric(
        "residual", "Residual", "dB", 1, False,
        "The song minus all stems, compared with the song in decibels; more negative is better.",
    ),
    Metric(
        "bleed", "Bleed", "%", 1, False,
        "The share of a stem's energy that seems to be a copy of what other stems hold. It is estimated from how far "
        "the waves move in step, without knowing the true stems, and cannot notice a sound that came into the wrong "
        "stem and is in no other.",
    ),
    Metric(
        "level", "Level", "dB", 1, None,
        "The average strength (RMS) in decibels below the loudest a file can hold.",
    ),
    Metric(
        "silence", "Silence", "%", 1, None,
        f"The share of time in which the stem is softer than {SILENCE_DB:.0f} dB.".replace("-", "−"),
    ),
    Metric(
        "over", "Overs", "%", 1, False,
        "Samples beyond full scale. They are kept here, but a 16- or 24-bit file has to cut them off.",
    ),
    Metric(
        "clipping", "Clipping", "%", 1, False,
        "Wave tops cut flat because the recording was too loud for its file; it sounds harsh.",
    ),
    Metric(
        "loudness", "Loudness (LUFS)", "LUFS", 1, None,
        "How loud the whole song seems to the ear, as defined by ITU-R BS.1770.",
    ),
    Metric(
        "true_peak", "True peak (dBTP)", "dBTP", 1, None,
        "The highest point of the sound wave between the stored samples.",
    ),
    Metric(
        "tempo", "Tempo", "BPM", 0, None,
        "Beats a minute. The confidence is the share of stretches of the song that agree on the beat.",
    ),
    Metric(
        "key", "Key", "", 0, None,
        "The scale the notes fit best (Krumhansl and Kessler's profiles). Confidence: how clearly it wins.",
    ),
)  # fmt: skip
"""What the card measures. The meters compute all of them in one pass over the files, so none has a function here."""

DEFINITIONS = {metric.id: f"{metric.name}: {metric.meaning[0].lower()}{metric.meaning[1:]}" for metric in METRICS}


def percent(fraction: float) -> str:
    """A fraction from 0 to 1 with as many digits as its size deserves.

    >>> percent(0.0), percent(0.0004), percent(0.042), percent(0.31)
    ('0 %', 'under 0.1 %', '4.2 %', '31 %')
    """
    if fraction <= 0.0:
        return "0 %"
    if fraction < 0.001:
        return "under 0.1 %"
    return f"{100 * fraction:.1f} %" if fraction < 0.1 else f"{100 * fraction:.0f} %"


def verdict_of(metric: str, value: float) -> Verdict:
    """Where `value` lies within `LIMITS[metric]`; lower is better in all of them.

    >>> verdict_of("residual", -60.0), verdict_of("bleed", 0.05)
    ('good', 'fair')
    """
    good, fair = LIMITS[metric]
    return "good" if value <= good else "fair" if value <= fair else "poor"


def unknown_row(metric: str, label: str, unit: str, stem: str = "", why: str = NOT_ENOUGH) -> QualityRow:
    """A row without a value, and why there is none."""
    return QualityRow(f"{metric}_{stem}" if stem else metric, label, None, unit, "info", why, DEFINITIONS[metric], stem)


def residual_row(db: float | None) -> QualityRow:
    label = "Do the stems add up to the song?"
    if db is None:
        return unknown_row("residual", label, "dB")
    verdict = verdict_of("residual", db)
    sentence = {
        "good": "Yes: played together, the stems give back the song; any difference is too small to hear.",
        "fair": "Nearly: played together, the stems differ a little from the song, which may be heard in quiet places.",
        "poor": "No: played together, the stems do not give back the song; something is missing or was added.",
    }[verdict]
    return QualityRow("residual", label, db, "dB", verdict, sentence, DEFINITIONS["residual"])


def bleed_row(stem: str, fraction: float | None) -> QualityRow:
    """A low value is no praise: the estimate is blind to what leaked into this stem and is in no other."""
    label = f"Copies of other stems in “{stem}” (estimate)"
    if fraction is None:
        return unknown_row("bleed", label, "%", stem)
    verdict = verdict_of("bleed", fraction)
    verdict = "info" if verdict == "good" else verdict
    sentence = {
        "info": f"“{stem}” and the other stems have little in common. Whether it holds sounds that belong elsewhere "
        "only listening tells, or comparing with the true stems.",
        "fair": f"Some of the other stems seems to be left in “{stem}”; you may hear it where “{stem}” is quiet.",
        "poor": f"A good part of “{stem}” seems to come from other stems; you will probably hear them in it.",
    }[verdict]
    return QualityRow(f"bleed_{stem}", label, fraction, "%", verdict, sentence, DEFINITIONS["bleed"], stem)


def stem_rows(stem: str, meter: LevelMeter) -> list[QualityRow]:
    """Level, silence and overs of one stem."""
    sounding = 1.0 - meter.silent_fraction
    silent = meter.level_db < SILENCE_DB
    level = f"On average “{stem}” is {-meter.level_db:.0f} dB below the loudest a file can hold."
    presence = f"“{stem}” sounds during {percent(sounding)} of the song."
    if silent:
        level = presence = f"“{stem}” is silent: nothing of it was found in this song."
    rows = [
        QualityRow(
            f"level_{stem}", f"Level of “{stem}”", meter.level_db, "dB", "info", level, DEFINITIONS["level"], stem
        ),
        QualityRow(
            f"silence_{stem}", f"Silence in “{stem}”", meter.silent_fraction, "%", "info", presence,
            DEFINITIONS["silence"], stem,
        ),
    ]  # fmt: skip
    if meter.over:
        sentence = (
            f"The loudest places of “{stem}” go over full scale; turn it down before saving it with 16 or 24 bits."
        )
        label = f"Too loud places in “{stem}”"
        rows.append(
            QualityRow(f"over_{stem}", label, meter.over_fraction, "%", "fair", sentence, DEFINITIONS["over"], stem)
        )
    return rows


def clipping_row(fraction: float | None) -> QualityRow:
    label = "Is the song clipped?"
    if fraction is None:
        return unknown_row("clipping", label, "%")
    verdict = verdict_of("clipping", fraction)
    sentence = {
        "good": "No: the song you gave has no wave tops cut flat.",
        "fair": "Slightly: some of the loudest places of the song you gave are cut flat, which you may not notice.",
        "poor": "Yes: the song you gave is cut flat at its loudest places; the stems inherit that harshness.",
    }[verdict]
    return QualityRow("clipping", label, fraction, "%", verdict, sentence, DEFINITIONS["clipping"])


def loudness_row(lufs: float | None) -> QualityRow:
    if lufs is None:
        return unknown_row("loudness", "Loudness", "LUFS")
    away = lufs - STREAMING_LUFS
    if abs(away) <= 1.5:
        sentence = "About as loud as streaming services play songs."
    else:
        sentence = f"{abs(away):.0f} LU {'louder' if away > 0 else 'softer'} than streaming services play songs."
    return QualityRow("loudness", "Loudness", lufs, "LUFS", "info", sentence, DEFINITIONS["loudness"])


def true_peak_row(db: float | None) -> QualityRow:
    if db is None:
        return unknown_row("true_peak", "Highest peak", "dBTP")
    verdict = verdict_of("true_peak", db)
    sentence = {
        "good": "There is head-room left above the loudest moment.",
        "fair": "The loudest moment nearly fills the file; saving as MP3 may push it over.",
        "poor": "Between its samples the wave goes over full scale; some players will distort the loudest moments.",
    }[verdict]
    return QualityRow("true_peak", "Highest peak", db, "dBTP", verdict, sentence, DEFINITIONS["true_peak"])


def tempo_row(tempo: Tempo | None) -> QualityRow:
    if tempo is None:
        return unknown_row("tempo", "Tempo", "BPM")
    if tempo.confidence == 0.0:
        why = "No steady beat was found."
        return unknown_row("tempo", "Tempo", "BPM", why=why)
    if tempo.confidence >= 0.7:
        sentence = "A steady beat all through; if you count half or double as fast, that is right too."
    else:
        sentence = "Only parts of the song agree on this beat: it may be free, change, or count half or double."
    return QualityRow(
        "tempo", "Tempo", tempo.bpm, "BPM", "info", sentence, DEFINITIONS["tempo"], confidence=tempo.confidence
    )


def key_row(key: Key | None) -> QualityRow:
    """A margin of 0.1 between the two best keys counts as full confidence; a fit below 0.5 is no key at all."""
    if key is None:
        return unknown_row("key", "Key", "")
    if key.fit < 0.5:
        return unknown_row("key", "Key", "", why="No key fits the notes of this song well.")
    confidence = min(1.0, key.margin / 0.1)
    if confidence >= 0.7:
        sentence = f"The notes fit {key.name} clearly best."
    else:
        sentence = f"The notes fit {key.name} best, but {key.runner_up} is close: take it as a guess."
    return QualityRow("key", "Key", key.name, "", "info", sentence, DEFINITIONS["key"], confidence=confidence)
