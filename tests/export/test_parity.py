"""Every family in every format of full precision gives the numbers of its Keras network, run by each format's own
runtime."""

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.bundle.sidecar import read_sidecar
from calosim_tf.export.options import ExportOptions
from calosim_tf.export.write import export
from calosim_tf.latents import draw_latents
from calosim_tf.training.load import load_network

from .conftest import FAMILIES, small_tables
from .lwtnn_by_hand import run_lwtnn

SHOWERS = 7
BATCH = 4


def run_saved_model(path, latent, condition):
    raw = tf.saved_model.load(str(path)).signatures["raw"]
    return raw(latent=tf.constant(latent), condition=tf.constant(condition))["showers"].numpy()


def run_onnx(path, latent, condition):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["showers"], {"latent": latent, "condition": condition})[0]


def run_tflite(path, latent, condition):
    call = tf.lite.Interpreter(str(path)).get_signature_runner("serving_default")
    rows = np.arange(2 * BATCH) % SHOWERS
    blocks = [call(latent=latent[r], condition=condition[r])["showers"] for r in (rows[:BATCH], rows[BATCH:])]
    return np.concatenate(blocks)[:SHOWERS]


RUNTIMES = {
    "saved_model": (run_saved_model, 1e-6),
    "onnx": (run_onnx, 1e-5),
    "tflite": (run_tflite, 1e-5),
    "lwtnn": (run_lwtnn, 1e-5),
}
LWTNN = ("calo_shower_gan", "layer_shares")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_format_gives_the_network_s_numbers(family, run_of, tmp_path, monkeypatch):
    """Breaks when inputs are exchanged, a weight is lost on the way, or a batch size is wrong."""
    small_tables(monkeypatch)
    run = run_of(family)
    kinds = tuple(kind for kind in RUNTIMES if kind != "lwtnn" or family in LWTNN)
    export(run, tmp_path / "bundle", ExportOptions(kinds, batches=(BATCH,)))
    (record,) = read_sidecar(tmp_path / "bundle").networks
    generator, _ = load_network(run)
    latent = draw_latents(record.latent, 5, 0, SHOWERS)
    low, high = record.condition.low, record.condition.high
    condition = np.random.default_rng(6).uniform(low, high, (SHOWERS, len(low))).astype("f4")
    expected = generator.network({"latent": latent, "condition": condition}, training=False).numpy()
    assert expected.std() > 0
    for kind in kinds:
        call, tolerance = RUNTIMES[kind]
        found = call(tmp_path / "bundle" / record.file(kind).path, latent, condition).reshape(expected.shape)
        # folding adds its own rounding, of the same size as that of the network itself
        allowed = (tolerance + 2e-6) * np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=0, atol=allowed, err_msg=kind)


@pytest.mark.parametrize("family", ["calo_shower_gan", "layer_shares", "lhcb_gan", "calogan", "conv3d_3dgan"])
def test_physics_in_physics_out(family, run_of, tmp_path, monkeypatch):
    """Breaks when the graph's label, unit, order of cells or attributes are not those of generation."""
    small_tables(monkeypatch)
    run = run_of(family)
    export(run, tmp_path / "bundle", ExportOptions(("saved_model",)))
    (record,) = read_sidecar(tmp_path / "bundle").networks
    showers = tf.saved_model.load(str(tmp_path / "bundle" / record.file("saved_model").path)).signatures["showers"]
    generator, _ = load_network(run)
    low, high = generator.trained_range_mev
    energy = np.geomspace(1.01 * low, 0.99 * high, SHOWERS).astype("f4")
    latent = draw_latents(record.latent, 5, 0, SHOWERS)
    attributes = generator.detector.central_attributes(energy)
    if attributes.shape[1]:
        attributes = attributes + np.random.default_rng(1).uniform(0.0, 0.1, attributes.shape)
        attributes = attributes.astype("f4").astype("f8")
    expected = generator.showers(energy.astype("f8"), latent, attributes)
    fed = {"incident_energy_mev": tf.constant(energy), "latent": tf.constant(latent)}
    if attributes.shape[1]:
        fed["attributes"] = tf.constant(attributes.astype("f4"))
    found = showers(**fed)["cells_mev"].numpy()
    assert found.shape == (SHOWERS, generator.detector.n_voxels)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
