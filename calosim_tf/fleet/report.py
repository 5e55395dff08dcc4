"""One page on a fleet: a heat map of each metric, the members with the worst first (no TensorFlow)."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from calosim_tf.config.energy_range import closed
from calosim_tf.errors import RunFolderError
from calosim_tf.fleet.coverage import slices
from calosim_tf.fleet.folder import FleetFolder
from calosim_tf.fleet.plan import FleetMember, FleetPlan
from calosim_tf.fleet.status import (
    COLUMNS,
    SECOND,
    MemberStatus,
    fleet_status,
    judged_metrics,
    metric_texts,
    report_link,
)
from calosim_tf.physics.metrics.metric import distance_from_ideal
from calosim_tf.report.folder import report_folder, write_document
from calosim_tf.report.html_page import ReportPicture, figure, page, paragraph, row, section, table
from calosim_tf.report.number_text import plain

SCHEMA = 1
_ORDER_WORDS = (
    "Times MC is the distance of a metric from its ideal value in units of that of Monte Carlo against Monte Carlo. "
    f"Members are ordered by the median over their metrics. {SECOND}."
)


def write_fleet_report(plan: FleetPlan, fleet: FleetFolder) -> dict[str, Any]:
    """Write ``report/report.html`` and ``metrics.json`` of a fleet.

    Returns
    -------
    dict
        Content of ``metrics.json``: ``schema``, ``order`` (names, worst first) and ``members`` (name -> particle,
        ``eta_range``, state, median ``times_mc`` and ``metrics``).

    Raises
    ------
    RunFolderError
        No member is judged yet, or the folder cannot be written.
    """
    judged = {member.name: _numbers(fleet, member) for member in plan.members}
    if not any(judged.values()):
        raise RunFolderError(f"{fleet.path}: found no judged member, expected at least one: run the fleet on")
    rows = {status.name: status for status in fleet_status(plan, fleet)}
    worst = {
        name: statistics.median(entry["times_mc"] for entry in found.values())
        for name, found in judged.items()
        if found
    }
    order = sorted(rows, key=lambda name: -worst.get(name, -1.0))
    document = {
        "schema": SCHEMA,
        "order": order,
        "members": {
            name: {
                "particle": status.particle,
                "eta_range": list(status.eta_range),
                "state": status.state,
                "times_mc": worst.get(name),
                "metrics": judged[name],
            }
            for name, status in rows.items()
        },
    }
    with report_folder(fleet.report) as folder:
        pictures = _heat_maps(plan, judged, folder / "plots")
        links = {name: report_link(fleet.member(name), fleet.report) for name in order}
        write_document(folder / "metrics.json", document)
        members = _member_table([rows[name] for name in order], judged, worst, links)
        text = page(f"{len(rows)} members of {plan.path.name}", [members, *map(figure, pictures)])
        (folder / "report.html").write_text(text, encoding="utf-8")
    return document


def _numbers(fleet: FleetFolder, member: FleetMember) -> dict[str, dict[str, float]]:
    """Headline metrics with an ideal value, those that are defined."""
    document = judged_metrics(fleet.member(member.name))
    entries = {} if document is None else document["metrics"]
    return {
        name: {
            "value": entry["value"],
            "reference_vs_reference": entry["reference_vs_reference"],
            "times_mc": float(distance_from_ideal(entry)),
        }
        for name, entry in entries.items()
        if entry["metric"] == name and entry["ideal"] is not None and entry["value"] is not None
    }


def _heat_maps(plan: FleetPlan, judged: dict[str, dict], folder: Path) -> list[ReportPicture]:
    # drawing takes a second to import
    from calosim_tf.plots.fleet import plot_heat_map
    from calosim_tf.plots.style import plot_style, save_picture

    bands = _bands(plan)
    pictures = []
    for name in dict.fromkeys(name for found in judged.values() for name in found):
        fields = []
        for member in plan.members:
            entry = judged[member.name].get(name, {})
            fields.append(
                {
                    "particle": member.particle,
                    "eta_range": member.eta_range,
                    "band": bands[member.name],
                    "value": entry.get("value"),
                    "distance": entry.get("times_mc"),
                }
            )
        path = folder / f"{name}.png"
        with plot_style():
            save_picture(plot_heat_map(name, fields), path)
        caption = "Numbers are values, colours times MC; grey: not judged, or not defined."
        pictures.append(ReportPicture(path, name, caption))
    return pictures


def _bands(plan: FleetPlan) -> dict[str, tuple[float, float]]:
    """Part of its particle's row that each member takes: members for other energies stand above one another."""
    bands = dict.fromkeys((member.name for member in plan.members), (0.0, 1.0))
    for item in slices(plan.members):
        ordered = sorted(item.members, key=lambda member: closed(member.energy_range_mev))
        for place, member in enumerate(ordered):
            bands[member.name] = (place / len(ordered), (place + 1) / len(ordered))
    return bands


def _member_table(
    rows: Sequence[MemberStatus], judged: dict[str, dict], worst: dict[str, float], links: dict[str, str]
) -> str:
    header = ("member", "particle", "|eta|", "state", "times MC", "worst metric", "chi2 (MC)", "fpd (MC)", "hours")
    lines = []
    for status in rows:
        name, link = escape(status.name), links[status.name]
        found = judged[status.name]
        metric = max(found, key=lambda key: found[key]["times_mc"], default="")
        worst_words = f"{escape(metric)} ({found[metric]['times_mc']:.3g})" if metric else "-"
        pairs = [metric_texts(status, column) for column in COLUMNS]
        lines.append(
            row(
                (
                    f'<a href="{escape(link)}">{name}</a>' if link else name,
                    escape(status.particle),
                    f"{status.eta_range[0]:g} to {status.eta_range[1]:g}",
                    escape(status.state) + (f"<small>{escape(status.reason)}</small>" if status.reason else ""),
                    plain(worst.get(status.name)),
                    worst_words,
                    *(f"{value} ({control})" for value, control in pairs),
                    f"{status.hours:.2f}",
                )
            )
        )
    return section("Members, worst first", paragraph(_ORDER_WORDS) + table(header, lines))
