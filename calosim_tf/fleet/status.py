"""How far each member of a fleet is (no TensorFlow)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from calosim_tf.files import read_json
from calosim_tf.fleet.checks import experiment_of
from calosim_tf.fleet.folder import FleetFolder, MemberFolder
from calosim_tf.fleet.plan import FleetMember, FleetPlan
from calosim_tf.report.number_text import plain
from calosim_tf.training.run_lock import LOCK, is_held

# Column of the table -> metrics, of which the first one that is defined is shown: an FPD takes 10 000 showers
COLUMNS = {"chi2": ("chi2_ndf_total_energy",), "fpd": ("fpd", "frechet_distance")}
SECOND = "* Frechet distance of the same features: too few showers for an FPD"


@dataclass(frozen=True)
class MemberStatus:
    """A line of the table.

    Attributes
    ----------
    name, particle : str
    eta_range : (float, float)
    state : str
        ``waiting``, ``training``, ``stopped``, ``failed``, ``trained``, ``judged`` or ``done``.
    iteration, iterations : int or None
        Of the last checkpoint, and those wanted; None for a split.
    metrics : dict
        Name of a metric of :data:`COLUMNS` -> its value and that of Monte Carlo against Monte Carlo; empty before the
        report.
    hours : float
    reason : str
        Of a failure.
    """

    name: str
    particle: str
    eta_range: tuple[float, float]
    state: str
    iteration: int | None
    iterations: int | None
    metrics: dict[str, tuple[float | None, float | None]]
    hours: float
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form."""
        return asdict(self)


def fleet_status(plan: FleetPlan, fleet: FleetFolder) -> list[MemberStatus]:
    """A line for each member, in the order of the plan.

    Raises
    ------
    RunFolderError
        A file of the fleet cannot be read.
    """
    return [_member_status(member, fleet.member(member.name)) for member in plan.members]


def status_table(rows: Sequence[MemberStatus]) -> str:
    """The table as text; behind ``chi2`` and ``fpd`` the same of Monte Carlo against Monte Carlo."""
    lines = [("member", "particle", "eta", "state", "iteration", "chi2", "(MC)", "fpd", "(MC)", "hours")]
    for row in rows:
        numbers = [text for column in COLUMNS for text in metric_texts(row, column)]
        eta = f"{row.eta_range[0]:g}-{row.eta_range[1]:g}"
        iteration = "-" if row.iteration is None else f"{row.iteration}/{row.iterations or '-'}"
        lines.append((row.name, row.particle, eta, row.state, iteration, *numbers, f"{row.hours:.2f}"))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join(cell.ljust(size) for cell, size in zip(line, widths, strict=True)).rstrip() for line in lines]
    if any(cell.endswith("*") for line in lines for cell in line):
        text.append(SECOND)
    text += [f"{row.name}: {row.reason}" for row in rows if row.reason]
    done = sum(row.state == "done" for row in rows)
    return "\n".join([*text, f"{done} of {len(rows)} members done"])


def metric_texts(row: MemberStatus, column: str) -> tuple[str, str]:
    """Value and Monte-Carlo value of a column of :data:`COLUMNS`; the value of a second choice has a star."""
    for place, name in enumerate(COLUMNS[column]):
        if name in row.metrics:
            value, control = row.metrics[name]
            return plain(value) + "*" * place, plain(control)
    return "-", "-"


def judged_metrics(folder: MemberFolder) -> dict[str, Any] | None:
    """Content of ``metrics.json`` of a member's report; None before it is judged."""
    path = folder.run / "report" / "metrics.json"
    return read_json(path, "the metrics of a report") if folder.done("judge") and path.is_file() else None


def _member_status(member: FleetMember, folder: MemberFolder) -> MemberStatus:
    document = judged_metrics(folder)
    entries = {} if document is None else document["metrics"]
    metrics = {
        name: (entries[name]["value"], entries[name]["reference_vs_reference"])
        for name in (name for names in COLUMNS.values() for name in names)
        if name in entries and entries[name]["value"] is not None
    }
    path = folder.run / "status.json"
    run = read_json(path, "the status of a run") if path.is_file() else {}
    training = getattr(experiment_of(member, folder.run), "training", None)
    state = _state(folder, run)
    return MemberStatus(
        member.name,
        member.particle,
        member.eta_range,
        state,
        run.get("iteration"),
        None if training is None else training.iterations,
        metrics,
        folder.hours(),
        folder.failure() if state == "failed" else "",
    )


def _state(folder: MemberFolder, run: dict[str, Any]) -> str:
    steps = {"export": "done", "judge": "judged", "train": "trained"}
    reached = next((word for step, word in steps.items() if folder.done(step)), "")
    if reached == "done":
        return reached
    if is_held(folder.run / LOCK):
        return "training"
    if folder.failure():
        return "failed"
    return reached or ("stopped" if run or folder.run.is_dir() else "waiting")


def report_link(folder: MemberFolder, start: Path) -> str:
    """Relative address of a member's report from the folder ``start``; empty where there is none."""
    path = folder.run / "report" / "report.html"
    return Path(os.path.relpath(path, start)).as_posix() if path.is_file() else ""
