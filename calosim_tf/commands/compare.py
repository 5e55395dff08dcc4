"""``calosim compare A B ...``: several generators side by side, from their reports or, for LHCb, from their runs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from calosim_tf.errors import ConfigError
from calosim_tf.messages import note

MAX_REPORTS = 7  # colours that everybody can distinguish
REPORT_FILE = "metrics.json"
DEFAULT_CLUSTERS, DEFAULT_CLUSTERINGS = 100, 10
RUN_OPTIONS = ("data", "clusters", "clusterings", "seed")
EPILOG = """Two forms:
  calosim compare a/metrics.json b/metrics.json --out DIR    reports of `calosim evaluate`, any detector
  calosim compare RUN ... --out DIR                          LHCb runs: PRD-AUC and other scores on held-out showers
"""


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "compare",
        help="several generators side by side",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="+", metavar="METRICS_JSON_OR_RUN", help="a report or an LHCb run")
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="print metrics.json")
    runs = parser.add_argument_group("for LHCb runs")
    runs.add_argument("--data", nargs="+", metavar="F", help="the data they were trained on (default: the sample)")
    runs.add_argument("--clusters", type=int, metavar="K", help="clusters of the PRD (default 100)")
    runs.add_argument("--clusterings", type=int, metavar="N", help="averaged over (default 10)")
    runs.add_argument("--seed", type=int, metavar="S", help="of latents and clusters (default 0)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare reports, or LHCb runs."""
    are_reports = [_is_report(name) for name in args.names]
    if not any(are_reports):
        return _compare_runs(args)
    if not all(are_reports):
        raise ConfigError(
            f"{args.names[are_reports.index(False)]}: is no {REPORT_FILE} or folder with one, but"
            f" {args.names[are_reports.index(True)]} is: compare reports or LHCb runs, not both"
        )
    for option in RUN_OPTIONS:
        if getattr(args, option) is not None:
            raise ConfigError(f"--{option}: is for LHCb runs, found reports: leave it out")
    if len(args.names) > MAX_REPORTS:
        raise ConfigError(f"found {len(args.names)} reports, expected at most {MAX_REPORTS}: compare fewer at a time")
    from calosim_tf.physics.metrics.written import best_first
    from calosim_tf.report.comparison import compare_reports, comparison_table, read_reports

    reports = best_first(read_reports([Path(name) for name in args.names]))
    document = compare_reports(reports, Path(args.out))
    print(json.dumps(document, indent=2) if args.json else comparison_table(reports))
    return 0


def _is_report(name: str) -> bool:
    path = Path(name)
    return path.suffix == ".json" or (path / REPORT_FILE).is_file()


def _compare_runs(args: argparse.Namespace) -> int:
    """Generate one shower per held-out shower with every run, score, draw."""
    from calosim_tf.checks.lhcb import draw_attention, draw_scores, score_table, scores_text
    from calosim_tf.data.bundled import run_path
    from calosim_tf.inference.like import showers_like
    from calosim_tf.physics.papers.lhcb_scores import ScoreSettings
    from calosim_tf.report.folder import report_folder
    from calosim_tf.training.load import in_words, load_network
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
    settings = ScoreSettings(clusters, clusterings, cell_cm=source.detector.layers[0].row_mm / 10, seed=seed)
    with report_folder(args.out) as folder:
        generators, made = {}, {}
        for run_folder, name in zip(folders, names, strict=True):
            generators[name], iteration = load_network(run_folder)
            made[name] = showers_like(generators[name], reference, seed, f"{name}, {in_words((iteration,))}")
        note("scoring; clustering takes most of the time")
        scores = score_table(reference, made, source.train_set(len(reference)), settings)
        draw_scores(folder / "plots", scores, made, reference)
        draw_attention(folder / "plots", generators, made, seed)
        text = json.dumps({"schema": 1, "models": scores}, indent=1, allow_nan=False)
        (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")
    print(text if args.json else scores_text(scores))
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
