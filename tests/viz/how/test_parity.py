"""One forward pass and one training step of the browser's engine, done again by torch from `spec.json`."""

from __future__ import annotations

import itertools
import math
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.support import lab_engine
from viz.how.engine import spec

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="no node here to run the engine")
torch = pytest.importorskip("torch")

SCRIPT = """
const data = engine.prepareShape("ring", 5), out = {};
for (const family of ["gan", "vae", "diffusion"]) {
  const session = new engine.Session(family, data, 5);
  const before = session.model.store.numbers.slice();
  const happened = session.advance();
  out[family] = { before, happened, after: session.model.store.numbers.slice(), parts: {} };
  for (const [name, part] of Object.entries(session.model.store.parts))
    out[family].parts[name] = [part.byteOffset / 4, part.length];
}
const rows = engine.SPEC.batch;
const noises = new engine.Stream(5, "judge_noise", 0).uniforms(2 * rows, -1, 1);
return { ...out, noises, real: out.gan.happened.real };
"""
CLOSE = 1e-3


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return lab_engine.run(tmp_path_factory.mktemp("parity"), SCRIPT)


def part(record: dict[str, Any], name: str, when: str) -> np.ndarray:
    start, length = record["parts"][name]
    return np.array(record[when][start : start + length], np.float32)


def points(values: list[float], width: int = 2) -> Any:
    return torch.tensor(values, dtype=torch.float32).reshape(-1, width)


def dense(sizes: list[int], activation: Callable[[], Any], flat: np.ndarray) -> Any:
    """A network with the weights of `flat`, laid out as `spec.json` says."""
    modules: list[Any] = []
    at = 0
    for inputs, outputs in itertools.pairwise(sizes):
        layer = torch.nn.Linear(inputs, outputs)
        weights = flat[at : at + inputs * outputs].reshape(outputs, inputs).copy()
        at += inputs * outputs
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weights))
            layer.bias.copy_(torch.from_numpy(flat[at : at + outputs].copy()))
        at += outputs
        modules += [layer, activation()]
    assert at == len(flat)
    return torch.nn.Sequential(*modules[:-1])


def flat(network: Any) -> np.ndarray:
    return torch.cat([value.detach().ravel() for value in network.parameters()]).numpy()


def test_a_step_of_the_gan(browser: Any) -> None:
    record, model = browser["gan"], spec()["gan"]
    leaky = lambda: torch.nn.LeakyReLU(model["slope"])  # noqa: E731
    generator = dense(model["generator"], leaky, part(record, "g", "before"))
    judge = dense(model["judge"], leaky, part(record, "d", "before"))
    knobs, betas = model["knobs"], tuple(model["betas"])
    of_judge = torch.optim.Adam(judge.parameters(), knobs["judge_rate"], betas)
    of_generator = torch.optim.Adam(generator.parameters(), knobs["generator_rate"], betas)
    softplus = torch.nn.functional.softplus
    painted = generator(points(browser["noises"])).detach()
    loss = softplus(-judge(points(browser["real"]))).mean() + softplus(judge(painted)).mean()
    loss.backward()
    of_judge.step()
    made = generator(points(record["happened"]["codes"]))
    np.testing.assert_allclose(made.detach(), points(record["happened"]["points"]), atol=CLOSE)
    assert loss.item() == pytest.approx(record["happened"]["judge_loss"], abs=CLOSE)
    softplus(-judge(made)).mean().backward()
    of_generator.step()
    np.testing.assert_allclose(flat(judge), part(record, "d", "after"), atol=CLOSE / 10)
    np.testing.assert_allclose(flat(generator), part(record, "g", "after"), atol=CLOSE / 10)


def test_a_step_of_the_vae(browser: Any) -> None:
    record, model = browser["vae"], spec()["vae"]
    happened, start = record["happened"], part(record, "all", "before")
    count = sum(o * (i + 1) for i, o in itertools.pairwise(model["encoder"]))
    encoder = dense(model["encoder"], torch.nn.SiLU, start[:count])
    decoder = dense(model["decoder"], torch.nn.SiLU, start[count:-1])
    scale = torch.nn.Parameter(torch.tensor(start[-1]))
    assert scale.item() == model["first_log_scale"]
    everything = [*encoder.parameters(), *decoder.parameters(), scale]
    adam = torch.optim.Adam(everything, model["knobs"]["rate"], tuple(model["betas"]))
    real = points(happened["points"])
    codes = encoder(real)
    np.testing.assert_allclose(codes.detach(), points(happened["codes"], 4), atol=CLOSE)
    mean, ln = codes[:, :2], codes[:, 2:]
    noise = (points(happened["z"]) - mean.detach()) / torch.exp(0.5 * ln.detach())
    back = decoder(mean + torch.exp(0.5 * ln) * noise)
    error = ((back - real) ** 2).sum(1).mean() / (2 * torch.exp(2 * scale)) + 2 * scale + math.log(2 * math.pi)
    divergence = 0.5 * (mean**2 + ln.exp() - 1 - ln).sum(1).mean()
    loss = error + model["knobs"]["beta"] * divergence
    assert loss.item() == pytest.approx(happened["loss"], rel=CLOSE)
    loss.backward()
    adam.step()
    now = np.concatenate([flat(encoder), flat(decoder), [scale.item()]])
    np.testing.assert_allclose(now, part(record, "all", "after"), atol=CLOSE / 10)


def test_a_step_of_the_diffusion_model(browser: Any) -> None:
    record, model = browser["diffusion"], spec()["diffusion"]
    happened = record["happened"]
    network = dense(model["network"], torch.nn.SiLU, part(record, "w", "before"))
    adam = torch.optim.Adam(network.parameters(), model["knobs"]["rate"], tuple(model["betas"]))
    product = cosine_products(model)[happened["times"]]
    noise = points(happened["noise"])
    noisy = product.sqrt()[:, None] * points(happened["points"]) + (1 - product).sqrt()[:, None] * noise
    np.testing.assert_allclose(noisy, points(happened["noisy"]), atol=CLOSE)
    moment = torch.tensor(happened["times"])[:, None] / model["steps"]
    columns = [noisy]
    for frequency in model["place_frequencies"]:
        x, y = frequency * noisy[:, :1], frequency * noisy[:, 1:]
        columns += [x.sin(), x.cos(), y.sin(), y.cos()]
    for frequency in model["time_frequencies"]:
        columns += [(frequency * moment).sin(), (frequency * moment).cos()]
    guess = network(torch.cat(columns, 1))
    np.testing.assert_allclose(guess.detach(), points(happened["guess"]), atol=CLOSE)
    loss = ((guess - noise) ** 2).mean()
    assert loss.item() == pytest.approx(happened["loss"], abs=CLOSE)
    loss.backward()
    adam.step()
    np.testing.assert_allclose(flat(network), part(record, "w", "after"), atol=CLOSE / 10)


def cosine_products(model: dict[str, Any]) -> Any:
    """The products of 1 - beta, from time 0 on, of Nichol and Dhariwal's schedule."""
    steps, offset = model["steps"], model["schedule_offset"]
    level = [math.cos((t / steps + offset) / (1 + offset) * math.pi / 2) ** 2 for t in range(steps + 1)]
    products = [1.0]
    for before, now in itertools.pairwise(level):
        products.append(products[-1] * (1 - min(1 - now / before, model["largest_beta"])))
    return torch.tensor(products)
