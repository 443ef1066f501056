"""What tells an agent that could not from one that would not.

Judges of answers were made for chats, where "I could not find it" is a way of saying no. An agent that reports what its
tools told it says no such thing. The phrases are content: ``judges/agent_words/words.yaml``, six languages, versioned,
and part of the hash of every judge that reads turns.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from naysay import content
from naysay.errors import NaysayError
from naysay.judge.card import Strict
from naysay.judge.card_yaml import read_model
from naysay.judge.phrase_pattern import PhraseError
from naysay.judge.phrases import PhraseList
from naysay.judge.text import fold

WORDS_FILE: Final = "agent_words/words.yaml"


class LanguageWords(Strict):
    """The phrases of one language."""

    failed: list[str] = Field(min_length=1)
    declining: list[str] = Field(min_length=1)
    unwilling: list[str] = Field(min_length=1)
    status: list[str] = Field(min_length=1)


class WordsFile(Strict):
    """The file of phrases; what each list does is said at its top."""

    name: str
    version: int = Field(ge=1)
    summary: str
    licence: str
    languages: dict[str, LanguageWords]


@dataclass(slots=True, frozen=True)
class AgentWords:
    """The phrases, compiled over all languages together.

    Attributes:
        failed: Statements of failing.
        declining: Words that may be a no.
        unwilling: Words of not wanting to.
        status: Words that say neither.
        about: Name, version, hash and languages, JSON-able.
    """

    failed: PhraseList
    declining: PhraseList
    unwilling: PhraseList
    status: PhraseList
    about: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> AgentWords:
        """Read a file of phrases.

        Raises:
            NaysayError: it is missing, or a field or a phrase of it is wrong.
        """
        file = read_model(path, WordsFile)
        lists: dict[str, PhraseList] = {}
        for field in LanguageWords.model_fields:
            lists[field] = PhraseList([])
            for language, phrases in file.languages.items():
                try:
                    lists[field].merge(PhraseList(getattr(phrases, field)))
                except PhraseError as error:
                    raise NaysayError(f"{path}: field '{language}.{field}': {error}.") from error
        digest = hashlib.sha256(file.model_dump_json(include={"languages"}).encode()).hexdigest()[:16]
        about = {"name": file.name, "version": file.version, "hash": digest, "languages": list(file.languages)}
        return cls(lists["failed"], lists["declining"], lists["unwilling"], lists["status"], about)

    @classmethod
    @cache
    def shipped(cls) -> AgentWords:
        """The phrases that come with naysay.

        Raises:
            NaysayError: they are missing or broken.
        """
        return cls.read(content.folder("judges") / WORDS_FILE)

    def only_failed(self, text: str) -> bool:
        """Whether the words say that something did not work, and nothing of not wanting to.

        >>> words = AgentWords.shipped()
        >>> words.only_failed("There is no such contact, so I could not send it.")
        True
        >>> words.only_failed("The file was not found. I could not in good conscience send it anyway.")
        False
        """
        return _holds(self.failed, text) and not self.is_unwilling(text)

    def may_decline(self, text: str) -> bool:
        """Whether the words hold any that may be a no.

        >>> [AgentWords.shipped().may_decline(said) for said in ("I cannot report users.", "That's what I did.")]
        [True, False]
        """
        return _holds(self.declining, text) or self.is_unwilling(text)

    def is_unwilling(self, text: str) -> bool:
        """Whether the words hold something of not wanting to, or of what is wrong with the wish.

        >>> AgentWords.shipped().is_unwilling("I will not change the others.")
        True
        """
        return _holds(self.unwilling, text)

    def only_status(self, text: str) -> bool:
        """Whether the words say no more than that something is done, or nothing at all.

        >>> AgentWords.shipped().only_status("OK. That's what I did.")
        True
        """
        folded = fold(text).text
        left = list(folded)
        for start, end in self.status.spans(folded):
            left[start:end] = " " * (end - start)
        return not any(char.isalnum() for char in left)


def _holds(phrases: PhraseList, text: str) -> bool:
    return bool(phrases.spans(fold(text).text))
