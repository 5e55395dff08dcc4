"""The report folder: JSON, HTML and plots, written as a whole."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from calosim_tf.errors import ConfigError, DataError, RunFolderError
from calosim_tf.physics.metrics.listed import METRICS
from calosim_tf.physics.metrics.metric import distance_from_ideal
from calosim_tf.report.evaluate import evaluate, reasons, summary_table
from calosim_tf.report.folder import report_folder
from calosim_tf.report.number_text import plain, with_error

from .conftest import TITLE


@pytest.fixture(scope="module")
def page(report):
    """The HTML without the images' base64 text, in which any four letters may occur."""
    html = (report[0] / "report.html").read_text(encoding="utf-8")
    return re.sub(r"base64,[A-Za-z0-9+/=]+", "base64,", html)


def test_json_is_what_was_returned_and_follows_the_schema(report):
    folder, document = report
    assert json.loads((folder / "metrics.json").read_text(encoding="utf-8")) == document
    assert document["schema"] == 1
    assert document["control"]["showers_per_energy"] == {"1024": 80, "4096": 80, "16384": 80}
    for entries in (document["metrics"], *document["per_energy"].values()):
        for name, entry in entries.items():
            assert re.fullmatch(r"[a-z0-9_]+", name)
            assert {"value", "error", "reference_vs_reference", "n", "unit", "note"} <= entry.keys()
            assert entry["note"]


def test_metrics_of_other_detectors_are_left_out_without_a_word(report):
    """Breaks if a report of photons lists the metrics of cells along x, or lacks a histogram of its own features."""
    _, document = report
    assert not any(note.startswith("Left out") for note in document["notes"])
    assert {"separation_e_tot_over_e_inc", "separation_layer_energy_layer_0"} <= document["histograms"].keys()


def test_missing_numbers_have_their_reasons():
    """Breaks if a reason of Monte Carlo against Monte Carlo is mistaken for that of the number, or endings are
    listed."""
    entries = {
        "fine": {"metric": "fine"},
        "few": {"metric": "few", "reason": "needs 100 showers", "reference_vs_reference_reason": "needs 50"},
        "halves": {"metric": "halves", "reference_vs_reference_reason": "needs 50"},
        "few_layer_1": {"metric": "few", "reason": "needs 100 showers"},
    }
    assert reasons(entries) == {"few": "needs 100 showers", "halves": "MC vs MC: needs 50"}


def test_the_flat_table_holds_every_number_once(report):
    """Breaks if a spreadsheet user sees other numbers than the JSON has, or a scope is lost."""
    folder, document = report
    with (folder / "metrics.csv").open(newline="") as stream:
        rows = {(row["scope"], row["name"]): row for row in csv.DictReader(stream)}
    scopes = {"all": document["metrics"], **document["per_energy"]}
    assert len(rows) == sum(map(len, scopes.values()))
    for scope, entries in scopes.items():
        for name, entry in entries.items():
            cell = rows[scope, name]["value"]
            expected = None if entry["value"] is None else pytest.approx(entry["value"], rel=1e-12)
            assert (float(cell) if cell else None) == expected


def test_report_shows_every_metric_with_its_value(report, page):
    """Breaks if a table drops rows: each overall name, each headline name per energy and each definition is on the
    page.
    """
    _, document = report
    for name, entry in document["metrics"].items():
        assert name in page
        assert with_error(entry["value"], entry["error"]) in page
    for name, metric in METRICS.items():
        # but those of rectangular cells and of single papers
        if not re.search("_[xy](_|$)", name) and not metric.needs & {"calogan", "cubes", "lhcb", "jets"}:
            assert f"<li>{name}: " in page
    per_energy = document["per_energy"]["4096"]["response_sigma68_ratio"]
    assert with_error(per_energy["value"], per_energy["error"]) in page


def test_report_is_self_contained(report, page):
    """No request leaves the page and nothing runs in it, whatever the names of the samples are."""
    for word in ("http", "<script", "<link", "@import", "url("):
        assert word not in page.lower()
    html = (report[0] / "report.html").read_text(encoding="utf-8")
    assert html.count("data:image/png;base64,iVBOR") == len(list((report[0] / "plots").iterdir()))


def test_report_escapes_titles_sources_notes_and_published_rows(page):
    assert "Photons &lt;b&gt;bold&lt;/b&gt; &amp; more" in page
    for raw in ("<b>", "<u>", "<i>"):
        assert raw not in page
    assert "&lt;script&gt;" in page


def test_published_values_stand_apart_with_their_number_of_showers(page):
    """Breaks if a published chi2 gets into a table of ours or loses its N."""
    section = page[page.index("<h2>Published values") : page.index("<h2>Notes")]
    assert "3.7" in section
    assert "published, other data, N = 10 000 per energy up to 262 GeV &lt;i&gt;, Geant4" in section
    assert "photon 1 GAN" not in page.replace(section, "")


def test_tags_are_balanced(page):
    """Breaks on a missing closing tag, which each browser repairs differently."""
    for tag in ("table", "tr", "td", "th", "section", "figure", "ul", "li", "p", "div", "small", "body", "html"):
        assert len(re.findall(rf"<{tag}[ >]", page)) == page.count(f"</{tag}>"), tag


def test_worst_metric_comes_first(page):
    """The generated layer 0 is scaled by 1.5: it leads the table of layers."""
    layers = page[page.index("<h2>Layers") : page.index("<h2>Per incident")]
    assert re.search(r"<tbody><tr><td>(\w+)", layers)[1].endswith("energy_layer_0")


def test_all_pictures_are_written(report):
    names = {path.stem for path in (report[0] / "plots").iterdir()}
    assert names == {
        "worst_features",
        "energy_grid", "response", "layer_energies", "voxel_spectrum", "moments", "mean_shower", "selection", "losses",
    }  # fmt: skip
    assert all(path.stat().st_size > 5000 for path in (report[0] / "plots").iterdir())


@pytest.mark.slow
def test_a_generator_that_makes_nothing_is_reported(tmp_path, reference):
    """All voxels 0, as after a collapsed training: every number and plot is made or left out, none fails."""
    nothing = replace(reference, showers_mev=np.zeros_like(reference.showers_mev), source="collapsed GAN")
    document = evaluate(nothing, reference, control=None, out_dir=tmp_path / "r", title="t")
    assert document["metrics"]["response_mean"]["value"] == 0
    assert document["metrics"]["separation_layer_energy"]["value"] == 1
    assert document["metrics"]["energy_added_by_clipping"]["value"] is None
    assert len(list((tmp_path / "r" / "plots").iterdir())) == 7


def test_an_earlier_report_is_replaced_as_a_whole(tmp_path):
    """Breaks if a plot of the earlier report survives next to new numbers, or a temporary folder is left."""
    for content in ("old", "new"):
        with report_folder(tmp_path / "report") as folder:
            (folder / "metrics.json").write_text(content)
            (folder / "plots" / f"{content}.png").write_text(content)
            assert (tmp_path / "report").exists() == (content == "new")
    assert (tmp_path / "report" / "metrics.json").read_text() == "new"
    assert [path.name for path in (tmp_path / "report" / "plots").iterdir()] == ["new.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_failure_leaves_the_earlier_report_untouched(tmp_path, reference):
    out = tmp_path / "report"
    (out / "plots").mkdir(parents=True)
    (out / "metrics.json").write_text("{}")
    broken = replace(reference, showers_mev=np.full_like(reference.showers_mev, np.nan))
    with pytest.raises(DataError, match="not a finite number"):
        evaluate(broken, reference, control=None, out_dir=out, title="t")
    assert (out / "metrics.json").read_text() == "{}"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_folders_with_other_files_are_refused(tmp_path, reference):
    """Breaks if --out on a folder of other results deletes them."""
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunFolderError, match=r"thesis\.txt"):
        evaluate(reference, reference, control=None, out_dir=tmp_path, title="t")
    with pytest.raises(RunFolderError, match="is a file"):
        evaluate(reference, reference, control=None, out_dir=tmp_path / "thesis.txt", title="t")
    with pytest.raises(RunFolderError, match="cannot be written"), report_folder(tmp_path / "thesis.txt" / "report"):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_unknown_metrics_and_other_detectors_are_refused(tmp_path, reference):
    with pytest.raises(ConfigError, match=r"chi3: unknown, use one of chi2_ndf_total_energy"):
        evaluate(reference, reference, control=None, out_dir=tmp_path / "r", title="t", metrics=["chi3"])
    other = replace(reference, detector=replace(reference.detector, name="another"))
    with pytest.raises(DataError, match="detector another"):
        evaluate(other, reference, control=None, out_dir=tmp_path / "r", title="t")
    assert not (tmp_path / "r").exists()


def test_damaged_tables_are_refused_before_the_work(tmp_path, reference):
    table = tmp_path / "selection.csv"
    table.write_text("iteration,chi2\n1,2\n")
    with pytest.raises(DataError, match=r"selection\.csv: has no column ndf, chosen"):
        evaluate(reference, reference, control=None, out_dir=tmp_path / "r", title="t", selection_csv=table)
    assert [path.name for path in tmp_path.iterdir()] == ["selection.csv"]


def test_summary_for_the_terminal(report):
    """Headline numbers only, worst first, with MC vs MC next to each."""
    _, document = report
    lines = summary_table(document).splitlines()
    assert lines[0] == TITLE
    names = [line.split()[0] for line in lines[3 : lines.index("", 3)]]
    assert set(names) == {name for name, entry in document["metrics"].items() if entry["metric"] == name}
    distances = [distance_from_ideal(document["metrics"][name]) for name in names]
    assert distances == sorted(distances, reverse=True)
    entry = document["metrics"]["chi2_ndf_total_energy"]
    row = next(line for line in lines if line.startswith("chi2_ndf"))
    assert with_error(entry["reference_vs_reference"], entry["reference_vs_reference_error"]) in row
    assert "a note with <u>" in lines


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.94852, 0.0891, "0.949 ± 0.089"),
        (-1.365, 0.684, "-1.36 ± 0.68"),
        (21.51, 0.577, "21.51 ± 0.58"),
        (2.62e-4, 3.3e-5, "(2.62 ± 0.33)e-4"),
        (1785.4, 120.0, "1785 ± 1.2e+02"),
        (3.0, 0.0, "3"),
        # the rounding of a sum is no error of a measurement
        (0.99999999999999922, 1.2e-16, "1 ± 1.2e-16"),
        (0.99999912, 3.1e-7, "0.99999912 ± 0.00000031"),
        (0.5, None, "0.5"),
        (None, None, "-"),
        (float("nan"), 1.0, "-"),
    ],
)
def test_numbers_as_text(value, error, text):
    assert with_error(value, error) == text


def test_plain_numbers():
    assert [plain(x) for x in (0.123456, 1e-9, 240, None, float("inf"))] == ["0.1235", "1e-09", "240", "-", "-"]
