"""The report as one self-contained HTML file without script or network, images embedded.

The page is built from the document of ``metrics.json``, so it cannot differ from the numbers there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Protocol

from calosim_tf.physics.metrics.metric import distance_from_ideal
from calosim_tf.report.html_page import (
    ReportPicture,
    bullets,
    figure,
    headed_row,
    page,
    paragraph,
    row,
    section,
    table,
)
from calosim_tf.report.number_text import plain, with_error
from calosim_tf.report.verdict_rows import verdict_rows


class PrintedNumber(Protocol):
    """A printed number, shown apart from ours.

    Attributes
    ----------
    what : str
        The quantity and what it was measured for.
    value : float
    n : str
        Number of showers, and of what data, in words: a chi2 or a separation power means nothing without it.
    source : str
        Publication.
    """

    what: str
    value: float
    n: str
    source: str


def render_report(document: Mapping, pictures: Sequence[ReportPicture]) -> str:
    """The report as HTML.

    Parameters
    ----------
    document : mapping
        As written to ``metrics.json``.
    pictures : sequence of ReportPicture

    Returns
    -------
    str
    """
    sections = (
        _samples(document),
        section("Verdict", _verdict(document)),
        section("Summary, worst first", _ORDER_NOTE + _metric_table(document, headline=True)),
        section("Beside published results", _published_results(document)),
        *(figure(picture) for picture in pictures),
        section("Layers, worst first", _metric_table(document, headline=False)),
        section("Per incident energy", _energy_table(document)),
        section("Published values", _published(document["published"])),
        section("Notes", bullets(document["notes"])),
        section("What the numbers are", _definitions(document)),
    )
    return page(document["title"], sections)


_ORDER_NOTE = (
    "<p>“MC vs MC” is the same number for independent Monte Carlo showers in the place of the generated ones: what a"
    " perfect generator would reach. The order is the distance from the ideal value in units of the distance (or error)"
    " of MC vs MC, given in the last column.</p>\n"
)


def _samples(document: Mapping) -> str:
    names = {"generated": "generated", "reference": "reference", "control": "independent MC"}
    rows = [
        row((escape(label), escape(document[key]["source"]), str(document[key]["showers"])))
        for key, label in names.items()
        if document[key] is not None
    ]
    threshold = plain(document["threshold_mev"])
    words = f"Detector {document['detector']}, voxel threshold {threshold} MeV where a number has one."
    return f"<p>{escape(words)}</p>\n" + table(("sample", "source", "showers"), rows)


def _verdict(document: Mapping) -> str:
    """Five lines that a physicist reads in ten seconds."""
    rows = [
        headed_row(escape(line.what), map(escape, (line.ours, line.monte_carlo, line.published)))
        for line in verdict_rows(document)
    ]
    header = ("", "this generator", "Monte Carlo", "best published GAN, other data")
    return table(header, rows, "matrix") if rows else ""


def worst_first(entries: Mapping[str, Mapping]) -> list[tuple[str, Mapping]]:
    """Entries (name, entry) by their distance from the ideal, see :func:`distance_from_ideal`."""
    return sorted(entries.items(), key=lambda item: -distance_from_ideal(item[1]))


def _metric_table(document: Mapping, headline: bool) -> str:
    """Metrics of all showers together: the headline numbers, or those of single layers and the like."""
    chosen = {name: e for name, e in document["metrics"].items() if (e["metric"] == name) == headline}
    if not chosen:
        return ""
    at_equal_n = any("value_at_equal_n" in entry for entry in chosen.values())
    header = ["metric", "value", *(["at equal N"] if at_equal_n else []), "MC vs MC", "ideal", "N", "times MC"]
    rows = []
    for name, entry in worst_first(chosen):
        equal = [plain(entry.get("value_at_equal_n"))] if at_equal_n else []
        cells = [escape(name) + _unit(entry), _value(entry), *equal, mc_vs_mc(entry), plain(entry["ideal"])]
        rows.append(row((*cells, str(entry["n"]), _times(entry))))
    return table(header, rows, "numbers")


def _unit(entry: Mapping) -> str:
    return "" if entry["unit"] == "1" else f" [{escape(entry['unit'])}]"


def _times(entry: Mapping) -> str:
    return f"{distance_from_ideal(entry):.3g}" if entry["ideal"] is not None else ""


def _value(entry: Mapping) -> str:
    if entry["value"] is None:
        return f"n/a<small>{escape(entry.get('reason', ''))}</small>"
    text = with_error(entry["value"], entry["error"])
    if "ndf" in entry:
        text += f"<small>{plain(entry['chi2'])} / {entry['ndf']}</small>"
    if entry.get("reference_value") is not None:
        text += f"<small>reference {plain(entry['reference_value'])}</small>"
    return text


def mc_vs_mc(entry: Mapping) -> str:
    """Monte Carlo against Monte Carlo of an entry, as text."""
    return with_error(entry["reference_vs_reference"], entry["reference_vs_reference_error"])


def _energy_table(document: Mapping) -> str:
    """One row per headline metric, one column per energy; MC vs MC in small below each value."""
    per_energy = document["per_energy"]
    names = list(dict.fromkeys(n for entries in per_energy.values() for n, e in entries.items() if e["metric"] == n))
    if not names:
        return ""
    rows = []
    for label, key in (("N generated", "n"), ("N reference", "n_reference")):
        counts = (str(next(iter(entries.values()))[key]) if entries else "" for entries in per_energy.values())
        rows.append(headed_row(label, counts))
    for name in names:
        rows.append(headed_row(escape(name), (_energy_cell(at.get(name)) for at in per_energy.values())))
    words = "Value ± error; below, in small, MC vs MC. Energies are in MeV."
    if not document["energies_discrete"]:
        words += " The incident energies are continuous: each column is a range of log energy, named by its centre."
    return f"<p>{words}</p>\n" + table(("MeV", *per_energy), rows, "matrix")


def _energy_cell(entry: Mapping | None) -> str:
    if entry is None:
        return ""
    if entry["value"] is None:
        return "n/a"
    return f"{with_error(entry['value'], entry['error'])}<small>{plain(entry['reference_vs_reference'])}</small>"


def _published_results(document: Mapping) -> str:
    """Ours, Monte Carlo against itself, and generators of others on the metrics that all have."""
    results = document.get("published_results")
    if results is None:
        return ""
    entries = document["metrics"]
    ours = {
        "this report": {name: with_error(entry["value"], entry["error"]) for name, entry in entries.items()},
        "MC vs MC of this report": {name: mc_vs_mc(entry) for name, entry in entries.items()},
    }
    return published_table(results, ours)


def published_table(results: Mapping, ours: Mapping[str, Mapping[str, str]]) -> str:
    """Our rows, and below them those of the CaloChallenge, in the columns that both have.

    Parameters
    ----------
    results : mapping
        From :func:`calosim_tf.physics.papers.published_results.published_results`.
    ours : mapping of str to mapping of str to str
        Heading of the row, then metric -> text.

    Returns
    -------
    str
        Empty where no metric was measured that the others have: a column of names alone says nothing.
    """
    available = dict.fromkeys(name for numbers in ours.values() for name in numbers)
    names = [name for name in available if any(name in published["metrics"] for published in results["rows"])]
    rows = [
        headed_row(escape(heading), (escape(numbers.get(name, "")) for name in names))
        for heading, numbers in ours.items()
    ]
    for published in results["rows"]:
        numbers = (published["metrics"].get(name, {}) for name in names)
        cells = (with_error(number.get("value"), number.get("error")) for number in numbers)
        rows.append(headed_row(f"{escape(published['name'])}<small>published, other data</small>", cells, "foreign"))
    if not names:
        return ""
    words = f"For orientation only. Grey rows: {results['note']} Source: {results['source']}."
    return paragraph(words) + table(("", *names), rows, "matrix")


def _published(values: Sequence[Mapping]) -> str:
    """Published numbers in a separate table, each with its data and number of showers."""
    if not values:
        return ""
    rows = [
        row(
            (
                escape(number["what"]),
                plain(number["value"]),
                escape(f"published, other data, N = {number['n']}"),
                escape(number["source"]),
            )
        )
        for number in values
    ]
    words = "For orientation only: other showers, and other numbers of showers, than ours."
    return f"<p>{words}</p>\n" + table(("quantity", "published value", "showers", "source"), rows)


def _definitions(document: Mapping) -> str:
    entries = [*document["metrics"].values(), *(e for at in document["per_energy"].values() for e in at.values())]
    notes = {entry["metric"]: entry["note"] for entry in entries}
    return bullets([f"{name}: {note}" for name, note in notes.items()])
