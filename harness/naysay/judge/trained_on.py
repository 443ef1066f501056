"""Which responses a classifier was trained on, as fingerprints: agreeing with their labels is no merit of the judge."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from naysay.judge.words import LETTER, NumberSet, Words, mixed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from naysay.judge.beginnings import Beginnings

    Keys = NDArray[np.uint64]

FILE = "trained_on.npy"
LETTERS = 300
_AT_ONCE = 256


def fingerprints(read: Beginnings) -> Keys:
    """Eight bytes over the letters with which each prompt and its response begin, ``(responses,)``.

    Marks, white space, letter case and kinds of apostrophe do not count, nor does what is added at the end: a response
    that was seen in training stays one when it is cleaned up.

    Args:
        read: Prompts and responses.
    """
    return mixed(mixed(_sums(read.asked)) + _sums(read.words))


def _sums(words: Words) -> Keys:
    """A number of each text from its first letters and their order."""
    letters = np.flatnonzero(words.kinds & LETTER)
    first = np.searchsorted(letters, words.starts)
    sizes = np.minimum(np.diff(first, append=len(letters)), LETTERS)
    ends = np.cumsum(sizes)
    places = np.arange(sizes.sum()) - np.repeat(ends - sizes, sizes)
    codes = words.codes[letters[np.repeat(first, sizes) + places]]
    terms = mixed(codes + (places.astype(np.uint64) << np.uint64(32)))
    # Sums up to each letter: those of a text are what two of them differ by, as numbers wrap.
    totals = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(terms, dtype=np.uint64)])
    sums: Keys = totals[ends] - totals[ends - sizes]
    return sums


def write(path: Path, pairs: Iterable[tuple[str, str]]) -> None:
    """Write the fingerprints of ``(prompt, response)`` pairs, sorted, so that the same set gives the same bytes."""
    from naysay.judge.beginnings import Beginnings

    left = iter(pairs)
    prints = [np.zeros(0, dtype=np.uint64)]
    while some := [(response, prompt) for prompt, response in islice(left, _AT_ONCE)]:
        prints.append(fingerprints(Beginnings.of(some)))
    np.save(path, np.unique(np.concatenate(prints)), allow_pickle=False)


def read(path: Path) -> NumberSet:
    """The fingerprints, or none where a judge has no such file.

    Raises:
        ValueError: the file is no array of numbers.
    """
    if not path.is_file():
        return NumberSet(np.zeros(0, dtype=np.uint64), bits=1)
    return NumberSet(np.load(path, allow_pickle=False).astype(np.uint64), bits=18)
