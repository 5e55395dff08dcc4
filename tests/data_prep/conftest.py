"""Infinitely deep calorimeters without dead material, to test formulae on."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.data_prep.media import LEAD_ARGON
from calosim_tf.data_prep.stacks import Section, Stack


@pytest.fixture
def rng():
    return np.random.default_rng(1)


@pytest.fixture(scope="session")
def deep_stack():
    """60 radiation lengths of lead and liquid argon, one layer."""
    return Stack((Section(0, LEAD_ARGON, 60 * LEAD_ARGON.x0_mm),), LEAD_ARGON)
