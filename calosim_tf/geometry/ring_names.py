"""Detectors of rings that are no entry of the package: the name itself says all (no TensorFlow).

``NAME@PDG;ID:ANGLES:EDGE,EDGE,...;...`` has the PDG code of the particle and for each layer its number, the bins in
angle and the edges of its rings in mm.  As ``data.layout`` of a run, and as detector of a bundle, it needs no further
file.
"""

from __future__ import annotations

import re
from itertools import pairwise

from calosim_tf.errors import ConfigError
from calosim_tf.geometry.detector import VoxelDetector
from calosim_tf.geometry.layers import VoxelLayer

# PDG code -> particle and its mass, MeV
PARTICLES = {
    22: ("gamma", 0.0),
    11: ("e-", 0.511),
    -11: ("e+", 0.511),
    211: ("pi+", 139.6),
    -211: ("pi-", 139.6),
    2212: ("p", 938.3),
}
# As in the evaluation of data set 1
THRESHOLD_MEV = 1.0
# Between the name and the voxels
MARK = "@"
_NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_LAYER = re.compile(rf"(\d+):(\d+):({_NUMBER}(?:,{_NUMBER})+)")


def ring_name(stem: str, particle: str, layers: tuple[VoxelLayer, ...]) -> str:
    """The name of a detector of rings.

    Parameters
    ----------
    stem : str
        For people.
    particle : str
        One of those in :data:`PARTICLES`.
    layers : tuple of VoxelLayer
    """
    code = next(number for number, (name, _) in PARTICLES.items() if name == particle)
    words = [
        f"{layer.layer_id}:{layer.n_alpha}:{','.join(f'{edge:.10g}' for edge in layer.r_edges_mm)}" for layer in layers
    ]
    return ";".join((f"{re.sub(r'[^A-Za-z0-9_.-]', '_', stem)}{MARK}{code}", *words))


def ring_detector(name: str) -> VoxelDetector:
    """The detector that such a name describes; :class:`ConfigError` when it does not."""
    head, *words = name.split(";")
    code = head.rpartition(MARK)[2]
    found = [_LAYER.fullmatch(word) for word in words]
    if not re.fullmatch(r"-?\d+", code) or int(code) not in PARTICLES or not found or None in found:
        raise ConfigError(
            f"detector {name[:60]!r}: expected NAME{MARK}PDG;ID:ANGLES:EDGES;... as `calosim train --binning` writes it"
        )
    layers = tuple(
        VoxelLayer(int(item[1]), tuple(map(float, item[3].split(","))), int(item[2])) for item in found if item
    )
    rising = all(low < high for layer in layers for low, high in pairwise(layer.r_edges_mm))
    if not rising or len({layer.layer_id for layer in layers}) < len(layers) or not all(x.n_alpha for x in layers):
        raise ConfigError(f"detector {name[:60]!r}: expected rising edges in mm, and each layer once")
    return VoxelDetector(name, *PARTICLES[int(code)], layers, THRESHOLD_MEV)
