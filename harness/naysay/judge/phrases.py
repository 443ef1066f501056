"""Lists of phrases, looked up by the words with which they begin.

How a phrase is written is said in :mod:`naysay.judge.phrase_pattern`. A list holds hundreds of phrases and a text a
handful of them, so a phrase becomes a regular expression, and is looked for, only in texts that hold its first two
words one behind the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

from naysay.judge.phrase_pattern import (
    WIDE,
    WORD,
    PhraseError,
    check_brackets,
    emit,
    is_wide,
    openings,
    optional_letters,
    second_words,
    trie,
)

Key: TypeAlias = "str | tuple[str, str]"
Span: TypeAlias = tuple[int, int]

_CONTROL = "".join(map(chr, (*range(32), 127)))
_BREAKS = {ord(c): " " for c in _CONTROL + '!"#$%&()*+,-./:;<=>?@[\\]^_{|}~—–…“”„«»¡¿，。！？、；：（）「」『』'}
_EDGE = re.compile(r"(?<![^\W_])'|'(?![^\W_])")


@lru_cache(maxsize=8192)
def _beginning(word: str, rests: tuple[str, ...]) -> re.Pattern[str]:
    """A word with one of the phrases' rests behind it. Judges that are made again find it made."""
    body = emit(trie(rests), r"(?!\w)")
    # The word comes first and what stands before it is looked up behind it: the engine skips to literals.
    return re.compile(re.escape(word) + rf"(?<!\w{'.' * len(word)})" + body)


def break_words(text: str) -> list[str]:
    """The words of a text in order, as white space and punctuation part them."""
    return parted(text).split()


def parted(text: str) -> str:
    """The text with a space for every mark that parts words; as long as it was."""
    return text.translate(_BREAKS)


def plain_words(folded: str) -> str:
    """A folded text with spaces between its words, contractions whole; as long as it was."""
    plain = parted(folded)
    # Most apostrophes stand inside of a word; looking for the others is dear.
    if "'" in plain and (" '" in plain or "' " in plain or "\n'" in plain or "'\n" in plain or _is_edged(plain)):
        return _EDGE.sub(" ", plain)
    return plain


def _is_edged(plain: str) -> bool:
    return plain[0] == "'" or plain[-1] == "'"


def known_keys(words: Sequence[str], known: frozenset[Key]) -> set[Key]:
    """Those of some words and of their neighbouring pairs that are known.

    >>> sorted(map(str, known_keys(["no", "i", "can't"], frozenset({"can't", "not", ("no", "i")}))))
    ["('no', 'i')", "can't"]
    """
    # Pairs that are looked up at once are never kept: a set of them would cost five times as much.
    return {*known.intersection(words), *known.intersection(pairwise(words))}


def _words_of(folded: str) -> list[str]:
    # Letters of other scripts stand beside marks that are not listed.
    return plain_words(folded).split() if folded.isascii() else WORD.findall(folded)


class PhraseList:
    """A compiled list of phrases.

    >>> phrases = PhraseList(["i('m| am) (very )?sorry"])
    >>> phrases.spans("oh, i am  very **sorry**")
    [(4, 22)]

    Args:
        phrases: The phrases.

    Raises:
        PhraseError: a phrase is not well formed.
    """

    __slots__ = ("_by_key", "_by_word", "_compiled", "_keys", "_loose", "_wide")

    def __init__(self, phrases: Iterable[str]) -> None:
        self._by_key: dict[Key, list[str]] = {}
        self._by_word: dict[str, list[str]] = {}
        self._compiled: dict[Key, re.Pattern[str]] = {}
        self._keys: frozenset[Key] = frozenset()
        self._loose: list[str] = []
        self._wide: list[str] = []
        for phrase in phrases:
            check_brackets(phrase)
            for form in openings(optional_letters(phrase.lower().strip())):
                self._add(form, phrase)
        self._keys = frozenset(self._by_key)

    def _add(self, form: str, phrase: str) -> None:
        first = WORD.match(form)
        if first is None:
            raise PhraseError(f"{phrase!r} does not begin with a word")
        word, rest = first.group(), form[first.end() :]
        if is_wide(form):
            self._wide.append(form)
        elif rest[:1] == "*":
            self._loose.append(form)
        else:
            seconds = second_words(rest)
            for one in {word, word.replace("'", "")}:
                self._by_word.setdefault(one, []).append(rest)
                for key in [one] if seconds is None else [(one, second) for second in seconds]:
                    self._by_key.setdefault(key, []).append(rest)

    def merge(self, other: PhraseList) -> None:
        """Take in the phrases of another list."""
        for word, rests in other._by_word.items():
            self._by_word.setdefault(word, []).extend(rests)
        for key, rests in other._by_key.items():
            self._by_key.setdefault(key, []).extend(rests)
        self._loose += other._loose
        self._wide += other._wide
        self._compiled.clear()
        self._keys = frozenset(self._by_key)

    @property
    def keys(self) -> frozenset[Key]:
        """The words and pairs of words that its phrases begin with."""
        return self._keys

    def _pattern(self, key: Key) -> re.Pattern[str]:
        """The phrases that begin with a word, or with two words."""
        pattern = self._compiled.get(key)
        if pattern is None:
            word = key if isinstance(key, str) else key[0]
            pattern = self._compiled[key] = _beginning(word, tuple(self._by_key[key]))
        return pattern

    def _others(self, text: str) -> list[re.Pattern[str]]:
        """Phrases that are not kept by their first words, as far as the text can hold them."""
        patterns = []
        if self._loose:
            if "*" not in self._compiled:
                branches = [first + r"(?<!\w.)" + emit(rest, r"(?!\w)") for first, rest in trie(self._loose).items()]
                self._compiled["*"] = re.compile("|".join(branches))
            patterns.append(self._compiled["*"])
        if self._wide and not text.isascii() and WIDE.search(text):
            if "+" not in self._compiled:
                branches = [first + emit(rest, "") for first, rest in trie(self._wide).items()]
                self._compiled["+"] = re.compile("|".join(branches))
            patterns.append(self._compiled["+"])
        return patterns

    def compile_all(self) -> None:
        """Compile every phrase now instead of when it is first needed."""
        for key in self._by_key:
            self._pattern(key)
        self._others("가")

    def may_stand(self, text: str, keys: set[Key]) -> bool:
        """Whether any of the phrases can stand in a folded text, by what :meth:`PhraseLists.keys_of` found in it."""
        if self._loose or not self._keys.isdisjoint(keys):
            return True
        return bool(self._wide) and not text.isascii()

    def spans(self, text: str, keys: set[Key] | None = None, start: int = 0, end: int | None = None) -> list[Span]:
        """Where the phrases stand in a folded text, in order of their beginnings; the longest where several begin.

        Args:
            text: Folded text.
            keys: What :meth:`PhraseLists.keys_of` found in the text, where the caller has it.
            start: First character to look at.
            end: Last character to look at, exclusive.
        """
        stop = len(text) if end is None else end
        if keys is None:
            keys = known_keys(_words_of(text), self._keys)
        if not self.may_stand(text, keys):
            return []
        held = self._keys & keys
        found = [m.span() for key in held for m in self._pattern(key).finditer(text, start, stop)]
        for pattern in self._others(text):
            found += [m.span() for m in pattern.finditer(text, start, stop)]
        if len(found) > 1:
            found = sorted(dict(sorted(found)).items())
        return found

    def at(self, text: str, position: int) -> Span | None:
        """The span of the longest phrase that begins at ``position`` of a folded text, or None."""
        word = WORD.match(text, position)
        if word is None:
            return None
        patterns = []
        if word.group() in self._by_word:
            patterns = [_beginning(word.group(), tuple(self._by_word[word.group()]))]
        for pattern in (*patterns, *self._others(text)):
            match = pattern.match(text, position)
            if match:
                return match.span()
        return None


class PhraseLists(dict[str, PhraseList]):
    """Lists of phrases by name; a text's words are looked up for all of them at once.

    Args:
        lists: The lists, whole: phrases that are merged into one later are not looked up.
    """

    def __init__(self, lists: Mapping[str, PhraseList]) -> None:
        super().__init__(lists)
        self.known = frozenset(key for phrases in lists.values() for key in phrases.keys)

    def keys_of(self, text: str) -> set[Key]:
        """The words and pairs of words of a folded text with which any phrase of any list begins."""
        return known_keys(_words_of(text), self.known)
