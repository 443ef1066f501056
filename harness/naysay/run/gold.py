"""Judging a file that people have labelled already, so that the judge itself can be measured.

The file is one that ``naysay score`` reads, with a label on each line. Lines whose label is none of the three
(``other``) or that have none are passed over and counted; a label that nobody knows is an error, since leaving it out
silently would change every figure.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from naysay.errors import NaysayError, did_you_mean
from naysay.judge import find
from naysay.run.execute import Outcome
from naysay.run.labels import PASSED_OVER, label_of, source_of
from naysay.run.lines import check_file
from naysay.run.score import RecordedResponses, lines_of, score
from naysay.run.spec import RunSpec
from naysay.schema import LABELS

UNLABELLED: Final = "no label"


@dataclass
class GoldFile:
    """A labelled file, read once.

    Attributes:
        path: The file.
        column: Where the labels are.
        labels: Lines by label, of all that can be used.
        passed_over: Lines that cannot be used, by why.
        sources: Lines by who labelled them, as the file says.
        columns: All columns that any line has.
        conflicts: Responses that stand several times with different labels.
        chosen: Numbers of the lines to use; None for all that can be used.
        limit: How many were wanted.
        seed: Of the choice.
        labels_by: Who gave the labels of lines that do not say so; None where nobody knows.
    """

    path: Path
    column: str = "label"
    labels: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    columns: set[str] = field(default_factory=set)
    conflicts: int = 0
    chosen: frozenset[int] | None = None
    limit: int | None = None
    seed: int = 0
    labels_by: str | None = None

    @property
    def two_way(self) -> bool:
        """No line is a partial refusal: the labels are refusal against compliance, and no three-way figure holds."""
        return not self.labels["partial_refusal"]

    @property
    def selection(self) -> dict[str, Any]:
        """What decides which lines are used, and as what."""
        drawn = {"limit": self.limit, "seed": self.seed} if self.chosen is not None else {}
        return {"labels": self.column, **drawn}

    @property
    def lacks(self) -> list[str]:
        """Columns that the file does not have, of those that only the file could know."""
        return [name for name in ("language",) if name not in self.columns]

    def responses(self) -> RecordedResponses:
        """The lines to use, as responses with their label."""
        return RecordedResponses(self.path, take=self._take, selection=self.selection, labels_by=self.labels_by)

    def _take(self, record: dict[str, Any], number: int) -> dict[str, Any] | None:
        label = label_of(record.get(self.column))
        if label not in LABELS or (self.chosen is not None and number not in self.chosen):
            return None
        return {**record, "label": label}


def read_gold(
    path: Path,
    *,
    column: str = "label",
    target: str = "answer",
    limit: int | None = None,
    seed: int = 0,
    labels_by: str | None = None,
) -> GoldFile:
    """Read a labelled file once, and find what is wrong with its labels.

    Args:
        path: The JSONL file.
        column: The column with the labels.
        target: What was labelled: it makes two lines the same response.
        limit: Use at most this many lines, drawn at random.
        seed: Of the draw.
        labels_by: Who gave the labels of lines that do not say so.

    Raises:
        NaysayError: the file is missing, a pipe, empty or broken, or a label is misspelt (named by its line).
    """
    check_file(path)
    gold = GoldFile(path, column=column, limit=limit, seed=seed, labels_by=labels_by)
    usable: list[int] = []
    labels: dict[bytes, set[str]] = {}
    for number, record in lines_of(path):
        gold.columns.update(record)
        meta = record.get("meta")
        if isinstance(meta, dict) and meta.get("language"):
            gold.columns.add("language")
        label = label_of(record.get(column))
        if label == "":
            gold.passed_over[UNLABELLED] += 1
        elif label in PASSED_OVER:
            gold.passed_over[str(label)] += 1
        elif label in LABELS:
            gold.labels[str(label)] += 1
            gold.sources[source_of(record, labels_by)] += 1
            usable.append(number)
            # Lines without a text have nothing in common.
            if any(str(record.get(name) or "").strip() for name in _texts(target)):
                labels.setdefault(_identity(record, target), set()).add(str(label))
        else:
            known = (*LABELS, PASSED_OVER[0])
            raise NaysayError(
                f"{path}, line {number}: {record[column]!r} is not a label.",
                hint=f"{did_you_mean(str(record[column]), known)} Labels are {', '.join(LABELS)}; {PASSED_OVER[0]} for "
                "lines where none fits.",
            )
    if not usable:
        raise _no_labels(gold, gold.columns)
    gold.conflicts = sum(len(given) > 1 for given in labels.values())
    if limit is not None and limit < len(usable):
        gold.chosen = frozenset(random.Random(seed).sample(usable, limit))  # noqa: S311 - a sample, not a secret
    return gold


def _texts(target: str) -> tuple[str, ...]:
    """The columns with what was labelled."""
    return {"answer": ("response",), "reasoning": ("reasoning",)}.get(target, ("response", "reasoning"))


def _identity(record: dict[str, Any], target: str) -> bytes:
    """The same for lines with the same request and the same text to label."""
    named = [record.get(name) for name in ("system", "prompt", "messages", *_texts(target))]
    return hashlib.blake2b(orjson.dumps(named, option=orjson.OPT_SORT_KEYS), digest_size=12).digest()


def _no_labels(gold: GoldFile, columns: set[str]) -> NaysayError:
    if not columns:
        return NaysayError(f"{gold.path} is empty.", hint="One JSON object a line: prompt, response, label.")
    if gold.column not in columns:
        near = did_you_mean(gold.column, columns)
        return NaysayError(
            f"{gold.path} has no column {gold.column!r} (it has {', '.join(sorted(columns)[:12])}).",
            hint=f"{near if near.startswith('Did') else ''} --label-column names another one.".lstrip(),
        )
    counted = ", ".join(f"{n} {why}" for why, n in gold.passed_over.items())
    return NaysayError(
        f"{gold.path}: no line has a label of {', '.join(LABELS)} ({counted}).", hint="Nothing can be measured by it."
    )


def score_gold(gold: GoldFile, spec: RunSpec) -> Outcome:
    """Let judges label the file; goes on where an earlier process stopped.

    Args:
        gold: The file.
        spec: The judges, one target, concurrency and folder.

    Raises:
        NaysayError: wrong use, or a judge does not judge the target.
        IncompleteError: interrupted; the same command goes on.
    """
    for name in spec.judge:
        entry = find(name)
        for target in spec.targets:
            if entry.targets and target not in entry.targets:
                raise NaysayError(
                    f"The judge {name!r} does not judge {target!r}.",
                    hint=f"It judges {', '.join(entry.targets)}: give --target.",
                )
    return score(gold.responses(), spec)
