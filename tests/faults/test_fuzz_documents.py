"""Tables, configurations, bundles and reports that were damaged or edited by hand: read, or an error of ours."""

from __future__ import annotations

import functools
import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calosim_tf.api.generator_source import GeneratorSource
from calosim_tf.bundle.checks import require_sound_file, sum_of
from calosim_tf.bundle.sidecar import SIDECAR, ModelFile, write_sidecar
from calosim_tf.config import dump_json, experiment_from_dict
from calosim_tf.data.bundled import run_path
from calosim_tf.data_prep.convert import convert
from calosim_tf.experiments import EXPERIMENTS, get_experiment
from calosim_tf.files import IterationTable
from calosim_tf.geometry.binning import read_binning
from calosim_tf.report.comparison import comparison_table, read_reports, render_comparison
from calosim_tf.training.run_folder import RunFolder

from ..bundle.test_sidecar import network, sidecar
from .fuzzing import EDITS, KEPT, bounded, check_survives, counted, damaged_bytes, damaged_tree

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module", autouse=True)
def report(count):
    with counted(count, "fuzz cases of documents without a traceback"):
        yield


@functools.cache
def configuration(name):
    """What ``config.json`` holds of an experiment."""
    return json.loads(dump_json(get_experiment(name)))


@bounded(600)
@given(name=st.sampled_from(sorted(EXPERIMENTS)), data=st.data())
def test_stored_configurations(name, data):
    """Breaks if a config.json that was edited by hand, or comes from elsewhere, gives a KeyError."""
    stored = damaged_tree(data, configuration(name))
    check_survives("stored configurations", lambda: experiment_from_dict(stored, "config.json"))


@bounded(1000)
@given(content=st.one_of(st.binary(max_size=80), st.text("iteraon,chi2\n\r0123.e-\"' ", max_size=80).map(str.encode)))
def test_tables(tmp_path, content):
    """Breaks if a damaged history.csv stops a resume with Python's own exception."""
    path = tmp_path / "history.csv"
    path.write_bytes(content)
    table = IterationTable(path)

    def read():
        rows = table.rows()
        table.cut_after(3)
        assert all(int(row["iteration"]) <= 3 for row in table.rows())
        return rows

    check_survives("tables", read)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """Folder of a small sound bundle, and the content of its sidecar."""
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "model.onnx").write_bytes(b"onnx")
    files = {"onnx": (ModelFile("model.onnx", sum_of(folder / "model.onnx"), 4),)}
    write_sidecar(folder, sidecar(network(files=files)))
    return folder, json.loads((folder / SIDECAR).read_text())


def use_bundle(folder):
    """What a generating command does with a bundle before it loads a network."""
    source = GeneratorSource.named(str(folder))
    for one in source.sidecar.networks:
        law = one.law()
        law.label(np.array([1000.0]), np.zeros((1, len(source.sidecar.attributes))))
        require_sound_file(folder, one.file("onnx"))
    source.first_way()
    return source.trained_on


@bounded(900)
@given(data=st.data())
def test_bundles_edited_by_hand(bundle, data):
    """Breaks if a value that passes the checks of the sidecar then breaks a command that generates."""
    folder, content = bundle
    (folder / SIDECAR).write_text(json.dumps(damaged_tree(data, content)), errors="surrogatepass")
    check_survives("bundles", lambda: use_bundle(folder))


@bounded(300)
@given(edits=EDITS, keep=KEPT)
def test_damaged_sidecars(bundle, edits, keep):
    """Breaks if bytes that are no text, or half of a file, are another error than ours."""
    folder, content = bundle
    (folder / SIDECAR).write_bytes(damaged_bytes(json.dumps(content).encode(), edits, keep))
    check_survives("bundles", lambda: use_bundle(folder))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A copy of the documents of a run of ours, and their contents."""
    folder = tmp_path_factory.mktemp("run")
    names = ("config.json", "data.json", "status.json")
    for name in names:
        shutil.copy(run_path("pretrained:photon") / name, folder / name)
    return folder, {name: json.loads((folder / name).read_text()) for name in names}


@bounded(500)
@given(name=st.sampled_from(["config.json", "data.json", "status.json"]), data=st.data())
def test_run_folders_edited_by_hand(run, name, data):
    """Breaks if a command that reads a run folder shows a KeyError for what was edited in it."""
    folder, contents = run
    found = RunFolder(folder)
    (folder / name).write_text(json.dumps(damaged_tree(data, contents[name])), errors="surrogatepass")
    try:
        check_survives("run folders", found.experiment, found.data, found.normalisation, found.trained_on, found.status)
    finally:
        (folder / name).write_text(json.dumps(contents[name]))


@functools.cache
def some_report():
    """A report of ours with a few of its many metrics, energies and histograms."""
    content = json.loads((run_path("pretrained:photon") / "report" / "metrics.json").read_text())
    for name in ("metrics", "histograms"):
        content[name] = dict(list(content[name].items())[:6])
    content["per_energy"] = {
        energy: dict(list(at.items())[:3]) for energy, at in list(content["per_energy"].items())[:2]
    }
    return content


@bounded(500)
@given(data=st.data())
def test_reports_edited_by_hand(tmp_path, data):
    """Breaks if `calosim compare` meets a number in metrics.json that it does not expect."""
    path, content = tmp_path / "metrics.json", some_report()
    path.write_text(json.dumps(damaged_tree(data, content)), errors="surrogatepass")

    def compare():
        reports = read_reports([path])
        return comparison_table(reports), render_comparison("title", [], reports, [])

    check_survives("reports", compare)


CELLS = st.sampled_from(["0", "1.5", "-1", "1e5", "1e999", "nan", "", " ", "x", "1,5", '"', "0x1", "é", "1_0", "\x00"])
LINES = st.lists(st.tuples(st.lists(CELLS, max_size=6), st.sampled_from([1, 50, 61, 62])), min_size=1, max_size=4)


@bounded(600)
@given(
    lines=LINES,
    separator=st.sampled_from([",", ";", "; ", " ", "\t", "|"]),
    ending=st.sampled_from(["\n", "\r\n", ",\n", "\r"]),
)
def test_csv_tables(tmp_path, lines, separator, ending):
    """Breaks if a table of another program is converted into a file of nonsense, or ends in numpy's own exception."""
    path = tmp_path / "showers_E1024_.csv"
    text = ending.join(separator.join(cells * times) for cells, times in lines)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    check_survives(
        "CSV tables", lambda: convert([path], "photon", tmp_path / "a.hdf5", incident_energy_mev=1024.0, overwrite=True)
    )


BINNING = b"""<?xml version="1.0"?>
<Bins><Bin pid="22" name="photon"><Layer id="0" r_edges="0,5,10,30" n_bin_alpha="1" />
<Layer id="1" r_edges="0, 1.5, 2e1" n_bin_alpha="10" /><Layer id="2" r_edges="0" n_bin_alpha="1" /></Bin></Bins>
"""


@bounded(500)
@given(
    edits=EDITS,
    keep=KEPT,
    words=st.lists(st.sampled_from(["nan", "1e999", "-1", "99999999999", "", "&lt;"]), max_size=2),
)
def test_binning_files(tmp_path, edits, keep, words):
    """Breaks if a damaged binning file is a traceback of the XML parser or of the geometry."""
    content = BINNING
    for place, word in enumerate(words):
        content = content.replace((b"1.5", b"30")[place], word.encode())
    path = tmp_path / "own.xml"
    path.write_bytes(damaged_bytes(content, edits[: len(edits) // 2] or edits[:1], keep))
    check_survives("binning files", lambda: read_binning(path))
