"""The built page in headless Chromium: its numbers are Python's, it asks nobody else, and it says what is wrong."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import monte_carlo
import numpy as np
import pytest

from calosim_tf.config import LatentLaw
from calosim_tf.data.layer_energies import SMALLEST_MEV, LayerEnergyNormalisation
from calosim_tf.data.readers import read_showers
from calosim_tf.geometry import get_detector
from calosim_tf.latents import draw_latents

from .conftest import EXCESS_WIDTH, SETTINGS, Page, show

PHONE = 390
SHOWERS = 100
# of the largest cell of all showers, and of the shower's own: float32 sums in another order
TOLERANCE, OWN_TOLERANCE = 1e-5, 5e-5


def type_into(page, field: str, text: str) -> None:
    """Replace the text of a field, as a visitor would."""
    page.value(f"document.getElementById('{field}').focus(); document.getElementById('{field}').select()")
    if text:
        page.do("Input.insertText", text=text)
    else:
        page.value("document.execCommand('delete')")


def text_of(page, element: str) -> str:
    return page.value(f"document.getElementById('{element}').textContent")


def downloaded(browser, page, folder: Path, count: int) -> Path:
    """The file behind the download button."""
    page.value("document.getElementById('download-status').textContent = ''")
    browser.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    type_into(page, "count", str(count))
    page.value("download.click()")
    page.wait_until("/of seed/.test(document.getElementById('download-status').textContent)", 60)
    end = time.monotonic() + 10
    while not (found := list(folder.glob("*.csv"))):
        assert time.monotonic() < end, "no file was downloaded"
        time.sleep(0.05)
    return found[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_showers_are_those_of_python(name, built, browser, page, server, tmp_path):
    """Breaks if latents, conditions, the network or the threshold in the browser are not those of `calosim generate`,
    the command on the page makes others, or anything on the way is requested from elsewhere or complained of.
    """
    show(page, name)
    table = np.genfromtxt(downloaded(browser, page, tmp_path, SHOWERS), delimiter=",", skip_header=2)
    command = shlex.split(text_of(page, "command").splitlines()[1])
    assert command[:2] == ["calosim", "generate"]
    file = tmp_path / "python.hdf5"
    options = [*command[3:-1], str(file)]
    subprocess.run([sys.executable, "-m", "calosim_tf", "generate", str(built / name), *options], check=True)
    expected = read_showers(file, get_detector(name), physical=False).showers_mev
    found = table[:, -expected.shape[1] :]
    assert found.shape == expected.shape == (SHOWERS, get_detector(name).n_voxels)
    assert expected.max() > 10.0
    deviation = np.abs(found - expected).max(axis=1)
    largest = deviation.max() / expected.max()
    own = (deviation / np.maximum(expected.max(axis=1), 1.0)).max()
    print(f"{name}: largest deviation {largest:.1e} of the largest cell, {own:.1e} of the shower's own")
    assert largest < TOLERANCE
    assert own < OWN_TOLERANCE
    # a cell at the threshold may be on either side of it
    assert np.maximum(found, expected)[(found == 0) != (expected == 0)].max(initial=0.0) < 1.001 * SMALLEST_MEV
    assert 0.1 < (expected == 0).mean() < 0.99
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith((server.address, f"blob:{server.address}"))] == []
    assert any(url.endswith(f"{name}/model.onnx") for url in page.requests)


def test_threshold_is_that_of_python(page):
    """Breaks if cells below 1 keV, or negative ones, are kept, or numbers that are none are shown as energies."""
    outputs = np.float32([-3.0, 0.0, 9.9e-4, SMALLEST_MEV, 1.1e-3, 5.0])
    to_mev = "m.Generator.prototype.toMev.call({ smallest: Math.fround(0.001) }, new Float32Array(%s))"
    call = f"import('./js/generator.js').then(m => Array.from({to_mev}))"
    law = LayerEnergyNormalisation(0.0, 1.0, 2.0)
    np.testing.assert_array_equal(np.float32(page.value(call % outputs.tolist())), law.to_mev(outputs, np.ones(1)))
    assert page.value(f"{call % '[1, NaN]'}.catch(e => e.message)").startswith("The network gives no finite energies")


def test_direction_and_aim_are_those_of_the_files(page):
    """Breaks if an angle has the wrong sign or axis, or the point is not projected back to the front face."""
    show(page, "lhcb")
    options = text_of(page, "command").split("--condition ")[1].split()
    found = {name: float(value) for name, _, value in (item.partition("=") for item in options[:4])}
    slopes = np.tan(np.radians([12.0, -5.0]))
    along = 20.0 / np.sqrt(1.0 + (slopes**2).sum())
    expected = dict(zip(("px_gev", "py_gev"), along * slopes, strict=True))
    expected |= dict(zip(("x_cm", "y_cm"), np.array([0.3, -0.4]) - 15.0 * slopes, strict=True))
    assert found == pytest.approx(expected, rel=1e-12)


def test_profiles_are_those_of_monte_carlo(built, page):
    """Breaks if bins of distance in the browser are not those that Monte Carlo's means were made with."""
    (layer,) = get_detector("lhcb").layers
    edges = json.loads((built / "lhcb" / "reference.json").read_text())["edges_mm"]
    shower = np.random.default_rng(1).exponential(1.0, 900).round(3) * (np.arange(900) % 7 == 0)
    sizes = {"rows": layer.n_rows, "columns": layer.n_columns, "row_mm": layer.row_mm, "column_mm": layer.column_mm}
    found = page.value(
        f"""import("./js/observables.js").then(m => m.distanceEnergies(
        new Float32Array({shower.tolist()}), m.cellCentres({json.dumps(sizes)}), {edges}))"""
    )
    expected = monte_carlo.distance_energies(np.float32(shower[None]), layer, np.array(edges))[0]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("energy", "between", "weight"), [(300.0, [256.0, 512.0], 0.229), (512.0, [512.0], 0.0), (70000.0, None, None)]
)
def test_monte_carlo_between_its_energies(energy, between, weight, built, page):
    """Breaks if means come from the wrong energies, or some are shown outside of the sample."""
    reference = json.loads((built / "photon" / "reference.json").read_text())
    found = page.value(
        f"""import("./js/observables.js").then(m => m.monteCarloAt({json.dumps(reference)}, {energy}))"""
    )
    if between is None:
        assert found is None
        return
    rows = [row for row in reference["energies"] if row["energy_mev"] in between]
    assert found["between"] == between
    means = [row["total_mean"] for row in rows]
    assert found["total"][0] == pytest.approx(means[0] + weight * (means[-1] - means[0]), rel=1e-4)
    assert len(found["profile"]) == 5


@pytest.mark.parametrize(("seed", "first"), [(0, 0), (2**53 - 1, 999_999_998), (2**32 + 5, 2**28 - 1)])
def test_latents_are_those_of_python(seed, first, page):
    """Breaks if a carry between the halves of a word, or the order of the words, is lost."""
    law = LatentLaw(size=37, mean=0.0, std=1.0, law="normal_16bit")
    found = page.value(
        f"""(async () => {{
        const {{ drawLatents }} = await import("./js/latents.js");
        const quantiles = new Float32Array(await (await fetch("normal_16bit.f32")).arrayBuffer());
        return Array.from(drawLatents({{ size: 37, mean: 0, std: 1 }}, quantiles, {seed}, {first}, 3));
        }})()"""
    )
    np.testing.assert_array_equal(np.float32(found).reshape(3, 37), draw_latents(law, seed, first, 3))


@pytest.mark.parametrize("text", ["abc", "-5", "0", "", "1e999", "NaN", "16,384", "<b>1</b>"])
def test_bad_energy_is_said_beside_the_field(text, page):
    """Breaks if an energy that is none is taken, crashes the page, or leaves its message behind."""
    type_into(page, "energy", text)
    assert "expected a number of MeV above 0" in text_of(page, "energy-error")
    assert page.value("energy.getAttribute('aria-invalid')") == "true"
    assert page.value("shown.classList.contains('stale')")
    type_into(page, "energy", "4096")
    assert text_of(page, "energy-error") == ""
    page.wait_until("!shown.classList.contains('stale') && /4.1.GeV/.test(shown.textContent)")
    assert page.complaints == []


def test_link_with_a_bad_energy_waits_for_a_good_one(browser, server):
    """Breaks if a page that was opened with a bad energy says for ever that it loads."""
    page = Page(browser, f"{server.address}#energy=abc", 1280)
    page.wait_until("document.getElementById('status').textContent.startsWith('Correct the field')")
    assert "Found “abc”" in text_of(page, "energy-error")
    type_into(page, "energy", "512")
    page.wait_until("!shown.hidden && document.getElementById('status').hidden")


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("count", "10001", "from 1 to 10000"),
        ("count", "0", "from 1 to 10000"),
        ("seed", "1.5", "a whole number"),
        ("shower", "-1", "a whole number"),
        ("theta_x", "90", "from -30 to 30"),
    ],
)
def test_other_fields_say_what_they_take(field, text, expected, page):
    """Breaks if more showers than allowed are made, or an angle away from the calorimeter is taken."""
    show(page, "lhcb")
    page.value("document.getElementById('download-status').textContent = ''")
    type_into(page, field, text)
    assert expected in text_of(page, f"{field}-error")
    page.value("download.click()")
    assert text_of(page, "download-status") == ""
    assert page.value("document.activeElement.id") == field
    type_into(page, field, "1")
    assert text_of(page, f"{field}-error") == ""


def changed(content: bytes, *path, to) -> bytes:
    """A JSON file with another value at a path of keys."""
    record = json.loads(content)
    place = record
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return json.dumps(record).encode()


NETWORK = ("networks", 0)
SIDECARS = {
    "a list": (lambda _: b"[]", "found no record"),
    "of another schema": (lambda old: changed(old, "schema", to=9), "found schema 9, expected 1"),
    "without a network": (lambda old: changed(old, "networks", to=[]), "found 0 networks"),
    "with a network that is none": (
        lambda old: changed(old, "networks", to=[None]),
        "of the law nothing",
    ),
    "of another number of cells": (lambda old: changed(old, "n_cells", to=5), "5 cells"),
    "without a size of latents": (
        lambda old: changed(old, *NETWORK, "latent", "size", to=None),
        "without size",
    ),
    "with text for a mass": (lambda old: changed(old, *NETWORK, "normalisation", "mass_mev", to="0"), "no usable mass"),
    "with a model elsewhere": (
        lambda old: changed(old, *NETWORK, "files", "onnx", 0, "path", to="//example.org/x"),
        "found no ONNX file",
    ),
}


@pytest.mark.parametrize("case", SIDECARS)
def test_sidecar_is_checked(case, built, page, server):
    """Breaks if a sidecar that is contradictory, or lacks what the page needs, ends in a crash or in wrong showers."""
    damage, words = SIDECARS[case]
    server.replaced["photon/sidecar.json"] = damage((built / "photon" / "sidecar.json").read_bytes())
    found = page.value("import('./js/sidecar.js').then(m => m.readSidecar('photon')).then(() => '', e => e.message)")
    assert found.startswith("photon/sidecar.json: ")
    assert words in found


DAMAGE = {
    "a model that is missing": ("photon/model.onnx", lambda _: None, "found no such file (404)"),
    "a model cut short": ("photon/model.onnx", lambda old: old[:-1], "bytes, expected"),
    "a model with one bit changed": ("photon/model.onnx", lambda old: old[:-1] + bytes([old[-1] ^ 1]), "SHA-256"),
    "a sidecar cut short": ("photon/sidecar.json", lambda old: old[:99], "is not JSON"),
    "no list of generators": ("generators.json", lambda _: None, "found no such file (404)"),
    "no WebAssembly file": ("ort/ort-wasm-simd-threaded.wasm", lambda _: None, "found no such file (404)"),
    "no runtime": ("ort/ort.wasm.bundle.min.mjs", lambda _: None, "cannot be loaded"),
    "no Monte Carlo": ("photon/reference.json", lambda old: old[:50], "is not JSON"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_file_is_named_in_one_line(case, built, open_page, server):
    """Breaks if a file that is missing or damaged leaves the page waiting, blank, or with numbers from it."""
    name, damage, words = DAMAGE[case]
    server.replaced[name] = damage((built / name).read_bytes())
    page = open_page()
    found = page.value("document.getElementById('status').innerText")
    assert found.startswith(name)
    assert words in found
    assert "\n" not in found
    assert page.value("shown.hidden")


def test_browser_without_webassembly_is_told(open_page):
    """Breaks if the page hangs in a browser that has no WebAssembly."""
    page = open_page(prelude="delete globalThis.WebAssembly")
    assert "has no WebAssembly" in text_of(page, "status")
    assert page.complaints == []


@pytest.mark.parametrize("name", SETTINGS)
def test_page_fits_a_phone(name, page):
    """Breaks if the page has to be scrolled sideways, a field has no label, or something to press is too small."""
    page.set_width(PHONE)
    show(page, name)
    assert page.value(EXCESS_WIDTH) == 0
    fields = "[...document.querySelectorAll('input, select')].filter(i => i.offsetParent)"
    assert page.value(f"{fields}.filter(i => !i.labels.length && !i.ariaLabel).map(i => i.id)") == []
    small = "[...document.querySelectorAll('button, select, .choices label')].filter(b => b.offsetHeight < 44)"
    assert page.value(f"{small}.map(b => b.id)") == []
    assert page.value("[...document.querySelectorAll('svg[role=img]')].every(s => s.ariaLabel)")
    page.set_width(1280)


def test_keyboard_alone_makes_the_next_shower(page):
    """Breaks if a button cannot be reached or pressed without a mouse."""
    type_into(page, "shower", "3")
    page.value("shower.focus()")
    for key, code in (("Tab", 9), ("Tab", 9), ("Enter", 13)):
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            page.do("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)
    assert page.value("document.activeElement.id") == "next"
    page.wait_until("/^Shower 4:/.test(document.getElementById('shower-title').textContent)")
    assert "shower=4" in page.value("location.hash")


def test_dark_mode_is_dark(open_page):
    """Breaks if colours do not follow the system, or empty cells shine on a dark screen."""
    page = open_page()
    lightness = (
        "getComputedStyle(document.querySelector('{}')).{}.match(/\\d+/g).map(Number).reduce((a, b) => a + b) / 3"
    )
    light = page.value(lightness.format("body", "backgroundColor"))
    page.do("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert light > 200 > 60 > page.value(lightness.format("body", "backgroundColor"))
    assert page.value("[...document.querySelectorAll('#pictures path[fill^=var]')].length") > 10
    assert page.value(lightness.format("#pictures path[fill^=var]", "fill")) < 80
    page.do("Emulation.setEmulatedMedia", features=[])


def test_files_name_no_other_host(built):
    """Breaks if a file of the page could load from a content delivery network."""
    hosts = set()
    for path in built.rglob("*"):
        if path.suffix in {".html", ".js", ".mjs", ".css", ".json", ".svg"}:
            hosts |= set(re.findall(r"(?:https?:)?//(?:[\w-]+\.)+[a-z]{2,}", path.read_text(encoding="utf-8")))
    assert {host for host in hosts if re.search(r"cdn|jsdelivr|unpkg|googleapis|cloudflare", host)} == set()
    own = [*built.glob("js/*.js"), built / "index.html", built / "style.css"]
    assert not any(re.search(r"https?://(?!localhost|www\.w3\.org)", path.read_text(encoding="utf-8")) for path in own)
