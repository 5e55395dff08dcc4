"""Checksums of public files, so that a file can be recognised whatever it is called (no TensorFlow)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class KnownFile:
    """A published file and what is known of its content.

    Attributes
    ----------
    file_name : str
        As published.
    title : str
        What it is, in a few words.
    md5, sha256 : str or None
        Hexadecimal; None where no published value was found.
    n_bytes : int or None
        Exact size, where published.
    """

    file_name: str
    title: str
    md5: str | None = None
    sha256: str | None = None
    n_bytes: int | None = None

    @property
    def pinned(self) -> bool:
        """True when a checksum is known."""
        return bool(self.md5 or self.sha256)

    @property
    def digest_names(self) -> tuple[str, ...]:
        """Names for :mod:`hashlib` of the checksums that are known."""
        return tuple(name for name in ("md5", "sha256") if getattr(self, name))


# MD5 as Zenodo lists them in records 8099322, 6366271 and 6366324; SHA-256 and size of photons_1 from public loaders.
# The pion files are those of 2023-06-30, which replaced a production with duplicated showers.
CALOCHALLENGE = tuple(
    KnownFile(f"{name}.hdf5", f"CaloChallenge {name}", md5, sha256, n_bytes)
    for name, md5, sha256, n_bytes in (
        (
            "dataset_1_photons_1",
            "005d2adeda7db034b388112661265656",
            "54011e9ffcc041e30a029fadcef91d33d6d232fe8492360d706022dbec2c1a6f",
            173_797_023,
        ),
        ("dataset_1_photons_2", "4767715ed56e99565fd9c67340661e70", None, None),
        ("dataset_1_pions_1", "6a5f52722064a1bcd8a0bc002f16515d", None, None),
        ("dataset_1_pions_2", "fee7457b40127bc23c8ab909e2638ca0", None, None),
        ("dataset_2_1", "e590333e9a2da51b258288d74bd8357a", None, 1_356_475_617),
        ("dataset_2_2", "7a56fd68aa53ded37c2ac445694d9736", None, None),
        ("dataset_3_1", "d33f03418aa311b0965452fcbef1ff87", None, None),
        ("dataset_3_2", "911dec2c40aafa64a07b7450b80881bf", None, None),
        ("dataset_3_3", "5ea62f6831a1821bb5035fafc9f030e8", None, None),
        ("dataset_3_4", "5e8d82e6a6c28c6914a3b602a1cfa299", None, None),
    )
)


def titles_by_digest(files: Iterable[KnownFile]) -> Mapping[str, str]:
    """Checksum (MD5 or SHA-256, hexadecimal) -> title."""
    return {digest: file.title for file in files for digest in (file.md5, file.sha256) if digest}
