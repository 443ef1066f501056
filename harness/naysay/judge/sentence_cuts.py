"""Sentences of many texts at once: the cuts of :func:`naysay.judge.text.sentences`, by arrays of characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from naysay.judge.text import is_abbreviation
from naysay.judge.words import CLOSER, LETTER, MARK, SPACE, WIDE_MARK, Words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_NEWLINE, _FULL_STOP, _PLAIN = ord("\n"), ord("."), ord("z")


def sentence_cuts(texts: Words) -> tuple[Ints, Ints]:
    """Where the sentences of texts begin and end, as offsets into ``texts.joined``, in order.

    >>> words = Words.of(["It is 3.5 m. Dr. Li left!", "No. 5", "..."])
    >>> [words.joined[a:b] for a, b in zip(*sentence_cuts(words))]
    ['It is 3.5 m.', 'Dr. Li left!', 'No. 5']
    """
    lines = np.flatnonzero(texts.codes == _NEWLINE) + 1
    bounds = np.union1d(lines, _without_abbreviations(texts, *_stops(texts)))
    kinds = texts.kinds
    held = np.bitwise_or.reduceat(kinds, bounds[:-1])
    begins, ends = _advanced(kinds, bounds[:-1], SPACE), _advanced(kinds, bounds[1:] - 1, SPACE, step=-1) + 1
    whole = held & LETTER > 0
    # Left-over marks (a closing quotation mark, an emoji) belong to the sentence before them on their line.
    for piece in np.flatnonzero(~whole & (begins < ends)).tolist():
        before = piece - 1
        while before >= 0 and not whole[before]:
            before -= 1
        if before >= 0 and "\n" not in texts.joined[ends[before] : begins[piece]]:
            ends[before] = ends[piece]
    return begins[whole], ends[whole]


def _stops(texts: Words) -> tuple[Ints, Ints]:
    """Where marks that end a sentence begin, and where it ends behind them and what closes."""
    kinds = texts.kinds
    marks = np.flatnonzero(kinds & MARK)
    if not len(marks):
        return marks, marks
    runs = np.flatnonzero(np.diff(marks, prepend=-1) != 1)
    first, last = marks[runs], marks[np.append(runs[1:], len(marks)) - 1]
    wide = np.bitwise_or.reduceat(kinds[marks], runs) & WIDE_MARK > 0
    ends = _advanced(kinds, last + 1, CLOSER)
    stops = wide | (kinds[ends] & SPACE > 0)
    return first[stops], ends[stops]


def _without_abbreviations(texts: Words, marks: Ints, ends: Ints) -> Ints:
    """The ends that are left when full stops behind short words and numbers are none."""
    codes, kinds = texts.codes, texts.kinds
    letters = kinds[marks - 1] & LETTER
    for back in range(2, 6):
        letters = letters & kinds[np.maximum(marks - back, 0)]
    short = (ends == marks + 1) & (codes[marks] == _FULL_STOP) & (letters == 0) & (codes[marks - 1] <= _PLAIN)
    stops = np.ones(len(ends), dtype=bool)
    for place in np.flatnonzero(short).tolist():
        line = texts.joined.rfind("\n", 0, marks[place]) + 1
        before = place - 1
        while before >= 0 and not stops[before]:
            before -= 1
        start = max(line, int(ends[before]) if before >= 0 else 0)
        stops[place] = not is_abbreviation(texts.joined, start, int(marks[place]))
    return ends[stops]


def _advanced(kinds: NDArray[np.uint8], places: Ints, kind: Any, step: int = 1) -> Ints:
    """Places, moved on over characters of a kind. A break before and behind every text stops them."""
    places = places.copy()
    moving = np.flatnonzero(kinds[places] & kind)
    while len(moving):
        places[moving] += step
        moving = moving[(places[moving] > 0) & (places[moving] < len(kinds) - 1)]
        moving = moving[kinds[places[moving]] & kind > 0]
    return places
