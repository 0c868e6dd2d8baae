# SPDX-License-Identifier: Apache-2.0
"""The ``voxkern`` command.

Exit codes: 0 done, 1 the data or the disk failed, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Any

from .._runtime.errors import VoxkernError
from .commands import COMMANDS
from .options import make_parser
from .progress import Progress


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"voxkern: warning: {message}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = make_parser()
    args = parser.parse_args(argv)
    if args.command == "info" and args.config == (args.input is not None):
        parser.error("info: give a file or folder, or --config")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            COMMANDS[args.command](args, Progress(args.quiet))
    except (VoxkernError, OSError, MemoryError) as error:
        print(f"voxkern: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("voxkern: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
