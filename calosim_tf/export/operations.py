"""What a TensorFlow Lite model computes in integers and what in floating point, read from its file."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from tensorflow.lite.python import schema_py_generated as schema

CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")
FLOATS = ("FLOAT32", "FLOAT16", "FLOAT64")


@dataclass(frozen=True)
class Operations:
    """Numbers of operations and tensors of a model.

    Attributes
    ----------
    integer, floating : dict
        Name of an operation -> how often it is there with an integer result, and with a floating-point one.
        Conversions between the two are not in these; a change of scale between integers is.
    conversions : int
        From floating point to integers or back, those at inputs and outputs included.
    ends : int
        Floating-point inputs and outputs, each of which costs one conversion.
    tensors : dict
        Type -> tensors, weights included.
    """

    integer: dict[str, int]
    floating: dict[str, int]
    conversions: int
    ends: int
    tensors: dict[str, int]

    @property
    def all_integer(self) -> bool:
        """Whether nothing is computed in floating point: conversions stand at inputs and outputs alone."""
        return not self.floating and self.conversions <= self.ends

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form."""
        return {**asdict(self), "all_integer": self.all_integer}

    def in_words(self) -> str:
        """Summary in a line."""
        total = sum(self.integer.values()) + sum(self.floating.values())
        if self.all_integer:
            return f"all {total} operations are integer"
        names = ", ".join(f"{count} {name}" for name, count in sorted(self.floating.items())) or "none"
        return (
            f"{sum(self.floating.values())} of {total} operations stay in floating point ({names}), with "
            f"{self.conversions} conversions"
        )


def count_operations(model: bytes) -> Operations:
    """Count the operations and tensors of a serialised model."""
    content = schema.ModelT.InitFromPackedBuf(bytearray(model), 0)
    integer, floating, tensors = Counter(), Counter(), Counter()
    conversions = ends = 0
    for graph in content.subgraphs:
        types = [_name(schema.TensorType, tensor.type) for tensor in graph.tensors]
        tensors.update(types)
        ends += sum(types[index] in FLOATS for index in (*graph.inputs, *graph.outputs))
        for operator in graph.operators:
            name = _operator_name(content.operatorCodes[operator.opcodeIndex])
            ends_in_float = any(types[index] in FLOATS for index in operator.outputs)
            if name in CONVERSIONS and (ends_in_float or types[operator.inputs[0]] in FLOATS):
                conversions += 1
            elif ends_in_float:
                floating[name] += 1
            else:
                integer[name] += 1
    return Operations(dict(integer), dict(floating), conversions, ends, dict(tensors))


def result_names(model: bytes) -> list[str]:
    """Name of the result of every operation, in order."""
    content = schema.ModelT.InitFromPackedBuf(bytearray(model), 0)
    (graph,) = content.subgraphs
    return [graph.tensors[index].name.decode() for operator in graph.operators for index in operator.outputs]


def _operator_name(code: schema.OperatorCodeT) -> str:
    # older files store small codes in the deprecated field
    return _name(schema.BuiltinOperator, max(code.builtinCode, code.deprecatedBuiltinCode))


def _name(enumeration: type, value: int) -> str:
    return next(name for name, number in vars(enumeration).items() if number == value)
