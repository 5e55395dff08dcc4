"""Compare generated showers with a reference and write the report: metrics.json, report.html and plots/."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from calosim_tf.data.schema import ShowerSet
from calosim_tf.errors import DataError
from calosim_tf.physics.metrics.classifiers import FAST, FULL, MODES, classifier_metrics
from calosim_tf.physics.metrics.comparison import Baseline, Comparison, compare, make_baseline
from calosim_tf.physics.metrics.equal_mix import equal_mix
from calosim_tf.physics.metrics.feature_histograms import feature_histograms
from calosim_tf.physics.metrics.listed import CLASSIFIER_METRICS, PAIR_METRICS, chosen_metrics
from calosim_tf.physics.metrics.metric import Metric, Results, measure
from calosim_tf.physics.observables.sample import Sample
from calosim_tf.physics.papers.published_results import published_results
from calosim_tf.report.folder import report_folder, write_document
from calosim_tf.report.html_page import ReportPicture
from calosim_tf.report.number_text import with_error
from calosim_tf.report.page import PrintedNumber, render_report, worst_first
from calosim_tf.report.run_tables import HISTORY_COLUMNS, SELECTION_COLUMNS, read_table
from calosim_tf.report.verdict_rows import AUC, PUBLISHED_DISTANCE, is_needed

SCHEMA = 1
CSV_KEYS = ("value", "error", "reference_vs_reference", "reference_vs_reference_error", "n", "n_reference", "unit")
PUBLISHED_KEYS = ("what", "value", "n", "source")


def evaluate(
    generated: ShowerSet,
    reference: ShowerSet,
    *,
    control: ShowerSet | None,
    out_dir: str | Path | None,
    title: str,
    selection_csv: str | Path | None = None,
    history_csv: str | Path | None = None,
    notes: Sequence[str] = (),
    published: Sequence[PrintedNumber] = (),
    metrics: Iterable[str | Metric] | None = None,
    classifiers: str | None = None,
    training: ShowerSet | None = None,
    reweight: bool = False,
    timing: bool = False,
    pairs: bool = True,
    more: Sequence[Metric] = (),
) -> dict:
    """Measure generated showers against a reference and write the report folder.

    Parameters
    ----------
    generated, reference : ShowerSet
        Same detector, same incident energies in the same proportions.
    control : ShowerSet or None
        Independent Monte Carlo of the reference's source, for the value of Monte Carlo against Monte Carlo next to each
        number. Without it the two halves of the reference give that value.
    out_dir : str, Path or None
        New or empty folder, or an earlier report, which is replaced as a whole; None to measure alone.
    title : str
    selection_csv : str or Path, optional
        Table of checkpoints (iteration, chi2, ndf, chosen), drawn if it exists and has rows.
    history_csv : str or Path, optional
        Table of losses (iteration and any terms), drawn if it exists and has rows.
    notes : sequence of str
        Sentences for the report and ``metrics.json``.
    published : sequence of PrintedNumber
        Printed numbers (``calosim_tf.config.Published``, for example), shown in a separate table.
    metrics : iterable of str or Metric, optional
        Names (:func:`known_metrics`) or own metrics; all of ``METRICS`` if not given.
    classifiers : str, optional
        ``fast`` or ``full``: train the networks of the metrics that have some in that way, and add those metrics to the
        full list.  A metric chosen by its name trains fully without it.
    training : ShowerSet, optional
        Training showers of the generator, for the memorisation test.
    reweight : bool
        Thin both sets to equal numbers at each incident energy (:func:`equal_mix`) instead of refusing unequal ones.
    timing : bool
        Add ``cost_seconds`` of each metric to the result.
    pairs : bool
        False leaves ``PAIR_METRICS`` out of a full list but for those of the verdict, and says so; the verdict's
        classifier is trained in the fast way.
    more : sequence of Metric
        Measured beside those chosen.

    Returns
    -------
    dict
        The content of ``metrics.json``; numbers that are not defined are None.

    Raises
    ------
    DataError
        If the detectors or incident energies differ, a voxel is not a finite number, or a table cannot be read.
    ConfigError
        If a metric name is unknown.
    RunFolderError
        If ``out_dir`` cannot be written or holds other files.
    """
    chosen = chosen_metrics(metrics, classifiers)
    selection, history = read_table(selection_csv, SELECTION_COLUMNS), read_table(history_csv, HISTORY_COLUMNS)
    for other in (generated, *([control] if control is not None else [])):
        _require_same_detector(other, reference)
    if training is not None:
        _require_same_detector(training, reference)
    if any(metric.name in CLASSIFIER_METRICS for metric in chosen):
        notes = [*notes, f"Classifiers, {MODES[classifiers or FULL.mode].words} (CaloChallenge: {FULL.words})."]
    if not pairs:
        notes = [*notes, "Other distances of whole showers, diversity and memorisation: `calosim evaluate`."]
    if reweight:
        generated, reference, note = equal_mix(generated, reference)
        notes = [*notes, note]
    with nullcontext() if out_dir is None else report_folder(out_dir) as folder:
        comparison = compare(generated, reference, training, control=control, halved=control is None)
        baseline = make_baseline(comparison, control)
        if metrics is None:
            chosen = [m for m in chosen if m.needs <= comparison.provides or not m.detector_specific]
            chosen = [m for m in chosen if pairs or m not in PAIR_METRICS or is_needed(m)]
            if not pairs:
                chosen += [m for m in classifier_metrics(FAST) if m.name == AUC]
        results = measure((*chosen, *more), comparison, baseline)
        document = _document(title, comparison, control, baseline, results, notes, published)
        if timing:
            document["cost_seconds"] = {name: round(seconds, 3) for name, seconds in results.seconds.items()}
        if folder is not None:
            pictures = _draw(comparison, results, selection, history, folder / "plots")
            write_document(folder / "metrics.json", document)
            _write_csv(document, folder / "metrics.csv")
            (folder / "report.html").write_text(render_report(document, pictures), encoding="utf-8")
    return document


def _write_csv(document: Mapping, path: Path) -> None:
    """All numbers as one flat table: a row per metric and scope (``all`` or an incident energy in MeV)."""
    import pandas

    scopes = {"all": document["metrics"], **document["per_energy"]}
    rows = [
        {"scope": scope, "name": name, **{key: entry[key] for key in CSV_KEYS}, "reason": entry.get("reason", "")}
        for scope, entries in scopes.items()
        for name, entry in entries.items()
    ]
    pandas.DataFrame(rows).to_csv(path, index=False)


def summary_table(document: Mapping) -> str:
    """Headline numbers of ``metrics.json``, worst first, as plain text for a terminal."""
    rows = [("metric", "value", "MC vs MC", "N")]
    for name, entry in worst_first(document["metrics"]):
        if entry["metric"] == name:
            floor = with_error(entry["reference_vs_reference"], entry["reference_vs_reference_error"])
            value = "n/a" if "reason" in entry else with_error(entry["value"], entry["error"])
            rows.append((name, value, floor, str(entry["n"])))
    lines = [document["title"], "", *_columns(rows), ""]
    lines += [f"{name}: n/a, {reason}" for name, reason in reasons(document["metrics"]).items()]
    if "cost_seconds" in document:
        dearest = sorted(document["cost_seconds"].items(), key=lambda item: -item[1])
        total = sum(document["cost_seconds"].values())
        lines += ["", *_columns([("cost / s", f"{total:.1f}"), *((name, f"{cost:.2f}") for name, cost in dearest)]), ""]
    return "\n".join((*lines, *document["notes"]))


def reasons(entries: Mapping[str, Mapping]) -> dict[str, str]:
    """Why a headline number, or its MC-vs-MC value, is missing: name -> reason."""
    found = {}
    for name, entry in entries.items():
        if entry["metric"] == name:
            floor = entry.get("reference_vs_reference_reason")
            reason = entry.get("reason") or (f"MC vs MC: {floor}" if floor else "")
            found |= {name: reason} if reason else {}
    return found


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _require_same_detector(showers: ShowerSet, reference: ShowerSet) -> None:
    found, expected = showers.detector, reference.detector
    if found != expected:
        raise DataError(
            f"{showers.source}: showers of detector {found.name} ({found.n_voxels} voxels), but the reference is of"
            f" {expected.name} ({expected.n_voxels} voxels): compare showers of one detector"
        )


def _document(
    title: str,
    comparison: Comparison,
    control: ShowerSet | None,
    baseline: Baseline,
    results: Results,
    notes: Sequence[str],
    published: Sequence[PrintedNumber],
) -> dict:
    """The content of ``metrics.json``."""
    groups = comparison.reference.groups
    all_notes = [*notes, *comparison.notes, baseline.note]
    if not groups.discrete:
        all_notes.append(
            f"Continuous incident energies: {len(groups)} range{'s'[: len(groups) - 1]} of log energy, no single ones."
        )
    if results.left_out:
        all_notes.append(f"Left out for want of what they need: {', '.join(results.left_out)}.")
    monte_carlo = baseline.comparison.generated
    return {
        "schema": SCHEMA,
        "title": title,
        "detector": comparison.reference.showers.detector.name,
        "threshold_mev": comparison.reference.features.threshold_mev,
        "energies_discrete": groups.discrete,
        "reference": _sample_record(comparison.reference),
        "generated": _sample_record(comparison.generated),
        "control": _sample_record(monte_carlo) if control is not None else None,
        "metrics": results.overall,
        "per_energy": {f"{energy:.6g}": entries for energy, entries in results.per_energy.items()},
        "notes": all_notes,
        "published": [{key: getattr(row, key) for key in PUBLISHED_KEYS} for row in published],
        "published_results": published_results(
            comparison.reference.showers.detector.name, [*results.overall, PUBLISHED_DISTANCE]
        ),
        "histograms": {h.name: h.as_json() for h in feature_histograms(comparison)},
    }


def _sample_record(sample: Sample) -> dict:
    sizes = zip(sample.groups.energy_mev, sample.group_places, strict=True)
    return {
        "source": sample.showers.source,
        "showers": len(sample),
        "showers_per_energy": {f"{energy:.6g}": len(places) for energy, places in sizes},
    }


def _draw(
    comparison: Comparison,
    results: Results,
    selection: Mapping[str, np.ndarray] | None,
    history: Mapping[str, np.ndarray] | None,
    folder: Path,
) -> list[ReportPicture]:
    # Drawing is a layer above measuring and takes a second to import: only here.
    from calosim_tf.plots.gallery import Scene, draw_all

    pictures = sorted(
        draw_all(Scene(comparison, results, selection, history), folder), key=lambda p: -p.worst_distance(results)
    )
    return [ReportPicture(folder / f"{p.name}.png", p.title, p.caption) for p in pictures]
