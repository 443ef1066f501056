"""What the embedded judge sees: features of an answer as numbers, and of a trace sentence by name.

Words of the prompt are replaced by one placeholder, so that a model learns how a request is turned down and not what
was asked. Only the beginning of an answer is read: that is where people decide, and it bounds the cost. A feature of
an answer is the hash of its words and of where they stand (feature hashing, Weinberger et al. 2009, with a check behind
the bucket so that unknown words are not taken for known ones); hashing keeps texts out of the weights as well.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from naysay.judge.keyword import leanings
from naysay.judge.lexicon import Lexicon
from naysay.judge.phrase_pattern import WIDE
from naysay.judge.phrases import break_words, plain_words
from naysay.judge.text import Folded, fold, sentences

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Keys = NDArray[np.uint64]
    Ints = NDArray[np.int64]

ANSWER_CHARS = 900
LIST_CHARS = 1800
MAX_SENTENCES = 40
HEAD_WORDS = 40
FIRST_WORDS = 41
PLACEHOLDER = "§"
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
_KEPT = frozenset(_KEPT_WORDS.split())

# Odd numbers of 64 bits without a pattern (SplitMix64's constants, and primes).
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_MIX_AGAIN = np.uint64(0x94D049BB133111EB)
_SECOND = np.uint64(0x9E3779B97F4A7C15)
_HEAD, _FIRST, _PAIR, _RUN = (np.uint64(crc32(name) << 32) for name in (b"head", b"first", b"pair", b"run"))
_POWERS = np.array([1, 0x100000001B3, 0x100000001B3**2 % 2**64, 0x100000001B3**3 % 2**64], dtype=np.uint64)


class _Words(dict[str, int]):
    """The number of a word, kept for as long as there is room."""

    most = 50_000

    def __missing__(self, word: str) -> int:
        if len(self) >= self.most:
            self.clear()
        number = self[word] = crc32(word.encode("utf-8", "surrogatepass"))
        return number


_NUMBERS = _Words()
_LONGER = [_NUMBERS[f"\0longer than {length}"] for length in LENGTHS]
_ENDINGS = [_NUMBERS[f"\0word {place} ends in -ed"] for place in range(REPORTING)]
_MORE = [_NUMBERS[f"\0more items than {number}"] for number in ITEMS]


@dataclass(slots=True)
class Head:
    """The beginning of an answer, read once for phrase rules and features alike.

    Attributes:
        folded: Its first :data:`ANSWER_CHARS` characters, folded.
        spans: Its sentences, as spans of the folded text.
        words: The words of each sentence.
        flat: All of them in order.
    """

    folded: Folded
    spans: list[tuple[int, int]]
    words: list[list[str]]
    flat: list[str]

    @classmethod
    def of(cls, answer: str) -> Head:
        """Fold the beginning of an answer and cut it."""
        folded = fold(answer[:ANSWER_CHARS])
        spans = sentences(folded.text)[:MAX_SENTENCES]
        plain = plain_words(folded.text)
        words = [plain[start:end].split() for start, end in spans]
        return cls(folded, spans, words, list(chain.from_iterable(words)))


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


@lru_cache(maxsize=4096)
def prompt_words(prompt: str) -> frozenset[str]:
    """Words of a prompt that are put out of sight in its answer."""
    return frozenset(word for word in break_words(fold(prompt[:2000]).text) if len(word) > 3) - _KEPT


def is_wide(folded: str) -> bool:
    """Whether any of a folded text is in a script without spaces, or in Hangul."""
    return not folded.isascii() and WIDE.search(folded) is not None


def answer_features(heads: Sequence[Head], pairs: Sequence[tuple[str, str]], cues: Sequence[Sequence[str]]) -> Answers:
    """Features of answers.

    Words and pairs of words everywhere; the first :data:`HEAD_WORDS` words once more, as are words and pairs of the
    first sentence; runs of characters where a script has no spaces; how long the answer is and how many items its lists
    have.

    Args:
        heads: The beginning of each answer.
        pairs: Of each, the answer and what was asked.
        cues: What phrase rules found in each, by name.
    """
    words: list[int] = []
    lengths: list[int] = []
    sentence_words: list[int] = []
    firsts: list[int] = []
    extra: list[int] = []
    extras: list[int] = []
    number_of, placeholder = _NUMBERS.__getitem__, _NUMBERS[PLACEHOLDER]
    for head, (text, prompt), found in zip(heads, pairs, cues, strict=True):
        hidden = prompt_words(prompt)
        before = len(words)
        for some in head.words:
            sentence_words.append(len(some))
            if hidden.isdisjoint(some):
                words += map(number_of, some)
            else:
                words += [placeholder if word in hidden else number_of(word) for word in some]
        firsts.append(min(len(head.words[0]), FIRST_WORDS) if head.words else 0)
        lengths.append(len(words) - before)
        items = len(_ITEM.findall("\n" + text[:LIST_CHARS])) if "\n" in text else 0
        more = [_NUMBERS["\0cue " + cue] for cue in found]
        if head.words:
            more += [_ENDINGS[place] for place, word in enumerate(head.words[0][:REPORTING]) if word[-2:] == "ed"]
        more += _LONGER[: bisect_left(LENGTHS, len(text))] + _MORE[: bisect_left(ITEMS, items)]
        extra += more
        extras.append(len(more))
    count = np.arange(len(heads))
    numbers = np.array(words, dtype=np.uint64)
    texts = np.repeat(count, lengths)
    starts = np.cumsum([0, *lengths[:-1]])
    places = np.arange(len(words)) - np.repeat(starts, lengths)
    first = places < np.repeat(firsts, lengths)
    joined = texts[:-1] == texts[1:]
    pairs_of = ((numbers[:-1] * _SECOND) ^ numbers[1:] ^ _PAIR)[joined]
    head_words = places < HEAD_WORDS
    both = first[:-1][joined] & first[1:][joined]
    runs, run_texts = _runs([head.folded.text for head in heads])
    keys = [numbers, pairs_of, numbers[head_words] ^ _HEAD, np.array(extra, dtype=np.uint64)]
    of = [texts, texts[:-1][joined], texts[head_words], np.repeat(count, extras)]
    few = sum(map(len, keys))
    keys += [numbers[first] ^ _FIRST, pairs_of[both] ^ _FIRST, runs]
    of += [texts[first], of[1][both], run_texts]
    owners = np.repeat(np.arange(len(sentence_words)), sentence_words)
    owners = np.concatenate([owners, owners[:-1][joined]])
    return Answers(_mixed(np.concatenate(keys)), np.concatenate(of), few, len(words), owners)


def _runs(heads: Sequence[str]) -> tuple[Keys, Ints]:
    """Keys of the runs of characters in heads that have words without spaces, and the answer that each is of."""
    pieces = ["".join(head.split())[:RUN_CHARS] if is_wide(head[:RUN_CHARS]) else "" for head in heads]
    if not any(pieces):
        return np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
    codes = np.frombuffer("".join(pieces).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    texts = np.repeat(np.arange(len(heads)), [len(piece) for piece in pieces])
    total, found, of = codes, [], []
    for step in range(1, max(RUNS)):
        total = total[:-1] + codes[step:] * _POWERS[step]
        if step + 1 in RUNS:
            within = texts[: len(total)] == texts[step:]
            found.append(total[within] ^ _RUN ^ np.uint64((step + 1) << 60))
            of.append(texts[: len(total)][within])
    return np.concatenate(found), np.concatenate(of)


def _mixed(keys: Keys) -> Keys:
    """Keys with every bit depending on every other (the finaliser of SplitMix64)."""
    keys = (keys ^ (keys >> np.uint64(30))) * _MIX
    keys = (keys ^ (keys >> np.uint64(27))) * _MIX_AGAIN
    return keys ^ (keys >> np.uint64(31))


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
