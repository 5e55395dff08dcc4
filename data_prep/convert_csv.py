"""CSV files of voxelised showers to the CaloChallenge HDF5 layout, with bounded memory.

Two kinds of CSV files are known, both without a header, one shower per line, MeV, one file per incident energy, which
is in the file name (``pid22_E65536_eta_20_25_voxalisation.csv``: 65536 MeV):

* *open data* (CERN Open Data record 15012, "Datasets used to train the Generative Adversarial Networks used in
  ATLFast3"): N_vox numbers, r fastest, then the angle, then the layer.  This is the order of the CaloChallenge files,
  which were made from it (creation notebook of the challenge).
* *production* (input of FastCaloGAN and BoloGAN): position inside the cell in phi and eta first, then N_vox numbers
  with the angle fastest, then r, then the layer.  The collaboration's script that made the open data undoes this order.
  Empty fields count as zero there, as in those programs.

The number of columns tells them apart.  Fields may also be separated by semicolons, tabs or spaces, and a line may end
with the separator.  Decimal commas are refused: the same characters may be two numbers.  Slightly negative voxels are
set to zero, as in the CaloChallenge files.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from calosim_tf.data.layouts.calochallenge_writer import CaloChallengeWriter
from calosim_tf.data.units import describe_wrong_units, median_deposited_fraction
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.files import shown
from calosim_tf.geometry import VoxelDetector
from calosim_tf.progress import progress

# Position inside the cell in phi and eta.
PRODUCTION_COLUMNS = 2
BLOCK_ROWS = 1024
# The rows of several files are mixed with this seed: fixed, so that the same files give the same bytes.
MIXING_SEED = 15012

# What separates fields, in the order in which it is looked for in the first line; numbers with spaces between them may
# have decimal commas
_SEPARATORS = ((";", re.compile(";")), ("\t", re.compile("\t")), (" ", re.compile(r"\d +[-+.\d]")))
# Or with an empty field, or with what another line would be refused for: nan, inf
_BEGINS_WITH_NUMBER = re.compile(r"\s*(?:[-+.,;\d]|nan|inf)", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"\d,\d")

_ENERGY_IN_NAME = re.compile(r"(?:^|_)E(\d+(?:\.\d+)?)(?=_|\.csv$|$)", re.IGNORECASE)


def csv_to_hdf5(
    files: Sequence[Path],
    detector: VoxelDetector,
    out: Path,
    incident_energy_mev: float | None = None,
    overwrite: bool = False,
) -> tuple[int, tuple[str, ...]]:
    """Write the showers of CSV files to one HDF5 file (float32, gzip).

    Showers of several files are mixed at random, each file's own showers staying in their order.

    Parameters
    ----------
    files : sequence of Path
    detector : VoxelDetector
    out : Path
    incident_energy_mev : float, optional
        Of all showers; from the file names unless given.
    overwrite : bool

    Returns
    -------
    events : int
    notes : tuple of str
        What was changed, in words.

    Raises
    ------
    ConfigError
        A file is given twice, no energy is known, or ``out`` exists.
    DataError
        A file is missing, or a line is not what it should be: file, line and column are named.
    """
    _require_distinct(files)
    sources = [CsvShowers(path, detector, incident_energy_mev) for path in files]
    energies = np.array([source.incident_energy_mev for source in sources])
    order = np.repeat(np.arange(len(sources)), [source.n_events for source in sources])
    np.random.Generator(np.random.Philox(MIXING_SEED)).shuffle(order)
    blocks = [order[first : first + BLOCK_ROWS] for first in range(0, len(order), BLOCK_ROWS)]
    names = shown(", ".join(source.path.name for source in sources))
    attributes = {"converted_from": names, "particle": detector.particle}
    deposited = []
    with CaloChallengeWriter(out, detector.n_voxels, len(order), attributes=attributes, overwrite=overwrite) as writer:
        for block in progress(blocks, len(blocks), f"converting {len(files)} CSV files"):
            showers = np.empty((len(block), detector.n_voxels))
            for index in np.unique(block):
                rows = block == index
                showers[rows] = sources[index].read(int(rows.sum()))
            deposited.append(showers.sum(axis=1))
            writer.append(energies[block], showers)
        fraction = median_deposited_fraction(energies[order], np.concatenate(deposited))
        wrong = describe_wrong_units(energies[order], fraction)
        if wrong:
            raise DataError(f"{files[0]}: {wrong}")
    return len(order), _notes(sources)


class CsvShowers:
    """The showers of one CSV file, read from first to last.

    Parameters
    ----------
    path : Path
    detector : VoxelDetector
    incident_energy_mev : float or None
        From the name of the file if None.

    Attributes
    ----------
    n_events : int
    incident_energy_mev : float
    production : bool
        Which of the two kinds it is.
    n_negative, n_empty_fields : int
        Voxels set to zero so far.
    lowest_mev : float
        The most negative voxel so far.
    """

    def __init__(self, path: Path, detector: VoxelDetector, incident_energy_mev: float | None):
        self.path = path
        self.incident_energy_mev = _energy_of_name(path) if incident_energy_mev is None else incident_energy_mev
        self.n_negative = self.n_empty_fields = 0
        self.lowest_mev = 0.0
        self.n_events, first = self._count()
        expected = (detector.n_voxels, detector.n_voxels + PRODUCTION_COLUMNS)
        self._separator = next((mark for mark, pattern in _SEPARATORS if pattern.search(first)), ",")
        if self._separator != "," and _DECIMAL_COMMA.search(first):
            raise DataError(
                f"{path}: found decimal commas ({first.split(self._separator)[0][:20]}), expected decimal points: "
                f"write it again in another locale, or: sed 's/,/./g' {shlex.quote(path.name)}"
            )
        fields = self._split(first)
        # production files may end in an empty field, which is a voxel without energy
        self._ends_with_separator = not fields[-1].strip() and len(fields) not in expected
        self._n_columns = len(fields) - self._ends_with_separator
        self.production = self._n_columns == expected[1]
        if self._n_columns not in expected:
            raise DataError(
                f"{path}: {self._n_columns} columns, expected {detector.n_voxels} voxels of {detector.name} (with "
                f"{PRODUCTION_COLUMNS} position columns: {expected[1]}){self._why_so_many(fields, expected)}"
            )
        self._to_r_fastest = np.argsort(detector.reorder_index("alpha_fastest"))
        self._rows = self._lines()

    def read(self, n_rows: int) -> np.ndarray:
        """The next rows, shape (n_rows, n_voxels), MeV, not negative, r fastest."""
        lines = list(islice(self._rows, n_rows))
        if len(lines) < n_rows:
            raise DataError(f"{self.path}: became shorter while it was read; convert it when it is finished")
        try:
            if self._ends_with_separator:
                raise ValueError("loadtxt would read one more column")
            separator = None if self._separator == " " else self._separator
            values = np.loadtxt([text for _, text in lines], delimiter=separator, ndmin=2, comments=None)
        except ValueError:
            values = self._read_carefully(lines)
        if values.shape != (n_rows, self._n_columns):
            values = self._read_carefully(lines)
        self._require_finite(values, lines)
        if self.production:
            values = values[:, PRODUCTION_COLUMNS:][:, self._to_r_fastest]
        negative = values < 0
        if negative.any():
            self.n_negative += int(negative.sum())
            self.lowest_mev = min(self.lowest_mev, float(values.min()))
            values[negative] = 0.0
        return values

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Line numbers from 1 and lines without quotation marks, blank ones left out."""
        try:
            with self.path.open(encoding="utf-8-sig", errors="replace") as stream:
                for number, text in enumerate(stream, 1):
                    if not text.isspace():
                        yield number, text.replace('"', "")
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read ({(error.strerror or str(error)).lower()})") from error

    def _count(self) -> tuple[int, str]:
        """Number of lines, and the first of them."""
        n_rows, first = 0, ""
        for _, text in self._lines():
            first = first or text.strip("\r\n")
            n_rows += 1
        if n_rows == 0:
            raise DataError(f"{self.path}: holds no line, expected one shower per line")
        if "\0" in first:
            raise DataError(
                f"{self.path}: is UTF-16 text or no text, expected UTF-8: iconv -f UTF-16 -t UTF-8 "
                f"{shlex.quote(self.path.name)}"
            )
        if not _BEGINS_WITH_NUMBER.match(first):
            raise DataError(f"{self.path}: begins with {first[:20]!r}, expected numbers: remove the header lines")
        return n_rows, first

    def _split(self, text: str) -> list[str]:
        """Fields of a line."""
        return text.split() if self._separator == " " else text.rstrip("\r\n").split(self._separator)

    def _why_so_many(self, fields: Sequence[str], expected: tuple[int, int]) -> str:
        """The likely cause of a wrong number of columns: decimal commas between commas double it."""
        if self._separator == "," and len(fields) in [2 * n for n in expected]:
            return "; twice as many are decimal commas: write the file again with decimal points"
        return ""

    def _read_carefully(self, lines: Sequence[tuple[int, str]]) -> np.ndarray:
        """Field by field: names what is wrong, and knows empty fields of production files."""
        values = np.zeros((len(lines), self._n_columns))
        for row, (number, text) in enumerate(lines):
            fields = self._split(text)
            if self._ends_with_separator and not fields[-1].strip():
                fields.pop()
            if len(fields) != self._n_columns:
                raise DataError(
                    f"{self.path}: line {number} has {len(fields)} columns, expected {self._n_columns} as before; "
                    "remove the line or get the file again"
                )
            for column, field in enumerate(fields):
                if self.production and not field.strip():
                    self.n_empty_fields += 1
                    continue
                try:
                    values[row, column] = float(field)
                except ValueError:
                    raise DataError(
                        f"{self.path}: line {number}, column {column + 1} is {field[:20]!r}, expected a number; "
                        "header lines are not understood, and all lines have the separator of the first"
                    ) from None
        return values

    def _require_finite(self, values: np.ndarray, lines: Sequence[tuple[int, str]]) -> None:
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            row, column = bad[0]
            raise DataError(
                f"{self.path}: line {lines[row][0]}, column {column + 1} is {values[row, column]:g}, expected a finite "
                "number in MeV; remove the line"
            )


def _energy_of_name(path: Path) -> float:
    found = _ENERGY_IN_NAME.search(path.name)
    if not found or float(found[1]) <= 0:
        raise ConfigError(
            f"{path}: its name does not say the incident energy (pid22_E65536_eta_20_25.csv would be 65536 MeV); "
            "give it with --energy MEV"
        )
    return float(found[1])


def _require_distinct(files: Sequence[Path]) -> None:
    resolved = [path.resolve() for path in files]
    for index, path in enumerate(resolved):
        if path in resolved[:index]:
            raise ConfigError(f"{files[index]}: given twice, its showers would count double; give each file once")


def _notes(sources: Sequence[CsvShowers]) -> tuple[str, ...]:
    notes = []
    n_negative = sum(source.n_negative for source in sources)
    if n_negative:
        lowest = min(source.lowest_mev for source in sources)
        notes.append(f"{n_negative} negative voxels set to zero (lowest {lowest:g} MeV)")
    n_empty = sum(source.n_empty_fields for source in sources)
    if n_empty:
        notes.append(f"{n_empty} empty fields taken as zero")
    n_production = sum(source.production for source in sources)
    if n_production:
        notes.append(f"{n_production} files with position columns: columns dropped, voxels reordered to r fastest")
    return tuple(notes)
