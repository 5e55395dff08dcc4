"""``calosim bench generate --table``: which generators have a row and what is in it; no figure is asserted."""

import json
import re

import pytest

from calosim_tf.commands import bench_table
from calosim_tf.data.bundled import run_path
from calosim_tf.experiments import EXPERIMENTS, get_experiment
from calosim_tf.experiments.generators import GENERATORS, VARIANTS
from calosim_tf.training.run_folder import RunFolder


def parts(experiment):
    return [experiment.experiment(member) for member in experiment.members] or [experiment]


def test_every_family_has_a_row_and_no_generator_two():
    """Breaks when a new family is left out of the table, or a trained generator is timed twice."""
    names = bench_table.all_generators()
    assert len(set(names)) == len(names)
    shown = [EXPERIMENTS[name] if name in EXPERIMENTS else RunFolder(run_path(name)).experiment() for name in names]
    rows = {part.network.family for experiment in shown for part in parts(experiment)}
    assert rows == {part.network.family for experiment in EXPERIMENTS.values() for part in parts(experiment)}
    assert "pretrained:photon" in names
    assert not {"photon_factorised", "calogan_factorised"} & set(names)
    assert set(GENERATORS) > VARIANTS
    # teachers and students are two generators
    assert set(names) >= {"caloflow_photon", "caloflow_photon_student"}


def test_a_row_says_what_a_generator_is_judged_by():
    """Breaks when a student is said to be judged by a likelihood, or made-up showers to be Monte Carlo."""
    words = {name: bench_table.judged_words(get_experiment(name)) for name in ("photon", "bib_ae_photon")}
    assert words["photon"] == "chi2/NDF of the response; Monte Carlo sample"
    assert words["bib_ae_photon"] == "chi2/NDF of the response; parametrised showers"
    assert bench_table.judged_words(get_experiment("caloflow_photon")).startswith("-ln p per voxel")
    assert bench_table.judged_words(get_experiment("caloflow_photon_student")).startswith("divergence from the teacher")


def test_the_table_and_the_figure_of_two_generators(calosim, tmp_path):
    """Breaks when a split is timed or counted as one network, or a whole batch is timed beyond the work of a call."""
    table, figure = tmp_path / "table.md", tmp_path / "figure.png"
    process = calosim(
        "bench", "generate", "photon_2gan", "pretrained:photon", "--table", table, "--plot", figure,
        "--backend", "onnx", "--batch", "1,100", "--steps", 1, "--json",
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    split, ours = json.loads(process.stdout)["rows"]
    assert (split["networks"], split["parameters"]) == (2, 367_380)
    assert ours["multiply_adds"] == pytest.approx(414_000, rel=0.02)
    assert ours["response"]["value"] == pytest.approx(0.99, abs=0.01)
    for row in (split, ours):
        for batch, timed in row["batches"].items():
            assert timed["best"] == "onnx"
            assert timed["showers"] == int(batch)
            assert 0.0 < timed["seconds_per_shower"]["onnx"]["median"] < 1.0
    text = table.read_text()
    assert "| photon | µs, batch 1 | µs, batch 100 | parameters | multiply-adds |\n|---|" in text
    assert re.search(r"`photon_2gan` \(2 networks\) \| [\d.]+ onnx \| [\d.]+ onnx \| 367 380 \|", text)
    assert "| `pretrained:photon` | 0.99 | 1.00 |" in text
    assert figure.stat().st_size > 10_000


def row(name, detector, judged="chi2; Monte Carlo sample"):
    """A row as it is measured, with made-up numbers."""
    timed = {"1": {"showers": 1, "best": "onnx", "seconds_per_shower": {"onnx": {"median": 2e-5}}}}
    return {"generator": name, "detector": detector, "networks": 1, "parameters": 1234, "multiply_adds": 5678.0,
            "judged_by": judged, "response": None, "batches": timed}  # fmt: skip


def test_each_kind_of_detector_has_a_table():
    """Breaks when a row is lost between the tables, a table has a cell too many, or what it is judged by is lost."""
    rows = [row("lagan", "jet_image"), row("conv3d", "clic"), row("conv3d_angle", "clic_angle", "likelihood; jets")]
    machine = {"cores": 2, "threads": 2, "load_average": 0.0}
    text = bench_table.markdown({"machine": machine, "readings": 3, "batches": [1], "rows": rows})
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    assert [[line.split(" | ")[0] for line in table] for table in tables] == [
        ["| jet_image", "|---|---|---|---|", "| `lagan`"],
        ["| clic", "|---|---|---|---|", "| `conv3d`", "| `conv3d_angle`, `clic_angle`"],
    ]
    assert {line.count("|") for table in tables for line in table} == {5}
    assert "| `lagan` | 20 onnx | 1 234 | 5.68e+03 |" in text
    assert "* chi2; Monte Carlo sample: `lagan`, `conv3d`\n* likelihood; jets: `conv3d_angle`\n" in text


WRONG = {
    "nothing": ([], "bench generate: found no name"),
    "name": (["photn", "--table", "t.md"], "experiment 'photn' is unknown: did you mean"),
    "backend": (["photon", "--table", "t.md", "--backend", "lite"], "--backend: found 'lite'"),
    "folder": (["photon", "--table", "no/t.md"], "--table no/t.md: its folder does not exist"),
    "both": (["photon", "--table", "t.md", "--protocol", "rehm"], "--table: found with --protocol"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_request_is_one_line(calosim, tmp_path, case):
    """Breaks when minutes pass before it is found, or it ends in a traceback."""
    arguments, words = WRONG[case]
    process = calosim("bench", "generate", *arguments, cwd=tmp_path)
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1, process.stderr
    assert words in process.stderr
