"""A bundle appears as a whole or not at all (no TensorFlow)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calosim_tf.bundle.sidecar import is_bundle
from calosim_tf.errors import RunFolderError
from calosim_tf.files import require_text, whole_folder


@contextmanager
def bundle_folder(out: Path, force: bool) -> Iterator[Path]:
    """Folder to fill, which takes the place of ``out`` when the block ends without an error.

    Raises
    ------
    RunFolderError
        As :func:`require_free`, or the folder cannot be written.
    """
    require_free(out, force)
    with whole_folder(out) as partial:
        yield partial


def require_free(out: Path, force: bool) -> None:
    """:class:`RunFolderError` unless ``out`` is new, empty, or with ``force`` an earlier bundle."""
    require_text(out)
    if not out.exists():
        return
    if not out.is_dir():
        raise RunFolderError(f"{out}: is a file, expected a folder or a new name: choose another --out")
    if any(out.iterdir()):
        if not is_bundle(out):
            raise RunFolderError(f"{out}: found files that are no bundle, expected a new or empty folder for --out")
        if not force:
            raise RunFolderError(f"{out}: found an earlier bundle: replace it with --force, or choose another --out")
