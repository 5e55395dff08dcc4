"""``card.md``: what to know about a bundle before using it (no TensorFlow)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from calosim_tf.bundle.sidecar import SIDECAR, NetworkRecord, Sidecar

CARD, PARITY = "card.md", "parity.json"
HEADLINE_METRICS = 12


def write_card(folder: Path, sidecar: Sidecar, parity: dict[str, Any]) -> None:
    """Write the card into the folder of a bundle, with links to the existing reports on quantisation."""
    reports = sorted(path.name for path in Path(folder).glob("quantisation_*.md"))
    lines = [*_lines(sidecar, parity), *(f"* What quantisation changes: [{name}]({name})." for name in reports)]
    (Path(folder) / CARD).write_text("\n".join(lines) + "\n", encoding="utf-8")


def beyond_usual(parity: dict[str, Any]) -> list[str]:
    """Files of reduced precision that deviate more than is usual for their format, a sentence each."""
    return [
        f"{row['file']} differs from the network by {row['largest_deviation_over_largest_output']:.2g} of its largest "
        f"output and by {row['relative_change_of_total_energy']:+.2g} in energy, more than the {row['usual']:g} that "
        f"{row['format']} may cost: compare its showers before you use it, or take another format"
        for row in parity["files"]
        if row.get("usual") is not None and row["largest_deviation_over_largest_output"] > row["usual"]
    ]


def _lines(sidecar: Sidecar, parity: dict[str, Any]) -> list[str]:
    lines = [
        f"# {sidecar.experiment}: {sidecar.particle} showers in the {sidecar.detector} detector",
        "",
        f"A generator, {sidecar.source}.  Paper: {sidecar.paper}.",
        f"Written by calosim_tf {sidecar.versions['calosim_tf']}; `{SIDECAR}` says the same to programs.",
        "",
        "## From a particle to a shower",
        "",
        f"* {sidecar.incident_energy}.",
    ]
    if sidecar.attributes:
        lines.append(f"* Attributes of the particle: {', '.join(sidecar.attributes)}.")
    lines += [
        f"* Cells: {sidecar.n_cells}, {sidecar.output_unit}; {sidecar.cell_order}.",
        f"* The bundle cuts nothing; evaluations of this detector set cells below {sidecar.threshold_mev:g} MeV to 0.",
    ]
    if sidecar.routed:
        lines.append(f"* All networks as one, each shower by that of its energy: `{sidecar.routed.path}`.")
    for network in sidecar.networks:
        lines += ["", f"### Network `{network.name}`", "", *network_lines(network, sidecar.attributes)]
    return [*lines, *_parity_lines(parity), *_metric_lines(sidecar), *_limit_lines(sidecar)]


def network_lines(network: NetworkRecord, attributes: tuple[str, ...]) -> list[str]:
    """What the card says of one network, for a detector with these attributes."""
    law = network.law()
    drawn = (
        f"uniform from {network.latent.low:g} to {network.latent.high:g}"
        if network.latent.law == "uniform"
        else f"normal, mean {network.latent.mean:g}, standard deviation {network.latent.std:g}"
    )
    lines = [
        f"* {network.parameters:,} parameters, iteration {network.iteration}.",
        f"* Kinetic energies trained on: {law.kin_min_mev:g} to {law.kin_max_mev:g} MeV.",
        *_attribute_lines(network, attributes),
        f"* Latent: {network.latent.size} numbers, {drawn}.",
        f"* Condition ({', '.join(network.condition.names)}): {network.condition.formula}.",
        f"* Output: {network.output_scale}.",
    ]
    if network.energy_range_mev:
        low, high = network.energy_range_mev
        ends = [f"{word} {end:g} MeV" for word, end in (("from", low), ("to", high)) if end is not None]
        lines.insert(1, f"* Makes incident energies {' '.join(ends)} (the upper network has a shared edge).")
    lines += [f"* Not as {kind}: {reason}." for kind, reason in network.not_available.items()]
    return lines


def _attribute_lines(network: NetworkRecord, attributes: tuple[str, ...]) -> list[str]:
    """Ranges of the attributes in the training showers, where the detector has any."""
    if not attributes:
        return []
    if network.trained_on is None:
        return [
            "* Attributes trained on: not recorded by this run; the range of the condition in the sidecar is that of "
            "the public data set."
        ]
    ranges = (f"{name} {low:g} to {high:g}" for name, (low, high) in network.trained_on.attributes.items())
    return [f"* Attributes trained on: {', '.join(ranges)}."]


def _parity_lines(parity: dict[str, Any]) -> list[str]:
    lines = [
        "",
        "## Files",
        "",
        f"Largest deviation over the largest output, on {parity['showers']} showers over the whole range: of the",
        "network with normalisations folded from the trained one, and of each file from the folded one.",
        "",
        "| network | format | file | showers per call | deviation | change of total energy |",
        "|---|---|---|---|---|---|",
    ]
    for row in parity["files"]:
        lines.append(
            f"| {row['network']} | {row['format']} | {row['file'] or '-'} | {row['batch'] or 'any'} "
            f"| {row['largest_deviation_over_largest_output']:.1e} | {row['relative_change_of_total_energy']:+.1e} |"
        )
    for row in parity["files"]:
        if "rounding" in row:
            away = row["rounding"]
            lines.append(
                f"\n{row['file'] or row['format']} was judged by double precision: it is {away['file']:.1e} of the "
                f"largest output away from it (root mean square), the network itself {away['network']:.1e}."
            )
    return [*lines, *(f"\n**{sentence}.**" for sentence in beyond_usual(parity))]


def _metric_lines(sidecar: Sidecar) -> list[str]:
    if not sidecar.metrics:
        return ["", "## Metrics", "", "The run has no report: its showers were not judged."]
    lines = ["", "## Metrics", "", f"Of the trained network, against {sidecar.metrics['reference']}.", ""]
    lines += ["| metric | value | error | reference against itself |", "|---|---|---|---|"]
    for name, row in list(sidecar.metrics["values"].items())[:HEADLINE_METRICS]:
        cells = (_number(row.get(key)) for key in ("value", "error", "reference_vs_reference"))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _limit_lines(sidecar: Sidecar) -> list[str]:
    return [
        "",
        "## Limits",
        "",
        "* Particles outside of the ranges trained on are an extrapolation.",
        f"* The showers are those of the training data ({sidecar.source}), not of another detector or simulation.",
    ]


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "-"
