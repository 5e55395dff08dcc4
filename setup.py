"""Build script: refuses any Python but 3.11 in one line, and names the packages.  Everything else is in setup.cfg."""

import sys

from setuptools import find_packages, setup

# pip turns a failing build script into a page of output, but prints one line for an unfit Requires-Python: leave it to pip there.
if sys.version_info[:2] != (3, 11) and "setuptools.build_meta" not in sys.modules:
    sys.exit("calosim-tf needs Python 3.11, this is Python %d.%d: use python3.11" % sys.version_info[:2])

# experiments/ and data_prep/ stand beside the package in the tree and inside it once installed (package_dir in setup.cfg).
BESIDE = ("experiments", "data_prep")

setup(
    packages=find_packages(include=["calosim_tf", "calosim_tf.*"])
    + ["calosim_tf." + name for top in BESIDE for name in find_packages(include=[top, top + ".*"])]
)
