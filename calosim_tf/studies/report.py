"""Folder and page of a study, and its numbers as Markdown for a terminal or a document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from calosim_tf.plots.style import plot_style, save_picture
from calosim_tf.report.folder import report_folder, write_document
from calosim_tf.report.html_page import ReportPicture, bullets, figure, headed_row, page, section, table
from calosim_tf.report.number_text import plain, with_error
from calosim_tf.studies.sensitivity import fired, sensitivity_table

TITLES = {
    "sensitivity": "Sensitivity of the metrics",
    "amplification": "Amplification of the training sample",
    "triforce": "Triforce check: classifier and regressor across Monte Carlo and generated showers",
}
# Fields of the document that are tables or plots, not settings
NOT_SETTINGS = frozenset({"schema", "study", "metrics", "observables", "grid"})


@dataclass(frozen=True)
class Figure:
    """A plot of a study: file name (without ending), title and the function that draws it from the document."""

    name: str
    title: str
    draw: Callable[[Mapping[str, Any]], Any]


def publish_study(document: Mapping[str, Any], out_dir: Path, figures: Iterable[Figure]) -> None:
    """Write ``study.json``, ``report.html`` and ``plots/``, as a whole or not at all."""
    with report_folder(out_dir) as folder:
        pictures = []
        for one in figures:
            path = folder / "plots" / f"{one.name}.png"
            with plot_style():
                save_picture(one.draw(document), path)
            pictures.append(ReportPicture(path, one.title, CAPTIONS[document["study"]]))
        write_document(folder / "study.json", document)
        header, rows = TABLES[document["study"]](document)
        settings = [f"{key}: {_words(value)}" for key, value in document.items() if key not in NOT_SETTINGS]
        body = (
            section("Settings", bullets(settings)),
            *(figure(picture) for picture in pictures),
            section("Numbers", table(header, (headed_row(escape(r[0]), map(escape, r[1:])) for r in rows), "matrix")),
        )
        (folder / "report.html").write_text(page(TITLES[document["study"]], body), encoding="utf-8")


def _words(value: Any) -> str:
    return (
        ", ".join(f"{key}: {_words(item)}" for key, item in value.items()) if isinstance(value, Mapping) else str(value)
    )


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as Markdown."""
    lines = [f"| {' | '.join(cells)} |" for cells in (header, *rows)]
    return "\n".join((lines[0], "|" + "---|" * len(header), *lines[1:]))


def amplification_table(document: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """MSE and equivalent number of true points of each observable: header and rows."""
    header = ["observable", "what", "points", "MSE", "equivalent true points", "amplification"]
    rows = []
    for name, found in document["observables"].items():
        for key in ("training_sample", "fit"):
            if key in found:
                points = str(document["training"]) if key == "training_sample" else "-"
                rows.append([name, key.replace("_", " "), points, *_amplified(found[key])])
        rows += [[name, document["generator"], str(at["points"]), *_amplified(at)] for at in found["generated"]]
    return header, rows


def _amplified(numbers: Mapping[str, float | None]) -> list[str]:
    def span(key: str) -> str:
        value, low, high = (numbers[f"{key}{ending}"] for ending in ("", "_low", "_high"))
        if value is None:
            return "more than the reference can tell" if low is None else f"above {low:.3g}"
        return f"{value:.3g} ({low:.3g} to {'?' if high is None else f'{high:.3g}'})"

    return [with_error(numbers["mse"], numbers["error"]), span("equivalent_points"), span("amplification")]


def amplification_summary(document: Mapping[str, Any]) -> str:
    """The table for a terminal."""
    words = (
        f"truth: {document['truth']}; {document['training']} training points, {document['quantiles']} quantiles; in"
        " brackets one standard error"
    )
    return f"{markdown(*amplification_table(document))}\n\n{words}"


def triforce_table(document: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Accuracies, and bias and resolution over all energies and at the ends: header and rows."""
    particles = document["particles"]
    energies = [row["energy_gev"] for row in next(iter(document["grid"].values()))["energy"]]
    header = ["", *(f"accuracy {particle}" for particle in particles)]
    header += [f"{key} at {plain(energy)} GeV" for key in ("bias", "resolution") for energy in energies]
    rows = []
    for name, cell in document["grid"].items():
        accuracy = [with_error(cell["accuracy"][p]["value"], cell["accuracy"][p]["error"]) for p in particles]
        numbers = [
            with_error(row[key], row[f"{key}_error"]) for key in ("bias", "resolution") for row in cell["energy"]
        ]
        rows.append([name, *accuracy, *numbers])
    return header, rows


def triforce_summary(document: Mapping[str, Any]) -> str:
    """The table for a terminal, one column per cell of the grid."""
    header, rows = triforce_table(document)
    turned = [list(cells) for cells in zip(header, *rows, strict=True)]
    return f"{markdown(turned[0], turned[1:])}\n\npions: {document['pions']}; {document['trainings']} trainings each"


def sensitivity_summary(document: Mapping[str, Any]) -> str:
    """Table as Markdown, and below it how many metrics notice each damage."""
    lines = [markdown(*sensitivity_table(document)), ""]
    for damage in document["damages"]:
        names = fired(document, damage)
        lines.append(f"{damage}: seen by {len(names)} ({', '.join(names[:6])}{', ...' if len(names) > 6 else ''})")
    false = [n for n, e in document["metrics"].items() if "damages" in e and e["mc_vs_mc"] > e["fires_above"]]
    checked = f"Monte Carlo against itself ({document['checked_partitions']} partitions)"
    lines.append(f"{checked}: {', '.join(false) or 'nothing fires'}")
    return "\n".join(lines)


def _sensitivity_table(document: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    header, rows = sensitivity_table(document)
    return header, [[cell.replace("**", "") for cell in cells] for cells in rows]


TABLES = {
    "sensitivity": _sensitivity_table,
    "amplification": amplification_table,
    "triforce": triforce_table,
}
CAPTIONS = {
    "sensitivity": "Largest significance among the numbers of a metric (layers, features), in units of the spread of"
    " Monte Carlo against Monte Carlo; what fires is coloured. Last column: largest of the partitions that did not take"
    " part in the spread.",
    "amplification": "Below the line of the truth is impossible; right of the dotted line there are more"
    " generated points than training points. Where the generator's curve ends below the training sample, it amplifies.",
    "triforce": "Networks trained on Monte Carlo (MC) or on generated showers (GAN), tested on both; pions are"
    " parametrised ones throughout. Errors: test sample and spread over trainings.",
}
