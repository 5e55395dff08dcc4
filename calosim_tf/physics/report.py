"""The report as one HTML file that needs nothing else: no script, no network, pictures inside.

The page is built from the document of ``metrics.json``, so it cannot say anything else than the numbers there.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Protocol

from calosim_tf.physics.metrics import distance_from_ideal
from calosim_tf.physics.number_text import plain, with_error

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 0 auto;
 max-width: 72rem; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid #bbb; }
h1, h2, p, li, td, th, figcaption { overflow-wrap: anywhere; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: right; vertical-align: top;
 overflow-wrap: normal; }
th:first-child, td:first-child { text-align: left; } td.text, th.text { text-align: left; }
thead th { border-bottom: 2px solid #888; } small { color: #555; display: block; }
.energies td, .energies th { white-space: nowrap; padding: .25rem .4rem; font-size: .8rem; }
.energies th:first-child { position: sticky; left: 0; background: #fff; }
figure { margin: 1.5rem 0; } img { max-width: 100%; height: auto; display: block; }
figcaption { font-size: .9rem; color: #444; }
@media print { body { max-width: none; font-size: 10pt; padding: 0; } figure, tr { break-inside: avoid; }
 .wide { overflow: visible; } .energies td, .energies th { font-size: 6.5pt; padding: 1pt 2pt; } }
"""


class Published(Protocol):
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


@dataclass(frozen=True)
class ReportPicture:
    """A PNG file with its title and caption."""

    path: Path
    title: str
    caption: str


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
    title = escape(document["title"])
    sections = (
        _samples(document),
        _section("Summary, worst first", _ORDER_NOTE + _metric_table(document, headline=True)),
        _section("Layers, worst first", _metric_table(document, headline=False)),
        _section("Per incident energy", _energy_table(document)),
        *(_figure(picture) for picture in pictures),
        _section("Published values", _published(document["published"])),
        _section("Notes", _list(document["notes"])),
        _section("What the numbers are", _definitions(document)),
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        + "".join(sections)
        + "</body>\n</html>\n"
    )


_ORDER_NOTE = (
    "<p>“MC vs MC” is the same number for independent Monte Carlo showers in the place of the generated ones: what a"
    " perfect generator would reach. The order is the distance from the ideal value in units of the distance (or error)"
    " of MC vs MC, given in the last column.</p>\n"
)


def _section(title: str, body: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{body}</section>\n" if body else ""


def _row(cells: Iterable[str], tag: str = "td") -> str:
    """A table row; the cells are HTML already."""
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>\n"


def _table(header: Sequence[str], rows: Iterable[str], css_class: str = "") -> str:
    head = _row((escape(cell) for cell in header), "th")
    table = f'<table class="{css_class}">\n<thead>{head}</thead>\n<tbody>{"".join(rows)}</tbody>\n</table>'
    return f'<div class="wide">{table}</div>\n'


def _samples(document: Mapping) -> str:
    names = {"generated": "generated", "reference": "reference", "control": "independent MC"}
    rows = [
        _row((escape(label), escape(document[key]["source"]), str(document[key]["showers"])))
        for key, label in names.items()
        if document[key] is not None
    ]
    threshold = plain(document["threshold_mev"])
    words = f"Detector {document['detector']}, voxel threshold {threshold} MeV where a number has one."
    return f"<p>{escape(words)}</p>\n" + _table(("sample", "source", "showers"), rows)


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
        cells = [escape(name) + _unit(entry), _value(entry), *equal, _mc_vs_mc(entry), plain(entry["ideal"])]
        rows.append(_row((*cells, str(entry["n"]), _times(entry))))
    return _table(header, rows)


def _unit(entry: Mapping) -> str:
    return "" if entry["unit"] == "1" else f" [{escape(entry['unit'])}]"


def _times(entry: Mapping) -> str:
    return f"{distance_from_ideal(entry):.3g}" if entry["ideal"] is not None else ""


def _value(entry: Mapping) -> str:
    text = with_error(entry["value"], entry["error"])
    if "ndf" in entry:
        text += f"<small>{plain(entry['chi2'])} / {entry['ndf']}</small>"
    if entry.get("reference_value") is not None:
        text += f"<small>reference {plain(entry['reference_value'])}</small>"
    return text


def _mc_vs_mc(entry: Mapping) -> str:
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
        rows.append("<tr>" + f"<th>{label}</th>" + "".join(f"<td>{count}</td>" for count in counts) + "</tr>\n")
    for name in names:
        cells = "".join(f"<td>{_energy_cell(entries.get(name))}</td>" for entries in per_energy.values())
        rows.append(f"<tr><th>{escape(name)}</th>{cells}</tr>\n")
    words = "Value ± error; below, in small, MC vs MC. Energies are in MeV."
    if not document["energies_discrete"]:
        words += (
            " The incident energies are continuous: each column is a range of equal width in log energy, named by its"
            " centre."
        )
    return f"<p>{words}</p>\n" + _table(("MeV", *per_energy), rows, "energies")


def _energy_cell(entry: Mapping | None) -> str:
    if entry is None:
        return ""
    return f"{with_error(entry['value'], entry['error'])}<small>{plain(entry['reference_vs_reference'])}</small>"


def _figure(picture: ReportPicture) -> str:
    data = base64.b64encode(picture.path.read_bytes()).decode("ascii")
    title, caption = escape(picture.title), escape(picture.caption)
    return _section(
        picture.title,
        f'<figure><img alt="{title}" src="data:image/png;base64,{data}">\n'
        f"<figcaption>{caption}</figcaption></figure>\n",
    )


def _published(values: Sequence[Mapping]) -> str:
    """Published numbers in a table of their own, each with its data and number of showers."""
    if not values:
        return ""
    rows = [
        _row(
            (
                escape(row["what"]),
                plain(row["value"]),
                escape(f"published, other data, N = {row['n']}"),
                escape(row["source"]),
            )
        )
        for row in values
    ]
    words = "For orientation only: other showers, and other numbers of showers, than ours."
    return f"<p>{words}</p>\n" + _table(("quantity", "published value", "showers", "source"), rows)


def _list(items: Sequence[str]) -> str:
    return "<ul>\n" + "".join(f"<li>{escape(item)}</li>\n" for item in items) + "</ul>\n" if items else ""


def _definitions(document: Mapping) -> str:
    entries = [*document["metrics"].values(), *(e for at in document["per_energy"].values() for e in at.values())]
    notes = {entry["metric"]: entry["note"] for entry in entries}
    return _list([f"{name}: {note}" for name, note in notes.items()])
