"""Where public shower files are: addresses, checksums, licences and what to cite.

Nothing here is downloaded unless requested.  Where no checksum was published (or none could be found), ``content`` is
not pinned: such a file is accepted with a warning that shows its SHA-256.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from calosim_tf.data.known_files import CALOCHALLENGE, KnownFile
from calosim_tf.errors import ConfigError
from calosim_tf.surroundings import cache_folder, home_folder

DATA_FOLDER_VARIABLE = "CALOSIM_DATA"


@dataclass(frozen=True)
class PublicFile:
    """One downloadable file.

    Attributes
    ----------
    name : str
        What is typed after ``calosim data fetch``.
    url : str
        The file itself, https.
    content : KnownFile
        Local file name, checksums and size.  A name that a server sends is never used.
    record : str
        Page that describes the file and states its licence.
    cite : str
        DOI.
    licence : str
    note : str
        What to do with it next.
    """

    name: str
    url: str
    content: KnownFile
    record: str
    cite: str
    licence: str
    note: str = ""


# The licence of these was not looked up: the record is the authority.
_LICENCE_ON_RECORD = "stated on the record page"


def _calochallenge(content: KnownFile) -> PublicFile:
    name = content.file_name.removesuffix(".hdf5")
    data_set = name.split("_")[1]
    # (record that holds the files, DOI to cite); sets 2 and 3 are cited by the DOI of all their versions
    record, doi = {"1": (8099322, 8099322), "2": (6366271, 6366270), "3": (6366324, 6366323)}[data_set]
    return PublicFile(
        name=name,
        url=f"https://zenodo.org/records/{record}/files/{content.file_name}",
        content=content,
        record=f"https://zenodo.org/records/{record}",
        cite=f"doi:10.5281/zenodo.{doi}",
        licence=_LICENCE_ON_RECORD,
    )


def _atlas_open_data(particle: str, layout: str) -> PublicFile:
    return PublicFile(
        name=f"atlas_{particle}_samples",
        url=f"https://opendata.cern.ch/record/15012/files/{particle}_samples.tgz",
        content=KnownFile(f"atlas_{particle}_samples.tgz", f"ATLAS open data, {particle} samples"),
        record="https://opendata.cern.ch/record/15012",
        cite="doi:10.7483/OPENDATA.ATLAS.UXKX.TXBN",
        licence="CC0 1.0",
        note=f"unpack it with tar xzf, then: calosim data convert *_voxalisation.csv --to {layout} --out {layout}.hdf5",
    )


def _calogan(name: str, file_id: str) -> PublicFile:
    return PublicFile(
        name=f"calogan_{name}",
        url=f"https://data.mendeley.com/public-files/datasets/pvn3xc3wy5/files/{file_id}/file_downloaded",
        content=KnownFile(f"calogan_{name}.hdf5", f"CaloGAN {name}"),
        record="https://data.mendeley.com/datasets/pvn3xc3wy5/1",
        cite="doi:10.17632/pvn3xc3wy5.1",
        licence=_LICENCE_ON_RECORD,
        note="perpendicular, central showers: without the angle and position columns of the conditional CaloGAN",
    )


PUBLIC_FILES = {
    file.name: file
    for file in (
        *map(_calochallenge, CALOCHALLENGE),
        _atlas_open_data("photon", "photon"),
        _atlas_open_data("pion", "pion"),
        _calogan("eplus", "82030895-c680-432d-ac68-a6f2c8ed2641"),
        _calogan("gamma", "1141aa57-edc0-477a-a32c-a38e5934b453"),
        _calogan("piplus", "292fa8da-1877-482b-9fd3-df237d43b142"),
    )
}


def get_public_file(name: str) -> PublicFile:
    """The file of that name, with or without the ending of its file name.

    Raises
    ------
    ConfigError
        Unknown; names the nearest one.
    """
    by_any_name = PUBLIC_FILES | {file.content.file_name: file for file in PUBLIC_FILES.values()}
    if name in by_any_name:
        return by_any_name[name]
    near = difflib.get_close_matches(name, PUBLIC_FILES, n=1)
    advice = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(PUBLIC_FILES)}"
    raise ConfigError(f"public file {name!r} is unknown: {advice} (calosim data fetch --list shows all)")


def data_folder() -> Path:
    """Where fetched files go: ``CALOSIM_DATA``, else ``~/.cache/calosim``, without a home folder a temporary one.

    Raises
    ------
    ConfigError
        The temporary one belongs to another user.
    """
    named = os.environ.get(DATA_FOLDER_VARIABLE)
    if named:
        return Path(os.path.expanduser(named))
    folder = cache_folder("calosim")
    # anybody may make a folder among the temporary files, and put other data into it
    if home_folder() is None and folder.exists() and folder.stat().st_uid != os.getuid():
        raise ConfigError(f"{folder}: belongs to another user, expected a folder for data: set {DATA_FOLDER_VARIABLE}")
    return folder


def format_sources() -> str:
    """All known files as a table for people."""
    lines = []
    for file in PUBLIC_FILES.values():
        size = f"{file.content.n_bytes / 1e6:.0f} MB" if file.content.n_bytes else "size unknown"
        pinned = "+".join(file.content.digest_names) or "no checksum known"
        lines.append(f"{file.name:<22} {size:>12}  {pinned:<18} {file.cite}, licence {file.licence}")
    return "\n".join(lines)
