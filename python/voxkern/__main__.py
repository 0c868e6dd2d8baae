# SPDX-License-Identifier: Apache-2.0
"""``python -m voxkern`` is the ``voxkern`` command."""

import sys

from ._app.cli import main

sys.exit(main())
