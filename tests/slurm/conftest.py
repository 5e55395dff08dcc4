"""A real SLURM, which lives as long as the tests."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from .cluster import Cluster, missing_program


@pytest.fixture(scope="session")
def cluster():
    """:class:`Cluster`; its jobs and daemons are ended, its logs printed when they did not start."""
    if missing := missing_program():
        pytest.skip(f"needs SLURM: found no {missing}, make install-slurm")
    folder = Path(tempfile.mkdtemp(prefix="calosim-slurm-"))
    found = Cluster(folder)
    try:
        found.start()
        yield found
    except AssertionError:
        print(found.logs())
        raise
    finally:
        found.stop()
        shutil.rmtree(folder, ignore_errors=True)
