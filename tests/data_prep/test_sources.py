"""The table of public files."""

from __future__ import annotations

import pytest

from calosim_tf.data import checks
from calosim_tf.data_prep import sources
from calosim_tf.errors import ConfigError


def test_table_of_public_files():
    """Breaks with a typing error in an address, name or checksum, or a file that `data check` would not recognise."""
    for name, file in sources.PUBLIC_FILES.items():
        assert name == file.name
        assert file.url.startswith("https://")
        assert file.record.startswith("https://")
        assert file.content.file_name.startswith(name)
        assert "/" not in file.content.file_name
        for digest, length in ((file.content.md5, 32), (file.content.sha256, 64)):
            if digest:
                assert len(digest) == length
                assert int(digest, 16)
                assert checks.KNOWN_FILES[digest] == file.content.title
    assert len(checks.KNOWN_FILES) == sum(len(f.content.digest_names) for f in sources.PUBLIC_FILES.values()) == 11


def test_names_and_folder(monkeypatch, tmp_path):
    """Breaks if CALOSIM_DATA is ignored or a typing error gets no hint."""
    assert sources.get_public_file("dataset_2_1.hdf5") is sources.PUBLIC_FILES["dataset_2_1"]
    with pytest.raises(ConfigError, match="did you mean 'dataset_1_photons_1'"):
        sources.get_public_file("dataset_1_photon_1")
    with pytest.raises(ConfigError, match="known are dataset_1_photons_1, "):
        sources.get_public_file("xyz")
    monkeypatch.setenv("CALOSIM_DATA", str(tmp_path))
    assert sources.data_folder() == tmp_path
    monkeypatch.delenv("CALOSIM_DATA")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert sources.data_folder() == tmp_path / ".cache" / "calosim"
