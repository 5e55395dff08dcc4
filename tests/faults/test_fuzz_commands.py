"""Command lines put together at random: a result, or one line and exit 2; never a traceback."""

from __future__ import annotations

import argparse
import contextlib
import io
import shlex
import sys

import h5py
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .fuzzing import TRIED, bounded

# Commands that measure this machine, look for a network or rewrite pages: not for random arguments
LEFT_OUT = {("doctor",), ("data", "fetch"), ("reproduce",)}
# Functions that do the work once all arguments are checked
SLOW = ("report.evaluate.evaluate", "data_prep.default_data.default_data", "studies.sensitivity.sensitivity_study")
SLOW += ("studies.amplification.toy_amplification", "studies.shower_amplification.shower_amplification")
SLOW += ("studies.triforce.triforce_study",)
WORDS = ["", " ", "0", "1", "3", "-1", "-3.5", "1e999", "nan", "9" * 30, "photon", "pion", "lhcb", "clic_angle"]
WORDS += ["photon_smoke", "conv2d_g1_smoke", "photon_2gan", "none", "a=b", "=", "training.batch_size=3", "x" * 300]
WORDS += [
    "pretrained:nothing",
    "pretrained:",
    "onnx,tflite",
    "1,100",
    "kpd",
    "neighbours",
    "showers=data/showers",
    "\udcdf",
]
WORDS += [
    "é.hdf5",
    "/",
    "/dev/null",
    "/nowhere/out",
    "..",
    "--",
    "-",
    "--help",
    "-x",
    "sound.hdf5",
    "text.txt",
    "empty",
]
WORDS += ["folder", "new", "sound.hdf5/new", "a.json", "a.yaml", "a.csv", "a.xml"]


@pytest.fixture(scope="module")
def command_line(tmp_path_factory, photon_showers, count):
    """``main`` of a package that cannot import TensorFlow, in a folder with a few files."""
    folder = tmp_path_factory.mktemp("fuzz")
    incident, showers = photon_showers
    with h5py.File(folder / "sound.hdf5", "w") as file:
        file["incident_energies"], file["showers"] = incident[:30, None].astype("f4"), showers[:30].astype("f4")
    (folder / "text.txt").write_text("no data\n")
    (folder / "empty").write_bytes(b"")
    (folder / "folder").mkdir()
    (folder / "a.json").write_text('{"training": {"batch_size": 8}, "title": 1}')
    (folder / "a.yaml").write_text("training: {batch_size: 8}\n")
    (folder / "a.csv").write_text(",".join(["1"] * 368) + "\n")
    (folder / "a.xml").write_text("<Bins></Bins>")
    ours = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "calosim_tf"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("CALOSIM_DATA", str(folder / "data"))
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
        # modules that hold TensorFlow already would begin to train
        for name in ours:
            del sys.modules[name]
        for name in ("tensorflow", "keras"):
            patch.setitem(sys.modules, name, None)
        from calosim_tf import cli
        from calosim_tf.errors import ConfigError

        def begun(*_arguments, **_options):
            raise ConfigError("what takes its time would begin here")

        for slow in SLOW:
            patch.setattr(f"calosim_tf.{slow}", begun)
        yield cli
        for name in [name for name in sys.modules if name.partition(".")[0] == "calosim_tf"]:
            del sys.modules[name]
        sys.modules.update(ours)
    count("fuzz cases of command lines without a traceback", TRIED["command lines"])


def leaves(parser, words=()):
    """Commands and their parsers."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield words, parser
    for action in inner:
        for name, one in action.choices.items():
            yield from leaves(one, (*words, name))


def drawn_line(data, cli):
    commands = [item for item in leaves(cli.build_parser()) if item[0] not in LEFT_OUT]
    words, parser = data.draw(st.sampled_from(commands))
    line = list(words)
    for action in parser._actions:
        wanted = not action.option_strings or action.required or data.draw(st.integers(0, 5)) == 0
        if isinstance(action, argparse._HelpAction) or not wanted:
            continue
        line += action.option_strings[-1:]
        if action.nargs != 0:
            known = list(action.choices or ())
            line += data.draw(
                st.lists(st.sampled_from(WORDS + known * 20), min_size=1, max_size=2 if action.nargs else 1)
            )
    return line + data.draw(st.lists(st.sampled_from(WORDS), max_size=1))


@pytest.mark.timeout(600)
@bounded(2000)
@given(data=st.data())
def test_command_lines(command_line, data):
    """Breaks if an argument that no test foresees reaches the code behind the checks."""
    line = drawn_line(data, command_line)
    TRIED["command lines"] = TRIED.get("command lines", 0) + 1
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            code = command_line.main(line)
        except SystemExit as ended:
            code = ended.code
        except ImportError as error:
            # TensorFlow is needed: all checks are passed, and the work would begin
            if error.name in ("tensorflow", "keras"):
                return
            raise
    said = [text for text in errors.getvalue().splitlines() if text.startswith("calosim: error: ")]
    assert (code, len(said)) in ((0, 0), (1, 1), (2, 1)), (shlex.join(line), errors.getvalue())
