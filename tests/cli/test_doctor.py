"""``calosim doctor``: one line per finding, and faults are found."""

import json

import pytest

from calosim_tf import doctor

SOUND = {
    2: {"tensorflow": "2.15.1", "keras": "2.15.0", "numpy": "1.26.4", "protobuf": "4.25.9", "h5py": "3.16"},
    3: {"tensorflow": "2.21.0", "keras": "3.15.1", "numpy": "2.5.0", "protobuf": "7.36.2", "h5py": "3.14"},
}


def test_this_installation_is_sound(calosim, tmp_path):
    """Breaks if the constraints file installs what doctor calls broken, or a finding is not one line."""
    process = calosim("doctor", "--json", cwd=tmp_path, CALOSIM_DATA=str(tmp_path / "data"))
    assert process.returncode == 0, process.stdout + process.stderr
    found = json.loads(process.stdout)
    assert [item for item in found if item["state"] == "fault"] == []
    texts = {item["what"]: item["text"] for item in found}
    assert texts["tensorflow"].startswith(("2.15.", "2.21."))
    assert texts["devices"].startswith("CPU 0")
    assert "cores usable" in texts["threads"]
    assert texts["data folder"].startswith(f"{tmp_path / 'data'}: can be made")
    assert texts["working folder"].startswith(f"{tmp_path}: can be written")


@pytest.mark.parametrize(
    ("keras", "versions", "words"),
    [
        (2, {"numpy": "2.1.0"}, "expected below 2: tensorflow 2.15 is built against numpy 1"),
        (2, {"tensorflow": "2.16.1"}, "expected below 2.16"),
        (2, {"setuptools": "81.0.0"}, "pkg_resources"),
        (2, {"protobuf": "3.20.3"}, "expected 4.25 or later"),
        (2, {"tf2onnx": "1.16.1"}, "expected 1.17 or later"),
        (3, {"tensorflow": "2.15.1"}, "expected 2.21 or later"),
        (3, {"keras": "2.15.0"}, "expected 3.12 or later"),
        (3, {"tensorflow": "2.22.0"}, "expected below 2.22"),
    ],
)
def test_known_bad_combinations(monkeypatch, keras, versions, words):
    """Breaks if a version that is known to break the others passes, or one set is judged by the bounds of the other."""
    monkeypatch.setattr(doctor, "TOO_NEW", getattr(doctor, f"TOO_NEW_KERAS_{keras}"))
    monkeypatch.setattr(doctor, "TOO_OLD", getattr(doctor, f"TOO_OLD_KERAS_{keras}"))
    monkeypatch.setattr(doctor, "_version", (SOUND[keras] | versions).get)
    (found,) = doctor._combinations()
    assert (found.state, found.what) == ("fault", next(iter(versions)))
    assert words in found.text


def test_a_missing_package_and_a_folder_that_cannot_be_written(monkeypatch, tmp_path):
    """Breaks if doctor says ok where training or generation will end."""
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "h5py" else "1")
    assert [item.what for item in doctor._packages() if item.state == "fault"] == ["h5py"]
    (tmp_path / "file").write_text("")
    assert doctor._folder("data folder", tmp_path / "file").state == "fault"
    assert doctor._folder("data folder", tmp_path / "new" / "er").state != "fault"


@pytest.mark.parametrize(
    ("text", "numbers"), [("2.15.1", (2, 15, 1)), ("2.15.0rc1", (2, 15, 0)), ("1.16.2+cpu", (1, 16, 2)), ("80", (80,))]
)
def test_versions_as_numbers(text, numbers):
    assert doctor._numbers(text) == numbers
