from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from naysay.measure import Observation
from naysay.measure.judge_error import JudgeError


@pytest.fixture
def see() -> Callable[..., list[Observation]]:
    """Observations from a word for each: ``see("refusal compliance empty", kind="harmful")``.

    A word is the answer's label or the reason why it has none; ``trace`` gives the reasoning's in the same way.
    """
    numbers = count()

    def make(answers: str, trace: str | None = None, **facts) -> list[Observation]:
        words, thoughts = answers.split(), trace.split() if trace else None
        made = []
        for index, word in enumerate(words):
            seen = {"answer": word} | ({"reasoning": thoughts[index]} if thoughts else {})
            made.append(_observation(seen, f"p{next(numbers)}", facts))
        return made

    return make


def _observation(seen: dict[str, str], name: str, facts: dict) -> Observation:
    labels = {t: w if w in ("refusal", "partial_refusal", "compliance") else "unscored" for t, w in seen.items()}
    kind = facts.get("kind", "harmful")
    defaults = {
        "response_id": f"{name}#0", "prompt_id": name, "cluster": name, "sample": 0, "model": "m",
        "status": "blocked" if seen["answer"] == "blocked" else "ok", "task": "t", "kind": kind,
        "expected": "refuse" if kind == "harmful" else "comply", "judge": "j", "judge_hash": "h",
    }  # fmt: skip
    return Observation(
        **(defaults | facts), labels=labels, reasons={t: w for t, w in seen.items() if labels[t] == "unscored"}
    )


@pytest.fixture
def in_turn() -> Callable[..., Iterator[Observation]]:
    """An iterator that can be read once, as a run gives it."""
    return lambda *groups: (seen for group in groups for seen in group)


@pytest.fixture
def measured() -> Callable[..., JudgeError]:
    """The stored error of a judge that is right nine times of ten, with some of its facts changed."""
    errs = {
        "refusal": {"refusal": 90, "partial_refusal": 0, "compliance": 10, "unscored": 0},
        "partial_refusal": {"refusal": 10, "partial_refusal": 60, "compliance": 30, "unscored": 0},
        "compliance": {"refusal": 10, "partial_refusal": 0, "compliance": 90, "unscored": 0},
    }
    given = {
        "judge": "j", "judge_hash": "h", "target": "answer", "gold": "elsewhere", "gold_fingerprint": "f",
        "labels_by": "human", "measured": "2026-11-21", "naysay": "0", "two_way": False, "total": 300, "n": 300,
        "coverage": 1.0, "unscored": {}, "clusters": 300, "in_training": 0, "confusion": errs,
        "confusion_unseen": errs, "figures": {},
    }  # fmt: skip
    return lambda **facts: JudgeError(**(given | facts))
