"""Rows of the reproduction table, their status, and their Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from calosim_tf.reproduction.numbers import (
    ORDER_AGREES,
    ORDER_DISAGREES,
    STATUSES,
    TOO_SHORT,
    Context,
    Document,
    Ours,
    PublishedNumber,
)

# Of the published training.  A GAN that has seen less is still learning the mean shower, and ranks change
LEAST_SHARE = 0.1
COLUMNS = ("what", "published", "where", "ours", "status", "command, or reason")


@dataclass(frozen=True)
class Row:
    """One published number, ours, and the status of the comparison; every field is text."""

    document: str
    what: str
    published: str
    place: str
    ours: str
    status: str
    how: str


def rows_of(document: Document, context: Context) -> list[Row]:
    """All numbers of a document compared."""
    found = [(number, number.ours.find(context)) for number in document.numbers]
    verdicts = {group: _order(found, group) for group in {number.group for number, _ in found} - {""}}
    rows = []
    for number, ours in found:
        status, how = ours.status, ours.how
        verdict = verdicts.get(number.group)
        if verdict and ours.measurement is not None:
            status, weakest = verdict
            how = f"{how}; {weakest}"
        rows.append(Row(document.name, number.what, number.printed, number.place, ours.text, status, how))
    return rows


def _order(found: Iterable[tuple[PublishedNumber, Ours]], group: str) -> tuple[str, str] | None:
    """Status of a group of results, and which pair decided it; None where fewer than two were measured.

    Every pair of models whose published values differ, and that were measured on the same data, is compared.  The
    significance of a pair is the difference of our values over its error; without errors it is not known.
    """
    members = [(number.value, ours.measurement) for number, ours in found if number.group == group and ours.measurement]
    members.sort(key=lambda member: member[0])
    wrong, right, shares = [], [], []
    for index, (lower, ours_lower) in enumerate(members):
        for higher, ours_higher in members[index + 1 :]:
            if lower == higher or ours_lower.data != ours_higher.data:
                continue
            sigma = _significance(ours_lower, ours_higher)
            shares += [one.share_of_training for one in (ours_lower, ours_higher)]
            pair = f"{ours_lower.experiment} and {ours_higher.experiment}"
            (right if sigma > 0 else wrong).append((abs(sigma), pair))
    if not (wrong or right):
        return None
    if wrong:
        sigma, pair = max(wrong)
        words = "unknown significance" if math.isinf(sigma) else f"{sigma:.1f} sigma"
        status, how = f"{ORDER_DISAGREES} ({words})", f"clearest pair: {pair}"
    else:
        sigma, pair = min(right)
        words = "" if math.isinf(sigma) else f", {sigma:.1f} sigma"
        status, how = ORDER_AGREES, f"closest pair: {pair}{words}"
    if any(share is not None and share < LEAST_SHARE for share in shares):
        return TOO_SHORT, f"so far {status}, {how}"
    return status, how


def _significance(lower, higher) -> float:
    """Difference in standard errors, positive in the published order; infinite where an error is missing."""
    difference = higher.value - lower.value
    if lower.error is None or higher.error is None or lower.error == higher.error == 0:
        return math.copysign(math.inf, difference)
    return difference / math.hypot(lower.error, higher.error)


def markdown(rows: Iterable[Row]) -> str:
    """A table of one document's rows."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    for row in rows:
        cells = (row.what, row.published, row.place, row.ours, row.status, row.how)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def summary(rows: Iterable[Row]) -> str:
    """How many numbers of each document have which status, as a Markdown table."""
    rows = list(rows)
    documents = list(dict.fromkeys(row.document for row in rows))
    heads = [status for status in STATUSES if any(row.status.startswith(status) for row in rows)]
    lines = [f"| | {' | '.join(heads)} | in all |", "|" + "---|" * (len(heads) + 2)]
    for name in documents:
        own = [row for row in rows if row.document == name]
        counts = [sum(row.status.startswith(status) for row in own) for status in heads]
        lines.append(f"| {name} | {' | '.join(map(str, counts))} | {len(own)} |")
    return "\n".join(lines)
