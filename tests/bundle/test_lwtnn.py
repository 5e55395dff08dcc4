"""Networks in lwtnn's format, run with numpy."""

import json

import numpy as np
import pytest

from calosim_tf.bundle.lwtnn import LwtnnNetwork
from calosim_tf.errors import RunFolderError


def graph(activation, weights=(1.0, 2.0, 3.0, 4.0, 0.0, -1.0)):
    """Two outputs of two latents (offset 1, scale 2) and one condition, which stands first."""
    scaled = [{"name": str(i), "offset": 1.0, "scale": 2.0} for i in range(2)]
    return {
        "inputs": [
            {"name": "condition", "variables": [{"name": "0", "offset": 0.0, "scale": 1.0}]},
            {"name": "latent", "variables": scaled},
        ],
        "nodes": [
            {"type": "input", "sources": [0]},
            {"type": "input", "sources": [1]},
            {"type": "concatenate", "sources": [1, 0]},
            {"type": "feed_forward", "sources": [2], "layer_index": 0},
        ],
        "layers": [{"weights": list(weights), "bias": [0.5, -3.5], "activation": activation}],
        "outputs": {"cells": {"node_index": 3}},
    }


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("linear", [41.5, -4.5]),
        ("rectified", [41.5, 0.0]),
        ({"function": "leakyrelu", "alpha": 0.1}, [41.5, -0.45]),
        ({"function": "swish", "alpha": 2.0}, [41.5, -4.5 / (1 + np.exp(9.0))]),
        ("softmax", [1.0, np.exp(-46.0)]),
    ],
)
def test_a_dense_layer_by_hand(activation, expected):
    """Latents (0, 2) become (2, 6), the condition stays 9: 2 + 12 + 27 + 0.5, and 8 + 0 - 9 - 3.5."""
    found = LwtnnNetwork(graph(activation))(np.array([[0.0, 2.0]]), np.array([[9.0]]))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[expected[0], expected[1]]], rtol=1e-6)


def test_what_is_no_graph_is_refused_in_one_line(tmp_path):
    """Breaks when a graph is refused, or another document ends in a traceback."""
    path = tmp_path / "network.json"
    path.write_text(json.dumps(graph("linear")))
    assert LwtnnNetwork.read(path).graph == graph("linear")
    path.write_text(json.dumps({"inputs": []}))
    with pytest.raises(RunFolderError, match="found keys inputs, expected inputs, nodes, layers and outputs"):
        LwtnnNetwork.read(path)
    with pytest.raises(RunFolderError, match="found activation 'cube'"):
        LwtnnNetwork(graph("cube"))(np.zeros((1, 2)), np.zeros((1, 1)))
