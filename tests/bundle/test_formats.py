"""One record per format: what it names is there, and all that is known by name follows from it."""

import dataclasses
import string

import pytest

from calosim_tf.bundle import formats
from calosim_tf.bundle.formats import FORMATS
from calosim_tf.commands.export import chosen_formats
from calosim_tf.inference import backends

ROLES = ("writer", "runner", "loader", "engine", "network_engine", "joiner")


@pytest.mark.parametrize("kind", FORMATS)
def test_every_function_that_a_record_names_is_there(kind):
    """Breaks when a writer, runner or engine is renamed: the export would only fail after minutes."""
    record = FORMATS[kind]
    named = [role for role in ROLES if getattr(record, role)]
    assert {"writer", "runner"} <= set(named)
    assert all(callable(record.function(role)) for role in named)
    assert ("loader" in named) == bool(record.ways)
    assert ("engine" in named) == ("network_engine" in named) == bool(record.package)


def test_no_two_formats_share_a_file_or_a_way():
    """Breaks when one format overwrites the file of another one, or hides its back end."""
    names = [record.file_name.format(stem="model", batch=1) for record in FORMATS.values()]
    assert len({*names, "routed.saved_model"}) == len(FORMATS) + 1
    assert [kind.name for kind in FORMATS.values()] == list(FORMATS)
    ways = [way for record in FORMATS.values() for way in record.ways]
    assert sorted(ways) == sorted(backends.FORMAT_OF)
    for record in FORMATS.values():
        assert {field for _, field, _, _ in string.Formatter().parse(record.file_name) if field} <= {"stem", "batch"}


def test_back_ends_keep_their_order_and_extras():
    """Breaks when tables of the benchmark, --help, or what is run without TensorFlow change with the formats."""
    assert backends.BACKENDS == ("tf", "xla", "onnx", "tflite")
    assert (*backends.BACKENDS, "lwtnn") == backends.ALL_BACKENDS
    assert backends.PRECISIONS == ("float32", "float16", "dynamic", "int8", "int16x8")
    assert backends.WITH_TENSORFLOW == ("tf", "xla")
    assert backends.PACKAGES == {"onnx": "onnxruntime", "tflite": "ai_edge_litert"}


def test_a_new_format_is_known_to_the_command(monkeypatch):
    """Breaks when the names of --format are listed anywhere but in the records."""
    own = dataclasses.replace(FORMATS["lwtnn"], name="own", file_name="{stem}.own")
    monkeypatch.setitem(formats.FORMATS, "own", own)
    assert chosen_formats("own,onnx") == ("onnx", "own")
    assert chosen_formats("all")[-1] == "own"
