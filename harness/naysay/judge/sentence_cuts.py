"""Sentences of many texts at once: the cuts of :func:`naysay.judge.text.sentences`, by arrays of characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from naysay.judge.text import NO_ABBREVIATION, is_abbreviation
from naysay.judge.words import CLOSER, LETTER, MARK, SPACE, WIDE_MARK, Words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_NEWLINE, _FULL_STOP, _PLAIN = ord("\n"), ord("."), ord("z")


def sentence_cuts(texts: Words) -> tuple[Ints, Ints]:
    """Where the sentences of folded texts begin and end, as offsets into ``texts.joined``, in order.

    >>> words = Words.of(["It is 3.5 m. Dr. Li left!", "No. 5", "..."])
    >>> [words.joined[a:b] for a, b in zip(*sentence_cuts(words))]
    ['It is 3.5 m.', 'Dr. Li left!', 'No. 5']
    """
    kinds = texts.kinds
    lines = np.flatnonzero(texts.codes == _NEWLINE) + 1
    bounds = np.union1d(lines, _without_abbreviations(texts, *_stops(texts)))
    held = np.bitwise_or.reduceat(kinds, bounds[:-1])
    shown = _others(kinds, SPACE)
    places = np.searchsorted(shown, bounds)
    begins, ends = shown[places[:-1]], shown[places[1:] - 1] + 1
    whole = held & LETTER > 0
    before = np.maximum.accumulate(np.where(whole, np.arange(len(whole)), -1)).tolist()
    # Left-over marks (a closing quotation mark, an emoji) belong to the sentence before them on their line.
    for piece in np.flatnonzero(~whole & (begins < ends)).tolist():
        if before[piece] >= 0 and texts.joined.find("\n", ends[before[piece]], begins[piece]) < 0:
            ends[before[piece]] = ends[piece]
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
    others = _others(kinds, CLOSER)
    ends = others[np.searchsorted(others, last + 1)]
    stops = wide | (kinds[ends] & SPACE > 0)
    return first[stops], ends[stops]


def _without_abbreviations(texts: Words, marks: Ints, ends: Ints) -> Ints:
    """The ends that are left when full stops behind short words and numbers are none."""
    codes, kinds = texts.codes, texts.kinds
    letters = kinds[marks - 1] & LETTER
    for back in range(2, NO_ABBREVIATION + 1):
        letters = letters & kinds[np.maximum(marks - back, 0)]
    short = (ends == marks + 1) & (codes[marks] == _FULL_STOP) & (letters == 0) & (codes[marks - 1] <= _PLAIN)
    stops = np.ones(len(ends), dtype=bool)
    # The last stop that counts, up to each.
    counts = list(range(len(ends)))
    for place in np.flatnonzero(short).tolist():
        before = counts[place - 1] if place else -1
        line = texts.joined.rfind("\n", 0, marks[place]) + 1
        start = max(line, int(ends[before]) if before >= 0 else 0)
        if is_abbreviation(texts.joined, start, int(marks[place])):
            stops[place], counts[place] = False, before
    return ends[stops]


def _others(kinds: NDArray[np.uint8], kind: np.uint8) -> Ints:
    """The places of all characters that are not of a kind, between one before and one behind all of them."""
    return np.concatenate([[-1], np.flatnonzero(kinds & kind == 0), [len(kinds)]])
