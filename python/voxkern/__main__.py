# SPDX-License-Identifier: Apache-2.0
"""``python -m voxkern`` is the ``voxkern`` command."""

import sys

from ._cli import main

sys.exit(main())
