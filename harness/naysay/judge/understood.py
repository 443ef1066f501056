"""Which texts a judge cannot read: those in scripts of languages it was not made for, and those without a word."""

from __future__ import annotations

import re
from collections.abc import Sequence

FOREIGN_SHARE = 0.6
"""Share of letters in other scripts above which a text is not understood."""

# Ranges of letters; digits and marks belong to no script.
_SCRIPTS = {
    "latin": "A-Za-zªºÀ-ʯḀ-ỿﬀ-ﬆＡ-Ｚａ-ｚ",
    "han": "\u2e80-\u2fdf\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",
    "hangul": "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff",
    "kana": "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f",
    "cyrillic": "\u0400-\u052f\u1c80-\u1c8f\u2de0-\u2dff\ua640-\ua69f",
    "arabic": "\u0600-\u06ff\u0750-\u077f\u0870-\u08ff\ufb50-\ufdff\ufe70-\ufefc",
    "greek": "\u0370-\u03ff\u1f00-\u1fff",
    "hebrew": "\u0590-\u05ff\ufb1d-\ufb4f",
    "devanagari": "\u0900-\u097f\ua8e0-\ua8ff",
    "bengali": "\u0980-\u09ff",
    "thai": "\u0e00-\u0e7f",
}
_LATIN = """
en es de fr it pt nl pl cs sk sv da no nb nn fi et lv lt hu ro hr sl tr vi id ms ca eu gl sw tl af sq is ga cy
"""
_OF_LANGUAGE = {
    **dict.fromkeys(_LATIN.split(), "latin"),
    **dict.fromkeys(("ru", "uk", "bg", "be", "mk", "sr", "kk", "mn"), "cyrillic"),
    **dict.fromkeys(("ar", "fa", "ur", "ps"), "arabic"),
    **dict.fromkeys(("hi", "mr", "ne"), "devanagari"),
    "zh": "han",
    "ko": "hangul",
    "ja": "han kana",
    "el": "greek",
    "he": "hebrew",
    "bn": "bengali",
    "th": "thai",
}
_LETTER = re.compile(r"[^\W\d_]")
_SAID = re.compile(r"[^\W_]")
# Fillers of Hangul count as letters and show nothing.
_BLANK = re.compile("[\u115f\u1160\u3164\uffa0]")


class Reading:
    """What a judge made for some languages can read.

    >>> reading = Reading(["en", "zh"])
    >>> reading.problem("Hello, 世界"), reading.problem("...")
    (None, 'it holds no word')
    >>> reading.problem("Привет, мир")
    'its letters are of a script that the judge was not made for'

    Args:
        languages: BCP-47 tags. Where the script of one is not known here, no script is foreign. A script is allowed
            as a whole: Russian makes all of Cyrillic readable.
    """

    def __init__(self, languages: Sequence[str]) -> None:
        names: set[str] = set()
        known = True
        for language in languages:
            scripts = _OF_LANGUAGE.get(language.lower().replace("_", "-").split("-")[0])
            known = known and scripts is not None
            names.update((scripts or "").split())
        self.scripts: tuple[str, ...] | None = tuple(sorted(names)) if known else None
        ranges = "".join(_SCRIPTS[name] for name in self.scripts or ())
        self.reads_latin = self.scripts is None or "latin" in self.scripts
        self._foreign = re.compile(rf"[^\W\d_{ranges}]") if known else None

    def problem(self, text: str) -> str | None:
        """Why the text cannot be read, in words, or None."""
        if _SAID.search(text) is None or (
            not text.isascii() and _BLANK.search(text) and _SAID.search(_BLANK.sub("", text)) is None
        ):
            return "it holds no word"
        if text.isascii() and self.reads_latin:
            return None
        if self._foreign is None or self._foreign.search(text) is None:
            return None
        if len(self._foreign.findall(text)) > FOREIGN_SHARE * len(_LETTER.findall(text)):
            return "its letters are of a script that the judge was not made for"
        return None
