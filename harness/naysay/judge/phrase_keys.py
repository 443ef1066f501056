"""Which phrases can stand in texts at all: the words that phrases begin with, looked up in many texts at once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from naysay.judge.phrases import Key
from naysay.judge.words import NumberSet, Words, numbers_of, pairs_of


class PhraseKeys:
    """Words and pairs of words, to be found in texts that are cut into words already.

    >>> keys = PhraseKeys(["can't", "not", ("no", "i")])
    >>> keys.held_by(Words.of(["no, i can't.", "not now"])) == [{("no", "i"), "can't"}, {"not"}]
    True

    Args:
        keys: What is looked for.

    Raises:
        ValueError: a key is not made of whole words.
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        single = [key for key in keys if isinstance(key, str)]
        double = [key for key in keys if not isinstance(key, str)]
        pairs = pairs_of(*(numbers_of([pair[side] for pair in double]) for side in (0, 1)))
        numbers = np.concatenate([numbers_of(single), pairs])
        self._set = NumberSet(numbers, bits=18)
        both: list[Key] = [*single, *double]
        if len(numbers) != len(both):
            raise ValueError("a key is not made of whole words")
        self._keys = [both[place] for place in np.unique(numbers, return_index=True)[1].tolist()]

    def held_by(self, words: Words) -> list[set[Key]]:
        """The keys that each text holds."""
        held: list[set[Key]] = [set() for _ in words.counts]
        joined = np.flatnonzero(words.texts[:-1] == words.texts[1:])
        pairs = pairs_of(words.numbers[:-1], words.numbers[1:])[joined]
        for numbers, texts in ((words.numbers, words.texts), (pairs, words.texts[joined])):
            places, members = self._set.find(numbers)
            for text, member in zip(texts[places].tolist(), members.tolist(), strict=True):
                held[text].add(self._keys[member])
        return held
