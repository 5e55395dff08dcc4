"""The answers that the C++ library is held against are those of the Python package."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from .known_answers import FILE, PARTICLES, known_answers

STORED = json.loads(FILE.read_text(encoding="utf-8"))


def differences(found: Any, stored: Any, where: str = "") -> list[str]:
    """Places where two trees differ by more than the last bits of a float32."""
    if isinstance(stored, dict):
        if found.keys() != stored.keys():
            return [f"{where}: keys"]
        return [item for key in stored for item in differences(found[key], stored[key], f"{where}.{key}")]
    if isinstance(stored, list):
        if len(found) != len(stored):
            return [f"{where}: length"]
        pairs = enumerate(zip(found, stored, strict=True))
        return [item for index, (one, other) in pairs for item in differences(one, other, f"{where}[{index}]")]
    if isinstance(stored, float):
        return [] if math.isclose(found, stored, rel_tol=2e-6, abs_tol=1e-7) else [f"{where}: {found} and {stored}"]
    return [] if found == stored else [f"{where}: {found} and {stored}"]


@pytest.mark.parametrize("part", STORED)
def test_known_answers_are_those_of_the_package(part):
    """Breaks when latents, physics or clipping change in Python and C++ goes on as before: then
    ``python tests/cpp/known_answers.py`` writes them anew, and ``make cpp`` says what C++ lacks.
    """
    assert differences(known_answers()[part], STORED[part]) == []


def test_every_kind_of_normalisation_has_an_answer():
    """Breaks when a kind is added that no C++ program would know."""
    from calosim_tf.data.normalisations import NORMALISATIONS

    assert {row["record"]["kind"] for row in STORED["normalisations"]} == set(NORMALISATIONS)


@pytest.mark.parametrize("particle", PARTICLES[1::2], ids=lambda particle: particle[0][0])
def test_attributes_point_where_the_particle_goes(particle):
    """Breaks when an axis or a sign of the attributes is not that of the layers that read them."""
    names, (x, y, z), position = particle
    (row,) = [
        row for row in STORED["particles"] if tuple(row["names"]) == names and tuple(row["direction"]) == (x, y, z)
    ]
    one, two, *more = row["attributes"]
    if names[0] == "px_gev":
        slopes, point = (one / more[0], two / more[0]), (10 * more[1], 10 * more[2])
    else:
        # calosim_tf/layers/framed/particle_frame.py
        slopes = (-math.tan(two), math.cos(one) / math.sin(one) / math.cos(two))
        point = (more[0], more[1])
    assert slopes == pytest.approx((x / z, y / z), rel=1e-6)
    assert point == pytest.approx(position[:2], rel=1e-6)
