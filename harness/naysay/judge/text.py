"""Reading text the same way whatever it was typed with, without losing where each character stood.

Models write *can't* with four different apostrophes, put Markdown inside a phrase, and answer in full-width letters.
:func:`fold` evens that out and keeps the way back, so that evidence is quoted from the original.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_APOSTROPHES = "\u2018\u2019\u02bc\u02b9\u2032\u00b4\u0060\uff07\u201b"
_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\ufe0f"
_INVISIBLE = re.compile(f"[{_UNSEEN}]")
_SEEN = re.compile(f"[^{_UNSEEN}]+")
# Words, and what stands between them: nothing composes over white space.
_WORDS = re.compile(r"\S+|\s+")

# Full-width ASCII keeps its length when it is made narrow, so it needs no map of offsets.
_SAME_LENGTH = {
    **{ord(c): "'" for c in _APOSTROPHES},
    **{ord(c): " " for c in _SPACES},
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if code not in (0xFF0C, 0xFF01, 0xFF1F, 0xFF1A)},
}
_ODD = re.compile("[" + "".join(map(re.escape, map(chr, _SAME_LENGTH))) + "]")


@dataclass(slots=True)
class Folded:
    """Text in its folded form and the way back to the original.

    Attributes:
        text: Lower case, plain apostrophes and spaces, narrow letters, composed accents, nothing invisible.
        offsets: For each folded character the offset of its original; None when they are the same.
        length: Length of the original.
    """

    text: str
    offsets: list[int] | None
    length: int

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original's offsets of a folded span (start inclusive, end exclusive)."""
        if self.offsets is None:
            return start, end
        offsets = self.offsets
        first = offsets[start] if start < len(offsets) else self.length
        return first, (offsets[end] if end < len(offsets) else self.length)


def fold(text: str) -> Folded:
    """Fold ``text``.

    >>> fold("I CAN’T").text
    "i can't"
    """
    if text.isascii():
        return Folded(text.lower().replace("`", "'"), None, len(text))
    if _INVISIBLE.search(text) is None and unicodedata.is_normalized("NFC", text):
        lowered = text.lower().replace("\u2019", "'")
        if len(lowered) == len(text):
            return Folded(_evened(lowered), None, len(text))
    return _fold_slowly(text)


def _fold_slowly(text: str) -> Folded:
    """Fold stretches whole where nothing in them is odd, and the rest a letter with its marks at a time."""
    pieces: list[str] = []
    offsets: list[int] = []
    for stretch in _SEEN.finditer(text):
        for match in [stretch] if _is_plain(stretch.group()) else _WORDS.finditer(text, *stretch.span()):
            piece, start = match.group(), match.start()
            if _is_plain(piece):
                pieces.append(_evened(piece.lower()))
                offsets += range(start, match.end())
                continue
            for position, cluster in _clusters(piece):
                folded = _evened(unicodedata.normalize("NFC", cluster).lower())
                pieces.append(folded)
                offsets += [start + position] * len(folded)
    return Folded("".join(pieces), offsets, len(text))


def _is_plain(text: str) -> bool:
    """Whether a text keeps its length when it is folded, as far as marks and letter case go."""
    return len(text.lower()) == len(text) and unicodedata.is_normalized("NFC", text)


def _evened(lowered: str) -> str:
    return lowered.translate(_SAME_LENGTH) if _ODD.search(lowered) else lowered


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    """Letters with the marks and the parts of a Hangul syllable that belong to them, each with where it begins."""
    position = 0
    while position < len(text):
        end = position + 1
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1
        # Conjoining Hangul has no combining class, yet composes with what stands before it.
        while end < len(text) and "\u1160" <= text[end] <= "\u11ff":
            end += 1
        yield position, text[position:end]
        position = end


WIDE_MARKS = "。！？"
MARKS = f".!?…{WIDE_MARKS}"
"""What ends a sentence, with what closes behind it; where scripts have spaces, one must follow."""
CLOSERS = "\"'”’»)]*_」』）"
_CLOSE = re.escape(CLOSERS)
# One class of characters comes first: the engine skips to the next of them, which it cannot do for alternatives.
_STOP = re.compile(
    rf"[\n{MARKS}](?:(?<=\n)|(?<=[.!?…])[{MARKS}]*[{_CLOSE}]*(?=\s|\Z)|(?<=[{WIDE_MARKS}])[{MARKS}]*[{_CLOSE}]*)"
)
_LETTER = re.compile(r"[^\W_]")
_SHORT_WORDS = "mr mrs ms dr prof st vs e.g i.e etc z.b d.h bzw usw sr sra p.ej ej u.s"
_NUMBER = re.compile(r"\s*\d")
NO_ABBREVIATION = 5
"""Letters from which on a word is no abbreviation, whatever it is."""
_ABBREVIATIONS = frozenset(_SHORT_WORDS.split())


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences of a text in any language, without the white space around them.

    List items and lines end a sentence too; abbreviations, decimals and the numbers of a list do not.

    >>> [("It is 3.5 m. Dr. Li left!"[a:b]) for a, b in sentences("It is 3.5 m. Dr. Li left!")]
    ['It is 3.5 m.', 'Dr. Li left!']
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _STOP.finditer(text):
        at, end = match.span()
        if text[at] == "." and end == at + 1:
            # Only a short word in plain letters is an abbreviation; most stops have another one before them.
            before = text[max(start, at - NO_ABBREVIATION) : at]
            longer = len(before) == NO_ABBREVIATION and before.isalnum()
            plain = before[-1:] <= "z" or before[-1:].isdecimal()
            if plain and not longer and is_abbreviation(text, start, at):
                continue
        elif end == start + 1 and text[at] == "\n":
            start = end
            continue
        first = text[start]
        begin = start + 1 if first == " " or first == "\n" else start
        last = end - 1 if text[end - 1] == "\n" else end
        # Nearly every sentence begins with a letter and ends with its mark.
        if text[begin].isalnum() and not text[last - 1].isspace():
            spans.append((begin, last))
        else:
            _keep(text, start, end, spans)
        start = end
    if start < len(text):
        _keep(text, start, len(text), spans)
    return spans


def is_abbreviation(text: str, start: int, at: int) -> bool:
    """Whether the full stop at ``at`` ends a short word or a number in a sentence that begins at ``start``."""
    before = text[max(start, at - 6) : at]
    if not before[-1:].isalnum():
        return False
    word = before.split()[-1].rpartition("(")[2]
    if word.isdecimal() and len(word) <= 2:
        # "1. Mix it" is an item of a list; "in room 12. Then" ends a sentence.
        return not text[start : at - len(word)].strip(" *_#-\n")
    # "No. 5" is a number; "The answer is no. Next" says no.
    return word.lower() in _ABBREVIATIONS or (word.lower() == "no" and _NUMBER.match(text, at + 1) is not None)


def _keep(text: str, start: int, end: int, spans: list[tuple[int, int]]) -> None:
    sentence = text[start:end]
    whole = sentence.strip()
    if not whole:
        return
    begin = start if sentence[0] == whole[0] else start + len(sentence) - len(sentence.lstrip())
    end = begin + len(whole)
    if whole[0].isalnum() or _LETTER.search(whole):
        spans.append((begin, end))
    elif spans and "\n" not in text[spans[-1][1] : start]:
        # Left-over marks (a closing quotation mark, an emoji) belong to the sentence before them.
        spans[-1] = (spans[-1][0], end)
