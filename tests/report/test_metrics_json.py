"""docs/metrics_json.md says what metrics.json holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "metrics_json.md"


@pytest.fixture(scope="module")
def documented() -> dict[str, set[str]]:
    """Section -> keys in its table."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    rows = {section.splitlines()[0]: re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for section in sections}
    return {title: {key for row in cells for key in re.findall(r"`(\w+)`", row)} for title, cells in rows.items()}


def test_every_key_is_documented_and_every_documented_key_is_there(report, documented):
    """Breaks if a key is added, renamed or dropped silently (and, dropped, without a new schema)."""
    _, document = report
    assert set(document) == documented["The document"] - {"cost_seconds"}
    common = {"chi2_ndf_total_energy", "response_mean", "separation_layer_energy", "fpd", "mmd", "exact_copies"}
    entries = [document["metrics"][name] for name in common]
    found = set().union(*entries)
    assert found <= documented["An entry"], found - documented["An entry"]
    always = {"value", "error", "reference_vs_reference", "reference_vs_reference_error", "n", "n_reference"}
    always |= {"unit", "note", "ideal", "metric"}
    for entry in (*document["metrics"].values(), *document["per_energy"]["4096"].values()):
        assert always <= entry.keys()
        assert entry["value"] is None or "reason" not in entry
    assert always <= documented["An entry"]


def test_histograms_hold_the_showers_of_the_separation_powers(report):
    """Breaks if the plot of a comparison shows other bins or samples than the number next to it."""
    _, document = report
    for name, histogram in document["histograms"].items():
        assert name in document["metrics"]
        assert len(histogram["edges"]) == len(histogram["generated"]) + 1 == len(histogram["reference"]) + 1
        assert sum(histogram["generated"]) <= histogram["n_generated"] == 240
    counts = document["histograms"]["separation_sparsity_layer_0"]
    h1, h2 = ([n / sum(counts[key]) for n in counts[key]] for key in ("generated", "reference"))
    separation = 0.5 * sum((a - b) ** 2 / (a + b) for a, b in zip(h1, h2, strict=True) if a + b)
    assert document["metrics"]["separation_sparsity_layer_0"]["value"] == pytest.approx(separation)
