"""The words of many texts at once, as numbers.

A judge that reads thousands of answers a second has no time to make an object of every word. Here texts are laid end to
end and cut by arrays of their characters; a word is a hash of its letters, the same wherever it stands, and pairs of
words are hashed from their words. Words are those of :data:`naysay.judge.phrase_pattern.WORD`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from naysay.judge.text import CLOSERS, MARKS, WIDE_MARKS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Keys = NDArray[np.uint64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

# Odd numbers of 64 bits without a pattern (SplitMix64's constants, and Evensen's).
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_MIX_AGAIN = np.uint64(0x94D049BB133111EB)
_SECOND = np.uint64(0x9E3779B97F4A7C15)
_BASE = 0xD6E8FEB86659FD93

POWERS = np.array(list(accumulate(range(1023), lambda power, _: power * _BASE % 2**64, initial=1)), dtype=np.uint64)
"""Factors of the characters of a word by their place in it; they begin anew in a word that is longer."""

LETTER, SPACE, MARK, WIDE_MARK, CLOSER = (np.uint8(1 << bit) for bit in range(5))
"""What a character can be, in :attr:`Words.kinds`: a letter or digit; white space; what ends a sentence, and what does
so without white space behind it (wide); what may stand between such a mark and the space."""

_LAST = 0xFFFF
_APOSTROPHE = ord("'")
_BETWEEN = "\n"


@lru_cache(maxsize=1)
def _kinds() -> NDArray[np.uint8]:
    """What each character up to the last one is."""
    kinds = np.zeros(_LAST + 1, dtype=np.uint8)
    for code, char in enumerate(map(chr, range(_LAST))):
        kinds[code] = LETTER if char.isalnum() else SPACE if char.isspace() else 0
    kinds[[ord(char) for char in MARKS]] |= MARK
    kinds[[ord(char) for char in WIDE_MARKS]] |= WIDE_MARK
    kinds[[ord(char) for char in CLOSERS]] |= CLOSER
    return kinds


@dataclass(slots=True)
class Words:
    """Words of some texts, in order.

    Attributes:
        numbers: ``(words,)``, what each word is.
        texts: ``(words,)``, the text that each stands in, from 0.
        counts: ``(texts,)``, how many words each text has.
        starts: ``(texts,)``, where each text begins in :attr:`joined`.
        begins: ``(words,)``, the first character of each, as an offset into :attr:`joined`.
        ends: ``(words,)``, behind the last one.
        joined: All texts, with a line break before, between and behind them.
        codes: Its characters.
        kinds: What each of them is.
    """

    numbers: Keys
    texts: Ints
    counts: Ints
    starts: Ints
    begins: Ints
    ends: Ints
    joined: str
    codes: NDArray[Any]
    kinds: NDArray[np.uint8]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Words:
        """Cut folded texts.

        >>> words = Words.of(["don't 'quote' me", "", "me"])
        >>> words.counts.tolist(), bool(words.numbers[2] == words.numbers[3])
        ([3, 0, 1], True)
        """
        joined = _BETWEEN + "".join(text + _BETWEEN for text in texts)
        if joined.isascii():
            codes: NDArray[Any] = np.frombuffer(joined.encode("ascii"), dtype=np.uint8)
            kinds = _kinds().take(codes)
        else:
            codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
            kinds = _kinds().take(np.minimum(codes, _LAST))
            for place in np.flatnonzero(codes >= _LAST).tolist():
                kinds[place] = LETTER if joined[place].isalnum() else 0
        inside = kinds & LETTER > 0
        marks = np.flatnonzero(codes == _APOSTROPHE)
        # An apostrophe is part of a word only between two letters.
        inside[marks] = kinds[marks - 1] & kinds[marks + 1] & LETTER
        edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
        begins, ends = edges[::2], edges[1::2]
        starts = 1 + np.array([0, *accumulate(len(text) + 1 for text in texts)], dtype=np.int64)
        counts = np.diff(np.searchsorted(begins, starts))
        owners = np.repeat(np.arange(len(texts)), counts)
        numbers = _numbers(codes[inside], ends - begins)
        return cls(numbers, owners, counts, starts[:-1], begins, ends, joined, codes, kinds)

    @property
    def places(self) -> Ints:
        """Where each word stands in its text, ``(words,)``, from 0."""
        return np.arange(len(self.numbers)) - np.repeat(np.cumsum(self.counts) - self.counts, self.counts)

    def end_in(self, letters: str) -> Flags:
        """Whether each word ends in some letters, ``(words,)``."""
        ending = np.ones(len(self.ends), dtype=bool)
        for back, letter in enumerate(reversed(letters), start=1):
            ending &= self.codes[self.ends - back] == ord(letter)
        return ending


def _numbers(codes: NDArray[Any], lengths: Ints) -> Keys:
    """The numbers of words from their characters, one word behind the other, and their lengths."""
    if not len(lengths):
        return np.zeros(0, dtype=np.uint64)
    first = np.cumsum(lengths) - lengths
    places = np.arange(len(codes)) - np.repeat(first, lengths)
    sums = np.add.reduceat(codes * POWERS.take(places, mode="wrap"), first, dtype=np.uint64)
    return mixed(sums)


def numbers_of(words: Iterable[str]) -> Keys:
    """The number of each of some words, as they stand in texts."""
    return Words.of(list(words)).numbers


def pairs_of(first: Keys, second: Keys) -> Keys:
    """Numbers of pairs of words from those of their words."""
    return (first * _SECOND) ^ second


def mixed(keys: Keys) -> Keys:
    """Keys with every bit depending on every other (the finaliser of SplitMix64)."""
    keys = (keys ^ (keys >> np.uint64(30))) * _MIX
    keys = (keys ^ (keys >> np.uint64(27))) * _MIX_AGAIN
    return keys ^ (keys >> np.uint64(31))


class NumberSet:
    """A set of numbers, asked for many at once: a table by their upper bits lets few others through to be compared.

    >>> NumberSet(numbers_of(["no", "never"]), bits=8).where(numbers_of(["oh", "no", "no"])).tolist()
    [1, 2]

    Args:
        numbers: Its members, mixed.
        bits: Bits of the table; at sixteen times as many places as members, one stranger in sixteen is compared.
    """

    def __init__(self, numbers: Keys, bits: int) -> None:
        self.members = np.unique(numbers)
        self._shift = np.uint64(64 - bits)
        self._table = np.zeros(1 << bits, dtype=bool)
        self._table[self.members >> self._shift] = True

    def find(self, numbers: Keys) -> tuple[Ints, Ints]:
        """Which of some numbers are members: their places, ascending, and of each its place among :attr:`members`."""
        likely = np.flatnonzero(self._table.take((numbers >> self._shift).astype(np.int64)))
        if not len(likely):
            return likely, likely
        found = numbers[likely]
        members = np.searchsorted(self.members, found).clip(max=len(self.members) - 1)
        held = self.members[members] == found
        return likely[held], members[held]

    def where(self, numbers: Keys) -> Ints:
        """The first half of :meth:`find`."""
        return self.find(numbers)[0]
