"""The beginnings of answers, folded and cut: that is where people decide, and it bounds the cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from naysay.judge.sentence_cuts import sentence_cuts
from naysay.judge.text import Folded, fold
from naysay.judge.words import Words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

ANSWER_CHARS = 900
PROMPT_CHARS = 2000


@dataclass(slots=True)
class Beginnings:
    """The beginnings of some answers, read once for phrase rules and features alike.

    Attributes:
        folded: The first :data:`ANSWER_CHARS` characters of each, folded.
        words: The words of all of them.
        asked: The words of the prompts, each up to :data:`PROMPT_CHARS` characters.
        spans: ``(sentences, 2)``, the sentences of all answers, each as a span of its folded text.
        sizes: ``(answers,)``, how many sentences each has; at least one.
        owners: ``(words,)``, the sentence of each word, counted through all answers.
    """

    folded: list[Folded]
    words: Words
    asked: Words
    spans: Ints
    sizes: Ints
    owners: Ints

    @classmethod
    def of(cls, pairs: Sequence[tuple[str, str]]) -> Beginnings:
        """Fold the beginnings of answers, and what was asked, and cut them."""
        folded = [fold(answer[:ANSWER_CHARS]) for answer, _ in pairs]
        words = Words.of([one.text for one in folded])
        asked = Words.of([fold(prompt[:PROMPT_CHARS]).text for _, prompt in pairs])
        spans = np.stack(sentence_cuts(words), axis=1)
        texts = np.searchsorted(words.starts, spans[:, 0], side="right") - 1
        # A text without a word is one sentence.
        blank = np.flatnonzero(np.bincount(texts, minlength=len(pairs)) == 0)
        if len(blank):
            starts = words.starts[blank]
            whole = np.stack([starts, starts + [len(folded[place].text) for place in blank]], axis=1)
            order = np.argsort(np.concatenate([texts, blank]), kind="stable")
            spans, texts = np.concatenate([spans, whole])[order], np.concatenate([texts, blank])[order]
        sizes = np.bincount(texts, minlength=len(pairs))
        counts = np.diff(np.searchsorted(words.begins, spans[:, 0]), append=len(words.begins))
        owners = np.repeat(np.arange(len(spans)), counts)
        return cls(folded, words, asked, spans - words.starts[texts, None], sizes, owners)
