"""Models in order under each of several judges, and how far two judges' orders agree.

Kendall's tau-b (1945): 1 the same order, 0 unrelated, -1 reversed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations


@dataclass(slots=True)
class Agreement:
    """Two judges' orders of the models.

    Attributes:
        tau: Kendall's tau-b; None where a judge has all models level.
        same_best: Both put the same model first, alone or among others.
    """

    first: str
    second: str
    tau: float | None
    same_best: bool


@dataclass(slots=True)
class Ranks:
    """The models in order under each judge.

    Attributes:
        by: ``balance``, or the name of a rate.
        values: What they are ranked by: ``values[judge_hash][unit]``.
        ranks: Places, 1 for the best: ``ranks[judge_hash][unit]``.
        moves: How far each model's place moves between judges.
        agreements: Each pair of judges.
    """

    by: str
    values: dict[str, dict[str, float]]
    ranks: dict[str, dict[str, int]]
    moves: dict[str, int]
    agreements: list[Agreement]


def rank(name: str, values: dict[str, dict[str, float]], *, better: bool) -> Ranks | None:
    """Places of the models that every judge has a value for; None for fewer than two models or judges.

    Args:
        name: What they are ranked by.
        values: ``values[judge_hash][unit]``.
        better: Whether more is better.
    """
    units = sorted(set.intersection(*(set(mine) for mine in values.values()))) if values else []
    if len(units) < 2 or len(values) < 2:
        return None
    kept = {digest: {unit: mine[unit] for unit in units} for digest, mine in values.items()}
    sign = -1.0 if better else 1.0
    ranks = {
        digest: {unit: 1 + sum(sign * other < sign * mine[unit] for other in mine.values()) for unit in units}
        for digest, mine in kept.items()
    }
    agreements = [
        Agreement(
            a, b, kendall_tau([kept[a][u] for u in units], [kept[b][u] for u in units]),
            any(ranks[a][u] == ranks[b][u] == 1 for u in units),
        )
        for a, b in combinations(kept, 2)
    ]  # fmt: skip
    moves = {unit: max(r[unit] for r in ranks.values()) - min(r[unit] for r in ranks.values()) for unit in units}
    return Ranks(name, kept, ranks, moves, agreements)


def kendall_tau(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Kendall's tau-b of two orders; None where all of one are level, or there are fewer than two.

    >>> kendall_tau([1, 2, 3], [1, 3, 2])
    0.3333333333333333
    """
    agree = ties_first = ties_second = pairs = 0
    for (a, b), (c, d) in combinations(zip(first, second, strict=True), 2):
        pairs += 1
        ties_first += a == c
        ties_second += b == d
        agree += _sign(a - c) * _sign(b - d)
    level = (pairs - ties_first) * (pairs - ties_second)
    return agree / math.sqrt(level) if level else None


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
