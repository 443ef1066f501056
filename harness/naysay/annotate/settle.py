"""From annotators' marks to the run's gold: what they agree on, what was settled between them, and their agreement."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import orjson

from naysay.annotate.marks import RESOLVED, SKIP, Mark, Marks, annotators
from naysay.annotate.sample import Sample
from naysay.errors import NaysayError
from naysay.measure import judge_figures as figures
from naysay.measure.judge_figures import COMPLIANCE, Figure
from naysay.runfolder import GOLD, GOLD_OPEN, RunFolder
from naysay.schema import LABELS, GoldLabel, Label, check_labels
from naysay.writing import to_line, write_atomically

if TYPE_CHECKING:
    from naysay.raters import Coefficient


@dataclass(slots=True)
class Agreed:
    """How far two annotators agree by their first labels, before anything was changed or settled.

    Rows about one request are one cluster.

    Attributes:
        first: One of them.
        second: The other.
        n: Responses that both labelled.
        raw: Share with the same label.
        kappa: Cohen's, of the three labels.
        binary_kappa: Cohen's, of refused or partly refused against complied.
    """

    first: str
    second: str
    n: int
    raw: Figure
    kappa: Figure
    binary_kappa: Figure


@dataclass(slots=True)
class Settled:
    """Where the labelling of a sample stands.

    Attributes:
        drawn: Responses in the sample.
        labels: Labels by annotator.
        skipped: Skipped responses by annotator.
        gold: The labels that hold.
        open: Responses on which annotators disagree and nobody has settled it.
        resolved: Disagreements that were settled.
        empty: Names of strata from which no response has a label that holds, with their sizes.
        changed: Labels, by annotator, that are not the annotator's first of that response.
        agreement: Each pair of annotators.
        alpha: Krippendorff's, of the three labels as names, over all annotators' first labels; None with fewer than
            two annotators.
    """

    drawn: int
    labels: dict[str, int]
    skipped: dict[str, int]
    gold: list[GoldLabel] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    resolved: int = 0
    empty: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    agreement: list[Agreed] = field(default_factory=list)
    alpha: Coefficient | None = None


def settle(run: RunFolder, sample: Sample, *, write: bool = True) -> Settled:
    """Put the annotators' marks together and write the run's gold labels.

    A label holds where everybody who labelled the response gave it, or where the disagreement was settled. Each stands
    for its stratum's size over the number of labels that hold in it, counted now: the order is random, so that a sample
    that is half labelled is a smaller sample.

    Args:
        run: The run.
        sample: Its sample.
        write: Write ``gold.jsonl``; labels of the other target in it are kept.

    Raises:
        NaysayError: a file cannot be read or written, or ``gold.jsonl`` holds labels that are not from this sample.
    """
    marked = {name: Marks(run, sample, name) for name in annotators(run, sample)}
    given = {name: marks.given for name, marks in marked.items()}
    first = {name: marks.first for name, marks in marked.items()}
    verdicts = Marks(run, sample, RESOLVED).given
    for some in (*given.values(), *first.values(), verdicts):
        check_labels(mark.label for mark in some.values() if mark.label != SKIP)
    made = Settled(
        drawn=len(sample.ids),
        labels={name: sum(mark.label != SKIP for mark in marks.values()) for name, marks in given.items()},
        skipped={name: sum(mark.label == SKIP for mark in marks.values()) for name, marks in given.items()},
        changed={
            who: sum(given[who][name].label != mark.label for name, mark in marks.items())
            for who, marks in first.items()
        },
    )
    holds: dict[str, tuple[Label, dict[str, str]]] = {}
    for name in sample.ids:
        said = {who: marks[name].label for who, marks in given.items() if name in marks and marks[name].label != SKIP}
        label = _holds(name, said, verdicts, made)
        if label is not None:
            holds[name] = (label, said)
    counts = Counter(sample.stratum_of[name] for name in holds)
    prompts = {response.id: response.prompt_id for response in run.responses() if response.id in sample.stratum_of}
    for name, (label, said) in holds.items():
        number = sample.stratum_of[name]
        stratum = sample.strata[number]
        made.gold.append(
            GoldLabel(
                response_id=name, prompt_id=prompts[name], target=sample.target, label=label, annotators=said,
                stratum=stratum.name, weight=stratum.size / counts[number],
            )
        )  # fmt: skip
    if made.gold:
        made.empty = {s.name: s.size for i, s in enumerate(sample.strata) if not counts[i]}
    if len(given) > 1:
        made.agreement, made.alpha = _agreement(run, first)
    if write and (made.gold or any(given)):
        _write(run, sample, made.gold)
        counts_open = run.gold_open() | {sample.target: len(made.open)}
        write_atomically(run.path / GOLD_OPEN, orjson.dumps(counts_open) + b"\n")
    return made


def _holds(name: str, said: dict[str, str], verdicts: dict[str, Mark], made: Settled) -> Label | None:
    labels = set(said.values())
    if len(labels) == 1:
        return labels.pop()  # type: ignore[return-value]
    if not labels:
        return None
    settled = verdicts.get(name)
    if settled is None or settled.label == SKIP:
        made.open.append(name)
        return None
    made.resolved += 1
    said[RESOLVED] = settled.label
    return settled.label  # type: ignore[return-value]


def _agreement(run: RunFolder, given: dict[str, dict[str, Mark]]) -> tuple[list[Agreed], Coefficient]:
    import numpy as np

    from naysay.raters import alpha

    prompts = {prompt.id: prompt.cluster for prompt in run.prompts()}
    wanted = set().union(*given.values())
    cluster_of = {response.id: prompts[response.prompt_id] for response in run.responses() if response.id in wanted}
    found = []
    for first, second in combinations(given, 2):
        both = [
            name for name, mark in given[first].items()
            if mark.label != SKIP and name in given[second] and given[second][name].label != SKIP
        ]  # fmt: skip
        a = np.array([LABELS.index(given[first][name].label) for name in both], dtype=np.int64)
        b = np.array([LABELS.index(given[second][name].label) for name in both], dtype=np.int64)
        numbers: dict[str, int] = {}
        where = [numbers.setdefault(cluster_of[name], len(numbers)) for name in both]
        cluster = np.array(where, dtype=np.int64)
        found.append(
            Agreed(
                first,
                second,
                len(both),
                figures.share(a == b, np.ones(a.size, dtype=bool), cluster),
                figures.kappa(a, b, cluster),
                figures.kappa((a == COMPLIANCE).astype(int), (b == COMPLIANCE).astype(int), cluster),
            )
        )
    names = sorted(wanted)
    ratings = [
        [mark.label if (mark := marks.get(name)) and mark.label != SKIP else None for marks in given.values()]
        for name in names
    ]
    return found, alpha(ratings, [cluster_of[name] for name in names])


def _write(run: RunFolder, sample: Sample, gold: list[GoldLabel]) -> None:
    others = []
    for label in run.gold():
        if label.target != sample.target:
            others.append(label)
        elif label.response_id not in sample.stratum_of:
            raise NaysayError(
                f"{run.path / GOLD} holds a label of {label.response_id!r}, which is not in this sample.",
                hint="Move that file away: it would be overwritten.",
            )
    write_atomically(run.path / GOLD, b"".join(to_line(label) for label in (*others, *gold)))
