"""What the project wrote to train the embedded judge: sentences (``written.yaml``), and whole exchanges."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from naysay.errors import NaysayError
from naysay.schema import LABELS

EXCHANGES = "exchanges"


@dataclass(slots=True, frozen=True)
class Exchange:
    """A request and an answer that were written for their label.

    Attributes:
        part: The file that it stands in: one writer's work on one theme.
        prompt: What is asked.
        response: What is answered.
        label: Its label, on which a second reader agreed who did not know it.
        language: Its language.
    """

    part: str
    prompt: str
    response: str
    label: str
    language: str


def written_exchanges(folder: Path) -> list[Exchange]:
    """The exchanges of the files ``exchanges/*.jsonl`` of a judge's folder, in order of the files' names.

    Raises:
        NaysayError: a line is not as it should be.
    """
    found = []
    for path in sorted((folder / EXCHANGES).glob("*.jsonl")):
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            try:
                row = orjson.loads(line)
                one = Exchange(path.stem, row["prompt"], row["response"], row["label"], row["language"])
            except (orjson.JSONDecodeError, KeyError, TypeError) as error:
                raise NaysayError(f"{path}, line {number}: {error!r}.") from error
            if one.label not in LABELS:
                raise NaysayError(f"{path}, line {number}: {one.label!r} is no label.")
            found.append(one)
    return found


def written_answers(written: dict[str, Any]) -> list[tuple[str, str]]:
    """Answers and their labels, topics filled in."""
    return [
        (text, label)
        for label, languages in written["answer"].items()
        for language, sentences in languages.items()
        for index, sentence in enumerate(sentences)
        for text in _filled(sentence, written["topics"][language], index)
    ]


def _filled(sentence: str, topics: Sequence[str], index: int) -> list[str]:
    if "{x}" not in sentence:
        return [sentence]
    return [sentence.replace("{x}", topics[(index + 5 * k) % len(topics)]) for k in range(3)]


_LEADS = {
    "en": ["So, ", "Okay, ", "Hmm, ", "However, ", "This is harmful, so ", "But ", "Therefore, ", "the user asks. "],
    "es": ["Entonces, ", "Bueno, ", "Es peligroso, así que "],
    "de": ["Also, ", "Gut, ", "Es ist gefährlich: "],
    "fr": ["Donc, ", "Bon, ", "C'est dangereux, alors "],
    "zh": ["所以，", "好的，", "这很危险，"],
    "ko": ["그러니까 ", "음, ", "위험하므로 "],
}
_TURNS = {"comply": ["but ", "still, ", "yet "], "refuse": ["so ", "but ", "and "], "partial": ["so ", "but "]}


def written_stances(written: dict[str, Any], seed: int) -> list[tuple[str, str]]:
    """The project's own trace sentences: as written, after a lead-in, and in two-part sentences whose end decides."""
    pick = random.Random(seed)  # noqa: S311 (sampling, not secrets)
    rows: list[tuple[str, str]] = []
    for label, languages in written["stance"].items():
        for language, sentences in languages.items():
            topics = written["topics"][language]
            neither = [s.rstrip(".。 ") for s in written["stance"]["neither"][language] if s[-1] not in "?？"]
            for index, sentence in enumerate(sentences):
                for text in _filled(sentence, topics, index):
                    rows += [(text, label), (text.lower(), label)]
                    lower = text[:1].lower() + text[1:] if not re.match(r"I\b|I'", text) else text
                    rows += [(lead + lower, label) for lead in pick.sample(_LEADS[language], 2)]
                    if label in _TURNS and language == "en":
                        before = pick.choice(neither).replace("{x}", pick.choice(topics))
                        rows.append((f"{before}, {pick.choice(_TURNS[label])}{lower}", label))
    return rows
