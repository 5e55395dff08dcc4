"""What a generator was trained on, and requests beyond it."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from calosim_tf.data.cell_transforms import LogCellNormalisation
from calosim_tf.data.source import ShowerSource
from calosim_tf.data.trained_on import TrainedOn, attributes_beyond
from calosim_tf.geometry import get_detector

CALOGAN = get_detector("calogan")


@pytest.fixture
def source():
    """Five showers; the one with the largest energy and the smallest attributes is held out."""
    energy = np.array([2e3, 3e3, 9e3, 4e3, 5e3])
    attributes = np.arange(20.0).reshape(5, 4)
    attributes[2] = -50.0
    held_out = np.array([False, False, True, False, False])
    return ShowerSource(CALOGAN, energy, held_out, np.zeros((5, CALOGAN.n_voxels), "f4"), [], "toy", attributes)


def test_held_out_showers_are_not_trained_on(source):
    """Breaks when the ranges are those of all showers, of another column, or change on their way through JSON."""
    law = LogCellNormalisation(0.0, 2e3, 9e3, condition_mean=(1.0,) * 4, condition_std=(2.0,) * 4)
    found = TrainedOn.of(source, law)
    assert found.incident_energy_mev == (2e3, 5e3)
    assert found.attributes == {name: (float(i), 16.0 + i) for i, name in enumerate(CALOGAN.attributes)}
    assert found.condition == tuple(((i - 1) / 2, (15 + i) / 2) for i in range(4))
    assert TrainedOn.from_dict(json.loads(json.dumps(asdict(found)))) == found


def test_attributes_beyond_all_networks_are_named():
    """Breaks when a member's range counts for the whole split, rounding of a file is an extrapolation, or one
    attribute out of several is left out.
    """
    low, high = (TrainedOn((1.0, 2.0), {"theta_rad": ends, "x0_mm": (-5.0, 5.0)}, ()) for ends in ((1, 1.5), (1.5, 2)))
    inside = {"theta_rad": np.array([1.0 - 1e-7, 2.0 + 1e-7]), "x0_mm": np.array([0.0, 5.0])}
    assert attributes_beyond([low, high], inside) == []
    outside = {"theta_rad": np.array([1.2, 2.5]), "x0_mm": np.array([-6.0, 0.0])}
    assert attributes_beyond([low, high], outside) == [
        "theta_rad 2.5 is outside the trained range of 1 to 2",
        "x0_mm -6 is outside the trained range of -5 to 5",
    ]
    assert attributes_beyond([], outside) == []
    # rounding is relative: half of 1e-6 is none beyond 200, twice as much is
    wide = TrainedOn((1.0, 2.0), {"x0_mm": (-200.0, 100.0)}, ())
    assert attributes_beyond([wide], {"x0_mm": np.array([-200.0001])}) == []
    assert attributes_beyond([wide], {"x0_mm": np.array([-200.0004])}) != []
    tail = np.append(np.full(99, 1.5), 2.1)
    assert attributes_beyond([high], {"theta_rad": tail}) == []
    assert attributes_beyond([high], {"theta_rad": tail[1:]}) != []
