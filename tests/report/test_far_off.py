"""The line about generators that are too far from Monte Carlo to be used."""

from __future__ import annotations

import pytest

from calosim_tf.report.far_off import far_off_words


def document(ratios: list[float | None], empty: list[float], empty_mc: float = 0.0) -> dict:
    rows = {
        str(2.0**power): {
            "response_mean_ratio": {"value": ratio},
            "empty_shower_fraction": {"value": share, "reference_value": empty_mc},
        }
        for power, ratio, share in zip(range(8, 8 + len(ratios)), ratios, empty, strict=True)
    }
    return {"per_energy": rows}


@pytest.mark.parametrize(
    ("ratios", "empty", "empty_mc", "words"),
    [
        ([1.0, 0.5, 1.5], [0.0] * 3, 0.0, ""),
        # the lowest energy does not count
        ([419.0, 1.2, 0.8], [1.0, 0.0, 0.02], 0.0, ""),
        (
            [1.0, 0.49, 1.0],
            [0.0] * 3,
            0.0,
            "mean response 0.49 times Monte Carlo's at 1 of 2 energies above the lowest",
        ),
        (
            [1.0, -32.0, 1.51, 1.0],
            [0.0] * 4,
            0.0,
            "mean response -32 to 1.5 times Monte Carlo's at 2 of 3 energies above the lowest",
        ),
        # no powers of ten
        (
            [1.0, -140.4, 0.0043],
            [0.0] * 3,
            0.0,
            "mean response -140 to 0.0043 times Monte Carlo's at 2 of 2 energies above the lowest",
        ),
        # Monte Carlo has empty showers too: only more than that counts
        (
            [1.0, 1.0, None],
            [0.0, 0.12, 0.5],
            0.11,
            "up to 50 % of the showers have no energy at 1 of 2 energies above the lowest",
        ),
        (
            [1.0, 0.0, 1.0],
            [0.0, 1.0, 0.0],
            0.0,
            "mean response 0 times Monte Carlo's at 1 of 2 energies, "
            "and up to 100 % of the showers have no energy at 1 of 2 energies above the lowest",
        ),
    ],
)
def test_words(ratios, empty, empty_mc, words):
    """Breaks if a bound moves, the lowest energy counts, or Monte Carlo's own empty showers are held against it."""
    assert far_off_words(document(ratios, empty, empty_mc)) == words


def test_energies_are_ordered_as_numbers():
    """Breaks if 1000 MeV comes before 256 MeV, as it does in text."""
    rows = document([9.0, 1.0], [0.0, 0.0])["per_energy"]
    renamed = {"1000.0": rows["512.0"], "256.0": rows["256.0"]}
    assert far_off_words({"per_energy": renamed}) == ""


def test_empty_ranges_are_left_out():
    rows = document([1.0, 3.0], [0.0, 0.0])["per_energy"]
    assert "at 1 of 1" in far_off_words({"per_energy": rows | {"100.0": {}}})
