"""A kind of normalisation is written down three times, as numbers, in a graph and in words: all of them agree."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.data.cell_transforms import (
    CubeNormalisation,
    GevNormalisation,
    HundredGevNormalisation,
    JetPixelNormalisation,
    LogCellNormalisation,
    MevCellNormalisation,
    MevCubeNormalisation,
)
from calosim_tf.data.layer_energies import LayerEnergyNormalisation
from calosim_tf.data.normalisation import NORMALISATIONS
from calosim_tf.data.normalisations import named_normalisation, normalisation_from_dict
from calosim_tf.data.transforms import KineticNormalisation, LayerNormalisation
from calosim_tf.errors import ConfigError
from calosim_tf.export.options import ExportOptions
from calosim_tf.export.physics_in_graph import GRAPH_FORMS, cells_mev, condition
from calosim_tf.export.write import export
from calosim_tf.files import read_json, write_json
from calosim_tf.training.run_folder import RunFolder

RANGE = (139.6, 300.0, 5e4)  # mass, lowest and highest kinetic energy, MeV
RESPONSE = ((400.0, 0.6), (5e3, 0.8), (4e4, 0.9))
ATTRIBUTES = ("theta_rad", "x_mm")
# Every kind, with and without what it can leave out: name -> law, voxels of a shower
LAWS = {
    "kinetic": (KineticNormalisation(*RANGE), 5),
    "kinetic_max": (KineticNormalisation(*RANGE, energy_label="max", condition_size=3, response=RESPONSE), 5),
    "layer": (LayerNormalisation(*RANGE, layer_sizes=(2, 3), keep_zeros=True), 5),
    "layer_response": (LayerNormalisation(*RANGE, layer_sizes=(2, 3), keep_zeros=True, response=RESPONSE), 5),
    "log_cells": (LogCellNormalisation(*RANGE, cells=(2, 3)), 6),
    "log_cells_standard": (
        LogCellNormalisation(*RANGE, cells=(2, 3), condition_mean=(1.5, -2.0), condition_std=(0.1, 8.0)),
        6,
    ),
    "mev_cells": (MevCellNormalisation(*RANGE, cells=(2, 3)), 6),
    "jet_pixels": (JetPixelNormalisation(*RANGE, cells=(2, 3)), 6),
    "gev": (GevNormalisation(*RANGE, condition_size=3), 7),
    "gev_energy": (GevNormalisation(*RANGE, condition_size=1), 7),
    "hundred_gev": (HundredGevNormalisation(*RANGE, condition_size=1), 5),
    "layer_energies": (LayerEnergyNormalisation(*RANGE, layer_sizes=(2, 2, 1)), 5),
    "layer_energies_attributes": (
        LayerEnergyNormalisation(*RANGE, layer_sizes=(2, 2, 1), condition_mean=(1.5, -2.0), condition_std=(0.1, 8.0)),
        5,
    ),
    "mev_cube": (MevCubeNormalisation(*RANGE, cells=(2, 3, 4), least_mev=0.0), 24),
    "cube": (CubeNormalisation(*RANGE, cells=(2, 3, 4), mask_mev=0.0), 24),
    "cube_angle": (CubeNormalisation(*RANGE, cells=(2, 3, 4), mask_mev=0.0, with_angle=True), 24),
}


@pytest.fixture(params=LAWS)
def law(request):
    return LAWS[request.param][0]


@pytest.fixture
def particles():
    """Momenta in MeV, within the range of the law and (extrapolated) outside of it, and attributes; float32 inside."""
    rng = np.random.default_rng(3)
    energy = np.geomspace(200.0, 9e4, 9).astype("f4").astype("f8")
    return energy, rng.uniform((1.0, -10.0), (2.0, 10.0), (9, 2)).astype("f4").astype("f8")


@pytest.fixture
def showers(law):
    """A third of the voxels is empty, MeV, float32."""
    n_voxels = next(n for one, n in LAWS.values() if one is law)
    values = np.random.default_rng(4).gamma(0.7, 300.0, (9, n_voxels))
    values[:, 1::3] = 0.0
    return values.astype("f4")


def test_every_kind_has_all_forms():
    """Breaks when a kind is added and the exported graph, or this file, does not know it."""
    assert {law.kind for law, _ in LAWS.values()} == set(NORMALISATIONS) == set(GRAPH_FORMS)


def test_the_inverse_gives_the_showers_back(law, particles, showers):
    """Breaks when a training tensor is turned back in another order of cells, or with another unit."""
    tensors = law.to_network(showers, particles[0])
    assert tensors.dtype == np.float32
    assert tensors.shape == (9, *law.value_shape(showers.shape[1]))
    np.testing.assert_allclose(law.to_mev(tensors, particles[0]), showers, rtol=3e-6)


def test_the_graph_gives_the_numbers(law, particles, showers):
    """Breaks when formula, order of cells or interpolation of an exported graph is not that of generation."""
    energy, attributes = particles
    fed = tf.constant(energy, tf.float32), tf.constant(attributes, tf.float32)
    found = condition(law, *fed).numpy()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, law.label(energy, attributes), rtol=3e-7, atol=3e-7)
    outputs = law.to_network(showers, energy)
    made = cells_mev(law, tf.constant(outputs), fed[0]).numpy()
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, law.to_mev(outputs, energy), rtol=1e-6)


def test_faint_cells_are_empty():
    """Breaks when generated cells below half a minimum-ionising particle are kept in one of the two forms."""
    law = MevCubeNormalisation(*RANGE, cells=(1, 2, 2), least_mev=0.1)
    outputs, energy = np.array([[-3.0, 0.0999, 0.1, 7.0]], "f4").reshape(1, 1, 2, 2, 1), np.array([5e4])
    expected = np.array([[0.0, 0.0, 0.1, 7.0]], "f4")
    np.testing.assert_array_equal(law.to_mev(outputs, energy), expected)
    np.testing.assert_array_equal(cells_mev(law, tf.constant(outputs), tf.constant(energy, tf.float32)), expected)


def test_the_words_give_the_numbers(law, particles, showers):
    """Breaks when the formulas of a sidecar lead to another condition or other cells than the code."""
    energy, attributes = particles
    names, formula = law.condition_words(ATTRIBUTES)
    label = law.label(energy, attributes)
    assert len(names) == len(set(names)) == label.shape[1]
    known = {"ln": np.log, "kin": np.sqrt(energy**2 + law.mass_mev**2) - law.mass_mev}
    known |= {"incident_energy": energy}
    known |= dict(zip(ATTRIBUTES, attributes.T, strict=True))
    python, _, rest = formula.removesuffix(" as they are").partition(", then ")
    python = python.replace(" MeV", "").replace("100 GeV", "1e5").replace("GeV", "1e3")
    found = [eval(part, {}, known) for part in python.split(", ")]
    found += [np.full(9, -1.0 if rest.startswith("-1") else 0.0)] * (label.shape[1] - len(found))
    np.testing.assert_allclose(np.stack(found, axis=1), label, rtol=1e-5, atol=1e-6)
    words, unit = law.output_words()
    of_times = {"1000 times": "GeV", "100000 times": "100 GeV"}
    named = [unit for times, unit in of_times.items() if f" {times}" in words]
    assert unit == (named[0] if named else "MeV" if words.startswith("cells in MeV") else "1")
    outputs = law.to_network(showers, energy)
    if "1000 times its number" in words:
        assert law.to_mev(outputs, energy).sum() == pytest.approx(1000.0 * outputs.sum(), rel=1e-5)
    if "100000 times its number" in words:
        assert law.to_mev(outputs, energy).sum() == pytest.approx(1e5 * outputs.sum(), rel=1e-5)
    if "exp(number) - 1" in words:
        assert law.to_mev(outputs, energy).sum() == pytest.approx(np.expm1(outputs).sum(), rel=1e-5)
    assert ("mean response" in words) == bool(getattr(law, "response", ()))


def test_a_record_gives_the_law_back(law):
    """Breaks when a run or a bundle is read with another normalisation than it was made with."""
    assert normalisation_from_dict(json.loads(json.dumps(law.to_dict()))) == law


class RootNormalisation(GevNormalisation):
    """A custom kind without a graph form."""

    kind = "square_root"


# not for the other tests
del NORMALISATIONS["square_root"]


def test_a_kind_without_a_graph_form_is_one_line(run_of, tmp_path, monkeypatch):
    """Breaks when the export of an own normalisation ends in a traceback, or leaves half a bundle."""
    monkeypatch.setitem(NORMALISATIONS, "square_root", RootNormalisation)
    run = with_kind(run_of("calogan"), tmp_path / "run", "square_root")
    words = r"--format saved_model: network generator cannot be written \(normalisation square_root has no graph form"
    with pytest.raises(ConfigError, match=words) as caught:
        export(run, tmp_path / "bundle", ExportOptions(("saved_model",)))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "bundle").exists()
    sidecar = export(run, tmp_path / "bundle", ExportOptions(("tflite",), batches=(1,)))
    assert sidecar.networks[0].normalisation["kind"] == "square_root"


def test_a_kind_of_another_version_is_one_line(run_of, tmp_path, calosim):
    """Breaks when a run of a newer version ends an export in a traceback, or in a message that names no kind."""
    run = with_kind(run_of("calo_shower_gan"), tmp_path / "run", "wavelets")
    process = calosim("export", run.path, "--format", "saved_model", "--out", tmp_path / "bundle")
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1
    assert "data.json" in process.stderr
    assert "(normalisation kind 'wavelets' is unknown, expected one of " in process.stderr


def with_kind(run: RunFolder, folder, kind: str) -> RunFolder:
    """Copy of a run whose normalisation is of another kind."""
    shutil.copytree(run.path, folder)
    record = read_json(folder / "data.json", "")
    record["normalisation"]["kind"] = kind
    write_json(folder / "data.json", record)
    return RunFolder(folder)


def test_an_unknown_word_is_refused():
    """Breaks when a typing error in data.normalisation is a KeyError."""
    with pytest.raises(ConfigError, match=r"data\.normalisation: found 'gevv', expected one of .*gev"):
        named_normalisation("gevv")
