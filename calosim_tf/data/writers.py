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
    IlcWriter,
    JetImageWriter,
    LhcbWriter,
)
from calosim_tf.data.writer import ShowerWriter
from calosim_tf.errors import ConfigError
from calosim_tf.geometry import VoxelDetector

# Layout of a detector's files (its record's ``file_layout``) -> writer
WRITERS: dict[str, type[ShowerWriter]] = {
    "calochallenge": CaloChallengeWriter,
    "lhcb": LhcbWriter,
    "calogan": CaloGanWriter,
    "calogan_central": CaloGanCentralWriter,
    "ecal": EcalWriter,
    "ecal_angle": EcalAngleWriter,
    "jet_image": JetImageWriter,
    "ilc": IlcWriter,
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
    """Writer of ``detector``'s own layout; see :class:`ShowerWriter` for arguments and errors.

    Raises
    ------
    ConfigError
        The layout has a reader alone; or as :class:`ShowerWriter`.
    """
    if detector.file_layout not in WRITERS:
        raise ConfigError(
            f"detector {detector.name!r}: found the file layout {detector.file_layout!r}, which has no writer, "
            f"expected one of {', '.join(WRITERS)}"
        )
    return WRITERS[detector.file_layout](
        path, detector.n_voxels, n_events, compression, attributes, overwrite=overwrite, detector=detector
    )
