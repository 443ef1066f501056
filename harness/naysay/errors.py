"""Errors that a person can act on. Every one names what was wrong, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class NaysayError(Exception):
    """Something the user can put right. The command line prints the message without a traceback and exits with 2.

    Attributes:
        exit_code: What the process exits with: 2 wrong use, 3 incomplete.
    """

    exit_code = 2

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(f"{message}\n{hint}" if hint else message)
        self.message = message
        self.hint = hint


class IncompleteError(NaysayError):
    """The work stopped before its end; nothing written was lost."""

    exit_code = 3


def did_you_mean(word: str, known: Iterable[str], *, limit: int = 3) -> str:
    """A sentence that offers the nearest known words, or lists them when none is near.

    >>> did_you_mean("keywrod", ["keyword", "embedded"])
    'Did you mean keyword?'
    """
    choices = sorted(set(known))
    close = difflib.get_close_matches(word, choices, n=limit, cutoff=0.6)
    if not close:
        close = [c for c in choices if word and (word in c or c in word)][:limit]
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"Known: {', '.join(choices)}." if choices else "None is known."


def is_utf8(text: str | Path) -> bool:
    r"""Whether it can be written as UTF-8: half a surrogate pair cannot, which is how Python reads stray bytes.

    >>> is_utf8("a\udcff")
    False
    """
    try:
        str(text).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
