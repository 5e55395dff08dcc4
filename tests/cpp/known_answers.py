"""Known answers that the C++ library is held against, worked out by the Python package.

python tests/cpp/known_answers.py      writes docs/cpp/known_answers.json
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from calosim_tf.config import LatentLaw
from calosim_tf.data.normalisations import normalisation_from_dict
from calosim_tf.inference.negative_voxels import NegativeVoxels
from calosim_tf.latents import draw_latents, normal_quantiles

FILE = Path(__file__).parents[2] / "docs" / "cpp" / "known_answers.json"

# law, seed, shower: odd sizes, the last words of a block, keys and showers beyond 32 bits
LATENTS = (
    (LatentLaw(1), 0, 0),
    (LatentLaw(8, mean=0.0, std=1.0), 1, 5),
    (LatentLaw(50), 7, 123_456),
    (LatentLaw(21, mean=0.5, std=0.5), 2**40 + 3, 2**35),
    (LatentLaw(9, law="uniform", low=-1.0, high=3.0), 11, 17),
    (LatentLaw(20, mean=0.0, std=1.0, law="normal_16bit"), 7, 5),
    (LatentLaw(33, mean=1.0, std=2.0, law="normal_16bit"), 2**63, 1000),
)
RANGE: dict[str, Any] = {"kin_min_mev": 256.0, "kin_max_mev": 65536.0}
STANDARD = {"condition_mean": [0.1, -0.2], "condition_std": [2.0, 0.5]}
RESPONSE = [[256.0, 0.7], [4096.0, 0.8], [65536.0, 0.95]]
# record, attributes of the particle; six cells each
NORMALISATIONS = (
    ({"kind": "kinetic", "mass_mev": 0.0, "energy_label": "log"}, []),
    ({"kind": "kinetic", "mass_mev": 139.6, "energy_label": "max", "condition_size": 3, "response": RESPONSE}, []),
    ({"kind": "layer", "mass_mev": 139.6, "layer_sizes": [1, 3, 2], "response": RESPONSE}, []),
    ({"kind": "log_cells", "mass_mev": 0.511, "cells": [2, 3], **STANDARD}, [0.3, 0.4]),
    ({"kind": "log_cells", "mass_mev": 0.511, "cells": [2, 3]}, [0.3, 0.4]),
    ({"kind": "mev_cells", "mass_mev": 0.511, "cells": [2, 3], **STANDARD}, [0.3, 0.4]),
    ({"kind": "jet_pixels", "mass_mev": 0.0, "cells": [2, 3]}, [1.0]),
    ({"kind": "gev", "mass_mev": 0.0, "condition_size": 3}, [1.5, -0.1]),
    ({"kind": "gev", "mass_mev": 0.0, "condition_size": 1}, []),
    ({"kind": "hundred_gev", "mass_mev": 0.511}, []),
    ({"kind": "cube", "mass_mev": 0.0, "cells": [1, 2, 3], "with_angle": True}, [1.4]),
    ({"kind": "mev_cube", "mass_mev": 0.0, "condition_size": 1, "cells": [1, 2, 3], "least_mev": 0.1}, []),
    ({"kind": "layer_energies", "mass_mev": 139.6, "layer_sizes": [1, 3, 2], **STANDARD}, [0.3, 0.4]),
)
ENERGY_MEV, CELLS = 5000.0, 6
OUTPUTS = np.array([0.25, -0.001, 0.0004, 1e-8, 0.7, 0.125, 0.3, 0.6, 0.1, 0.9], dtype=np.float32)
# names, direction, position: the attributes that point there, from the formulas in geometry/beams.py
PARTICLES = (
    (("px_gev", "py_gev", "pz_gev", "x_cm", "y_cm"), (0.0, 0.0, 1.0), (0.0, 0.0, 0.0)),
    (("px_gev", "py_gev", "pz_gev", "x_cm", "y_cm"), (0.3, -0.4, 1.2), (12.0, -7.0, 0.0)),
    (("theta_rad", "phi_rad", "x0_mm", "y0_mm"), (0.0, 0.0, 1.0), (0.0, 0.0, 0.0)),
    (("theta_rad", "phi_rad", "x0_mm", "y0_mm"), (0.3, -0.4, 1.2), (12.0, -7.0, 0.0)),
)
VOXELS = ((3.0, -0.5, 0.0, 1.5), (0.25, -2.0, -0.5, 1.0), (-1.0, -2.0, 0.0, 0.0))


def known_answers() -> dict[str, Any]:
    """All of them, JSON-able."""
    quantiles = normal_quantiles()
    return {
        "latents": [
            {
                "law": {name: getattr(law, name) for name in ("size", "mean", "std", "law", "low", "high")},
                "seed": seed,
                "shower": shower,
                "numbers": _floats(draw_latents(law, seed, shower, 1)[0]),
            }
            for law, seed, shower in LATENTS
        ],
        "quantiles": {
            "sum_of_absolutes": float(np.abs(quantiles.astype("f8")).sum()),
            "at": {str(index): float(quantiles[index]) for index in (0, 1, 999, 32_767, 32_768, 50_000, 65_535)},
        },
        "normalisations": [_normalised({**record, **RANGE}, attributes) for record, attributes in NORMALISATIONS],
        "particles": [_particle(*particle) for particle in PARTICLES],
        "negative_voxels": [_clipped(voxels, keep) for voxels in VOXELS for keep in (False, True)],
    }


def _normalised(record: dict[str, Any], attributes: list[float]) -> dict[str, Any]:
    law, energy = normalisation_from_dict(record), np.array([ENERGY_MEV])
    outputs = OUTPUTS[: int(np.prod(law.value_shape(CELLS)))]
    shaped = outputs.reshape(1, *law.value_shape(CELLS))
    return {
        "record": record,
        "n_cells": CELLS,
        "incident_energy_mev": ENERGY_MEV,
        "attributes": attributes,
        "condition": _floats(law.label(energy, np.array([attributes]))[0]),
        "outputs": _floats(outputs),
        "cells_mev": _floats(law.to_mev(shaped, energy)[0]),
    }


def _particle(names: tuple[str, ...], direction: tuple[float, ...], position_mm: tuple[float, ...]) -> dict[str, Any]:
    x, y, z = np.array(direction) / np.linalg.norm(direction)
    if names[0] == "px_gev":
        attributes = [*(ENERGY_MEV / 1e3 * np.array([x, y, z])), position_mm[0] / 10, position_mm[1] / 10]
    else:
        attributes = [np.arccos(y), np.arctan(-x / z), position_mm[0], position_mm[1]]
    return {
        "names": names,
        "incident_energy_mev": ENERGY_MEV,
        "direction": direction,
        "position_mm": position_mm,
        "attributes": [float(value) for value in attributes],
    }


def _clipped(voxels: tuple[float, ...], keep_energy: bool) -> dict[str, Any]:
    showers = np.array([voxels], dtype=np.float32)
    NegativeVoxels(keep_energy).remove(showers, np.array([ENERGY_MEV]))
    return {"cells": voxels, "keep_energy": keep_energy, "result": _floats(showers[0])}


def _floats(values: np.ndarray) -> list[float]:
    """Nine digits say which float32 it is."""
    return [float(f"{value:.9g}") for value in np.asarray(values, dtype=np.float32)]


if __name__ == "__main__":
    FILE.write_text(json.dumps(known_answers(), indent=1) + "\n", encoding="utf-8")
