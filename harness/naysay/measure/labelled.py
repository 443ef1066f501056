"""What people said of responses, kept beside the columns of a summary.

Labels came with the responses (``naysay score``), or were given afterwards (``gold.jsonl``).
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from naysay.errors import NaysayError
from naysay.measure.observe import JudgeColumn, Observation
from naysay.runfolder import GOLD, RunFolder
from naysay.schema import LABELS, TARGETS, GoldLabel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOTHING = 255
"""In place of a label's index."""
HUMAN = "human"
"""Source of labels that people gave: only these put anything right. Others are another judge's, or nobody knows."""
UNNAMED = "unnamed"
"""How labels without a source are called where a person names sources."""


def by_people(source: str, claimed: Collection[str] = ()) -> bool:
    """Whether labels of this source are people's: the source says so, or the user does.

    Args:
        source: Who labelled, as the labels say.
        claimed: Sources that the user says are people.

    >>> by_people("Human "), by_people("gpt-4o"), by_people("", ["unnamed"])
    (True, False, True)
    """
    name = source.strip().casefold()
    return name == HUMAN or (name or UNNAMED) in {one.strip().casefold() for one in claimed}


@dataclass(slots=True)
class Beside:
    """Parallel to the columns of one judge, one entry a response.

    Attributes:
        came: Index of the label that came with the response, or :data:`NOTHING`.
        source: Number of its source.
        training: 1 where the judge was trained on the response.
        chances: Per target, probabilities of the three labels one after the other; nan where there are none.
        given: Per target, the rows with a label in ``gold.jsonl``, and the labels.
    """

    came: bytearray = field(default_factory=bytearray)
    source: array[int] = field(default_factory=lambda: array("H"))
    training: bytearray = field(default_factory=bytearray)
    chances: dict[str, array[float]] = field(default_factory=dict)
    given: dict[str, list[tuple[int, GoldLabel]]] = field(default_factory=dict)

    def probabilities(self, target: str) -> NDArray[np.float32] | None:
        """Shape ``(responses, 3)``; None where the judge gave none at all."""
        import numpy as np

        if target not in self.chances:
            return None
        return np.frombuffer(self.chances[target], dtype=np.float32).reshape(-1, len(LABELS))


class LabelStore:
    """Takes in observations, as :class:`naysay.measure.columns.Table` does.

    Args:
        given: Labels from ``gold.jsonl``.

    Attributes:
        contradicted: Responses (by target) with two labels in ``gold.jsonl`` that differ: neither is used.
    """

    def __init__(self, given: Iterable[GoldLabel] = ()) -> None:
        self.given: dict[str, dict[str, GoldLabel]] = {}
        self.sources: list[str] = []
        self.judges: dict[JudgeColumn, Beside] = {}
        self.contradicted = 0
        self._met: set[str] = set()
        several: set[tuple[str, str]] = set()
        for label in given:
            mine = self.given.setdefault(label.response_id, {})
            before = mine.setdefault(label.target, label)
            if before.label != label.label:
                several.add((label.response_id, label.target))
            mine[label.target] = label
        for response_id, target in several:
            # Nobody knows which of them holds.
            del self.given[response_id][target]
            self.contradicted += 1

    @classmethod
    def of(cls, run: RunFolder) -> LabelStore:
        """With the labels in a run's folder.

        Raises:
            NaysayError: one of them is not a label, or has an impossible weight.
        """
        return cls(_checked(label, run) for label in run.gold())

    def apart(self) -> LabelStore:
        """Another store of the same labels, for observations that are kept in columns of their own."""
        made = LabelStore()
        made.given, made.sources, made._met = self.given, self.sources, self._met
        return made

    def add(self, seen: Observation) -> None:
        """Take in one observation."""
        beside = self.judges.setdefault(JudgeColumn(seen.judge, seen.judge_hash), Beside())
        row = len(beside.came)
        beside.came.append(LABELS.index(seen.gold) if seen.gold in LABELS else NOTHING)
        beside.source.append(self._source(seen.gold_source if seen.gold else ""))
        beside.training.append(seen.in_training)
        unknown = (float("nan"),) * len(LABELS)
        for target in seen.chances:
            if target not in beside.chances:
                beside.chances[target] = array("f", unknown * row)
        for target, chances in beside.chances.items():
            chances.extend(seen.chances.get(target, unknown))
        mine = self.given.get(seen.response_id)
        if mine is None:
            return
        self._met.add(seen.response_id)
        for target, label in mine.items():
            beside.given.setdefault(target, []).append((row, label))

    @property
    def labelled_by(self) -> set[str]:
        """Every source of a label, as the labels say it."""
        came = {
            self.sources[number]
            for beside in self.judges.values()
            for number, label in zip(beside.source, beside.came, strict=True)
            if label != NOTHING
        }
        return came | {label.source for mine in self.given.values() for label in mine.values()}

    @property
    def unknown(self) -> int:
        """Responses with a label in ``gold.jsonl`` that are not in what was taken in."""
        return len(self.given) - len(self._met)

    def _source(self, name: str) -> int:
        if name not in self.sources:
            self.sources.append(name)
        return self.sources.index(name)


def _checked(label: GoldLabel, run: RunFolder) -> GoldLabel:
    where = f"{run.path / GOLD}: the label of {label.response_id!r}"
    if label.label not in LABELS:
        raise NaysayError(f"{where} is {label.label!r}.", hint=f"Labels are {', '.join(LABELS)}.")
    if label.target not in TARGETS:
        raise NaysayError(f"{where} is of {label.target!r}.", hint=f"Targets are {', '.join(TARGETS)}.")
    if label.weight is not None and not label.weight >= 1 - 1e-9:
        raise NaysayError(
            f"{where} has weight {label.weight}.",
            hint="A weight is how many responses a label stands for: 1 or more, or null where nobody knows.",
        )
    return label
