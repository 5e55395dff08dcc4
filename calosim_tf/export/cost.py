"""How many multiply-adds a network takes, counted in its traced graph."""

from __future__ import annotations

import math
import re

import tensorflow as tf


def multiply_adds(graph: tf.Graph) -> int:
    """Multiply-adds of matrix products and convolutions; positions in padding count, activations do not.

    What a loop does counts as often as it goes round at most.

    Parameters
    ----------
    graph : tf.Graph
        All shapes are known: traced for a batch of 1, for the work of one shower.
    """
    return sum(_of_operation(operation) for operation in graph.get_operations())


def _of_operation(operation: tf.Operation) -> int:
    match operation.type:
        case "MatMul":
            inner = operation.inputs[0].shape[0 if operation.get_attr("transpose_a") else 1]
            return _size(operation.outputs[0]) * inner
        case "BatchMatMulV2":
            inner = operation.inputs[0].shape[-2 if operation.get_attr("adj_x") else -1]
            return _size(operation.outputs[0]) * inner
        case "Conv2D" | "Conv3D":
            # kernel: window, channels in, channels out
            return _size(operation.outputs[0]) * math.prod(operation.inputs[1].shape[:-1])
        case "Conv2DBackpropInput" | "Conv3DBackpropInputV2":
            # transposed convolution: window, channels out, channels in; each input cell meets the whole kernel
            return _size(operation.inputs[2]) * math.prod(operation.inputs[1].shape[:-1])
        case "DepthwiseConv2dNative":
            return _size(operation.outputs[0]) * math.prod(operation.inputs[1].shape[:2])
        case "Einsum":
            equation = operation.get_attr("equation").decode()
            sizes: dict[str, int] = {}
            for letters, tensor in zip(re.split("[,>-]+", equation), operation.inputs, strict=False):
                sizes |= zip(letters, tensor.shape, strict=True)
            return math.prod(sizes.values())
        case "While" | "StatelessWhile":
            # second of its inputs: the maximum of iterations
            rounds = tf.get_static_value(operation.inputs[1])
            body = operation.graph._get_function(operation.get_attr("body").name)
            return int(rounds) * multiply_adds(body.graph)
    return 0


def _size(tensor: tf.Tensor) -> int:
    return math.prod(tensor.shape)
