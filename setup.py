"""Build script: names the packages, and turns any Python but 3.11 to 3.13 away in one line.  setup.cfg has the rest."""

import configparser
import sys

RIGHT_PYTHON = (3, 11) <= sys.version_info[:2] <= (3, 13)
if not RIGHT_PYTHON and "setuptools.build_meta" not in sys.modules:
    sys.exit(f"calosim-tf needs Python 3.11, 3.12 or 3.13, this is Python {sys.version.split()[0]}: use python3.11")

from setuptools import Distribution, find_packages, setup  # noqa: E402 - may be missing in a Python that is turned away

# These stand beside the package in the tree and inside it once installed (package_dir in setup.cfg).
BESIDE = ("experiments", "data_prep")


class WholeDistribution(Distribution):
    """All of setup.cfg: in a virtual environment setuptools passes over any key called ``root``, also an extra."""

    def parse_config_files(self, *args, **kwargs):
        super().parse_config_files(*args, **kwargs)
        written = configparser.ConfigParser()
        written.read("setup.cfg")
        wanted = written["options.extras_require"]["root"].split()
        self.extras_require = self.metadata.extras_require = {**self.extras_require, "root": wanted}


class BareDistribution(Distribution):
    """For pip under another Python.

    With nothing to resolve, pip comes to python_requires and its one-line error; older releases of pip would complain
    about the first dependency without a wheel instead.
    """

    def parse_config_files(self, *args, **kwargs):
        super().parse_config_files(*args, **kwargs)
        self.install_requires = self.metadata.install_requires = []
        self.extras_require = self.metadata.extras_require = {}


setup(
    distclass=WholeDistribution if RIGHT_PYTHON else BareDistribution,
    packages=find_packages(include=["calosim_tf", "calosim_tf.*"])
    + ["calosim_tf." + name for top in BESIDE for name in find_packages(include=[top, top + ".*"])],
)
