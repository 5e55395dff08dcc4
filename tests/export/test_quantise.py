"""Quantisation: what is integer, what is not, and layers that go back."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.bundle.card import _parity_lines, beyond_usual
from calosim_tf.bundle.formats import FORMATS
from calosim_tf.bundle.sidecar import read_sidecar
from calosim_tf.data.schema import ShowerSet
from calosim_tf.errors import ConfigError
from calosim_tf.export.fallback import search
from calosim_tf.export.formats import UnsupportedFormat
from calosim_tf.export.operations import count_operations
from calosim_tf.export.options import ExportOptions
from calosim_tf.export.parts import load_parts
from calosim_tf.export.quantisation_physics import Check, holds, per_energy, require_known
from calosim_tf.export.quantise import Int8Quantiser, layers_of, representative
from calosim_tf.export.tflite import float_model, require_runs
from calosim_tf.export.write import export
from calosim_tf.geometry import PHOTON
from calosim_tf.keras_compat import lite_interpreter
from calosim_tf.layers.layer_attention import LayerAttention
from calosim_tf.layers.layer_shares import LayerShares

from .conftest import small_tables

DRAWS = 64


@pytest.fixture(scope="module")
def part_of(run_of):
    """``part_of(family)``: network of an untrained run, loaded once."""
    loaded = {}

    def part(family):
        if family not in loaded:
            with pytest.MonkeyPatch.context() as monkeypatch:
                small_tables(monkeypatch)
                (loaded[family],) = load_parts(run_of(family))
        return loaded[family]

    return part


@pytest.mark.parametrize("family", ["calo_shower_gan", "conv2d_3dgan"])
def test_dense_and_two_dimensional_networks_are_all_integer(family, part_of):
    """Breaks when an operation stays in floating point between conversions, or is counted as what it is not."""
    found = count_operations(Int8Quantiser(part_of(family), 2, 4).model())
    assert found.floating == {}
    assert found.all_integer
    assert (found.conversions, found.ends) == (3, 3)  # latent, condition, showers
    assert set(found.integer) & {"FULLY_CONNECTED", "CONV_2D", "TRANSPOSE_CONV"}
    assert found.tensors["FLOAT32"] == 3


def test_three_dimensional_convolutions_are_reported_for_what_they_are(part_of):
    """Breaks when a network that computes in floating point is called integer."""
    found = count_operations(Int8Quantiser(part_of("conv3d_3dgan"), 1, 2).model())
    assert found.floating["CONV_3D"] == 4
    assert not found.all_integer
    assert "4 CONV_3D" in found.in_words()


def test_integer_ends_are_integer(part_of):
    """Breaks when the option is lost: a caller that feeds integers gets an error or noise."""
    model = Int8Quantiser(part_of("calo_shower_gan"), 2, DRAWS, integer_io=True).model()
    call = lite_interpreter(model_content=model).get_signature_runner()
    details = [*call.get_input_details().values(), *call.get_output_details().values()]
    assert [detail["dtype"] for detail in details] == [np.int8] * 3
    assert count_operations(model).conversions == 0


def test_calibration_covers_latents_and_conditions(part_of):
    """Breaks when fewer draws are made than requested, energies cover a part of the range, or latents are all alike."""
    part = part_of("calo_shower_gan")
    calls = list(representative(part, 100, 1000)())
    latent, condition = (np.concatenate([call[name] for call in calls]) for name in ("latent", "condition"))
    assert latent.shape == (1000, 9)
    assert (condition.min(), condition.max()) == pytest.approx((0.0, 1.0), abs=1e-6)
    assert np.histogram(condition, bins=10, range=(0, 1))[0].min() >= 99
    assert len(np.unique(latent)) > 0.999 * latent.size
    assert latent.mean() == pytest.approx(0.5, abs=0.02)


def test_layers_go_back_until_the_physics_holds(part_of):
    """Breaks when the search ends too early, passes names that the converter does not know, or miscounts."""
    part = part_of("calo_shower_gan")
    quantiser = Int8Quantiser(part, 32, DRAWS)
    assert quantiser.layers == (
        *("latent_and_condition", "hidden_0", "hidden_0_activation", "hidden_1", "hidden_1_activation", "output"),
        "showers",
    )
    check = Check.over_energies(part, 90, seed=0)
    first = search(quantiser, check, check, {"cell_rms": 1.0})
    assert (first.layers, len(first.trace), first.holds) == ((), 1, True)
    wanted = {"cell_rms": 0.5 * first.trace[0]["metrics"]["cell_rms"]}
    found = search(quantiser, check, check, wanted)
    assert found.holds
    assert 0 < len(found.layers) < len(quantiser.layers)
    assert [row["layer"] for row in found.trace] == [None, *found.layers]
    assert not any(holds(row["metrics"], wanted) for row in found.trace[:-1])
    damages = [row["damage_alone"] for row in found.trace[1:]]
    assert damages == sorted(damages, reverse=True)
    operations = count_operations(quantiser.model(found.layers))
    assert sum(operations.floating.values()) == found.trace[-1]["floating_operations"] > 0
    nothing_left = search(quantiser, check, check, {"cell_rms": 1e-5})
    assert set(nothing_left.layers) == set(quantiser.layers)
    assert nothing_left.holds


def test_changes_are_those_of_hand_made_showers(part_of):
    """Breaks when a mean is taken over the wrong energies, a width is a variance, or a sign is lost."""
    energy = np.array([100.0, 100.0, 400.0, 400.0])
    before, after = np.zeros((2, 4, 368), dtype="f4")
    before[:, 0], after[:, 0] = [40.0, 60.0, 300.0, 300.0], [44.0, 66.0, 270.0, 270.0]
    sets = [ShowerSet(energy, cells, PHOTON, "by hand") for cells in (before, after)]
    low, high = per_energy(*sets)
    assert low["response_before"] == pytest.approx(0.5)
    assert low["response_shift"] == pytest.approx(0.1)
    assert (low["width_before"], low["width_shift"]) == (pytest.approx(0.1), pytest.approx(0.1))
    assert (high["response_shift"], high["width_shift"]) == (pytest.approx(-0.1), 0.0)
    check = Check(part_of("calo_shower_gan"), energy, np.empty((4, 0)), np.empty((4, 9)))
    check.__dict__["before"] = sets[0]
    found = check.changes(sets[1], ["response_shift", "cell_rms", "separation_e_tot_over_e_inc", "response_mean_ratio"])
    assert found["response_shift"] == pytest.approx(0.1)
    assert found["cell_rms"] == pytest.approx(np.linalg.norm([4, 6, 30, 30]) / np.linalg.norm([40, 60, 300, 300]))
    assert found["separation_e_tot_over_e_inc"] > 0.2
    with pytest.raises(ConfigError, match="found metric 'beauty'"):
        require_known(["beauty"])


def test_names_of_results_lead_to_layers():
    """Breaks when operations of one layer are taken apart, or the last one has no name."""
    names = ["generator/hidden_0/MatMul1", "generator/hidden_0_activation/mul_1", "StatefulPartitionedCall:0"]
    assert layers_of(names) == {"hidden_0": names[:1], "hidden_0_activation": names[1:2], "showers": names[2:]}
    assert layers_of(["generator/conv2d/Conv2D;generator/bn/add"]) == {
        "conv2d": ["generator/conv2d/Conv2D;generator/bn/add"]
    }


def test_the_report_says_what_the_files_are(run_of, part_of, tmp_path):
    """Breaks when sizes, operations or physics of the report are not those of the files beside it."""
    options = ExportOptions(
        ("tflite_int8", "tflite_int16x8"), batches=(4,), draws=DRAWS, events=90, tolerances={"response_shift": 10.0}
    )
    export(run_of("calo_shower_gan"), tmp_path / "bundle", options)
    (record,) = read_sidecar(tmp_path / "bundle").networks
    for word in ("int8", "int16x8"):
        report = json.loads((tmp_path / "bundle" / f"quantisation_{word}.json").read_text())
        (row,) = report["files"]
        model = (tmp_path / "bundle" / row["file"]).read_bytes()
        assert record.file(f"tflite_{word}").path == row["file"]
        assert row["bytes"] == len(model)
        assert row["float_bytes"] == len(float_model(part_of("calo_shower_gan").network, 4))
        assert row["operations"] == count_operations(model).to_dict()
        assert row["operations"]["all_integer"]
        assert row["time_over_float32"]["median"] > 0
        assert report["reference"]["source"] == "EGSnrc sample"
        assert {entry["metric"] for entry in report["reference"]["metrics"]} > {"response_mean_ratio"}
        assert report["changes"]["response_shift"] == max(abs(e["response_shift"]) for e in report["per_energy"])
        assert (report["fallback"] is None) == (word == "int16x8")
        page = (tmp_path / "bundle" / f"quantisation_{word}.md").read_text()
        assert f"{len(model):,}" in page
        for picture in ("response", "spectrum"):
            assert (tmp_path / "bundle" / f"quantisation_{word}_{picture}.png").read_bytes()[:4] == b"\x89PNG"
            assert f"quantisation_{word}_{picture}.png" in page
    assert "quantisation_int8.md" in (tmp_path / "bundle" / "card.md").read_text()
    # sixteen bits of activations change less than eight
    changes = [
        json.loads((tmp_path / "bundle" / f"quantisation_{word}.json").read_text())["changes"]["cell_rms"]
        for word in ("int16x8", "int8")
    ]
    assert changes[0] < changes[1]


def sixteen_bit_model(network, examples):
    """A network in 16-bit integers, calibrated on ``examples``."""
    prepared = tf.lite.TFLiteConverter.from_keras_model(network)
    prepared.optimizations = [tf.lite.Optimize.DEFAULT]
    prepared.representative_dataset = lambda: iter(examples)
    prepared.target_spec.supported_ops = [
        tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
        tf.lite.OpsSet.TFLITE_BUILTINS,
    ]
    return prepared.convert()


def of_sixteen_bits(network, examples, inputs):
    """Output of a network in 16-bit integers, calibrated on ``examples``."""
    interpreter = lite_interpreter(model_content=sixteen_bit_model(network, examples))
    (found,) = interpreter.get_signature_runner("serving_default")(**inputs).values()
    return found


@pytest.mark.slow
def test_sixteen_bits_saturate_beyond_the_calibrated_range():
    """Breaks if a sum of 16-bit integers wraps around, so that cells brighter than any in calibration become 0."""
    inputs = [keras.Input((6, 6, 1), batch_size=1, name=name) for name in ("own", "carried")]
    network = keras.Model(inputs, LayerAttention(seed=1)(inputs))
    rng = np.random.default_rng(0)
    cells = {name: rng.uniform(0.2, 1.0, (1, 6, 6, 1)).astype("f4") for name in ("own", "carried")}
    found = of_sixteen_bits(network, [{name: 0.8 * x for name, x in cells.items()}] * 4, cells)
    expected = network([cells["own"], cells["carried"]]).numpy()
    assert (found > 0.7 * expected).all()


@pytest.mark.slow
def test_shares_of_layers_survive_sixteen_bits():
    """Breaks if the sum over open layers wraps around in 16-bit integers: shares are then lost or of the wrong sign."""
    given = keras.Input((6 + 3 + 1,), batch_size=1, name="given")
    network = keras.Model(given, LayerShares((2, 2, 2), gate=True)(given))
    rng = np.random.default_rng(0)
    # three layers open, then one
    usual = [{"given": rng.normal(0.5, 0.2, (1, 10)).astype("f4")} for _ in range(8)]
    lone = usual[0]["given"].copy()
    lone[0, 6:9] = 0.9, -0.5, -6.0
    for values in (usual[0]["given"], lone):
        found = of_sixteen_bits(network, [*usual, {"given": lone}], {"given": values})
        np.testing.assert_allclose(found, network(values).numpy(), atol=0.02)


def test_what_deviates_beyond_the_usual_is_said_in_the_card():
    """Breaks if a file of reduced precision that gives other numbers is written without a word."""
    row = {"network": "generator", "format": "tflite_int16x8", "file": "model.int16x8.b1.tflite", "batch": 1}
    row |= {"usual": 0.5, "relative_change_of_total_energy": 0.03}
    rows = [row | {"largest_deviation_over_largest_output": deviation} for deviation in (0.4, 1.0)]
    (sentence,) = beyond_usual({"files": [*rows, rows[1] | {"usual": None}]})
    assert sentence.startswith("model.int16x8.b1.tflite differs from the network by 1 of its largest output")
    assert sentence in "\n".join(_parity_lines({"showers": 64, "files": rows}))
    assert all(kind.usual is not None for kind in FORMATS.values() if kind.tolerance is None)


@pytest.mark.slow
def test_what_converts_but_does_not_run_is_refused():
    """Breaks if a bundle may hold a model that ends with a traceback at its first shower."""
    given = keras.Input((4,), batch_size=1, name="given")
    tiled = keras.Model(given, keras.layers.Lambda(lambda x: tf.tile(x, (1, 3)))(keras.layers.Dense(4)(given)))
    model = sixteen_bit_model(tiled, [{"given": np.ones((1, 4), "f4")}] * 4)
    with pytest.raises(UnsupportedFormat, match=r"INT16.*tile"):
        require_runs(model)
    require_runs(tf.lite.TFLiteConverter.from_keras_model(tiled).convert())
