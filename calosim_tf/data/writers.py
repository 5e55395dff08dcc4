"""The writer of each detector's file layout (no TensorFlow)."""

from __future__ import annotations

import os
from collections.abc import Mapping

from calosim_tf.data.layouts.calochallenge_writer import CaloChallengeWriter
from calosim_tf.data.layouts.cell_writers import (
    CaloGanCentralWriter,
    CaloGanWriter,
    EcalAngleWriter,
    EcalWriter,
    LhcbWriter,
)
from calosim_tf.data.writer import ShowerWriter
from calosim_tf.geometry import VoxelDetector

WRITERS: dict[str, type[ShowerWriter]] = {
    "calochallenge": CaloChallengeWriter,
    "lhcb": LhcbWriter,
    "lhcb_xy": LhcbWriter,
    "lhcb_yx": LhcbWriter,
    "calogan": CaloGanWriter,
    "ecal": EcalWriter,
    "ecal_angle": EcalAngleWriter,
}


def shower_writer(
    path: str | os.PathLike,
    detector: VoxelDetector,
    n_events: int,
    compression: str = "gzip",
    attributes: Mapping[str, object] | None = None,
    *,
    overwrite: bool = False,
) -> ShowerWriter:
    """Writer of ``detector``'s own layout; see :class:`ShowerWriter` for arguments and errors."""
    writer = WRITERS[detector.file_layout]
    if detector.file_layout == "calogan" and not detector.attributes:
        writer = CaloGanCentralWriter
    return writer(path, detector.n_voxels, n_events, compression, attributes, overwrite=overwrite)
