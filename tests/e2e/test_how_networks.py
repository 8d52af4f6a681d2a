"""The shipped networks in a real browser: the same numbers as in the backend, and exhibits that answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from backends.generation.engines.diffusion import denoise
from backends.generation.networks.attention import Switches
from backends.generation.shipped import load
from backends.generation.sound import RATE, magnitudes, pack, patch_of, unpack
from evaluation.atlas import heads
from evaluation.synthetic.drawn_things import Factors, draw
from evaluation.synthetic.short_sounds import KINDS, SoundFactors, make
from tests.support.browser import SLOW_MS
from tests.support.waiting import wait_for
from viz.how import shipped

pytestmark = pytest.mark.browser
CLOSE = {"rtol": 0, "atol": 1e-3}


@pytest.fixture(scope="module")
def tabs(chromium: Any) -> Iterator[Any]:
    """A page with the script of an exhibit, as the component has it, and the exhibit itself as `lab`."""
    opened: dict[str, Any] = {}

    def tab(exhibit: str) -> Any:
        if exhibit not in opened:
            page = opened[exhibit] = chromium.new_page()
            page.add_script_tag(content=shipped.definitions(exhibit))
            page.evaluate(
                """([name, measured]) => {
                  window.lab = new (eval(name))({run: "test", measured}, document.body);
                  lab.update({}, () => {});
                }""",
                [shipped.CLASSES[exhibit], shipped.measurements()],
            )
        return opened[exhibit]

    yield tab
    for page in opened.values():
        page.close()


def values(tab: Any, expression: str, *arguments: Any) -> np.ndarray:
    """What a JavaScript function of the page's names gives, as numbers."""
    return np.array(tab.evaluate(expression, [one.flatten().tolist() for one in arguments]))


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize(("name", "channels"), [("pictures-vae-8", 3), ("sounds-vae-8", 8)])
def test_codes_and_what_comes_back_are_those_of_the_backend(tabs: Any, name: str, channels: int) -> None:
    tab, network = tabs("vae"), load(name)
    x, price = normal(1, channels, 16, 16).clamp(-1, 1), torch.tensor([2.0])
    code: Any = network.encode(x, price)  # type: ignore[operator]
    ours = values(tab, f'([x]) => [...vaeEncode(lab.w["{name}"], Float32Array.from(x), 2).mean]', x)
    np.testing.assert_allclose(ours, code.mean[0].numpy(), **CLOSE)
    back = network.decode(code.mean, price)  # type: ignore[operator]
    ours = values(tab, f'([z]) => [...vaeDecode(lab.w["{name}"], Float32Array.from(z), 2)]', code.mean)
    np.testing.assert_allclose(ours, back.flatten().numpy(), **CLOSE)
    world = name.partition("-")[0]
    ours = values(tab, f"([x]) => judge(lab.judges.{world}, Float32Array.from(x)).flat()", x)
    told = [one.softmax(1)[0] for one in load(f"{world}-judge")(x)]
    np.testing.assert_allclose(ours, torch.cat(told).numpy(), **CLOSE)


@pytest.mark.parametrize("name", ["pictures-gan", "pictures-gan-collapsing", "sounds-gan"])
def test_what_a_generator_makes_is_what_it_makes_in_the_backend(tabs: Any, name: str) -> None:
    noise = normal(1, 16)
    ours = values(tabs("gan"), f'([z]) => [...generate(lab.w["{name}"], Float32Array.from(z))]', noise)
    np.testing.assert_allclose(ours, load(name)(noise).flatten().numpy(), **CLOSE)


def test_a_step_of_noise_taken_away_is_that_of_the_backend(tabs: Any) -> None:
    tab, network = tabs("diffusion"), load("pictures-diffusion")
    noise, labels = normal(1, 3, 16, 16), torch.tensor([[2, 3]])
    step = next(denoise(network, noise, labels, steps=5, guidance=3.0, kept=None))  # type: ignore[arg-type]
    told = "denoiseStep(lab.w.pictures, Float32Array.from(x), {time: 1, later: 0.8, labels: [2, 3], guidance: 3})"
    np.testing.assert_allclose(values(tab, f"([x]) => [...{told}.x]", noise), step.x.flatten().numpy(), **CLOSE)
    np.testing.assert_allclose(values(tab, f"([x]) => [...{told}.guess]", noise), step.guess.flatten().numpy(), **CLOSE)


def test_a_sound_has_the_magnitudes_of_the_backend_and_a_wave_with_them(tabs: Any) -> None:
    tab, sound = tabs("diffusion"), normal(8, 16, 16).mul(0.4).sub(0.4).clamp(-1, 1)
    ours = values(
        tab, "([x]) => magnitudesOf(unpackSound(Float32Array.from(x)), lab.inverse).map((m) => [...m])", sound
    )
    theirs = magnitudes(unpack(sound[None].numpy())[0])
    np.testing.assert_allclose(ours.T, theirs, rtol=0, atol=2e-3 * theirs.max())
    wave = values(tab, "([x]) => [...soundWave(Float32Array.from(x), lab.inverse, 12)]", sound)
    assert wave.shape == (5120,) and 0.05 < np.abs(wave).max() <= 1 + 1e-6


@pytest.mark.slow
def test_attention_is_that_of_the_backend_and_a_head_switched_off_lowers_the_accuracy(tabs: Any) -> None:
    tab, letters = tabs("attention"), [0, 1, 2, 0, 3, 1, 2, 2]
    switches = '{off: new Set(["0.1"]), positions: true, mask: true, temperature: 1.5}'
    ours = np.array(tab.evaluate(f"follow(lab.w, {letters}, {switches}).logits.map((row) => [...row])"))
    off = Switches(frozenset({(0, 1)}), temperature=1.5)
    theirs, _ = load("attention")(torch.tensor([letters]), off)
    np.testing.assert_allclose(ours, theirs[0].numpy(), **CLOSE)
    tab.locator("input[type=text]").fill("x y z x")
    assert tab.locator(".tokens .right").all_inner_texts() == ["x→ y"]
    done = "document.querySelector('[data-done=true]')?.dataset.accuracy"
    whole = float(tab.wait_for_function(done).json_value())
    boxes = tab.locator(".head input")
    boxes.nth(4).uncheck()
    for head in (5, 6, 7):
        boxes.nth(head).uncheck()
    tab.wait_for_function("document.querySelector('[data-done=true]')?.parentNode.textContent.includes('4 heads off')")
    assert float(tab.evaluate(done)) < whole - 0.3 and whole > 0.9


def test_drawn_things_are_those_that_were_trained_on_and_dragging_the_plane_changes_what_is_read(tabs: Any) -> None:
    tab = tabs("vae")
    thing = Factors(*(np.array([value]) for value in (2, 1, 6.5, 8.25, 5.0, 0.4)))
    ours = values(tab, "() => [...drawThing({kind: 2, colour: 1, x: 6.5, y: 8.25, size: 5, angle: 0.4})]")
    np.testing.assert_allclose(ours.reshape(3, 16, 16), 2 * draw(thing)[0].transpose(2, 0, 1) - 1, atol=1e-5)
    read = set()
    plane = tab.locator(".plane")
    for x, y in ((0.1, 0.1), (0.9, 0.1), (0.5, 0.5), (0.1, 0.9), (0.9, 0.9), (0.5, 0.1), (0.1, 0.5), (0.9, 0.5)):
        box = plane.bounding_box()
        plane.click(position={"x": x * box["width"], "y": y * box["height"]})
        read.add(tab.evaluate("lab.root.dataset.judged"))
    assert len(read) >= 2
    before = tab.evaluate("[...lab.code]")
    plane.press("ArrowUp")
    moved = np.array(tab.evaluate("[...lab.code]")) - before
    up = tab.evaluate("lab.state.axes[1]")
    np.testing.assert_allclose(moved, np.eye(8)[up] * 0.1, atol=1e-4)


def test_the_film_steps_through_both_gans_and_the_diffusion_of_one_seed_repeats(tabs: Any) -> None:
    tab = tabs("gan")
    film = shipped.measurements()["gan"]["film"]
    tab.locator("input[type=range]").first.fill("0")
    shown = [float(tab.locator(".pixels[data-modes]").nth(k).get_attribute("data-modes") or -1) for k in (0, 1)]
    assert shown == [film["healthy"][0]["modes"]["value"], film["collapsing"][0]["modes"]["value"]]
    tab = tabs("diffusion")
    make = "lab.film({...lab.state, steps: 4}, lab.running, null).then((film) => [...film.at(-1).guess])"
    lone = tab.evaluate("() => { lab.running = 99; lab.spent = 0; }") or tab.evaluate(make)
    assert lone == tab.evaluate(make)
    assert lone != tab.evaluate(make.replace("...lab.state,", "...lab.state, seed: 7,"))


@pytest.mark.slow
def test_a_chosen_hole_is_filled_in_four_ways_and_the_rest_stays(tabs: Any) -> None:
    tab = tabs("diffusion")
    tab.get_by_label("The hole").select_option("right")
    section = tab.get_by_role("region", name="3 · Fill a hole")
    assert "128 of 256 pixels" in section.inner_text()
    section.get_by_role("button", name="Fill it").click()
    section.get_by_text("From four noises").wait_for()
    shown = "(node, x) => [...node.getContext('2d').getImageData(x, 0, 8, 16).data]"
    ways = [section.get_by_label("Four ways").evaluate(shown, 16 * k) for k in range(4)]
    assert ways[0] == ways[1] == ways[2] == ways[3], "the left half is the picture's in all four"
    others = {tuple(section.get_by_label("Four ways").evaluate(shown, 16 * k + 8)) for k in range(4)}
    assert len(others) == 4, "the right one is not"


def test_what_looks_where_in_the_studios_models_is_said_for_each_of_four_modalities(tabs: Any) -> None:
    tab, known = tabs("attention"), {view["modality"]: view for view in heads.read()}
    section = tab.get_by_role("region", name="5 · The same inside the studio’s models")
    for modality, one in (("words", "word"), ("residues", "residue"), ("pixels", "patch"), ("sound", "moment")):
        section.get_by_label("Model").select_option(modality)
        section.get_by_role("slider", name=f"The {one} that asks").fill("3")
        row = heads.shares(known[modality]["layers"][0])[0, 3]
        best = int(np.argmax(row))
        said = section.locator(".live").all_inner_texts()
        assert f"{known[modality]['names'][best]}" in said[0] and f"({100 * row[best]:.0f} %)" in said[0]
        assert f"of {known[modality]['layers'][0]['tokens']}" in said[1]
    shown = section.locator(".song rect title").all_inner_texts()
    assert len(shown) == 48
    section.get_by_role("button", name="Head 2").click()
    assert tab.evaluate("lab.state.studio") == {"of": "sound", "layer": 0, "head": 1, "at": 3}


@pytest.mark.slow
def test_a_sound_goes_through_a_code_and_each_made_one_becomes_a_wave(tabs: Any) -> None:
    tab = tabs("vae")
    tab.get_by_label("Network", exact=True).select_option("sounds-vae-8")
    tab.get_by_label("A real sound").select_option(label="tom")
    assert "The judge reads: tom" in tab.locator("section").first.inner_text()
    waves = "[lab.picture(), lab.came, ...lab.twelve.slice(0, 2)].map((x) => [...soundWave(x, lab.inverse, 4)])"
    real, back, *made = np.array(tab.evaluate(waves))
    assert all(0.01 < np.abs(wave).max() <= 1 for wave in (real, back, *made))
    spectra = [np.abs(np.fft.rfft(wave)) for wave in (real, back)]
    assert np.corrcoef(*spectra)[0, 1] > 0.5, "what comes back sounds alike"
    tab.get_by_label("Network", exact=True).select_option("pictures-vae-8")


def test_a_sound_file_of_the_visitors_is_heard_by_the_network_as_the_backend_would_hear_it(
    tabs: Any, tmp_path: Path
) -> None:
    tab, rng = tabs("vae"), np.random.default_rng(0)
    factors = SoundFactors(*(np.array([value]) for value in (KINDS.index("tom"), 0.5, 0.5, -3.0)))
    hit = make(factors, rng)[0]
    theirs = pack(patch_of(hit[None]))[0]
    ours = values(tab, "([x]) => [...packedSound(Float32Array.from(x), readBank())]", torch.from_numpy(hit))
    np.testing.assert_allclose(ours.reshape(8, 16, 16), theirs, atol=5e-3)
    song = np.concatenate([np.zeros(2 * RATE, np.float32), hit, np.zeros(RATE, np.float32)])
    soundfile.write(tmp_path / "my tom.wav", np.repeat(song, 4), 4 * RATE)
    (tmp_path / "no sound.wav").write_text("nothing")
    tab.get_by_label("Network", exact=True).select_option("sounds-vae-8")
    section = tab.locator("section").first
    section.get_by_label("A sound file of yours").set_input_files(tmp_path / "my tom.wav")
    section.get_by_text("yours: my tom.wav").wait_for()
    assert tab.evaluate("lab.state.from") == pytest.approx(2.0, abs=0.03), "the strongest hit is found"
    assert "The judge reads: tom" in section.inner_text()
    whole = np.array(tab.evaluate("[...lab.heard()]"))
    assert np.corrcoef(*[np.abs(np.fft.rfft(wave)) for wave in (whole, hit)])[0, 1] > 0.8
    section.get_by_role("slider", name="From second").fill("0")
    assert np.abs(tab.evaluate("[...lab.heard()]")).max() < 1e-3, "silence stays silent"
    section.get_by_label("A sound file of yours").set_input_files(tmp_path / "no sound.wav")
    section.get_by_text("could not be read as a sound").wait_for()
    section.get_by_label("A real sound").select_option(label="snare")
    assert tab.evaluate("lab.ownSound") is None
    tab.get_by_label("Network", exact=True).select_option("pictures-vae-8")


@pytest.mark.parametrize(("back", "scheme"), [("#11161b", "dark"), ("rgb(255, 255, 255)", "light")])
def test_controls_of_the_browsers_own_are_as_dark_as_the_page_behind_them(
    chromium: Any, back: str, scheme: str
) -> None:
    page = chromium.new_page()
    page.set_content(f'<html style="color-scheme: light"><body style="--st-background-color: {back}"></body></html>')
    page.add_script_tag(content=shipped.script("gan").replace("export default ", ""))
    page.evaluate(
        "(measured) => exhibit({ data: { run: 't', measured }, parentElement: document.body, setStateValue() {} })",
        shipped.measurements(),
    )
    knob = page.get_by_role("slider", name="Checkpoint")
    assert knob.evaluate("(node) => getComputedStyle(node).colorScheme") == scheme
    page.close()


@pytest.mark.slow
@pytest.mark.parametrize("exhibit", ["attention", "vae", "gan", "diffusion"])
def test_an_exhibit_is_saved_as_a_file_that_computes_without_a_network(
    exhibit: str, chromium: Any, tmp_path: Path
) -> None:
    page = chromium.new_page()
    page.add_script_tag(content=shipped.script(exhibit).replace("export default ", ""))
    page.evaluate(
        "(measured) => { window.lab = new Lab({run: 'test', measured}, document.body); lab.update({}, () => {}); }",
        shipped.measurements(),
    )
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save this exhibit").click()
    file = tmp_path / "exhibit.html"
    saving.value.save_as(file)
    page.close()
    context = chromium.new_context(
        offline=True, viewport={"width": 390, "height": 800}, color_scheme="dark", reduced_motion="reduce"
    )
    alone, problems = context.new_page(), []
    alone.on("pageerror", lambda error: problems.append(str(error)))
    alone.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    alone.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else problems.append(r.url))
    alone.goto(file.as_uri())
    _answers_alone(alone, exhibit)
    assert alone.evaluate("document.documentElement.scrollWidth") <= 390
    assert problems == []
    context.close()


def _answers_alone(page: Any, exhibit: str) -> None:
    """Something is turned in the saved file, and what is said of it changes, on the page and for those who hear it."""
    label = {"attention": "Temperature", "vae": "On the way", "gan": "Checkpoint", "diffusion": "Noise"}[exhibit]
    knob = page.get_by_role("slider", name=label, exact=True).first
    section = page.locator("section").filter(has=knob).first
    said = "(node) => [...node.querySelectorAll('.live')].map((one) => one.textContent).join(' ')"
    section.wait_for()
    before = section.evaluate(said)
    knob.press("End" if exhibit != "gan" else "Home")
    spoken = page.locator(".spoken")
    wait_for(lambda: spoken.text_content() != "", SLOW_MS / 1000)
    heard = spoken.text_content()
    assert heard and heard in section.evaluate(said).replace("  ", " ")
    if exhibit != "vae":  # whose walk says where it leads and not where it is
        assert section.evaluate(said) != before
