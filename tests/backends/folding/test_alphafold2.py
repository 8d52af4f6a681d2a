"""The adapter to OpenFold: the features it hands over, the checkpoints it takes, the outputs it reads.

OpenFold itself does not install everywhere. The package here is a stand-in with its modules, signatures and outputs
(names, shapes, scales), whose network keeps what it was given.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import MethodType, ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from backends.attribution.question import Question
from backends.attribution.registry import attribute
from backends.core.engine import Notice, Progress
from backends.core.errors import WeightsBroken, WeightsMissing
from backends.folding.alignment.msa_features import raw_features
from backends.folding.alignment.sequence import parse_text, read_input
from backends.folding.cards import CARDS
from backends.folding.engines import openfold
from backends.folding.engines.alphafold2 import AlphaFold2Engine
from backends.folding.explanation.subject import make_subject
from backends.folding.residues import ALPHAFOLD_ORDER, HHBLITS_ORDER
from backends.folding.types import Model, Step
from tests.support.folding import helix

CARD = next(card for card in CARDS if card.id == "openfold-ptm")
SEQUENCE = "MKTAYIAKQR"
STATE = {
    "template_embedder.weight": torch.ones(2),
    "aux_heads.tm.linear.weight": torch.ones(3),
    "evoformer.blocks.0.weight": torch.arange(4.0),
}


class Network(nn.Module):
    """Recycles as OpenFold 2.2 does: `forward` calls `iteration` once a cycle and the heads once at the end."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.ran: list[dict[str, Tensor]] = []

    def iteration(self, feats: dict[str, Tensor], prevs: list[Any], _recycle: bool = True) -> tuple[Any, ...]:
        self.ran.append(feats)
        length = feats["aatype"].shape[0]
        atoms = torch.from_numpy(helix(SEQUENCE).atoms) + len(self.ran)
        mask = torch.from_numpy(helix(SEQUENCE).mask).float()
        outputs = {"final_atom_positions": atoms, "final_atom_mask": mask, "pair": torch.zeros(length, length, 2)}
        return outputs, None, None, None, False

    def aux_heads(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        length, ran = len(SEQUENCE), len(self.ran)
        logits = torch.full((length, length, 64), -9.0)
        logits[..., 10] = 9.0  # 5 Å: all touch
        return {
            "plddt": torch.full((length,), 80.0 + ran),
            "predicted_aligned_error": torch.full((length, length), 3.0),
            "ptm_score": torch.tensor(0.7 + ran / 100),
            "distogram_logits": logits,
        }

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        outputs: dict[str, Tensor] = {}
        for cycle in range(batch["aatype"].shape[-1]):
            outputs = self.iteration({name: value[..., cycle] for name, value in batch.items()}, [None] * 3)[0]
        outputs.update(self.aux_heads(outputs))
        return outputs


class Pipeline:
    """Keeps the raw features; gives the residues once a recycle."""

    seen: ClassVar[dict[str, np.ndarray]] = {}

    def __init__(self, config: Any) -> None:
        self.config = config

    def process_features(self, raw: dict[str, np.ndarray], mode: str) -> dict[str, Tensor]:
        assert mode == "predict"
        Pipeline.seen = dict(raw)
        passes = self.config.common.max_recycling_iters + 1
        drawn = torch.randint(0, 1000, (len(raw["residue_index"]),))
        made = {"aatype": torch.from_numpy(raw["aatype"].argmax(-1)), "drawn": drawn}
        return {name: torch.stack([value] * passes, -1) for name, value in made.items()}


def model_config(name: str) -> Any:
    data = SimpleNamespace(common=SimpleNamespace(max_recycling_iters=3), predict=SimpleNamespace(max_templates=4))
    return SimpleNamespace(name=name, data=data)


def import_openfold_weights_(model: Network, state_dict: dict[str, Tensor]) -> None:
    if set(state_dict) != set(STATE):
        raise RuntimeError("Error(s) in loading state_dict")


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    modules = {
        "openfold": {},
        "openfold.config": {"model_config": model_config},
        "openfold.model": {},
        "openfold.model.model": {"AlphaFold": Network},
        "openfold.data": {},
        "openfold.data.feature_pipeline": {"FeaturePipeline": Pipeline},
        "openfold.utils": {},
        "openfold.utils.import_weights": {
            "import_openfold_weights_": import_openfold_weights_,
            "import_jax_weights_": lambda model, path, version: setattr(model, "version", version),
        },
    }
    for name, content in modules.items():
        module = ModuleType(name)
        module.__spec__ = SimpleNamespace(name=name)  # type: ignore[assignment]
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, openfold.KERNEL, raising=False)
    yield
    sys.modules.pop(openfold.KERNEL, None)


@pytest.fixture
def engine(program: None, tmp_path: Path) -> AlphaFold2Engine:
    torch.save({"ema": {"params": STATE}}, tmp_path / "finetuning_ptm_2.pt")
    made = AlphaFold2Engine(CARD, (tmp_path / "finetuning_ptm_2.pt",))
    made.load("cpu")
    return made


def test_a_sequence_alone_is_its_own_only_relative() -> None:
    raw = raw_features("MKX")
    assert raw["aatype"].shape == (3, 21) and raw["aatype"].argmax(-1).tolist() == [
        ALPHAFOLD_ORDER.index("M"), ALPHAFOLD_ORDER.index("K"), 20,
    ]  # fmt: skip
    assert raw["msa"].tolist() == [[HHBLITS_ORDER.index("M"), HHBLITS_ORDER.index("K"), HHBLITS_ORDER.index("X")]]
    assert raw["deletion_matrix_int"].tolist() == [[0, 0, 0]] and raw["num_alignments"].tolist() == [1, 1, 1]
    assert raw["seq_length"].tolist() == [3, 3, 3] and raw["template_aatype"].shape == (0, 3, 22)


def test_an_alignment_is_handed_over_row_by_row_with_its_deletions(tmp_path: Path) -> None:
    path = tmp_path / "mine.a3m"
    path.write_text(">q\nMKTAYI\n>twice\nMKTAYI\n>h\nMR-AyyYI\n>empty\n------\n")
    raw = raw_features("MKTAYI", read_input(path).alignment)
    letters = ["".join(HHBLITS_ORDER[code] for code in row) for row in raw["msa"]]
    assert letters == ["MKTAYI", "MR-AYI"]
    assert raw["deletion_matrix_int"].tolist() == [[0] * 6, [0, 0, 0, 0, 2, 0]]
    with pytest.raises(ValueError, match="over 6 residues for a chain of 3"):
        raw_features("MKT", read_input(path).alignment)


def test_each_recycle_is_a_step_and_the_last_is_the_model(engine: AlphaFold2Engine) -> None:
    events = list(engine.predict(parse_text(SEQUENCE), {"recycles": 2, "extras": "contacts,distogram"}))
    steps = [event for event in events if isinstance(event, Step)]
    assert [(step.number, step.total, step.confidence.mean) for step in steps] == [(0, 2, 81), (1, 2, 82), (2, 2, 83)]
    model = events[-1]
    assert isinstance(model, Model) and model.confidence.ptm == pytest.approx(0.73)
    assert np.allclose(model.structure.ca, helix(SEQUENCE).ca + 3) and np.allclose(model.structure.confidence, 83)
    assert model.confidence.pae.shape == (10, 10) and np.allclose(model.extras["contacts"], 1, atol=1e-3)
    assert model.extras["distogram"].shape == (10, 10, 64)
    assert "one sequence by AlphaFold2 (OpenFold, model_1_ptm)" in model.method
    assert any(isinstance(event, Notice) and "given 1 sequence;" in event.sentence for event in events)
    last = [event for event in events if isinstance(event, Progress)][-1]
    assert last.done == last.total and engine.amount({}, last, None) == last.total


def test_the_alignment_reaches_the_pipeline(engine: AlphaFold2Engine, tmp_path: Path) -> None:
    path = tmp_path / "mine.a3m"
    rows = "".join(f">{i}\n{SEQUENCE[: i % 9]}{'-' * (10 - i % 9)}\n" for i in range(1, 40))
    path.write_text(f">q\n{SEQUENCE}\n{rows}")
    events = list(engine.predict(read_input(path), {"recycles": 0}))
    assert len(Pipeline.seen["msa"]) == 10 - 1 and Pipeline.seen["sequence"][0] == SEQUENCE.encode()
    assert "an alignment of 40 sequences" in events[-1].method
    assert not any(isinstance(event, Notice) for event in events)


def test_the_seed_repeats_what_the_pipeline_draws_and_leaves_the_process_its_own(engine: AlphaFold2Engine) -> None:
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(99)
        drawn.append(engine.program.features(raw_features(SEQUENCE), 0, seed)["drawn"])
        assert int(torch.randint(0, 10**6, ())) == int(torch.randint(0, 10**6, (), generator=torch.manual_seed(99)))
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])


def test_closing_stops_at_the_next_recycle(engine: AlphaFold2Engine) -> None:
    slow = engine.program.network.iteration
    engine.program.network.iteration = lambda *a, **k: (__import__("time").sleep(0.5), slow(*a, **k))[1]
    with closing(engine.predict(parse_text(SEQUENCE), {"recycles": 20})) as events:
        next(event for event in events if isinstance(event, Step))
    assert len(engine.program.network.ran) <= 3


def test_what_fails_in_the_network_fails_the_job(engine: AlphaFold2Engine) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("wrong shape")

    engine.program.network.aux_heads = broken
    with pytest.raises(ValueError, match="wrong shape"):
        list(engine.predict(parse_text(SEQUENCE), {}))


@pytest.mark.parametrize(
    ("keys", "name", "preset"),
    [
        (["template_embedder.x", "aux_heads.tm.linear.weight"], "finetuning_ptm_2.pt", "model_1_ptm"),
        (["template_embedder.x"], "finetuning_2.pt", "model_1"),
        (["aux_heads.tm.linear.weight"], "finetuning_no_templ_ptm_1.pt", "model_3_ptm"),
        (["evoformer.x"], "mine.pt", "model_3"),
        (None, "params_model_4_ptm.npz", "model_4_ptm"),
    ],
)
def test_a_checkpoint_tells_which_network_it_holds(keys: list[str] | None, name: str, preset: str) -> None:
    assert openfold.preset(None if keys is None else dict.fromkeys(keys), name) == preset


def bad(tmp_path: Path, name: str, content: Any) -> Path:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    return path


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("junk.pt", b"junk", "damaged or no OpenFold checkpoint"),
        ("evil.pt", {"model": print}, "damaged or no OpenFold checkpoint"),
        ("nan.pt", {**STATE, "evoformer.blocks.0.weight": torch.tensor([float("nan")])}, "not numbers"),
        ("part.pt", {"evoformer.blocks.0.weight": torch.ones(4)}, "do not fit OpenFold's model_3"),
        ("renamed.npz", b"", "keep its published name"),
    ],
)
def test_weights_that_cannot_be_trusted_are_refused(
    program: None, tmp_path: Path, name: str, content: Any, said: str
) -> None:
    with pytest.raises(WeightsBroken, match=said):
        AlphaFold2Engine(CARD, (bad(tmp_path, name, content),)).load("cpu")


def test_without_the_program_or_weights_it_says_what_is_missing(program: None, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="not on this machine"):
        AlphaFold2Engine(CARD, (tmp_path / "none.pt",)).load("cpu")
    sys.modules.pop("openfold")
    with pytest.raises(WeightsMissing, match="install it from its own repository"):
        AlphaFold2Engine(CARD, (tmp_path / "none.pt",)).load("cpu")


def test_the_stand_in_for_the_kernel_is_a_softmax_in_place(program: None) -> None:
    assert openfold.provide_kernel() and not openfold.provide_kernel()
    logits = torch.randn(2, 3, 5)
    expected = logits.softmax(-1)
    assert sys.modules[openfold.KERNEL].forward_(logits, 6, 5) is None
    assert torch.allclose(logits, expected)
    with pytest.raises(RuntimeError, match="prediction only"):
        sys.modules[openfold.KERNEL].backward_()


def test_the_residue_that_decides_is_found_by_hiding_it_from_the_pipeline(
    engine: AlphaFold2Engine, tmp_path: Path
) -> None:
    path = tmp_path / "mine.a3m"
    path.write_text(f">q\n{SEQUENCE}\n>h\nMRTAYIA-QR\n")
    tyrosine, usual = SEQUENCE.index("Y"), Network.aux_heads

    def sure_of_a_tyrosine(network: Network, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        there = int(network.ran[-1]["aatype"][tyrosine]) == ALPHAFOLD_ORDER.index("Y")
        return {**usual(network, outputs), "plddt": torch.full((len(SEQUENCE),), 90.0 if there else 40.0)}

    engine.program.network.aux_heads = MethodType(sure_of_a_tyrosine, engine.program.network)
    subject = make_subject(engine, {"query": path}, Question(target="plddt"))
    found = attribute(subject, ["occlusion"])
    assert found.values.argmax() == tyrosine and found.values[tyrosine] == pytest.approx(50) and found.unit == "pLDDT"
    assert np.allclose(np.delete(found.values, tyrosine), 0) and found.score == 90
    gap, unknown = HHBLITS_ORDER.index("-"), HHBLITS_ORDER.index("X")
    assert Pipeline.seen["msa"][:, -1].tolist() == [unknown, gap], "the last residue was hidden last, in each row"
    touching = make_subject(engine, {"query": path}, Question(target="1,8"))
    assert touching.unit == "log-odds" and attribute(touching, ["occlusion"]).score > 5
