"""What a cluster can run, as the ingress says it in `/info`: the cards of this machine, the device of the workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from backends.cluster.messages import Report
from backends.core.info import DeviceInfo
from backends.core.model_card import ModelCard
from backends.core.task import tasks
from backends.serving.host import CardState, Host
from backends.weights.store import WeightStore


class ClusterHost(Host):
    """The cards, with what the workers last reported. Weights are looked for in the folder that all machines share."""

    def __init__(self, store: WeightStore | None = None, device: str = "cpu") -> None:
        super().__init__(store, device)
        self._reports: dict[int, Report] = {}
        self._reports_lock = threading.Lock()

    def note_report(self, worker: int, report: Report | None) -> None:
        """Remember how a worker is; with None, that it is no more."""
        with self._reports_lock:
            self._reports.pop(worker, None)
            if report is not None:
                self._reports[worker] = report
        if report is not None and report.speeds:
            # Among them may be one of somebody's own weights, which is gone by now.
            cards = {card.id: card for task in tasks().values() for card in self.cards(task)}
            for card_id, seconds, amount in report.speeds:
                if card_id in cards:
                    self.note_speed(cards[card_id], seconds, amount)

    @property
    def reports(self) -> Mapping[int, Report]:
        """What each worker last said, by its number."""
        with self._reports_lock:
            return dict(self._reports)

    def state(self, card: ModelCard) -> CardState:
        state, reports = super().state(card), self.reports.values()
        reason = state.reason or next((each.failures[card.id] for each in reports if card.id in each.failures), "")
        if state.state == "present" and any(card.id in each.loaded for each in reports):
            return CardState("ready", reason)
        return CardState(state.state, reason, state.done, state.total)

    def device_info(self) -> DeviceInfo:
        """The device of a worker, and how many of them there are."""
        reports = tuple(self.reports.values())
        if not reports:
            return DeviceInfo(kind=self.device, name="no worker yet", memory_bytes=0, time=time.time())
        device = reports[0].device
        name = f"{len(reports)} × {device.name}" if len(reports) > 1 else device.name
        return DeviceInfo(kind=device.kind, name=name, memory_bytes=device.memory_bytes, time=time.time())
