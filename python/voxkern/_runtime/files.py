# SPDX-License-Identifier: Apache-2.0
"""Files that appear when they are whole, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def writing(target: Path) -> Iterator[Path]:
    """Give a path in a temporary folder; what is written there goes to ``target`` when all is done.

    The file named like the target goes last: it may refer to the others.
    """
    folder = Path(tempfile.mkdtemp(prefix=".writing-", dir=target.parent))
    try:
        yield folder / target.name
        umask = os.umask(0)
        os.umask(umask)
        for written in sorted(folder.iterdir(), key=lambda p: p.name == target.name):
            if written.is_dir():
                written.chmod(0o777 & ~umask)
                if target.is_dir():
                    target.rmdir()
            else:
                written.chmod(0o666 & ~umask)
            written.replace(target.parent / written.name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
