"""What the embedded judge sees: features of an answer as numbers, and of a trace sentence by name.

Words of the prompt are replaced by one placeholder, so that a model learns how a request is turned down and not what
was asked. A feature of an answer is the hash of its words and of where they stand (feature hashing, Weinberger et al.
2009, with a check behind the bucket so that unknown words are not taken for known ones); hashing keeps texts out of the
weights as well.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from naysay.judge.beginnings import Beginnings
from naysay.judge.keyword import leanings
from naysay.judge.lexicon import Lexicon
from naysay.judge.phrase_pattern import WIDE
from naysay.judge.phrases import break_words
from naysay.judge.words import POWERS, NumberSet, Words, mixed, numbers_of, pairs_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Keys = NDArray[np.uint64]
    Ints = NDArray[np.int64]

LIST_CHARS = 1800
HEAD_WORDS = 40
FIRST_WORDS = 41
HIDDEN_FROM = 4
"""Letters from which on a word of the prompt is put out of sight in its answer."""
RUNS, RUN_CHARS = (2, 3), 300
"""Sizes of the runs of characters, and how far into the answer they go, in scripts without spaces and in Hangul."""
LENGTHS = (40, 80, 150, 300, 500, 800, 1200, 2400)
ITEMS = (0, 1, 2, 4, 8)
REPORTING = 3
"""First words whose ending is looked at: "I archived", "all moved" report, whatever the verb."""

_ITEM = re.compile(r"\n[ \t]*(?:\d{1,2}[.)]|[-*•])[ \t]")
# Words of refusing itself: a prompt that holds them must not hide them in its answer.
_KEPT_WORDS = """
can't cannot help assist assistance provide information sorry unable apologize should would could about what when where
which with that this from have your they them there their people here some like make does into will want know best right
wrong illegal ethical appropriate harmful safe safety person need good then than while never refuse answer decline
because instead other sure course step steps first
"""


@lru_cache(maxsize=256)
def _named(name: str) -> int:
    """The number of a feature that is no word."""
    return crc32(name.encode())


_HEAD, _FIRST, _PAIR, _RUN = (np.uint64(_named(name) << 32) for name in ("head", "first", "pair", "run"))
_PLACEHOLDER = np.uint64(_named("word of the prompt"))
_LONGER = [_named(f"longer than {length}") for length in LENGTHS]
_ENDINGS = [_named(f"word {place} ends in -ed") for place in range(REPORTING)]
_MORE = [_named(f"more items than {number}") for number in ITEMS]


@dataclass(slots=True)
class Answers:
    """The features of some answers, all in the same arrays: many short array operations cost more than a few long ones.

    Attributes:
        keys: All keys, some more than once: words, pairs of words, and what else both heads read; then the rest.
        texts: The answer that each key is of.
        few: How many of the keys are read by both heads.
        words: How many of the keys are words.
        owners: The sentence of each of the first keys (words, pairs of words), counted through all answers.
    """

    keys: Keys
    texts: Ints
    few: int
    words: int
    owners: Ints


def is_wide(folded: str) -> bool:
    """Whether any of a folded text is in a script without spaces, or in Hangul."""
    return not folded.isascii() and WIDE.search(folded) is not None


def answer_features(read: Beginnings, answers: Sequence[str], cues: Sequence[Sequence[str]]) -> Answers:
    """Features of answers.

    Words and pairs of words everywhere; the first :data:`HEAD_WORDS` words once more, as are words and pairs of the
    first sentence; runs of characters where a script has no spaces; how long the answer is and how many items its lists
    have.

    Args:
        read: The beginning of each answer, and its prompt.
        answers: The whole of each.
        cues: What phrase rules found in each, by name.
    """
    words = read.words
    numbers = _without_the_prompts_words(words, read.asked)
    places = words.places
    first = (read.owners == (np.cumsum(read.sizes) - read.sizes)[words.texts]) & (places < FIRST_WORDS)
    joined = np.flatnonzero(words.texts[:-1] == words.texts[1:])
    couples = pairs_of(numbers[:-1], numbers[1:])[joined] ^ _PAIR
    head = np.flatnonzero(places < HEAD_WORDS)
    both = first[joined + 1]
    more = [_about(answer, found) for answer, found in zip(answers, cues, strict=True)]
    early = np.flatnonzero((places < REPORTING) & first)
    reports = early[words.end_in("ed")[early]]
    runs, run_texts = _runs([one.text for one in read.folded])
    keys = [
        numbers,
        couples,
        numbers[head] ^ _HEAD,
        np.array([number for some in more for number in some], dtype=np.uint64),
        np.array(_ENDINGS, dtype=np.uint64)[places[reports]],
    ]
    of = [
        words.texts,
        words.texts[joined],
        words.texts[head],
        np.repeat(np.arange(len(answers)), [len(some) for some in more]),
        words.texts[reports],
    ]
    few = sum(map(len, keys))
    keys += [numbers[first] ^ _FIRST, couples[both] ^ _FIRST, runs]
    of += [words.texts[first], of[1][both], run_texts]
    owners = np.concatenate([read.owners, read.owners[joined]])
    return Answers(mixed(np.concatenate(keys)), np.concatenate(of), few, len(numbers), owners)


def _about(answer: str, cues: Sequence[str]) -> list[int]:
    """Numbers of what is known of an answer as a whole."""
    items = len(_ITEM.findall("\n" + answer[:LIST_CHARS])) if "\n" in answer else 0
    found = [_named("cue " + cue) for cue in cues]
    return found + _LONGER[: bisect_left(LENGTHS, len(answer))] + _MORE[: bisect_left(ITEMS, items)]


@lru_cache(maxsize=1)
def _kept() -> NumberSet:
    return NumberSet(numbers_of(_KEPT_WORDS.split()), bits=12)


def _without_the_prompts_words(words: Words, asked: Words) -> Keys:
    """The numbers of words, with one number for all that stand in the text's own prompt."""
    hides = asked.ends - asked.begins >= HIDDEN_FROM
    hides[_kept().where(asked.numbers)] = False
    # A number for a word of one text: the same word of another prompt hides nothing.
    own = mixed(np.arange(len(asked.counts), dtype=np.uint64) + np.uint64(1))
    hidden = NumberSet(asked.numbers[hides] ^ own[asked.texts[hides]], bits=16)
    numbers = words.numbers.copy()
    numbers[hidden.where(numbers ^ own[words.texts])] = _PLACEHOLDER
    return numbers


def _runs(heads: Sequence[str]) -> tuple[Keys, Ints]:
    """Keys of the runs of characters in heads that have words without spaces, and the answer that each is of."""
    pieces = ["".join(head.split())[:RUN_CHARS] if is_wide(head[:RUN_CHARS]) else "" for head in heads]
    if not any(pieces):
        return np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
    codes = np.frombuffer("".join(pieces).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    texts = np.repeat(np.arange(len(heads)), [len(piece) for piece in pieces])
    total, found, of = codes, [], []
    for step in range(1, max(RUNS)):
        total = total[:-1] + codes[step:] * POWERS[step]
        if step + 1 in RUNS:
            within = texts[: len(total)] == texts[step:]
            found.append(total[within] ^ _RUN ^ np.uint64((step + 1) << 60))
            of.append(texts[: len(total)][within])
    return np.concatenate(found), np.concatenate(of)


def _char_grams(text: str, sizes: Sequence[int], prefix: str) -> list[str]:
    return [prefix + text[i : i + n] for n in sizes for i in range(len(text) - n + 1)]


def stance_grams(sentence: str, lexicon: Lexicon) -> list[str]:
    """Features of one folded sentence of a trace: word 1- to 3-grams with its borders, characters, leaning phrases."""
    words = ["^", *break_words(sentence)[:60], "$"]
    grams = words + [f"{a} {b}" for a, b in pairwise(words)]
    grams += [f"{a} {b} {c}" for a, b, c in zip(words, words[1:], words[2:], strict=False)]
    if "?" in sentence[-3:] or "？" in sentence[-3:]:
        grams.append("?")
    if is_wide(sentence):
        grams += _char_grams("".join(sentence.split())[-80:], (2, 3), "k:")
    else:
        grams += _char_grams(sentence[-160:], (4,), "k:")
    found = leanings(lexicon, sentence)
    if found:
        grams.append(f"last:{found[-1][2]}")
        grams += [f"has:{label}" for label in {label for _, _, label in found}]
    else:
        grams.append("last:none")
    return grams
