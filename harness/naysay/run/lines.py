"""Which files of recorded responses can be used: they are read more than once, and named in the run folder."""

from __future__ import annotations

import stat
from pathlib import Path

from naysay.errors import NaysayError, is_utf8


def check_file(path: Path) -> None:
    """Refuse what is there and is no file; that nothing is there, opening it says.

    Raises:
        NaysayError: it is a pipe or a device, or its name cannot be written down.
    """
    if not is_utf8(path):
        raise NaysayError(
            f"The file name {str(path)!r} is not UTF-8.", hint="Rename the file: the run folder names it."
        )
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise NaysayError(
            f"{path} is a pipe or a device, which can be read only once.",
            hint="Save it to a file first, and name that.",
        )
