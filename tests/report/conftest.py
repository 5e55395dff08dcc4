"""A report of made-up photon showers, and a browser to open it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from calosim_tf.config import Published
from calosim_tf.report.evaluate import evaluate

from ..physics import conftest as made_up
from .browser import Browser, Page, find_browser

make_showers, reference, generated = made_up.make_showers, made_up.reference, made_up.generated

TITLE = "Photons <b>bold</b> & more"
PUBLISHED = Published(
    what="photon 1 GAN, chi2/NDF",
    value=3.7,
    n="10 000 per energy up to 262 GeV <i>, Geant4",
    source="talk, May 2023",
)


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
        control=made_up.made_up_showers(3),
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
