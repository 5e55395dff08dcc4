"""LHCb generators on the same showers: the metrics of the list with chosen clusterings, and plots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from calosim_tf.errors import DataError
from calosim_tf.physics.distances.prd import subsample_rows
from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.lhcb import DENSITY_COVERAGE, lhcb_metrics, scores_of
from calosim_tf.physics.metrics.metric import entries_of
from calosim_tf.physics.observables.energies import group_energies
from calosim_tf.physics.observables.sample import Sample
from calosim_tf.physics.papers.lhcb_scores import GEOMETRIC, PHYSICS, RAW, LhcbScores, ScoreSettings
from calosim_tf.physics.papers.lhcb_statistics import shower_statistics

if TYPE_CHECKING:
    from calosim_tf.data.schema import ShowerSet
    from calosim_tf.shower_generator import ShowerGenerator

# Columns of the printed table: heading and entry of the scores; generators are ordered by the first
COLUMNS = (
    ("physics (geometric)", "prd_auc_physics_geometric"),
    ("physics", "prd_auc_physics"),
    ("raw", "prd_auc_raw"),
    ("final", "prd_auc_final"),
    ("density", "density"),
    ("coverage", "coverage"),
    ("isolated cells", "isolated_cell_rate"),
)
# Those of the raw cells are called so in the scores of `calosim compare`
SHORT_NAMES = {f"{name}_{RAW}": name for name in DENSITY_COVERAGE}
# Points of the curves that are kept: every tenth of the 1001 angles
CURVE_STEP = 10
SAMPLES_SHOWN = 5
QUERIES = ((1, 1), (6, 6))  # beside the brightest cell: two places far from it


def score_table(
    reference: ShowerSet, made: Mapping[str, ShowerSet], control: ShowerSet, settings: ScoreSettings
) -> dict[str, dict]:
    """Scores of several generators at one common size, so that they can be compared.

    Parameters
    ----------
    reference : ShowerSet
        Real showers that no generator was trained on.
    made : mapping of str to ShowerSet
        Generated showers by name.
    control : ShowerSet
        Real showers independent of the reference, scored as if they were generated.
    settings : ScoreSettings

    Returns
    -------
    dict
        Name -> document that JSON can hold, the best geometric score first: ``reference``, ``generated``, ``control``
        (sources), ``settings``, ``n``, ``metrics`` (name -> entry as in ``metrics.json``) and ``curves`` (``raw``,
        ``physics``, ``physics_geometric`` -> ``generated`` and ``reference_vs_reference`` -> ``precision`` and
        ``recall``).

    Raises
    ------
    DataError
        There are fewer showers than clusters, or scikit-learn is missing.
    """
    n = min(len(showers) for showers in (reference, control, *made.values()))
    groups = group_energies(reference.incident_energy_mev)

    def sample(showers: ShowerSet) -> Sample:
        return Sample.measure(showers.take(subsample_rows(len(showers), n, settings.seed)), groups)

    real = sample(reference)
    yardstick = Comparison(sample(control), real)
    documents = {}
    for name, showers in made.items():
        comparison = Comparison(sample(showers), real)
        metrics = _entries(comparison, yardstick, settings)
        documents[name] = {
            "reference": reference.source,
            "generated": showers.source,
            "control": control.source,
            "n": n,
            "settings": asdict(settings) | {"n_showers": n},
            "metrics": metrics,
            "curves": _curves(scores_of(comparison, settings), scores_of(yardstick, settings)),
        }
    return dict(sorted(documents.items(), key=lambda item: -item[1]["metrics"][COLUMNS[0][1]]["value"]))


def _entries(comparison: Comparison, yardstick: Comparison, settings: ScoreSettings) -> dict[str, dict]:
    entries = {}
    for metric in lhcb_metrics(settings):
        for name, entry in entries_of(metric, comparison, yardstick, None).items():
            if "reason" in entry:
                raise DataError(f"{name}: {entry['reason']}")
            short = SHORT_NAMES.get(name, name)
            entries[short] = entry | {"metric": short}
    return entries


def _curves(generated: LhcbScores, real: LhcbScores) -> dict[str, dict]:
    both = {"generated": generated, "reference_vs_reference": real}
    return {
        space: {
            whose: {axis: getattr(scores.areas[space], axis)[::CURVE_STEP].tolist() for axis in ("precision", "recall")}
            for whose, scores in both.items()
        }
        for space in (RAW, PHYSICS, GEOMETRIC)
    }


def draw_scores(folder: Path, scores: Mapping[str, dict], made: Mapping[str, ShowerSet], reference: ShowerSet) -> None:
    """PRD curves, sample showers and statistics into ``folder``; ``scores`` as :func:`score_table` gives them."""
    from calosim_tf.plots.lhcb import plot_prd_curves, plot_sample_showers, plot_statistics
    from calosim_tf.plots.style import plot_style, save_picture

    first = next(iter(scores.values()))
    with plot_style():
        for space in (RAW, PHYSICS, GEOMETRIC):
            areas = {name: scores[name]["metrics"][f"prd_auc_{space}"]["value"] for name in made}
            areas["ceiling"] = first["metrics"][f"prd_auc_{space}"]["reference_vs_reference"]
            figure = plot_prd_curves(
                {name: _curve(scores[name], space, "generated") for name in made},
                _curve(first, space, "reference_vs_reference"),
                areas,
                f"{space.replace('_', ' ')}, {first['n']} showers, {first['settings']['n_clusters']} clusters",
            )
            save_picture(figure, folder / f"prd_{space}.png")
        order = _over_the_spectrum(reference)
        figure = plot_sample_showers(
            _images(reference)[order], {name: _images(made[name])[order] for name in made}, _words(reference, order)
        )
        save_picture(figure, folder / "samples.png")
        figure = plot_statistics(
            _statistics(reference), {name: _statistics(made[name]) for name in made}, "cm", reference.source
        )
        save_picture(figure, folder / "statistics.png")


def _curve(document: Mapping[str, Any], space: str, whose: str) -> tuple[list[float], list[float]]:
    points = document["curves"][space][whose]
    return points["precision"], points["recall"]


def _images(showers: ShowerSet) -> np.ndarray:
    return showers.detector.layer_image(showers.showers_mev, 0)


def _statistics(showers: ShowerSet) -> np.ndarray:
    attributes, cell_cm = showers.attributes, showers.detector.layers[0].row_mm / 10
    return shower_statistics(_images(showers), attributes[:, :3], attributes[:, 3:5], mode="geometric", cell_cm=cell_cm)


def _over_the_spectrum(showers: ShowerSet) -> np.ndarray:
    """Rows of some showers evenly over the spectrum, from its lowest to its highest energies."""
    energy_gev = np.linalg.norm(showers.attributes[:, :3], axis=1)
    return np.argsort(energy_gev)[np.linspace(0, len(energy_gev) - 1, SAMPLES_SHOWN + 2).astype(int)[1:-1]]


def _words(showers: ShowerSet, rows: np.ndarray) -> list[str]:
    momentum_gev = showers.attributes[rows, :3]
    energy_gev = np.linalg.norm(momentum_gev, axis=1)
    slope = np.degrees(np.arccos(momentum_gev[:, 2] / energy_gev))
    return [f"{energy:.1f} GeV, {angle:.0f}°" for energy, angle in zip(energy_gev, slope, strict=True)]


def draw_attention(
    folder: Path, generators: Mapping[str, ShowerGenerator], made: Mapping[str, ShowerSet], seed: int
) -> None:
    """What the attention block of each generator that has one looks at in its first shower, into ``folder``."""
    from calosim_tf.plots.lhcb import plot_attention
    from calosim_tf.plots.style import plot_style, save_picture
    from calosim_tf.training.inspection.attention_maps import attention_of

    for name, generator in generators.items():
        showers = made[name]
        found = attention_of(generator, showers.incident_energy_mev[:1], showers.attributes[:1], seed)
        if found is None:
            continue
        (attention,), _ = found
        image = showers.detector.layer_image(showers.showers_mev[:1], 0)[0]
        rows, columns = attention.shape[:2]
        brightest = np.unravel_index(int(image.argmax()), image.shape)
        scaled = (brightest[0] * rows // image.shape[0], brightest[1] * columns // image.shape[1])
        queries = np.array([scaled, *(query for query in QUERIES if max(query) < min(rows, columns))])
        with plot_style():
            figure = plot_attention(image, np.stack([attention[tuple(query)] for query in queries]), queries)
            save_picture(figure, folder / f"attention_{name}.png")


def scores_text(scores: Mapping[str, dict]) -> str:
    """The table for a terminal."""
    first = next(iter(scores.values()))
    settings = first["settings"]
    rows = [["", *(heading for heading, _ in COLUMNS)]]
    for name, document in scores.items():
        entries = [document["metrics"][key] for _, key in COLUMNS]
        rows.append([name, *(f"{entry['value']:.3f} +- {entry['error']:.3f}" for entry in entries)])
    real = [first["metrics"][key] for _, key in COLUMNS]
    rows.append(
        [
            "real against real",
            *(f"{item['reference_vs_reference']:.3f} +- {item['reference_vs_reference_error']:.3f}" for item in real),
        ]
    )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    shapes = [key for key in first["metrics"] if key.startswith("prd_auc_width")]
    lines.append("")
    lines += [
        f"{key}: " + ", ".join(f"{name} {item['metrics'][key]['value']:.3f}" for name, item in scores.items())
        + f"; real against real {first['metrics'][key]['reference_vs_reference']:.3f}"
        for key in shapes
    ]  # fmt: skip
    lines.append(
        f"PRD-AUC and the others on {first['n']} held-out showers ({first['reference']}), {settings['n_clusters']} "
        f"clusters, {settings['n_runs']} clusterings; real against real has as many showers"
    )
    return "\n".join(lines)
