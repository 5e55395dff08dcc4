"""`calosim study` as users start it."""

import json

import pytest


def test_toy_writes_a_page_without_tensorflow(calosim, tmp_path, without_tensorflow):
    done = calosim("study", "amplification", "--repeats", 5, "--json", "--out", tmp_path / "toy", **without_tensorflow)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads((tmp_path / "toy" / "study.json").read_text())
    assert json.loads(done.stdout) == document
    assert (document["study"], document["form"], document["training"]) == ("amplification", "toy", 100)
    page = (tmp_path / "toy" / "report.html").read_text()
    assert page.count("data:image/png;base64,iVBOR") == 1
    assert "stand-in" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sensitivity", "--resamples", "100"], "--resamples: found 100, expected at least 200"),
        (["sensitivity", "--metrics", "chi3"], "chi3: unknown"),
        (["amplification", "--repeats", "1"], "expected at least 2"),
        (["amplification", "--reference", "x.hdf5"], "is for a RUN"),
        (["amplification", "pretrained:photon"], "--reference F: is missing"),
        (["triforce", "no_such_run"], "no such folder"),
    ],
)
def test_mistakes_take_one_line(tmp_path, capsys, arguments, message):
    from calosim_tf.cli import main

    assert main(["study", *arguments, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
