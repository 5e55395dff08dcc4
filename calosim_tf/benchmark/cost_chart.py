"""Figure of what generators cost: time of a shower against its multiply-adds (no TensorFlow)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

COLOURS = (
    "tab:blue",
    "tab:orange",
    "tab:green",
    "tab:red",
    "tab:purple",
    "tab:brown",
    "tab:pink",
    "tab:olive",
    "tab:cyan",
)


def save_cost_chart(result: dict[str, Any], path: Path) -> None:
    """Microseconds per shower in the fastest back end, a panel for each batch size, a colour for each detector.

    Parameters
    ----------
    result : dict
        As ``calosim bench generate --table F --json`` prints it.
    path : Path
        Its ending decides the format.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows, batches = result["rows"], result["batches"]
    detectors = list(dict.fromkeys(row["detector"] for row in rows))
    figure = Figure(figsize=(5.2 * len(batches), 6.5), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(batches), squeeze=False)[0]
    for axes, batch in zip(panels, batches, strict=True):
        for number, row in enumerate(rows, start=1):
            timed = row["batches"][str(batch)]
            microseconds = 1e6 * timed["seconds_per_shower"][timed["best"]]["median"]
            colour = COLOURS[detectors.index(row["detector"]) % len(COLOURS)]
            axes.plot(row["multiply_adds"], microseconds, "o", color=colour, markersize=4)
            axes.annotate(
                str(number), (row["multiply_adds"], microseconds), xytext=(3, 3), textcoords="offset points", fontsize=7
            )
        axes.set(xscale="log", yscale="log", xlabel="multiply-adds per shower", ylabel="µs per shower")
        axes.set_title(f"batch {batch:,}", fontsize="medium")
    handles = [
        panels[0].plot([], [], "o", color=COLOURS[detectors.index(row["detector"]) % len(COLOURS)], markersize=4,
                       label=f"{number} {row['generator']}")[0]
        for number, row in enumerate(rows, start=1)
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=6)
    machine = result["machine"]
    figure.suptitle(f"network only, {machine['cpu']}, {machine['threads']} threads", fontsize="medium")
    figure.savefig(path, dpi=150)
