"""Several reports side by side, from their files alone, through the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from calosim_tf.cli import main
from calosim_tf.errors import DataError
from calosim_tf.physics.metrics.written import NamedReport, best_first, headline_metrics, worst_histograms
from calosim_tf.physics.papers.published_results import published_results
from calosim_tf.report.comparison import comparison_table, read_reports
from calosim_tf.report.html_page import headed_row
from calosim_tf.report.number_text import with_error
from calosim_tf.report.page import published_table


@pytest.fixture(scope="module")
def two(report, tmp_path_factory):
    """The report of the other tests and a copy of it with a better chi2 under another name: two files."""
    folder = tmp_path_factory.mktemp("two")
    document = json.loads((report[0] / "metrics.json").read_text())
    document["generated"]["source"] = "a better GAN"
    document["metrics"]["chi2_ndf_total_energy"]["value"] = 1.0
    better = folder / "better.json"
    better.write_text(json.dumps(document))
    return report[0] / "metrics.json", better


@pytest.mark.slow
def test_every_metric_of_both_stands_side_by_side(two, tmp_path, capsys):
    """Breaks if a generator or metric is lost, columns are exchanged, or MC vs MC is missing."""
    assert main(["compare", *map(str, two), "--out", str(tmp_path / "out")]) == 0
    table = capsys.readouterr().out
    document = json.loads((tmp_path / "out" / "metrics.json").read_text())
    names = list(document["models"])
    assert names[1] == "a better GAN"
    entries = [model["metrics"]["chi2_ndf_total_energy"] for model in document["models"].values()]
    row = next(line for line in table.splitlines() if line.startswith("chi2_ndf_total_energy"))
    first, second = (with_error(entry["value"], entry["error"]) for entry in entries)
    floor = with_error(entries[0]["reference_vs_reference"], entries[0]["reference_vs_reference_error"])
    assert row.split("  ")[-1].strip() == floor
    assert row.index(first) < row.index(floor) < row.index(second)
    assert {path.stem for path in (tmp_path / "out" / "plots").iterdir()} == {"distances", "features", "per_energy"}
    page = (tmp_path / "out" / "report.html").read_text()
    for name in document["order"]:
        assert f"<th>{name}</th>" in page


def judged(name, distances):
    """A report whose metrics are so many times further from 0 than Monte Carlo from Monte Carlo."""
    metrics, histograms = {}, {}
    for metric, distance in distances.items():
        metrics[metric] = {"metric": metric, "value": 0.1 * distance, "error": 0.0, "ideal": 0.0}
        metrics[metric] |= {"reference_vs_reference": 0.1, "reference_vs_reference_error": 0.0}
        counts = {"generated": [1], "reference": [2], "n_generated": 1, "n_reference": 2}
        histograms[metric] = {"label": metric, "edges": [0.0, 1.0], **counts}
    sample = {"source": name, "showers": 10}
    document = {"metrics": metrics, "histograms": histograms, "generated": sample, "reference": sample}
    return NamedReport(name, Path(name), document)


def test_what_any_generator_does_worst_comes_first():
    """Breaks if the order is reversed, or that of the first generator or of the mean over them is taken."""
    reports = [
        judged("a", {"good": 2.0, "bad": 1.0, "fair": 4.0}),
        judged("b", {"good": 1.0, "bad": 8.0, "fair": 3.0}),
        judged("c", {"good": 1.0, "bad": 1.0, "fair": 4.5}),
    ]
    assert headline_metrics(reports) == ["bad", "fair", "good"]
    rows = [line.split()[0] for line in comparison_table(reports).splitlines() if line]
    assert rows[:4] == ["metric", "bad", "fair", "good"]
    assert list(worst_histograms(reports, 2)) == ["bad", "fair"]
    # one report in other bins, or without: nothing to lay side by side
    reports[1].document["histograms"]["bad"]["edges"] = [0.0, 2.0]
    del reports[2].document["histograms"]["fair"]
    assert list(worst_histograms(reports, 2)) == ["good"]


def test_lhcb_generators_stand_by_the_geometric_score():
    """Breaks if the best is last, the paper's score decides, or a report without the score is lost."""
    reports = [judged(name, {"bad": 9.0, "prd_auc_physics": 1.0, "prd_auc_physics_geometric": 1.0}) for name in "abc"]
    for report, geometric, physics in zip(reports, (0.5, 0.96, 0.7), (0.97, 0.9, 0.99), strict=True):
        report.document["metrics"]["prd_auc_physics_geometric"]["value"] = geometric
        report.document["metrics"]["prd_auc_physics"]["value"] = physics
    assert [report.name for report in best_first(reports)] == ["b", "c", "a"]
    assert headline_metrics(reports) == ["prd_auc_physics_geometric", "prd_auc_physics", "bad"]
    others = [*reports, judged("photons", {"bad": 1.0})]
    assert best_first(others) == others


def test_the_folder_of_a_report_will_do_and_equal_names_are_told_apart(two, tmp_path):
    """Breaks if two checkpoints of one experiment share a column."""
    copy = tmp_path / "metrics.json"
    copy.write_text(two[0].read_text())
    first, second = read_reports([two[0].parent, tmp_path])
    assert (first.path, second.path) == (two[0], copy)
    assert first.document == second.document
    assert (str(two[0]) in first.name, str(copy) in second.name) == (True, True)
    with pytest.raises(DataError, match="found twice"):
        read_reports([two[0].parent, two[0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "found schema 2, expected 1"),
        ({"detector": "pion"}, "is of detector pion, but"),
        ({"metrics": None}, "has no metrics, expected metrics.json of calosim evaluate"),
    ],
)
def test_other_files_are_refused_in_one_line(two, tmp_path, capsys, change, message):
    document = json.loads(two[1].read_text()) | change
    document = {key: value for key, value in document.items() if value is not None}
    other = tmp_path / "other.json"
    other.write_text(json.dumps(document))
    assert main(["compare", str(two[0]), str(other), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_reports_and_runs_are_not_mixed(two, tmp_path, capsys):
    assert main(["compare", str(two[0]), "pretrained:photon", "--out", str(tmp_path / "out")]) == 2
    assert "compare reports or LHCb runs, not both" in capsys.readouterr().err
    assert main(["compare", str(two[0]), "--clusters", "5", "--out", str(tmp_path / "out")]) == 2
    assert "--clusters: is for LHCb runs" in capsys.readouterr().err


def test_published_rows_are_named_as_such_and_have_their_published_values(report):
    """CaloChallenge, photons: 20.5146e-3 for CaloShower3GAN, printed as FPD x 1000."""
    results = published_results("photon", ["fpd", "separation_layer_energy"])
    row = next(row for row in results["rows"] if row["name"] == "CaloShower3GAN")
    assert row["metrics"]["fpd"]["value"] == pytest.approx(0.0205146, rel=1e-4)
    assert [r["metrics"]["fpd"]["value"] for r in results["rows"]] == sorted(
        r["metrics"]["fpd"]["value"] for r in results["rows"]
    )
    assert published_results("lhcb", ["fpd"]) is None
    page = (report[0] / "report.html").read_text()
    assert page.count("published, other data</small>") == len(results["rows"])


def test_no_table_of_published_results_without_a_common_metric():
    """Breaks when a report on metrics that nobody published shows a column of other people's names and no number."""
    results = published_results("photon", ["chi2_ndf_total_energy", "fpd"])
    assert published_table(results, {"this report": {"chi2_ndf_total_energy": "0.88"}}) == ""
    assert "<table" in published_table(results, {"this report": {"fpd": "0.001"}})


def test_rows_of_other_data_look_different_from_ours():
    """Breaks if published rows and ours exchange their looks."""
    assert headed_row("ours", ["1"]) == "<tr><th>ours</th><td>1</td></tr>\n"
    assert headed_row("theirs", ["2"], "foreign") == '<tr class="foreign"><th>theirs</th><td>2</td></tr>\n'


def test_a_metric_that_one_report_lacks_is_no_distance():
    """Breaks if the report without a metric decides where it stands."""
    assert judged("a", {"bad": 8.0}).distance("other") == 0.0
