"""A detector from a binning file of the CaloChallenge: XML with the rings and angles of each layer (no TensorFlow).

``<Bins>`` holds a ``<Bin>`` with ``name`` (and often ``pid``) of the particle; in it ``<Layer id r_edges n_bin_alpha>``
has the edges of the rings in mm, separated by commas, and the number of angular bins.  Layers whose only edge is 0 have
no voxels.
"""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

from calosim_tf.errors import DataError
from calosim_tf.geometry.detector import VoxelDetector
from calosim_tf.geometry.detectors import DETECTORS
from calosim_tf.geometry.layers import VoxelLayer
from calosim_tf.geometry.ring_names import PARTICLES, THRESHOLD_MEV, ring_name

NAMES = {"photon": 22, "gamma": 22, "electron": 11, "positron": -11, "pion": 211, "proton": 2212}
# The published ones take 7 kB; the rest is room for finer detectors
MOST_BYTES = 2**20


def read_binning(path: Path) -> VoxelDetector:
    """The detector that a binning file describes.

    Where particle and voxels are those of a detector that is known already (the four published files), it is that one,
    with the thresholds and bins of its evaluation.  Otherwise it is named after the file, and its threshold is 1 MeV.

    Parameters
    ----------
    path : Path

    Raises
    ------
    DataError
        The file cannot be read or is no such file; the message names the layer.
    """
    bins = _root(path).findall("Bin")
    if len(bins) != 1:
        names = ", ".join(repr(item.get("name")) for item in bins) or "none"
        raise DataError(f"{path}: found the bins {names}, expected one <Bin>: keep that of your particle")
    particle, mass_mev = _particle(path, bins[0])
    layers = [_layer(path, item) for item in bins[0].findall("Layer")]
    filled = tuple(layer for layer in layers if layer is not None)
    numbers = [layer.layer_id for layer in filled]
    if not filled or len(set(numbers)) < len(numbers):
        raise DataError(f"{path}: found the layers {numbers}, expected at least one, each once")
    for known in DETECTORS.values():
        if (known.particle, known.layers, known.file_layout) == (particle, filled, "calochallenge"):
            return known
    return VoxelDetector(path.stem, particle, mass_mev, filled, THRESHOLD_MEV)


def _root(path: Path) -> ElementTree.Element:
    try:
        text = path.read_bytes()[: MOST_BYTES + 1]
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({(error.strerror or str(error)).lower()}); check --binning"
        ) from error
    # entities could make a few lines expand to gigabytes
    if len(text) > MOST_BYTES or b"<!" in text.replace(b"<!--", b""):
        raise DataError(f"{path}: found {len(text)} bytes or declarations, expected a plain binning file below 1 MiB")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f"{path}: is not XML ({error}), expected a binning file of the CaloChallenge") from error
    if root.tag != "Bins":
        raise DataError(f"{path}: found <{root.tag}>, expected <Bins> of a binning file of the CaloChallenge")
    return root


def _particle(path: Path, item: ElementTree.Element) -> tuple[str, float]:
    words = item.get("pid", ""), item.get("name", "")
    code = int(words[0]) if words[0].lstrip("-").isdecimal() else NAMES.get(words[1].lower())
    if code not in PARTICLES:
        known = ", ".join(map(str, PARTICLES))
        raise DataError(
            f"{path}: found the particle pid={words[0]!r} name={words[1]!r}, expected a pid of {known}: correct the "
            "<Bin>"
        )
    return PARTICLES[code]


def _layer(path: Path, item: ElementTree.Element) -> VoxelLayer | None:
    words = {name: item.get(name, "") for name in ("id", "r_edges", "n_bin_alpha")}
    try:
        layer_id, n_alpha = int(words["id"]), int(words["n_bin_alpha"])
        edges = tuple(float(edge) for edge in words["r_edges"].split(",") if edge.strip())
    except ValueError:
        layer_id, n_alpha, edges = 0, 0, ()
    rising = all(low < high for low, high in pairwise(edges))
    if not edges or not all(map(math.isfinite, edges)) or not rising or edges[0] < 0 or n_alpha < 1 or layer_id < 0:
        found = " ".join(f"{name}={value[:40]!r}" for name, value in words.items())
        raise DataError(
            f"{path}: found a <Layer> with {found}, expected a number, rising edges in mm with commas between them, "
            "and the number of angular bins"
        )
    return VoxelLayer(layer_id, edges, n_alpha) if len(edges) > 1 else None


def layout_of(path: Path) -> str:
    """``data.layout`` for showers in the voxels of a binning file, which the run then needs no more.

    Raises
    ------
    DataError
        As :func:`read_binning`.
    """
    detector = read_binning(path)
    known = detector.name in DETECTORS and DETECTORS[detector.name] is detector
    return detector.name if known else ring_name(detector.name, detector.particle, detector.layers)
