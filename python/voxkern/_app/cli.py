# SPDX-License-Identifier: Apache-2.0
"""The ``voxkern`` command.

Exit codes: 0 done, 1 the data or the disk failed, 2 wrong usage, 3 a fault of voxkern, 130 interrupted.
"""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any

from .._runtime.errors import VoxkernError
from . import ants
from .commands import COMMANDS
from .options import make_parser
from .progress import Progress


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"voxkern: warning: {message}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = make_parser()
    args = ants.parse(words) if ants.is_ants(words) else parser.parse_args(words)
    if args.command == "info" and args.config == (args.input is not None):
        parser.error("info: give a file or folder, or --config")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            COMMANDS[args.command](args, Progress(args.quiet))
    except KeyboardInterrupt:
        print("voxkern: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if args.debug:
            traceback.print_exc()
        expected = isinstance(error, VoxkernError | OSError | MemoryError)
        text = " ".join(str(error).split()) or type(error).__name__
        fault = "" if expected else f"unexpected {type(error).__name__} (--debug shows where): "
        print(f"voxkern: error: {fault}{text}", file=sys.stderr)
        return 1 if expected else 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
