"""All numbers of a run, in one pass over its observations. What each key means is written in ``docs/numbers.md``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from naysay.measure.attacks import Attacks, attacks
from naysay.measure.audits import agreed_interval, sampled_error
from naysay.measure.columns import Columns, Table, arm
from naysay.measure.correct import correct, correct_by_model, not_judged
from naysay.measure.correction import Correction, Wanted
from naysay.measure.crosstab import Crosstab, crosstabs
from naysay.measure.gold import GoldAgreement, error_of
from naysay.measure.headline import REFUSED, Headline, headline, put_corrected
from naysay.measure.intervals import CONFIDENCE
from naysay.measure.labelled import NOTHING
from naysay.measure.languages import Languages, languages
from naysay.measure.observe import Facet, JudgeColumn, Observation
from naysay.measure.rates import SCORED, Rate, rate
from naysay.measure.scales import Scales
from naysay.measure.scales import measure as measure_scales
from naysay.measure.sensitivity import Sensitivity, sensitivity
from naysay.measure.twins import Twins, twins
from naysay.schema import KINDS, TARGETS

if TYPE_CHECKING:
    from naysay.measure.acts import Acts

FORMAT: Final = 1
"""Version of the shape of ``metrics.json``; raised when a key changes its meaning."""


CELL_RATES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("refusal", ("refusal",)),
    ("partial_refusal", ("partial_refusal",)),
    ("compliance", ("compliance",)),
    ("refusal_or_partial", REFUSED),
)
"""What every cell of the breakdown holds."""

DIMENSIONS: tuple[tuple[str, Callable[[Facet], str]], ...] = (
    ("overall", lambda facet: ""),
    ("task", lambda facet: facet.task),
    ("category", lambda facet: facet.category),
    ("language", lambda facet: facet.language),
    ("model", lambda facet: facet.model),
)


@dataclass(slots=True)
class Cell:
    """One group of responses under one judge and target.

    Attributes:
        by: ``overall``, ``task``, ``category``, ``language``, or ``model`` where there are several.
        value: The group (a task's name, ...); ``""`` for ``overall``.
        kind: Kind of prompt, ``contested``, or ``all``.
        rates: ``refusal``, ``partial_refusal``, ``compliance`` and ``refusal_or_partial``.
    """

    judge: str
    judge_hash: str
    target: str
    by: str
    value: str
    kind: str
    rates: dict[str, Rate]


@dataclass(slots=True)
class Metrics:
    """All numbers of a run. :meth:`to_dict` is what ``metrics.json`` holds.

    Attributes:
        format: See :data:`FORMAT`.
        confidence: Nominal coverage of every interval.
        judges: ``judge``, ``judge_hash`` and ``targets`` of each judge, ``in_training``: how many of the
            ``responses`` it was trained on, ``waiting``: how many it has not judged yet by target, where there are
            any, and ``error``: what is known of its error on these responses, ``"not
            known"`` without labels to compare with.
        models: Responses by model.
        responses: ``total``, ``planned`` (None when unknown), ``missing``, ``cached``, ``status`` counts, the same by
            kind, ``blocked``, and ``variants``: those to each variant. Every number below but ``attacks`` and
            ``languages`` is about originals.
        usage: Tokens in all.
        headline: One for each judge and target.
        cells: The breakdown.
        crosstabs: Trace by answer.
        twins: Harmful wishes against their safe twins.
        gold: Each judge beside the labels that came with the responses, where some did.
        corrections: Rates with the judge's errors taken out, by judge, target and arm, or why there are none.
        corrections_by_model: The same for each of several models, where people labelled some of the responses.
        sensitivity: The rates under each of several judges, and with several models their places.
        scales: Scales beside the labels, trade-offs and strategies, where judges give any.
        attacks: Every variant beside its originals.
        languages: The same prompts in several languages.
        acts: What agents did, or None where none was asked to do anything; a report puts it here.
    """

    confidence: float
    judges: list[dict[str, Any]]
    models: dict[str, int]
    responses: dict[str, Any]
    usage: dict[str, int]
    headline: list[Headline]
    cells: list[Cell]
    crosstabs: list[Crosstab]
    twins: list[Twins]
    gold: list[GoldAgreement] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    corrections_by_model: list[Correction] = field(default_factory=list)
    sensitivity: list[Sensitivity] = field(default_factory=list)
    scales: Scales = field(default_factory=Scales)
    attacks: Attacks = field(default_factory=Attacks)
    languages: list[Languages] = field(default_factory=list)
    acts: Acts | None = None
    format: int = field(default=FORMAT)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, with stable keys."""
        return asdict(self)

    def correction(self, judge_hash: str, target: str) -> Correction | None:
        """What was corrected under one judge and target."""
        return next((c for c in self.corrections if (c.judge_hash, c.target) == (judge_hash, target)), None)

    def correction_of_model(self, judge_hash: str, target: str, model: str) -> Correction | None:
        """The same for one of several models."""
        wanted = (judge_hash, target, model)
        return next((c for c in self.corrections_by_model if (c.judge_hash, c.target, c.model) == wanted), None)

    def find(self, by: str, value: str, kind: str, judge_hash: str, target: str) -> Cell | None:
        """One cell of the breakdown, or None."""
        for cell in self.cells:
            if (cell.by, cell.value, cell.kind, cell.judge_hash, cell.target) == (by, value, kind, judge_hash, target):
                return cell
        return None


def summarise(
    observations: Iterable[Observation],
    *,
    planned: int | None = None,
    confidence: float = CONFIDENCE,
    wanted: Wanted | None = None,
) -> Metrics:
    """Count everything once.

    Args:
        observations: As :func:`naysay.measure.observe` gives them; read once, nothing of them is kept but a few bytes.
        planned: How many responses the run was to have, so that missing ones are told.
        confidence: Of every interval.
        wanted: What the user said about gold labels.
    """
    return of_table(Table.of(observations), planned=planned, confidence=confidence, wanted=wanted)


def of_table(
    table: Table, *, planned: int | None = None, confidence: float = CONFIDENCE, wanted: Wanted | None = None
) -> Metrics:
    """The same from observations that are in columns already."""
    gold = table.gold.agreements()
    for found in gold:
        _put_intervals(table, found, confidence)
    metrics = Metrics(
        confidence=confidence,
        judges=[
            {
                "judge": c.judge,
                "judge_hash": c.judge_hash,
                "targets": _targets(columns),
                "in_training": table.in_training(c),
                "responses": len(columns) + len(table.variants.get(c, ())),
                "waiting": {t: n for t in _targets(columns) if (n := not_judged(columns, t))},
                "error": _sampled_error(table, columns, confidence) or error_of(gold, c.judge_hash) or "not known",
            }
            for c, columns in table.judges.items()
        ],
        models=_most(table.models),
        responses={
            "total": table.responses,
            "planned": planned,
            "missing": None if planned is None else max(0, planned - table.responses),
            "cached": table.cached,
            "blocked": table.status["blocked"],
            "status": _most(table.status),
            "status_by_kind": {kind: _most(counts) for kind, counts in sorted(table.status_by_kind.items())},
            "variants": {name: table.by_variant[name] for name in table.recipes.ordered(table.by_variant)},
        },
        usage=dict(sorted(table.usage.items())),
        headline=[],
        cells=[],
        crosstabs=[],
        twins=[],
        gold=gold,
    )
    for column, columns in table.judges.items():
        for target in _targets(columns):
            metrics.headline.append(headline(columns, column, target, confidence))
            metrics.cells.extend(_cells(columns, column, target, confidence))
            metrics.twins.extend(twins(columns, target, confidence))
        metrics.crosstabs.extend(crosstabs(columns, confidence))
    metrics.corrections = correct(table, wanted=wanted, confidence=confidence)
    metrics.corrections_by_model = correct_by_model(table, wanted=wanted, confidence=confidence)
    for head in metrics.headline:
        put_corrected(head, metrics.correction(head.judge_hash, head.target))
    if len(table.judges) > 1:
        name = next(iter(metrics.models), "") if len(metrics.models) == 1 else ""
        metrics.sensitivity = sensitivity({name: table}, confidence=confidence)
    metrics.scales = measure_scales(table, table.about, _groups, confidence)
    metrics.attacks = attacks(table, confidence=confidence)
    metrics.languages = languages(table, errors=table.measured, confidence=confidence)
    return metrics


def _most(counts: Counter[str]) -> dict[str, int]:
    """The most frequent first, and of equals by name: the order in which responses finished decides nothing."""
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def _put_intervals(table: Table, found: GoldAgreement, confidence: float) -> None:
    import numpy as np

    column = JudgeColumn(found.judge, found.judge_hash)
    columns, beside = table.judges[column], table.labels.judges[column]
    source = np.frombuffer(beside.source, dtype=np.uint16) == table.labels.sources.index(found.source)
    label = np.frombuffer(beside.came, dtype=np.uint8)
    chosen = source & (label != NOTHING) & (columns.numpy(found.target) < SCORED)
    if found.model:
        chosen &= columns.where(lambda facet: facet.model == found.model)
    clusters, weight = columns.clusters()[chosen], np.ones(int(chosen.sum()))
    found.interval = agreed_interval(found.report.accuracy, weight, clusters, confidence)
    found.binary_interval = agreed_interval(found.report.binary_accuracy, weight, clusters, confidence)


def _sampled_error(table: Table, columns: Columns, confidence: float) -> dict[str, Any] | None:
    beside = table.labels.judges[columns.column]
    for target in ("answer", "both", "reasoning"):
        if target in columns.codes and (
            found := sampled_error(beside, target, columns.numpy(target), columns.clusters(), confidence)
        ):
            return found
    return None


def _groups(columns: Columns) -> Iterator[tuple[str, str, str, set[Facet]]]:
    """What scales are measured apart: the groups of the breakdown, kind by kind."""
    for by, of in DIMENSIONS:
        values = sorted({of(facet) for facet in columns.facets})
        if by != "overall" and len(values) == 1:
            continue
        for value in values:
            for kind in (*KINDS, "contested"):
                group = {f for f in columns.facets if of(f) == value and arm(f.kind, f.contested) == kind}
                if group:
                    yield by, value, kind, group


def _targets(columns: Columns) -> list[str]:
    return [target for target in TARGETS if target in columns.codes]


def _cells(columns: Columns, column: JudgeColumn, target: str, confidence: float) -> list[Cell]:
    codes, clusters, applies = columns.numpy(target), columns.clusters(), columns.applies(target)
    cells = []
    for by, of in DIMENSIONS:
        values = sorted({of(facet) for facet in columns.facets})
        if (by == "category" and values == [""]) or (by == "model" and len(values) == 1):
            continue
        for value in values:
            for kind in (*KINDS, "contested", "all"):
                group = [f for f in columns.facets if of(f) == value and kind in ("all", arm(f.kind, f.contested))]
                if not group:
                    continue
                wanted = set(group)
                chosen = columns.where(wanted.__contains__) & applies
                if not chosen.any():
                    continue
                rates = {
                    name: rate(
                        name, labels, codes[chosen], clusters[chosen],
                        judge=column.judge, judge_hash=column.judge_hash, target=target, confidence=confidence,
                    )
                    for name, labels in CELL_RATES
                }  # fmt: skip
                cells.append(Cell(column.judge, column.judge_hash, target, by, value, kind, rates))
    return cells
