"""One line for generators that are too far from Monte Carlo to be used: response off by half, empty showers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Mean response within 50 % of Monte Carlo's, and this share of empty showers more than it has (our choices)
CLOSE = (0.5, 1.5)
MORE_EMPTY = 0.02
RATIO, EMPTY = "response_mean_ratio", "empty_shower_fraction"


def far_off_words(document: Mapping[str, Any]) -> str:
    """What is far off in the content of ``metrics.json``, in words; empty where nothing is.

    The lowest incident energy (or range of energies) is left out: its few cells are the last thing that a network
    learns.

    Returns
    -------
    str
        Such as ``mean response 0 to 0.02 times Monte Carlo's at 4 of 4 energies above the lowest``.
    """
    rows = [row for _, row in sorted((float(energy), row) for energy, row in document["per_energy"].items()) if row][1:]
    ratios = [row[RATIO]["value"] for row in rows if row.get(RATIO, {}).get("value") is not None]
    far = [ratio for ratio in ratios if not CLOSE[0] <= ratio <= CLOSE[1]]
    words = []
    if far:
        low, high = _short(min(far)), _short(max(far))
        span = low if low == high else f"{low} to {high}"
        words.append(f"mean response {span} times Monte Carlo's at {len(far)} of {len(ratios)} energies")
    empty = [row[EMPTY] for row in rows if EMPTY in row]
    more = [entry["value"] for entry in empty if entry["value"] > (entry["reference_value"] or 0.0) + MORE_EMPTY]
    if more:
        words.append(
            f"up to {100 * max(more):.0f} % of the showers have no energy at {len(more)} of {len(empty)} energies"
        )
    return f"{', and '.join(words)} above the lowest" if words else ""


def _short(ratio: float) -> str:
    return f"{ratio:.2g}" if abs(ratio) < 100 else f"{ratio:.0f}"
