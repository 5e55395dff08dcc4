"""``python -m calosim_tf`` is ``calosim``."""

import sys

from calosim_tf.cli import main

sys.exit(main())
