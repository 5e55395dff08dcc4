"""Bar chart of a generation benchmark (no TensorFlow)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

BEST_COLOUR, COLOUR, REFERENCE_COLOUR, ROOF_COLOUR = "tab:green", "tab:blue", "tab:grey", "tab:red"


def save_chart(result: dict[str, Any], path: Path) -> None:
    """Microseconds per shower of each back end, a panel for each batch size, the roofline as a line.

    Parameters
    ----------
    result : dict
        As ``calosim bench generate --json`` prints it.
    path : Path
        Its ending decides the format.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    batches = result["batches"]
    figure = Figure(
        figsize=(4.2 * len(batches), 0.45 * max(len(one["rows"]) for one in batches) + 1.8), layout="constrained"
    )
    FigureCanvasAgg(figure)
    for axes, one in zip(figure.subplots(1, len(batches), squeeze=False)[0], batches, strict=True):
        _panel(axes, one)
    machine = result["machine"]
    figure.suptitle(
        f"{result['generator']}: network only, {machine['cpu']}, {machine['threads']} threads, "
        f"median of {result['readings']} (bars: minimum to maximum)",
        fontsize="medium",
    )
    figure.savefig(path, dpi=150)


def _panel(axes, one: dict[str, Any]) -> None:
    labels, centres, errors, colours = [], [], [], []
    for row in one["rows"]:
        seconds = row["network_seconds_per_shower"]
        name = row["backend"] if row["precision"] == "float32" else f"{row['backend']} {row['precision']}"
        labels.append(name)
        centres.append(1e6 * seconds["median"])
        errors.append((1e6 * (seconds["median"] - seconds["min"]), 1e6 * (seconds["max"] - seconds["median"])))
        best = [row["backend"], row["precision"]] == list(one["best"]["any"])
        colours.append(BEST_COLOUR if best else REFERENCE_COLOUR if "default" in name else COLOUR)
    places = np.arange(len(labels))
    axes.barh(places, centres, xerr=np.array(errors).T, color=colours, ecolor="black", capsize=2)
    roof = 1e6 * one["roofline_seconds_per_shower"]
    axes.axvline(roof, color=ROOF_COLOUR, linestyle="--")
    axes.set(yticks=places, yticklabels=labels, xlabel="µs per shower", xscale="log")
    axes.set_title(f"batch {one['batch']:,}\ndashed: float32 roofline, {roof:.3g} µs", fontsize="medium")
    axes.invert_yaxis()
