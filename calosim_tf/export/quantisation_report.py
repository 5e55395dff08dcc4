"""Costs and gains of a quantised file: as JSON, as a page, as plots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from calosim_tf.data.schema import ShowerSet
from calosim_tf.export.quantisation_physics import CHANGES
from calosim_tf.files import write_json
from calosim_tf.physics.metrics.comparison import compare
from calosim_tf.plots.quantisation import plot_response_change
from calosim_tf.plots.spectra import plot_voxel_spectrum
from calosim_tf.plots.style import plot_style, save_picture


def write_report(folder: Path, stem: str, report: dict[str, Any], before: ShowerSet, after: ShowerSet) -> None:
    """Write ``<stem>.json``, ``<stem>.md`` and its plots into the folder of a bundle."""
    write_json(folder / f"{stem}.json", report)
    with plot_style():
        save_picture(plot_response_change(report["per_energy"], report["format"]), folder / f"{stem}_response.png")
        save_picture(plot_voxel_spectrum(compare(after, before)), folder / f"{stem}_spectrum.png")
    (folder / f"{stem}.md").write_text("\n".join(_lines(stem, report)) + "\n", encoding="utf-8")


def _lines(stem: str, report: dict[str, Any]) -> list[str]:
    lines = [
        f"# {report['experiment']}, network `{report['network']}`, as {report['format']}",
        "",
        f"Quantised after training with {report['calibration_draws']} draws of latents and particles over the whole "
        "range.  Energies in MeV are made in floating point outside of the network.",
        "",
        "| showers per call | bytes | float32 | ratio | time over float32, one thread | operations |",
        "|---|---|---|---|---|---|",
    ]
    for row in report["files"]:
        lines.append(
            f"| {row['batch']} | {row['bytes']:,} | {row['float_bytes']:,} | {row['size_ratio']:.2f} "
            f"| {_speed(row['time_over_float32'])} | {row['in_words']} |"
        )
    lines += ["", *_physics_lines(report), *_trace_lines(report), *_reference_lines(report)]
    lines += ["", f"![response]({stem}_response.png)", "", f"![spectrum]({stem}_spectrum.png)"]
    return lines


def _speed(ratio: dict[str, float]) -> str:
    return f"{ratio['median']:.2f} ({ratio['min']:.2f} - {ratio['max']:.2f}): {winner(ratio['median'])}"


def winner(time_ratio: float) -> str:
    """Which of the two is faster, from time over time of float32."""
    return "quantised is faster" if time_ratio < 1.0 else "float32 is faster"


def _physics_lines(report: dict[str, Any]) -> list[str]:
    lines = [f"## Same particles and latents, {report['showers']} showers", "", "| change | value | what it is |"]
    lines.append("|---|---|---|")
    for name, value in report["changes"].items():
        about = CHANGES[name][0] if name in CHANGES else "distance of the metric from its ideal value"
        lines.append(f"| {name} | {value:.3g} | {about} |")
    lines += ["", "| incident energy / MeV | response before | after | change | width before | after | change |"]
    lines.append("|---|---|---|---|---|---|---|")
    for row in report["per_energy"]:
        cells = (
            f"{row['incident_energy_mev']:.6g}",
            *(f"{row[f'response_{when}']:.5f}" for when in ("before", "after")),
            f"{100 * row['response_shift']:+.2f} %",
            *(f"{row[f'width_{when}']:.5f}" for when in ("before", "after")),
            f"{100 * row['width_shift']:+.2f} %",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _trace_lines(report: dict[str, Any]) -> list[str]:
    search = report["fallback"]
    if search is None:
        return []
    wanted = ", ".join(f"{name} <= {value:g}" for name, value in search["tolerances"].items())
    outcome = "holds" if search["holds"] else "does not hold"
    layers = ", ".join(search["layers"]) or "none"
    lines = [
        "",
        "## Layers back to floating point",
        "",
        f"Wanted: {wanted}, which {outcome}.  In floating point: {layers}.",
    ]
    names = list(search["tolerances"])
    lines += ["", "Damage alone: largest change over its tolerance when nothing but this layer is quantised."]
    lines += ["", f"| step | layer | damage alone | {' | '.join(names)} | integer | floating | bytes |"]
    lines.append(f"|{'---|' * (len(names) + 6)}")
    for row in search["trace"]:
        damage = "-" if row["damage_alone"] is None else f"{row['damage_alone']:.2g}"
        values = " | ".join(f"{row['metrics'][name]:.3g}" for name in names)
        lines.append(
            f"| {row['step']} | {row['layer'] or 'all integer'} | {damage} | {values} | {row['integer_operations']} "
            f"| {row['floating_operations']} | {row['bytes']:,} |"
        )
    return lines


def _reference_lines(report: dict[str, Any]) -> list[str]:
    if report["reference"] is None:
        return []
    reference = report["reference"]
    lines = ["", f"## Against {reference['source']}, {reference['showers']} showers", ""]
    lines += ["| metric | float32 | quantised | ideal |", "|---|---|---|---|"]
    for row in reference["metrics"]:
        cells = (_measured(row, "before"), _measured(row, "after"), f"{row['ideal']:g}")
        lines.append(f"| {row['metric']} | {' | '.join(cells)} |")
    return lines


def _measured(row: dict[str, Any], key: str) -> str:
    value, error = row[key], row[f"{key}_error"]
    if value is None:
        return "-"
    return f"{value:.4g}" if error is None else f"{value:.4g} +- {error:.2g}"
