"""What a format cannot hold, and files that give other numbers: an error, and no bundle."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.bundle.sidecar import read_sidecar
from calosim_tf.errors import ConfigError, ExportError
from calosim_tf.export.formats import UnsupportedFormat
from calosim_tf.export.lwtnn import lwtnn_model
from calosim_tf.export.onnx import onnx_model
from calosim_tf.export.options import ExportOptions
from calosim_tf.export.parity import _above
from calosim_tf.export.tflite import float_model
from calosim_tf.export.write import export


def test_an_operation_that_a_format_lacks_is_named(run_of, tmp_path):
    """Breaks when half a bundle is left, or the reason is a traceback; with `all` it is recorded instead."""
    out = tmp_path / "bundle"
    with pytest.raises(
        ConfigError, match=r"--format lwtnn: .*lwtnn holds dense layers.*found Reshape channels_first"
    ) as caught:
        export(run_of("lhcb_gan"), out, ExportOptions(("lwtnn",)))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    export(run_of("lhcb_gan"), out, ExportOptions(("lwtnn",), skip_unsupported=True))
    (record,) = read_sidecar(out).networks
    assert "lwtnn holds dense layers" in record.not_available["lwtnn"]
    assert "Not as lwtnn" in (out / "card.md").read_text()


class IncompleteBeta(keras.layers.Layer):
    """An operation that neither TensorFlow Lite nor ONNX has."""

    def call(self, inputs):
        return tf.math.betainc(tf.ones_like(inputs), tf.ones_like(inputs), inputs)


@pytest.mark.parametrize("make", [onnx_model, lambda network: float_model(network, 1)], ids=["onnx", "tflite"])
def test_an_operation_that_a_converter_lacks_is_its_reason(make):
    """Breaks when a converter's error is a traceback of fifty lines, or it writes a file that no runtime takes."""
    latent, condition = keras.Input((3,), name="latent"), keras.Input((1,), name="condition")
    x = IncompleteBeta()(keras.layers.Concatenate()([latent, condition]))
    network = keras.Model({"latent": latent, "condition": condition}, x)
    with pytest.raises(UnsupportedFormat, match=r"(?i)betainc") as caught:
        make(network)
    assert "\n" not in str(caught.value)


def test_a_file_with_other_numbers_is_no_export(run_of, tmp_path, monkeypatch):
    """Breaks when a converter's mistake is shipped."""

    def shifted(network):
        weights = network.get_weights()
        network.set_weights([w + 1e-3 for w in weights])
        try:
            return lwtnn_model(network)
        finally:
            network.set_weights(weights)

    monkeypatch.setattr("calosim_tf.export.lwtnn.lwtnn_model", shifted)
    with pytest.raises(ExportError, match=r"model\.lwtnn\.json: found outputs of lwtnn that differ by"):
        export(run_of("calo_shower_gan"), tmp_path / "bundle", ExportOptions(("lwtnn",)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("value", "limit", "text"),
    [
        (1.04e-6, 1e-6, "1.04e-06"),
        (0.5, 1e-6, "0.5"),
        (1.0000000001e-6, 1e-6, "1.0000000001e-06"),
        (0.123, None, "0.12"),
    ],
)
def test_a_deviation_is_written_so_that_it_is_above_the_limit(value, limit, text):
    """Breaks if a refusal says "differ by 1e-06, expected at most 1e-06"."""
    assert _above(value, limit) == text


def test_numbers_that_are_not_finite_are_no_export(run_of, tmp_path, monkeypatch):
    """Breaks when NaN passes because no comparison with it is true."""
    monkeypatch.setattr("calosim_tf.export.lwtnn.lwtnn_model", lambda network: _with_nan(network))
    with pytest.raises(ExportError, match="found outputs of lwtnn that differ by nan"):
        export(run_of("calo_shower_gan"), tmp_path / "bundle", ExportOptions(("lwtnn",)))


def _with_nan(network) -> bytes:
    weights = network.get_weights()
    network.set_weights([*weights[:-1], np.full_like(weights[-1], np.nan)])
    try:
        return lwtnn_model(network)
    finally:
        network.set_weights(weights)
