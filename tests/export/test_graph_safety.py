"""A SavedModel that reaches outside of itself is refused before it is loaded."""

import pytest
import tensorflow as tf

from calosim_tf.errors import RunFolderError
from calosim_tf.export.graph_safety import require_plain_graph


def saved(path, function):
    module = tf.Module()
    module.scale = tf.Variable(2.0)
    module.run = tf.function(function, input_signature=[tf.TensorSpec((None,), tf.float32)])
    tf.saved_model.save(module, str(path), signatures=module.run)
    return path


def test_a_network_passes_and_a_program_does_not(tmp_path):
    """Breaks if a foreign bundle can read or write files, or honest ones are refused."""
    require_plain_graph(saved(tmp_path / "plain", lambda x: {"y": tf.nn.relu(x) * 2.0}))

    def writing(x):
        with tf.control_dependencies([tf.io.write_file(str(tmp_path / "stolen"), tf.io.read_file("/etc/hostname"))]):
            return {"y": tf.identity(x)}

    with pytest.raises(RunFolderError, match="its graph holds ReadFile, WriteFile, expected a network that only"):
        require_plain_graph(saved(tmp_path / "program", writing))
    assert not (tmp_path / "stolen").exists()


def test_rubbish_is_one_line(tmp_path):
    """Breaks if a damaged graph ends in the words of protobuf."""
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff")
    with pytest.raises(RunFolderError, match="cannot be read as a SavedModel"):
        require_plain_graph(tmp_path)
