"""Files that survive a kill and a full disk: lines appended whole, files replaced in one step."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from naysay.errors import IncompleteError, NaysayError


class LineWriter:
    """Appends JSON lines, one unbuffered write each, after cutting off a torn last line.

    Raises (from every method):
        NaysayError: the file cannot be opened.
        IncompleteError: the disk is full, or the file cannot be written any more.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            self._size = _cut_torn_line(self._fd)
        except OSError as error:
            raise cannot_write(path, error) from error

    def write(self, record: Any) -> None:
        """Append one record; when this returns, the line is in the operating system's hands."""
        line = to_line(record)
        try:
            written = os.write(self._fd, line)
            while written < len(line):
                written += os.write(self._fd, line[written:])
        except OSError as error:
            # Half a line would be taken for the beginning of the next one.
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._size)
            raise cannot_write(self.path, error) from error
        self._size += len(line)

    def close(self) -> None:
        """Close the file. Writing afterwards is an error."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def to_line(record: Any) -> bytes:
    """One JSON line. Lone surrogates (broken tokenizers make them) cannot be written as UTF-8 and become ``?``."""
    try:
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        return orjson.dumps(_replace_surrogates(record), option=orjson.OPT_APPEND_NEWLINE)


_ELSEWHERE = "Choose a folder you may write to with --out."


def write_atomically(path: Path, data: bytes, *, hint: str = _ELSEWHERE) -> None:
    """Write a file so that readers see the old content or the new, never half of it.

    Args:
        path: The file.
        data: Its content.
        hint: What to do where it may not be written there.

    Raises:
        NaysayError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise cannot_write(path, error, hint=hint) from error


def cannot_write(path: Path, error: OSError, *, hint: str = _ELSEWHERE) -> NaysayError:
    """The error for a file or folder that cannot be written; a full disk is work left incomplete, not wrong use."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return IncompleteError(
            f"The disk is full: cannot write {path}.",
            hint="All whole lines are kept. Free some space and give the same command again.",
        )
    return NaysayError(f"Cannot write {path}: {error.strerror or error}.", hint=hint)


def _cut_torn_line(fd: int) -> int:
    """Cut the file behind its last newline; return its size."""
    size = os.lseek(fd, 0, os.SEEK_END)
    end, step = size, 1 << 16
    while end > 0:
        start = max(0, end - step)
        os.lseek(fd, start, os.SEEK_SET)
        newline = os.read(fd, end - start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end != size:
        os.ftruncate(fd, end)
    return end


def _replace_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_replace_surrogates(k): _replace_surrogates(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_replace_surrogates(v) for v in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _replace_surrogates(getattr(value, name)) for name in value.__dataclass_fields__}
    return value
