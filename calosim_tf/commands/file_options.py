"""Options of commands that read shower files: which detector they are of, and what their datasets are called."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calosim_tf.geometry import VoxelDetector


def add_detector(parser: argparse.ArgumentParser, words: str) -> None:
    """``--detector NAME`` with its help, or ``--binning FILE.xml``, and ``--keys``."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--detector", metavar="NAME", help=words)
    add_binning(which)
    add_keys(parser)


def add_binning(group) -> None:
    """``--binning FILE.xml``, in a group of options that exclude one another."""
    group.add_argument("--binning", metavar="FILE.xml", help="detector from a binning file of the CaloChallenge")


def add_keys(parser: argparse.ArgumentParser) -> None:
    """``--keys NAME=DATASET ...``."""
    parser.add_argument(
        "--keys",
        nargs="+",
        default=[],
        metavar="NAME=DATASET",
        help="datasets that have other names than in the layout, for example showers=data/showers",
    )


def chosen_detector(args: argparse.Namespace, default: VoxelDetector | None) -> VoxelDetector | None:
    """Detector of the options, or the default, with the names of ``--keys``.

    Raises
    ------
    ConfigError
        Unknown detector, or ``--keys`` is not of the form.
    DataError
        ``--binning`` is no binning file.
    """
    from calosim_tf.geometry import file_keys, get_detector
    from calosim_tf.geometry.binning import read_binning

    detector = read_binning(Path(args.binning)) if args.binning else default
    detector = get_detector(args.detector) if args.detector else detector
    keys = file_keys(args.keys)
    return replace(detector, file_keys=keys) if keys and detector is not None else detector
