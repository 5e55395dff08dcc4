"""Small made-up photon showers shared by the physics and plot tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from calosim_tf.config import Published
from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import PHOTON
from calosim_tf.physics.evaluate import evaluate

from .browser import Browser, Page, find_browser

ENERGIES_MEV = (1024.0, 4096.0, 16384.0)
TITLE = "Photons <b>bold</b> & more"
PUBLISHED = Published(
    what="photon 1 GAN, chi2/NDF",
    value=3.7,
    n="10 000 per energy up to 262 GeV <i>, Geant4",
    source="talk, May 2023",
)


def made_up_showers(seed: int, per_energy: int = 80, scale: float = 1.0, energies=ENERGIES_MEV) -> ShowerSet:
    """Sparse showers whose response has mean ``0.95 * scale`` and standard deviation 0.05; energies are interleaved."""
    rng = np.random.default_rng(seed)
    incident = np.tile(np.asarray(energies, dtype=np.float32), per_energy)
    layer_share = np.concatenate(
        [
            np.full(layer.n_voxels, share / layer.n_voxels)
            for layer, share in zip(PHOTON.layers, (0.05, 0.3, 0.6, 0.04, 0.01), strict=True)
        ]
    )
    showers = rng.gamma(0.5, 1.0, size=(len(incident), PHOTON.n_voxels)) * layer_share
    response = rng.normal(0.95 * scale, 0.05, size=len(incident))
    showers *= (response * incident / showers.sum(axis=1))[:, None]
    return ShowerSet(incident, showers.astype(np.float32), PHOTON, "made-up sample")


@pytest.fixture(scope="session")
def make_showers():
    """The function itself, for tests that need other seeds, sizes or scales."""
    return made_up_showers


@pytest.fixture(scope="session")
def reference() -> ShowerSet:
    return made_up_showers(1)


@pytest.fixture(scope="session")
def generated() -> ShowerSet:
    return made_up_showers(2)


@pytest.fixture(scope="session")
def report(tmp_path_factory, reference, generated):
    """One full report of showers whose layer 0 is scaled by 1.5: (folder, returned document)."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "selection.csv").write_text("iteration,chi2,ndf,chosen\n1000,840,84,0\n2000,168,84,1\n")
    (folder / "history.csv").write_text("iteration,critic,state\n1000,-1.5,ok\n2000,-0.5,ok\n")
    showers = generated.showers_mev.copy()
    showers[:, :8] *= 1.5
    document = evaluate(
        replace(generated, showers_mev=showers, source="GAN <script>alert(1)</script><img src=//example.org/x.png>"),
        reference,
        control=made_up_showers(3),
        out_dir=folder / "report",
        title=TITLE,
        selection_csv=folder / "selection.csv",
        history_csv=folder / "history.csv",
        notes=["a note with <u>"],
        published=[PUBLISHED],
    )
    return folder / "report", document


@pytest.fixture(scope="session")
def open_page(tmp_path_factory) -> Iterator:
    """``open_page(path, width)`` opens a page in headless Chromium."""
    browser = Browser(find_browser(), tmp_path_factory.mktemp("chromium"))
    yield lambda path, width: Page(browser, path, width)
    browser.close()
