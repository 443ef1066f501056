"""Which responses a classifier was trained on, as fingerprints: agreeing with their labels is no merit of the judge."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from naysay.judge.phrases import break_words
from naysay.judge.text import fold

FILE = "trained_on.npy"
CHARS = 300


def fingerprint(prompt: str, response: Iterable[str]) -> int:
    """Eight bytes over the letters with which a prompt and a response begin.

    Marks, white space, letter case and kinds of apostrophe do not count, nor does what is added at the end: a response
    that was seen in training stays one when it is cleaned up.

    Args:
        prompt: What was asked.
        response: The words of the response's beginning, folded and in order.
    """
    words = "".join(response).replace("'", "")[:CHARS]
    return int.from_bytes(hashlib.blake2b(_asked(prompt) + words.encode("utf-8", "replace"), digest_size=8).digest())


@lru_cache(maxsize=4096)
def _asked(prompt: str) -> bytes:
    words = "".join(break_words(fold(prompt[: 2 * CHARS]).text)).replace("'", "")[:CHARS]
    return words.encode("utf-8", "replace") + b"\0"


def write(path: Path, pairs: Iterable[tuple[str, str]]) -> None:
    """Write the fingerprints of ``(prompt, response)`` pairs, sorted, so that the same set gives the same bytes."""
    import numpy as np

    from naysay.judge.features import Head

    prints = {fingerprint(prompt, Head.of(response).flat) for prompt, response in pairs}
    np.save(path, np.array(sorted(prints), dtype=np.uint64), allow_pickle=False)


def read(path: Path) -> frozenset[int]:
    """The fingerprints, or none where a judge has no such file.

    Raises:
        ValueError: the file is no array of numbers.
    """
    if not path.is_file():
        return frozenset()
    import numpy as np

    return frozenset(np.load(path, allow_pickle=False).astype(np.uint64).tolist())
