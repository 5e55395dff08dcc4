"""Every family in every format of full precision gives the numbers of its Keras network, run by each format's own
runtime."""

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.bundle.sidecar import read_sidecar
from calosim_tf.export.options import ExportOptions
from calosim_tf.export.write import export
from calosim_tf.keras_compat import lite_interpreter
from calosim_tf.latents import draw_latents
from calosim_tf.training.load import load_generator, load_network

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
    call = lite_interpreter(model_path=str(path)).get_signature_runner("serving_default")
    rows = np.arange(2 * BATCH) % SHOWERS
    blocks = [call(latent=latent[r], condition=condition[r])["showers"] for r in (rows[:BATCH], rows[BATCH:])]
    return np.concatenate(blocks)[:SHOWERS]


RUNTIMES = {
    "saved_model": (run_saved_model, 2e-6),
    "onnx": (run_onnx, 1e-5),
    "tflite": (run_tflite, 1e-5),
    "lwtnn": (run_lwtnn, 1e-5),
}
LWTNN = ("calo_shower_gan", "layer_shares")


@pytest.fixture(scope="module")
def exported(run_of, tmp_path_factory):
    """``exported(family)``: bundle of an untrained run, its record and its generator; made once."""
    made = {}

    def bundle(family):
        if family not in made:
            out = tmp_path_factory.mktemp("bundles") / family
            kinds = tuple(kind for kind in RUNTIMES if kind != "lwtnn" or family in LWTNN)
            with pytest.MonkeyPatch.context() as monkeypatch:
                small_tables(monkeypatch)
                export(run_of(family), out, ExportOptions(kinds, batches=(BATCH,)))
                made[family] = out, read_sidecar(out).networks[0], load_network(run_of(family))[0]
        return made[family]

    return bundle


# Every builder; the original CaloGAN, slow to convert, has its row in docs/export_matrix.py
@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "calogan_original"])
def test_every_format_gives_the_network_s_numbers(family, exported):
    """Breaks when inputs are exchanged, a weight is lost on the way, or a batch size is wrong."""
    bundle, record, generator = exported(family)
    latent = draw_latents(record.latent, 5, 0, SHOWERS)
    low, high = record.condition.low, record.condition.high
    condition = np.random.default_rng(6).uniform(low, high, (SHOWERS, len(low))).astype("f4")
    expected = generator.network({"latent": latent, "condition": condition}, training=False).numpy()
    assert expected.std() > 0
    assert set(record.files) >= {"saved_model", "onnx", "tflite"}
    for kind in record.files:
        call, tolerance = RUNTIMES[kind]
        found = call(bundle / record.file(kind).path, latent, condition).reshape(expected.shape)
        # folding adds its own rounding, of the same size as that of the network itself
        allowed = (tolerance + 2e-6) * np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=0, atol=allowed, err_msg=kind)


@pytest.mark.parametrize("family", ["calo_shower_gan", "layer_shares", "lhcb_gan", "calogan", "conv3d_3dgan"])
def test_physics_in_physics_out(family, exported):
    """Breaks when the graph's label, unit, order of cells or attributes are not those of generation."""
    bundle, record, generator = exported(family)
    showers = tf.saved_model.load(str(bundle / record.file("saved_model").path)).signatures["showers"]
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


def test_a_split_is_one_bundle_that_routes_by_energy(run_of, tmp_path):
    """Breaks when a shower comes from the network of another range, or a shared edge from the lower one."""
    run = run_of("split")
    export(run, tmp_path / "bundle", ExportOptions(("saved_model",)))
    sidecar = read_sidecar(tmp_path / "bundle")
    assert [network.name for network in sidecar.networks] == ["low", "high"]
    assert sidecar.networks[0].energy_range_mev == (None, 4096.0)
    showers = tf.saved_model.load(str(tmp_path / "bundle" / sidecar.routed.path)).signatures["showers"]
    energy = np.array([65536.0, 256.0, 4096.0, 4095.0, 8192.0], dtype="f4")
    sizes = [network.latent.size for network in sidecar.networks]
    latent = draw_latents(sidecar.networks[int(np.argmax(sizes))].latent, 5, 0, len(energy))
    found = showers(incident_energy_mev=tf.constant(energy), latent=tf.constant(latent))["cells_mev"].numpy()
    members = load_generator(run)[0].members
    for row, index in enumerate([1, 0, 1, 0, 1]):
        generator = members[index][2]
        expected = generator.showers(energy[[row]].astype("f8"), latent[[row], : generator.latent.size])
        np.testing.assert_allclose(found[[row]], expected, rtol=0, atol=1e-5 * np.abs(expected).max())
