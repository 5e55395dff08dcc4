"""``calosim compare RUN ...``: LHCb generators on the same held-out showers, with the PRD-AUC and other scores."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from calosim_tf.errors import ConfigError
from calosim_tf.messages import note

# Columns of the printed table: heading and entry of the scores
COLUMNS = (
    ("physics", "prd_auc_physics"),
    ("raw", "prd_auc_raw"),
    ("final", "prd_auc_final"),
    ("physics (geometric)", "prd_auc_physics_geometric"),
    ("density", "density"),
    ("coverage", "coverage"),
    ("isolated cells", "isolated_cell_rate"),
)
DEFAULT_CLUSTERS, DEFAULT_CLUSTERINGS = 100, 10
SAMPLES_SHOWN = 5
QUERIES = ((1, 1), (6, 6))  # beside the brightest cell: two places far from it


def run(args: argparse.Namespace) -> int:
    """Generate one shower per held-out shower with every run, score, draw."""
    from calosim_tf.data.bundled import run_path
    from calosim_tf.physics.papers.lhcb_scores import ScoreSettings, lhcb_score_table
    from calosim_tf.report.folder import report_folder
    from calosim_tf.training.run_folder import RunFolder

    clusters = DEFAULT_CLUSTERS if args.clusters is None else args.clusters
    clusterings = DEFAULT_CLUSTERINGS if args.clusterings is None else args.clusterings
    seed = args.seed or 0
    for option, value in (("--clusters", clusters), ("--clusterings", clusterings)):
        if value < 1:
            raise ConfigError(f"{option}: found {value}, expected a number >= 1")
    folders = [RunFolder(run_path(name)) for name in args.names]
    names = _names(folders)
    source = _source(folders, args.data)
    reference = source.holdout_set()
    real = {"reference": reference, "control": source.train_set(len(reference))}
    cell_cm = source.detector.layers[0].row_mm / 10
    settings = ScoreSettings(n_clusters=clusters, n_runs=clusterings, cell_cm=cell_cm, seed=seed)
    with report_folder(args.out) as folder:
        generators, made = _make(folders, names, reference, seed)
        sets = {name: _as_lhcb(showers) for name, showers in (real | made).items()}
        note("scoring; clustering takes most of the time")
        scores = lhcb_score_table(sets["reference"], {name: sets[name] for name in made}, sets["control"], settings)
        _draw(folder / "plots", scores, sets, list(made), settings, reference.source)
        _draw_attention(folder / "plots", generators, made, seed)
        text = json.dumps({"schema": 1, "models": scores}, indent=1, allow_nan=False)
        (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")
    print(text if args.json else _table(scores))
    return 0


def _names(folders) -> list[str]:
    from calosim_tf.geometry import DETECTORS

    names: list[str] = []
    known = [name for name, detector in DETECTORS.items() if "lhcb" in detector.provides]
    for folder in folders:
        experiment = folder.experiment()
        if experiment.data.layout not in known:
            raise ConfigError(
                f"{folder.path}: found layout {experiment.data.layout!r}, expected one of {', '.join(known)}; "
                "judge other detectors with `calosim evaluate` and compare the metrics.json files"
            )
        names.append(experiment.name if experiment.name not in names else f"{experiment.name} ({folder.path.name})")
    return names


def _source(folders, data: list[str] | None):
    """The showers that all runs left out of their training."""
    from calosim_tf.data_prep.default_data import source_of

    config = folders[0].experiment().data
    source = source_of(config, data)
    sums = [item["sha256"] for item in source.files]
    for folder in folders:
        begun_with = [item["sha256"] for item in folder.data()["files"]]
        if begun_with != sums or folder.experiment().data.holdout_fraction != config.holdout_fraction:
            raise ConfigError(
                f"{folder.path}: was trained on other data than these or holds out another part, so the scores would "
                "count showers it has seen: give its own with --data"
            )
    return source


def _make(folders, names: list[str], reference, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    from dataclasses import replace

    import numpy as np

    from calosim_tf.training.load import in_words, load_network

    generators, made = {}, {}
    for folder, name in zip(folders, names, strict=True):
        generator, iteration = load_network(folder)
        blocks = generator.blocks(reference.incident_energy_mev, seed, attributes=reference.attributes)
        generators[name] = generator
        source = f"{name}, {in_words((iteration,))}"
        made[name] = replace(reference, showers_mev=np.concatenate(list(blocks)), source=source)
    return generators, made


def _as_lhcb(showers):
    from calosim_tf.physics.papers.lhcb_scores import LhcbShowers

    pictures = showers.detector.layer_image(showers.showers_mev, 0)
    return LhcbShowers(pictures, showers.attributes[:, :3], showers.attributes[:, 3:5], showers.source)


def _draw(folder: Path, scores: dict, sets: dict, models: list[str], settings, reference_name: str) -> None:
    import numpy as np

    from calosim_tf.physics.papers.lhcb_statistics import shower_statistics
    from calosim_tf.plots.lhcb import plot_prd_curves, plot_sample_showers, plot_statistics
    from calosim_tf.plots.style import plot_style, save_picture

    def curve(document: dict, space: str, whose: str):
        points = document["curves"][space][whose]
        return points["precision"], points["recall"]

    first = scores[models[0]]
    with plot_style():
        for space in ("raw", "physics", "physics_geometric"):
            areas = {name: scores[name]["metrics"][f"prd_auc_{space}"]["value"] for name in models}
            areas["ceiling"] = first["metrics"][f"prd_auc_{space}"]["reference_vs_reference"]
            figure = plot_prd_curves(
                {name: curve(scores[name], space, "generated") for name in models},
                curve(first, space, "reference_vs_reference"),
                areas,
                f"{space.replace('_', ' ')}, {first['n']} showers, {settings.n_clusters} clusters",
            )
            save_picture(figure, folder / f"prd_{space}.png")
        reference = sets["reference"]
        energy_gev = np.linalg.norm(reference.momentum_gev, axis=1)
        # evenly over the spectrum, from its lowest to its highest energies
        order = np.argsort(energy_gev)[np.linspace(0, len(energy_gev) - 1, SAMPLES_SHOWN + 2).astype(int)[1:-1]]
        slope = np.degrees(np.arccos(reference.momentum_gev[:, 2] / energy_gev))
        words = [f"{energy_gev[row]:.1f} GeV, {slope[row]:.0f}°" for row in order]
        figure = plot_sample_showers(
            reference.images_mev[order], {name: sets[name].images_mev[order] for name in models}, words
        )
        save_picture(figure, folder / "samples.png")
        statistics = {
            name: shower_statistics(
                item.images_mev, item.momentum_gev, item.point_cm, mode="geometric", cell_cm=settings.cell_cm
            )
            for name, item in sets.items()
            if name != "control"
        }
        figure = plot_statistics(
            statistics["reference"], {name: statistics[name] for name in models}, "cm", reference_name
        )
        save_picture(figure, folder / "statistics.png")


def _draw_attention(folder: Path, generators: dict, made: dict, seed: int) -> None:
    import numpy as np

    from calosim_tf.plots.lhcb import plot_attention
    from calosim_tf.plots.style import plot_style, save_picture
    from calosim_tf.training.attention_maps import attention_of

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


def _table(scores: dict[str, dict]) -> str:
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
