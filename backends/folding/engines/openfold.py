"""OpenFold's programs brought into this process: its model, its feature pipeline, its checkpoints.

OpenFold (Ahdritz et al. 2024) is not on the package index in a form that installs; where it is installed, everything
of it but one compiled kernel is plain Python, and for that kernel there is a stand-in here.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backends.core.errors import WeightsBroken, WeightsMissing
from backends.shared.interruptible import run_interruptible

KERNEL = "attn_core_inplace_cuda"
"""The one compiled module that OpenFold imports without asking: a softmax that overwrites its input."""

JAX = re.compile(r"params_(model_\d(?:_ptm)?)\.npz$")


def provide_kernel() -> bool:
    """Put a stand-in for the compiled kernel where there is none; True if it did."""
    if KERNEL in sys.modules or find_spec(KERNEL) is not None:
        return False
    stand_in = ModuleType(KERNEL, "A stand-in for OpenFold's compiled attention kernel.")
    stand_in.forward_ = _softmax_  # type: ignore[attr-defined]
    stand_in.backward_ = _no_training  # type: ignore[attr-defined]
    sys.modules[KERNEL] = stand_in
    return True


def _softmax_(logits: Tensor, rows: int, columns: int) -> None:
    """Softmax over the last dimension, of `columns`, in place; `rows` of them in all."""
    flat = logits.view(rows, columns)
    flat.copy_(flat.softmax(-1))


def _no_training(*_: Any) -> None:
    raise RuntimeError("this kernel is for prediction only")


def preset(state: dict[str, Any] | None, name: str) -> str:
    """OpenFold's name for the network that a checkpoint holds: with or without templates, with or without pTM."""
    jax = JAX.search(name)
    if jax:
        return jax[1]
    keys = list(state or {})
    templates = any("template" in key for key in keys)
    ptm = any(re.search(r"aux_heads\.tm\.", key) for key in keys)
    return f"{'model_1' if templates else 'model_3'}{'_ptm' if ptm else ''}"


def read_checkpoint(path: Path) -> dict[str, Any] | None:
    """The tensors of a `.pt` checkpoint; None for DeepMind's own `.npz`, which OpenFold reads itself.

    Raises WeightsMissing, WeightsBroken.
    """
    if not path.is_file():
        raise WeightsMissing(f"The weights “{path.name}” are not on this machine: download them, or choose a file.")
    if path.suffix == ".npz":
        if not JAX.search(path.name):
            raise WeightsBroken(f"“{path.name}” has to keep its published name, such as params_model_1_ptm.npz.")
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        for key in ("ema", "params", "model", "state_dict"):
            if isinstance(state, dict) and isinstance(state.get(key), dict):
                state = state[key]
        if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
            raise ValueError("no tensors by name")
    except MemoryError:
        raise
    except Exception as error:  # a damaged or hostile file can make a parser fail in any way
        raise WeightsBroken(f"“{path.name}” is damaged or no OpenFold checkpoint: download it again.") from error
    broken = [key for key, value in state.items() if value.is_floating_point() and not value.isfinite().all()]
    if broken or not state:
        raise WeightsBroken(f"“{path.name}” is damaged: it holds values that are not numbers.")
    return {key.removeprefix("model."): value for key, value in state.items()}


class OpenFold:
    """One OpenFold network with its own feature pipeline, ready on a device."""

    def __init__(self, path: Path, device: str) -> None:
        provide_kernel()
        from openfold.config import model_config
        from openfold.model.model import AlphaFold
        from openfold.utils.import_weights import import_jax_weights_, import_openfold_weights_

        state = read_checkpoint(path)
        self.preset = preset(state, path.name)
        self.device = device
        self.config = model_config(self.preset)
        self.network = AlphaFold(self.config).eval()
        try:
            if state is None:
                import_jax_weights_(self.network, str(path), version=self.preset)
            else:
                import_openfold_weights_(model=self.network, state_dict=state)  # strict: all keys and no other
        except (RuntimeError, KeyError, ValueError) as error:
            raise WeightsBroken(
                f"“{path.name}” is damaged: its weights do not fit OpenFold's {self.preset}."
            ) from error
        self.network.requires_grad_(False).to(device)

    def features(self, raw: dict[str, np.ndarray], recycles: int, seed: int) -> dict[str, Tensor]:
        """OpenFold's own features from raw ones: sampled, clustered, masked; the recycles in the last dimension."""
        from openfold.data.feature_pipeline import FeaturePipeline

        self.config.data.common.max_recycling_iters = recycles
        self.config.data.predict.max_templates = min(4, self.config.data.predict.max_templates)
        with _seeded(seed):
            features = FeaturePipeline(self.config.data).process_features(raw, mode="predict")
        return {name: torch.as_tensor(value).to(self.device) for name, value in features.items()}

    def passes(self, features: dict[str, Tensor]) -> Iterator[dict[str, Tensor] | None]:
        """The network's outputs after each recycle, None now and then in between; closing stops it at the next.

        The network runs in a thread of its own, since its recycling loop cannot be left and entered again.
        """
        inner = self.network.iteration

        def work(tell: Callable[[Any], None]) -> None:
            def observed(*args: Any, **named: Any) -> Any:
                result = inner(*args, **named)
                outputs = dict(result[0])
                outputs.update(self.network.aux_heads(outputs))
                tell(_select_outputs(outputs))
                return result

            self.network.iteration = observed
            try:
                with torch.inference_mode():
                    self.network(features)
            finally:
                self.network.iteration = inner

        yield from run_interruptible(work)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """The pipeline draws rows and masks from three generators of the process; give each back as it was."""
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])


OUTPUTS = {
    "atoms": ("final_atom_positions",),
    "mask": ("final_atom_mask",),
    "plddt": ("plddt",),
    "pae": ("predicted_aligned_error",),
    "ptm": ("ptm_score", "predicted_tm_score"),
    "distogram": ("distogram_logits",),
}
"""What is kept of the network's outputs, and by which names OpenFold's versions know it."""


def _select_outputs(outputs: dict[str, Any]) -> dict[str, Tensor]:
    selected = {}
    for name, known in OUTPUTS.items():
        value = next((outputs[key] for key in known if key in outputs), None)
        if value is not None:
            selected[name] = torch.as_tensor(value).detach().float().cpu()
    return selected
