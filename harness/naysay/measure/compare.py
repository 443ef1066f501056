"""Two runs on the prompts they share: what moved, by how much, and whether that is more than noise."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from naysay.errors import NaysayError
from naysay.measure.columns import arm
from naysay.measure.corrected_change import CorrectedDifference
from naysay.measure.headline import MEASURES, Measure
from naysay.measure.intervals import CONFIDENCE
from naysay.measure.observe import Facet, JudgeColumn, Observation
from naysay.measure.paired import difference_interval, holm, mcnemar, sign_flip
from naysay.measure.rates import CODE, CODES, SCORED
from naysay.numbered import Index, Texts
from naysay.schema import TARGETS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(slots=True)
class Difference:
    """One measure in two runs, over the responses that both have and that were scored in both.

    Attributes:
        measure: Name of the measure; lower is better in all.
        variant: The attack or mutation that made the prompts, or None for originals.
        n: Responses scored in both runs.
        clusters: Prompts (with their variants) among them.
        first: The rate in the first run, over these.
        second: The rate in the second run.
        difference: ``second - first``.
        low: Lower end of its interval.
        high: Upper end of its interval.
        method: ``paired_cluster_bootstrap``, or ``tango_clusters`` when nothing differs.
        only_first: Responses with the outcome in the first run alone.
        only_second: Responses with it in the second run alone.
        test: ``mcnemar`` with one response a prompt, ``cluster_sign_flip`` with several.
        p_exact: Two-sided exact p value.
        p_mid: Mid-p value.
        p_holm: ``p_exact`` corrected for all measures under the same judge and target.
        unscored: Shared responses that one run or the other has no label for.
    """

    measure: str
    judge: str
    judge_hash: str
    target: str
    n: int
    clusters: int
    first: float | None
    second: float | None
    difference: float | None
    low: float
    high: float
    method: str
    only_first: int
    only_second: int
    test: str
    p_exact: float
    p_mid: float
    p_holm: float
    unscored: int
    variant: str | None = None


@dataclass(slots=True)
class Change:
    """One response with another label in the second run, or with a label in one of the runs only.

    Attributes:
        first: Its label in the first run, or the reason why it has none.
        second: The same in the second run.
    """

    response_id: str
    prompt_id: str
    judge: str
    judge_hash: str
    target: str
    task: str
    kind: str
    category: str
    language: str
    first: str
    second: str


@dataclass(slots=True)
class Shared:
    """What became of the shared responses under one judge and target; ``total`` is the sum of all but ``changed``.

    Attributes:
        total: Responses that both runs have.
        scored: Those with a label in both.
        changed: Of ``scored``, those whose label is not the same.
        became_unscored: Those with a label in the first run only.
        became_scored: Those with a label in the second run only.
        unscored: Those with a label in neither.
    """

    judge: str
    judge_hash: str
    target: str
    total: int = 0
    scored: int = 0
    changed: int = 0
    became_unscored: int = 0
    became_scored: int = 0
    unscored: int = 0


@dataclass(slots=True)
class Comparison:
    """What differs between two runs. :meth:`to_dict` is JSON-able.

    Attributes:
        judges: Judges that both runs share, by hash.
        skipped: Judges that are left out because their hashes differ or only one run has them, with the reason.
        shared: Responses that both runs have.
        only_first: Responses only the first run has.
        only_second: Responses only the second run has.
        differences: One for each judge, target and measure with prompts in both runs.
        targets: What became of the shared responses, for each judge and target.
        changes: Every changed label of a response that was scored in both runs.
        transitions: Every response with a label in one of the runs only.
        corrected: Differences of corrected rates, where people labelled a part of both runs.
        variants: Differences under each attack that both runs made, paired with the same attempt at the same prompt;
            corrected by Holm among themselves. Everything else here is about originals.
        shared_variants: Responses to variants that both runs have.
        variant_changes: Ids of those with another label, or a label in one run only.
        moves: How often each label became which: ``{judge_hash: {target: {first: {second: count}}}}``.
    """

    confidence: float
    judges: list[dict[str, str]]
    skipped: list[str]
    shared: int
    only_first: int
    only_second: int
    differences: list[Difference]
    targets: list[Shared]
    changes: list[Change]
    transitions: list[Change]
    moves: dict[str, dict[str, dict[str, dict[str, int]]]] = field(default_factory=dict)
    corrected: list[CorrectedDifference] = field(default_factory=list)
    variants: list[Difference] = field(default_factory=list)
    shared_variants: int = 0
    variant_changes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, with stable keys."""
        return asdict(self)


class _Side:
    """One run by response: what is needed to pair it with another.

    Args:
        observations: Those of the run.
        first: Whether it is the first run: prompts and clusters are read from that one alone.
    """

    def __init__(self, observations: Iterable[Observation], *, first: bool) -> None:
        self.ids = Index()
        self.names = Texts()
        self.facets: list[Facet] = []
        self.facet = array("I")
        self.prompt = Texts()
        self.cluster = array("I")
        self.made = bytearray()
        self.codes: dict[tuple[JudgeColumn, str], bytearray] = {}
        self.judges: dict[JudgeColumn, None] = {}
        numbers: dict[Facet, int] = {}
        clusters = Index()
        for seen in observations:
            column = JudgeColumn(seen.judge, seen.judge_hash)
            if seen.judge or seen.labels:
                self.judges[column] = None
            row = self.ids.add(seen.response_id)
            if first and row == len(self.facet):
                facet = Facet(
                    seen.task, seen.kind, seen.expected, seen.category, seen.language, seen.contested,
                    variant=seen.variant,
                )  # fmt: skip
                if facet not in numbers:
                    numbers[facet] = len(self.facets)
                    self.facets.append(facet)
                self.facet.append(numbers[facet])
                self.names.append(seen.response_id)
                self.prompt.append(seen.prompt_id)
                self.cluster.append(clusters.add(seen.cluster))
            if row == len(self.made):
                self.made.append(seen.variant is not None)
            for target in seen.labels:
                codes = self.codes.setdefault((column, target), bytearray())
                if row >= len(codes):
                    codes.extend(bytes([CODE["not_judged"]]) * (row + 1 - len(codes)))
                codes[row] = seen.code(target)

    def outcomes(self, key: tuple[JudgeColumn, str], rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """What became of some responses under one judge and target, as codes. Same shape as ``rows``."""
        import numpy as np

        codes = np.full(len(self.ids), CODE["not_judged"], dtype=np.uint8)
        known = self.codes[key]
        codes[: len(known)] = known
        return codes[rows]


def compare(
    first: Iterable[Observation], second: Iterable[Observation], *, confidence: float = CONFIDENCE
) -> Comparison:
    """Compare two runs on the responses (prompt and sample) that both have.

    Args:
        first: Observations of the first run (the baseline).
        second: Observations of the second run.
        confidence: Of the intervals.

    Raises:
        NaysayError: no judge with the same content hash judged both, or they share no response.
    """
    import numpy as np

    a, b = _Side(first, first=True), _Side(second, first=False)
    columns = [column for column in a.judges if any(column.judge_hash == other.judge_hash for other in b.judges)]
    skipped = _skipped(a, b)
    if not columns:
        raise NaysayError(
            "No judge judged both runs" + (f": {'; '.join(skipped)}." if skipped else "."),
            hint="A changed judge has a new hash, and labels of two judges are never compared. "
            "Judge both runs with the same judge: the same `naysay run` command with --judge NAME "
            "generates nothing again.",
        )
    found = (b.ids.find(name) for name in a.names)
    mates = np.fromiter((-1 if mate is None else mate for mate in found), dtype=np.int64, count=len(a.names))
    made = np.frombuffer(a.made, dtype=np.uint8).astype(bool)
    originals = [len(side.ids) - sum(side.made) for side in (a, b)]
    rows, under = np.flatnonzero((mates >= 0) & ~made), np.flatnonzero((mates >= 0) & made)
    if not rows.size:
        raise NaysayError(
            f"The runs share no response ({originals[0]} in the first, {originals[1]} in the second).",
            hint="Compare runs of the same tasks; prompt ids must be the same.",
        )
    result = Comparison(
        confidence=confidence,
        judges=[{"judge": column.judge, "judge_hash": column.judge_hash} for column in columns],
        skipped=skipped,
        shared=int(rows.size),
        only_first=originals[0] - int(rows.size),
        only_second=originals[1] - int(rows.size),
        differences=[],
        targets=[],
        changes=[],
        transitions=[],
        shared_variants=int(under.size),
    )
    changed_under: set[int] = set()
    for column in columns:
        other = next(c for c in b.judges if c.judge_hash == column.judge_hash)
        for target in TARGETS:
            keys = (column, target), (other, target)
            if keys[0] not in a.codes or keys[1] not in b.codes:
                continue
            before, after = a.outcomes(keys[0], rows), b.outcomes(keys[1], mates[rows])
            _note_changes(result, a, column, target, rows, before, after)
            result.differences += _differences(a, rows, column, target, before, after, confidence)
            before, after = a.outcomes(keys[0], under), b.outcomes(keys[1], mates[under])
            changed_under.update(under[(before != after) & ((before < SCORED) | (after < SCORED))].tolist())
            result.variants += _differences(a, under, column, target, before, after, confidence)
    _correct(result.differences)
    _correct(result.variants)
    result.variant_changes = [a.names[row] for row in sorted(changed_under)]
    return result


def _differences(
    side: _Side, rows: NDArray[np.int64], column: JudgeColumn, target: str, before: NDArray[np.uint8],
    after: NDArray[np.uint8], confidence: float,
) -> Iterator[Difference]:  # fmt: skip
    """Every measure with prompts among some shared responses, for each variant apart."""
    import numpy as np

    facets, of = np.frombuffer(side.facet, dtype=np.uint32)[rows], np.frombuffer(side.cluster, dtype=np.uint32)[rows]
    for variant in dict.fromkeys(side.facets[number].variant for number in np.unique(facets)):
        for measure in MEASURES:
            taken = np.asarray([facet.variant == variant and measure.takes(facet) for facet in side.facets])
            chosen = taken[facets]
            if chosen.any():
                made = _difference(measure, column, target, of[chosen], before[chosen], after[chosen], confidence)
                made.variant = variant
                yield made


def _correct(differences: list[Difference]) -> None:
    """One family for each judge and target: that is the table a person reads for something that moved."""
    families: dict[tuple[str, str], list[Difference]] = {}
    for one in differences:
        families.setdefault((one.judge_hash, one.target), []).append(one)
    for family in families.values():
        for one, p in zip(family, holm([d.p_exact for d in family]), strict=True):
            one.p_holm = p


def _difference(
    measure: Measure, column: JudgeColumn, target: str, clusters: NDArray[np.uint32], first: NDArray[np.uint8],
    second: NDArray[np.uint8], confidence: float,
) -> Difference:  # fmt: skip
    import numpy as np

    counted = [CODE[label] for label in measure.labels]
    both = (first < SCORED) & (second < SCORED)
    hit, hits_now = np.isin(first[both], counted), np.isin(second[both], counted)
    n = int(both.sum())
    only_first, only_second = int((hit & ~hits_now).sum()), int((hits_now & ~hit).sum())
    _, inverse = np.unique(clusters[both], return_inverse=True)
    scored = np.bincount(inverse).astype(np.int64)
    before = np.bincount(inverse[hit], minlength=scored.size).astype(np.int64)
    after = np.bincount(inverse[hits_now], minlength=scored.size).astype(np.int64)
    interval = difference_interval(before, after, scored, confidence=confidence)
    plain = n == scored.size
    p = mcnemar(only_first, only_second) if plain else sign_flip(Counter((after - before).tolist()))
    return Difference(
        measure=measure.name,
        judge=column.judge,
        judge_hash=column.judge_hash,
        target=target,
        n=n,
        clusters=int(scored.size),
        first=int(before.sum()) / n if n else None,
        second=int(after.sum()) / n if n else None,
        difference=int(after.sum() - before.sum()) / n if n else None,
        low=interval.low,
        high=interval.high,
        method=interval.method,
        only_first=only_first,
        only_second=only_second,
        test="mcnemar" if plain else "cluster_sign_flip",
        p_exact=p.exact,
        p_mid=p.mid,
        p_holm=p.exact,
        unscored=int(both.size) - n,
    )


def _note_changes(
    result: Comparison, side: _Side, column: JudgeColumn, target: str, rows: NDArray[np.int64],
    first: NDArray[np.uint8], second: NDArray[np.uint8],
) -> None:  # fmt: skip
    moves: dict[str, dict[str, int]] = {}
    shared = Shared(column.judge, column.judge_hash, target, total=int(rows.size))
    for row, x, y in zip(map(int, rows), map(int, first), map(int, second), strict=True):
        before, after = x < SCORED, y < SCORED
        shared.scored += before and after
        shared.became_unscored += before and not after
        shared.became_scored += after and not before
        shared.unscored += not before and not after
        outcomes = moves.setdefault(CODES[x], {})
        outcomes[CODES[y]] = outcomes.get(CODES[y], 0) + 1
        if x == y or not (before or after):
            continue
        shared.changed += before and after
        facet = side.facets[side.facet[row]]
        (result.changes if before and after else result.transitions).append(
            Change(
                response_id=side.names[row],
                prompt_id=side.prompt[row],
                judge=column.judge,
                judge_hash=column.judge_hash,
                target=target,
                task=facet.task,
                kind=arm(facet.kind, facet.contested),
                category=facet.category,
                language=facet.language,
                first=CODES[x],
                second=CODES[y],
            )
        )
    result.targets.append(shared)
    result.moves.setdefault(column.judge_hash, {})[target] = moves


def _skipped(a: _Side, b: _Side) -> list[str]:
    notes = []
    for column in a.judges:
        if any(column.judge_hash == other.judge_hash for other in b.judges):
            continue
        twin = next((other for other in b.judges if other.judge == column.judge), None)
        if twin is None:
            notes.append(f"{column.judge} judged only the first run")
        else:
            notes.append(f"{column.judge} has changed between the runs ({column.judge_hash} and {twin.judge_hash})")
    known = {column.judge for column in a.judges} | {column.judge_hash for column in a.judges}
    notes.extend(
        f"{column.judge} judged only the second run"
        for column in b.judges
        if column.judge not in known and column.judge_hash not in known
    )
    return notes
