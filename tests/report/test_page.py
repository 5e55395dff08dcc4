"""The report as a reader sees it: opened from the disk in headless Chromium."""

from __future__ import annotations

import pytest

from .browser import EXCESS_WIDTH

PHONE, DESK = 390, 1200
COUNT_PICTURES = "document.images.length"
COUNT_SHOWN = "[...document.images].filter(i => i.complete && i.naturalWidth > 300).length"


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_page_needs_nothing_and_shows_everything(report, open_page, width):
    """Breaks if the page requests anything external, a script fails, an image is missing, or the whole page has to be
    scrolled sideways on a phone.
    """
    page = open_page(report[0] / "report.html", width)
    assert [url for url in page.requests if not url.startswith("data:")] == []
    assert page.complaints == []
    assert page.value(COUNT_PICTURES) == len(list((report[0] / "plots").iterdir())) == page.value(COUNT_SHOWN)
    assert page.value(EXCESS_WIDTH) == 0


def test_page_prints(report, open_page):
    """Breaks if a print would cut the tables off at the right edge."""
    page = open_page(report[0] / "report.html", DESK)
    page.do("Emulation.setEmulatedMedia", media="print")
    page.do("Emulation.setDeviceMetricsOverride", width=718, height=1000, deviceScaleFactor=1, mobile=False)
    assert page.value(EXCESS_WIDTH) == 0
    assert len(page.do("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)["data"]) > 50_000


def test_browser_sees_what_must_not_be(tmp_path, open_page):
    """Breaks if the checks above could not fail."""
    path = tmp_path / "bad.html"
    path.write_text(
        '<img src="https://example.invalid/x.png"><div style="width: 3000px">wide</div><script>nothing()</script>'
    )
    page = open_page(path, PHONE)
    assert "https://example.invalid/x.png" in page.requests
    assert any("nothing is not defined" in complaint for complaint in page.complaints)
    assert page.value(COUNT_PICTURES) - page.value(COUNT_SHOWN) == 1
    assert page.value(EXCESS_WIDTH) > 1000
