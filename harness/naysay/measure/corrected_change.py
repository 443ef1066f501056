"""Two runs by their corrected rates: what moved once the judge's errors are taken out of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from naysay.measure.correction import Correction
from naysay.measure.headline import MEASURES
from naysay.measure.intervals import mover


@dataclass(slots=True)
class CorrectedDifference:
    """One measure, corrected in both runs.

    Each rate is about all prompts of its run. The interval takes the two as independent (MOVER). Shared prompts make
    them vary together, so it is wider than it need be; the paired test of the raw labels stays the one to look at for
    small changes, as long as the judge errs alike in both runs.

    Attributes:
        first: The corrected rate in the first run.
        second: The same in the second.
        difference: ``second - first``.
        low: Lower end of its interval.
        high: Upper end.
        raw: The difference of the raw rates, over the same prompts as ``first`` and ``second``.
        gold_first: People's labels behind ``first``.
        gold_second: People's labels behind ``second``.
    """

    measure: str
    judge: str
    judge_hash: str
    target: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    raw: float | None
    gold_first: int
    gold_second: int


def corrected_differences(first: Sequence[Correction], second: Sequence[Correction]) -> list[CorrectedDifference]:
    """One for each judge, target and headline measure that is corrected in both runs."""
    found = []
    for before in first:
        after = next((c for c in second if (c.judge_hash, c.target) == (before.judge_hash, before.target)), None)
        if after is None:
            continue
        for measure in MEASURES:
            a = before.find(measure.kind, measure.expected, measure.labels)
            b = after.find(measure.kind, measure.expected, measure.labels)
            if a is None or b is None or a[1].value is None or b[1].value is None:
                continue
            value, low, high = mover([(-1.0, a[1].value, *a[1].ends), (1.0, b[1].value, *b[1].ends)])
            raw = None if a[1].raw is None or b[1].raw is None else b[1].raw - a[1].raw
            found.append(
                CorrectedDifference(
                    measure.name, before.judge, before.judge_hash, before.target, a[1].value, b[1].value, value, low,
                    high, raw, a[0].gold, b[0].gold,
                )
            )  # fmt: skip
    return found
