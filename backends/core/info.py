"""What a backend says of itself at `/info`, typed for both ends.

Every field has a default, so that a studio can read a backend of an older version; what a newer one says besides is
kept as it is.

>>> info = Info.model_validate({"tasks": {"folding": {"endpoint": "/fold", "cards": [{"id": "esmfold"}]}}})
>>> info.tasks["folding"].card("esmfold").state
'absent'
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from backends.core.options import OptionInfo


class _Part(BaseModel):
    """A part of `/info`."""

    model_config = ConfigDict(frozen=True, extra="allow")


class LimitsInfo(_Part):
    """The most that this device takes; None where it does not apply."""

    seconds: float | None = None
    megapixels: float | None = None
    residues: int | None = None
    memory_bytes: int | None = None


class NeedInfo(_Part):
    """Something that a card needs on the machine beside files of weights; `how` says how to get it."""

    kind: str = ""
    name: str = ""
    how: str = ""


class CardInfo(_Part):
    """A model card and where it stands on this machine.

    `state` is absent, partial, broken, present, downloading, loading, ready or failed; `reason` says why the last load
    or download failed, and `done` of `total` bytes of a download have arrived. `stored` is what the disk says alone,
    `here` whether the card can run now, and `lacks` how to get what the machine lacks for it. `speed` is seconds for
    one unit of input, measured on this machine where `speed_measured_here`. `options` are those of its engine that it
    takes, and `capabilities` what it can do, to be read with the task's own `Capabilities`. `packaged` cards are those
    that setting up fetches where it can. `revision` tells a starter from those that earlier versions shipped under its
    name.
    """

    id: str
    task: str = ""
    engine: str = ""
    title: str = ""
    summary: str = ""
    weak_at: str = ""
    licence: str = ""
    licence_note: str = ""
    tier: str = ""
    outputs: tuple[str, ...] = ()
    parameters: int = 0
    preference: int = 0
    speed: float = 0.0
    speed_measured_here: bool = False
    overhead: float = 0.0
    measured: str = ""
    needs: tuple[NeedInfo, ...] = ()
    download_bytes: int = 0
    limits: LimitsInfo = LimitsInfo()
    options: tuple[OptionInfo, ...] = ()
    without: tuple[str, ...] = ()
    capabilities: dict[str, Any] = Field(default_factory=dict)
    state: str = "absent"
    reason: str = ""
    done: float = 0.0
    total: float = 0.0
    stored: str = "absent"
    here: bool = False
    lacks: str = ""
    packaged: bool = False
    revision: str = ""


class OwnWeightsInfo(_Part):
    """The user's own weights of a task: the endings of files that it takes, and the names of those that no engine can
    read, which travel as "strange"."""

    kinds: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()


class MethodInfo(_Part):
    """A method of explaining. `reason` says why it makes no sense for this engine, "" where it does; `evaluations` is
    how often the model is asked, for an input of usual size. A `probe` looks into the model, and gives no map of the
    input that could be tested."""

    title: str = ""
    meaning: str = ""
    reason: str = ""
    evaluations: int = 0
    probe: bool = False


class EngineExplainInfo(_Part):
    """How one engine is explained: the method that suits it, all methods by id, and what may take the place of a part
    that is taken away, by id with its words, the usual one first."""

    default: str = ""
    methods: dict[str, MethodInfo] = Field(default_factory=dict)
    baselines: dict[str, str] = Field(default_factory=dict)


class ExplainInfo(_Part):
    """What can be asked of a task's answers: the endpoint ("" for none), its options, what targets there are, the names
    of further files, and the engines."""

    endpoint: str = ""
    options: tuple[OptionInfo, ...] = ()
    targets: str = ""
    optional: tuple[str, ...] = ()
    engines: dict[str, EngineExplainInfo] = Field(default_factory=dict)


class TaskInfo(_Part):
    """One task: its endpoint, the files it takes, its options by name with their meaning, and its cards.

    `default` is the id of the best card that can run now, "" where none can.
    """

    title: str = ""
    endpoint: str = ""
    inputs: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    options: dict[str, str] = Field(default_factory=dict)
    default: str = ""
    cards: tuple[CardInfo, ...] = ()
    own: OwnWeightsInfo = OwnWeightsInfo()
    explain: ExplainInfo = ExplainInfo()

    def card(self, card_id: str) -> CardInfo | None:
        return next((card for card in self.cards if card.id == card_id), None)


class DeviceInfo(_Part):
    """The device that the models run on. `kind` is cuda, mps or cpu; `time` the machine's clock, in seconds (UTC)."""

    kind: str = ""
    name: str = ""
    memory_bytes: int = 0
    time: float = 0.0


class QueueInfo(_Part):
    """How many jobs may wait, and how many bytes one upload may have; 0 where the backend does not say."""

    size: int = 0
    upload_bytes: int = 0


class Info(_Part):
    """All that a backend says of itself. `boot` is another after every start of its process."""

    version: str = ""
    boot: str = ""
    device: DeviceInfo = DeviceInfo()
    versions: dict[str, str] = Field(default_factory=dict)
    tasks: dict[str, TaskInfo] = Field(default_factory=dict)
    queue: QueueInfo = QueueInfo()

    def __bool__(self) -> bool:
        """Whether a backend has said anything yet."""
        return bool(self.model_fields_set)
