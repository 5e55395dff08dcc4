"""Several reports side by side: table, page and plots from their ``metrics.json`` alone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from calosim_tf.errors import DataError
from calosim_tf.files import read_json, shown
from calosim_tf.physics.metrics.feature_histograms import FeatureHistogram
from calosim_tf.physics.metrics.written import NamedReport, headline_metrics
from calosim_tf.report.folder import report_folder, write_document
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
from calosim_tf.report.number_text import with_error
from calosim_tf.report.page import mc_vs_mc, published_table

SCHEMA = 1
FILE_NAME = "metrics.json"
NEEDED_KEYS = ("title", "detector", "reference", "generated", "metrics", "per_energy")


def report_file(path: Path) -> Path:
    """The ``metrics.json`` itself, also for the folder it lies in."""
    return path / FILE_NAME if path.is_dir() else path


def read_reports(paths: Sequence[Path]) -> list[NamedReport]:
    """Read reports of one detector.

    Raises
    ------
    RunFolderError
        A file cannot be read or is not JSON.
    DataError
        A file is no report of ``calosim evaluate``, of another schema or detector than the first, or there twice.
    """
    files = [report_file(path) for path in paths]
    for place, path in enumerate(files):
        if path in files[:place]:
            raise DataError(f"{path}: found twice, expected each report once")
    documents = [_read(path) for path in files]
    detector = documents[0]["detector"]
    for path, document in zip(files, documents, strict=True):
        if document["detector"] != detector:
            raise DataError(
                f"{path}: is of detector {document['detector']}, but {files[0]} of {detector}: compare reports of one"
                " detector"
            )
    sources = [document["generated"]["source"] for document in documents]
    names = [
        shown(source if sources.count(source) == 1 else f"{source} ({path})")
        for source, path in zip(sources, files, strict=True)
    ]
    return [NamedReport(*each) for each in zip(names, files, documents, strict=True)]


def _read(path: Path) -> dict[str, Any]:
    document = read_json(path, "metrics.json of calosim evaluate")
    missing = [key for key in NEEDED_KEYS if key not in document]
    if missing:
        raise DataError(f"{path}: has no {', '.join(missing)}, expected metrics.json of calosim evaluate")
    if document.get("schema") != SCHEMA:
        raise DataError(
            f"{path}: found schema {document.get('schema')!r}, expected {SCHEMA}: evaluate again with this version"
        )
    try:
        _try_out(NamedReport(shown(document["generated"]["source"]), path, document))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{path}: found no usable report ({type(error).__name__}: {error}), expected that of calosim evaluate"
        ) from error
    return document


def _try_out(report: NamedReport) -> None:
    """Use everything that a comparison uses, so that what is wrong in a file is said of that file."""
    comparison_table([report])
    render_comparison("", [], [report], [])
    for entries in report.document["per_energy"].values():
        for entry in entries.values():
            with_error(entry["value"], entry["error"])
            mc_vs_mc(entry)
    for name, entry in report.document.get("histograms", {}).items():
        FeatureHistogram.from_json(name, entry)


def compare_reports(reports: Sequence[NamedReport], out_dir: str | Path) -> dict[str, Any]:
    """Write ``metrics.json``, ``report.html`` and ``plots/`` of several generators.

    Parameters
    ----------
    reports : sequence of NamedReport
    out_dir : str or Path
        New or empty folder, or an earlier report.

    Returns
    -------
    dict
        Content of the new ``metrics.json``: ``schema``, ``detector``, ``notes``, ``order`` (headline metrics, worst
        first) and ``models`` (name -> document without histograms).
    """
    # drawing takes a second to import
    from calosim_tf.plots.report_comparison import draw_comparison

    document = {
        "schema": SCHEMA,
        "title": f"{len(reports)} generators of detector {reports[0].document['detector']}",
        "detector": reports[0].document["detector"],
        "notes": _notes(reports),
        "order": headline_metrics(reports),
        "models": {
            report.name: {key: value for key, value in report.document.items() if key != "histograms"}
            for report in reports
        },
    }
    with report_folder(out_dir) as folder:
        pictures = [
            ReportPicture(folder / "plots" / f"{name}.png", title, caption)
            for name, title, caption in draw_comparison(reports, folder / "plots")
        ]
        write_document(folder / FILE_NAME, document)
        text = render_comparison(document["title"], document["notes"], reports, pictures)
        (folder / "report.html").write_text(text, encoding="utf-8")
    return document


def _notes(reports: Sequence[NamedReport]) -> list[str]:
    first = reports[0]
    notes = []
    for report in reports[1:]:
        if report.document["reference"] != first.document["reference"]:
            notes.append(
                f"{report.name} was judged against {report.document['reference']['source']}"
                f" ({report.document['reference']['showers']} showers), {first.name} against"
                f" {first.document['reference']['source']} ({first.document['reference']['showers']} showers):"
                " compare each with its own MC vs MC, not with the other."
            )
        elif report.document["generated"]["showers"] != first.document["generated"]["showers"]:
            notes.append(
                f"{report.name} has {report.document['generated']['showers']} showers, {first.name}"
                f" {first.document['generated']['showers']}: chi2 and separation powers depend on that number."
            )
    return notes


def comparison_table(reports: Sequence[NamedReport]) -> str:
    """The headline metrics as plain text, worst first, one column per generator and its MC vs MC behind it."""
    rows = [("metric", *(word for report in reports for word in (report.name, "MC vs MC")))]
    for name in headline_metrics(reports):
        cells = []
        for report in reports:
            entry = report.entry(name)
            cells += ["-", "-"] if entry is None else [with_error(entry["value"], entry["error"]), mc_vs_mc(entry)]
        rows.append((name, *cells))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(each, widths, strict=True)).rstrip() for each in rows)
    return "\n".join((*lines, "", *_notes(reports)))


def render_comparison(
    title: str, notes: Sequence[str], reports: Sequence[NamedReport], pictures: Sequence[ReportPicture]
) -> str:
    """The page."""
    samples = [
        row(
            (
                escape(report.name),
                escape(f"{report.document['generated']['showers']}"),
                escape(f"{report.document['reference']['source']} ({report.document['reference']['showers']})"),
                escape(shown(report.path)),
            )
        )
        for report in reports
    ]
    return page(
        title,
        (
            table(("generator", "showers", "reference", "file"), samples),
            bullets(notes),
            section("Side by side, worst first", _side_by_side(reports)),
            *(figure(picture) for picture in pictures),
            section("Beside published results", _published(reports)),
        ),
    )


def _side_by_side(reports: Sequence[NamedReport]) -> str:
    words = (
        "In small below each value: MC vs MC of that report, and how many times further from the ideal the generator"
        " is. The best of a row is bold."
    )
    rows = []
    for name in headline_metrics(reports):
        entries = [report.entry(name) for report in reports]
        ideal = next((entry["ideal"] for entry in entries if entry is not None), None)
        best = min((report.distance(name) for report in reports if report.entry(name)), default=0.0)
        cells = [_cell(report, name, bold=ideal is not None and report.distance(name) == best) for report in reports]
        rows.append(headed_row(escape(name), cells))
    return paragraph(words) + table(("metric", *(report.name for report in reports)), rows, "matrix")


def _cell(report: NamedReport, name: str, bold: bool) -> str:
    entry = report.entry(name)
    if entry is None:
        return "-"
    value = with_error(entry["value"], entry["error"])
    times = f", {report.distance(name):.3g} times" if entry["ideal"] is not None else ""
    return f"{f'<b>{value}</b>' if bold else value}<small>{mc_vs_mc(entry)}{times}</small>"


def _published(reports: Sequence[NamedReport]) -> str:
    results = reports[0].document.get("published_results")
    if results is None:
        return ""
    ours = {
        report.name: {n: with_error(e["value"], e["error"]) for n, e in report.document["metrics"].items()}
        for report in reports
    }
    ours["MC vs MC of the first"] = {name: mc_vs_mc(entry) for name, entry in reports[0].document["metrics"].items()}
    return published_table(results, ours)
