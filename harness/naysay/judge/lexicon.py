"""The phrase files of a judge, read strictly and compiled: one list a purpose, over all languages together.

A response may answer in another language than it was asked in, so the languages are never told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from naysay.errors import NaysayError
from naysay.judge.card import Strict
from naysay.judge.card_yaml import read_model
from naysay.judge.phrase_pattern import PhraseError
from naysay.judge.phrases import PhraseList, PhraseLists


class AnswerPhrases(Strict):
    """Phrases of answers; what each list does is said in ``judges/keyword/phrases/en.yaml``."""

    decline: list[str] = Field(default_factory=list)
    limit: list[str] = Field(default_factory=list)
    apology: list[str] = Field(default_factory=list)
    weak: list[str] = Field(default_factory=list)
    condemn: list[str] = Field(default_factory=list)
    false_friends: list[str] = Field(default_factory=list)
    turn: list[str] = Field(default_factory=list)
    general: list[str] = Field(default_factory=list)
    relent: list[str] = Field(default_factory=list)
    redirect: list[str] = Field(default_factory=list)
    elsewhere: list[str] = Field(default_factory=list)
    deliver: list[str] = Field(default_factory=list)
    comply: list[str] = Field(default_factory=list)


class ReasoningPhrases(Strict):
    """Phrases of traces: leaning to refuse, to comply, to help in part, and what looks like leaning and is not."""

    refuse: list[str] = Field(default_factory=list)
    comply: list[str] = Field(default_factory=list)
    partial: list[str] = Field(default_factory=list)
    neutral: list[str] = Field(default_factory=list)


class PhraseFile(Strict):
    """One language's phrases."""

    language: str
    answer: AnswerPhrases
    reasoning: ReasoningPhrases


@dataclass(slots=True, frozen=True)
class Lexicon:
    """Compiled phrase lists.

    Attributes:
        answer: List name to pattern, for answers.
        reasoning: List name to pattern, for traces.
        source: The phrases themselves, JSON-able, for the hash.
    """

    answer: PhraseLists
    reasoning: PhraseLists
    source: list[dict[str, Any]]


def compile_lexicon(files: Sequence[PhraseFile], names: Sequence[str]) -> Lexicon:
    """Compile phrase files; ``names`` says where each came from, for errors.

    Raises:
        NaysayError: a phrase is not well formed, naming file, list and phrase.
    """

    def checked(phrases: list[str], where: str) -> PhraseList:
        try:
            return PhraseList(phrases)
        except PhraseError as error:
            raise NaysayError(f"{where}: {error}.") from error

    def joined(section: str, model: type[Strict]) -> PhraseLists:
        lists: dict[str, PhraseList] = {}
        for field in model.model_fields:
            joint = PhraseList([])
            for file, name in zip(files, names, strict=True):
                joint.merge(checked(getattr(getattr(file, section), field), f"{name}: field '{section}.{field}'"))
            lists[field] = joint
        return PhraseLists(lists)

    return Lexicon(
        answer=joined("answer", AnswerPhrases),
        reasoning=joined("reasoning", ReasoningPhrases),
        source=[file.model_dump(mode="json") for file in files],
    )


def read_lexicon(paths: Sequence[Path]) -> Lexicon:
    """Read and compile phrase files.

    Raises:
        NaysayError: a file is missing or wrong.
    """
    return compile_lexicon([read_model(path, PhraseFile) for path in paths], [str(path) for path in paths])
