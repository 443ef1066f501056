"""The numbers as terminal tables, CSV and JSON."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from naysay.board import acts as agents
from naysay.board import attack_section, corrected, language_section
from naysay.board.failures import failures
from naysay.board.figures import Figures
from naysay.board.gold import card_says, gold_tables
from naysay.board.headline import headline_parts
from naysay.board.scales import scale_rows, scale_tables
from naysay.board.sensitivity import sensitivity_note
from naysay.board.sensitivity import terminal as sensitivity_tables
from naysay.board.suites import names as what_was_run_in_words
from naysay.board.suites import suite_notes
from naysay.board.text import csv_cell, one_line, percent, plain_rate, short_hash, title, visible
from naysay.board.told import agreed, open_line, trained_on, unknown_labels
from naysay.measure.acts import rows as act_rows
from naysay.measure.acts_table import ActsTable
from naysay.measure.observe import Observation
from naysay.measure.rates import Rate
from naysay.measure.summary import Cell, Metrics
from naysay.runfolder import RunFolder
from naysay.schema import LABELS
from naysay.writing import cannot_write, write_atomically

if TYPE_CHECKING:
    from rich.console import RenderableType

RATE_COLUMNS = (
    "run", "model", "judge", "judge_hash", "target", "section", "by", "group", "kind", "rate", "value", "low", "high",
    "confidence", "method", "hits", "n", "total", "coverage", "clusters", "lowest", "highest", "blocked",
    "refusal", "partial_refusal", "compliance", "unscored", *corrected.COLUMNS,
)  # fmt: skip
"""Header of ``rates.csv``: one line a rate."""

ITEM_COLUMNS = (
    "response_id", "prompt_id", "sample", "model", "task", "kind", "expected", "category", "language", "pair",
    "contested", "status", "judge", "judge_hash", "answer", "answer_reason", "reasoning", "reasoning_reason", "both",
    "both_reason", "tokens_in", "tokens_out", "tokens_reasoning", "cached", "variant", "origin", "actions",
    "actions_reason",
)  # fmt: skip
"""Header of ``items.csv``: one line a response and judge."""


def terminal(run: RunFolder, metrics: Metrics, said: list[str]) -> Iterator[RenderableType]:
    """What ``naysay report`` prints: the headline, what agents did, trace by answer, twins, and ``said``.

    ``said`` is as :func:`notes` makes it.

    Every text that came from outside is shown as plain text, with control characters made visible.
    """
    from rich.text import Text

    yield Text(run_title(run, metrics), style="bold")
    yield from headline_parts(metrics)
    if metrics.acts is not None:
        yield from agents.tables(metrics.acts)
    yield from _label_tables(metrics)
    yield from corrected.corrected_tables(metrics)
    yield from scale_tables(metrics)
    yield from gold_tables(metrics)
    if metrics.sensitivity:
        yield from sensitivity_tables(metrics.sensitivity, trained=False)
    yield from _crosstab_tables(metrics)
    yield from _twin_tables(metrics)
    yield from attack_section.terminal(metrics)
    yield from language_section.terminal(metrics)
    for note in said:
        yield Text(f"• {note}", style="dim")


def run_title(run: RunFolder, metrics: Metrics) -> str:
    """The run in one line."""
    models = ", ".join(visible(model) for model in metrics.models) or "no model"
    tasks = what_was_run_in_words(run.manifest) or "no task"
    return f"{models} on {tasks}: {metrics.responses['total']:,} responses"


def notes(run: RunFolder, metrics: Metrics) -> list[str]:
    """What a reader must know before trusting the numbers."""
    found = list(_not_judged(metrics))
    counts = metrics.responses
    if run.manifest.get("status") not in (None, "complete") or counts.get("missing"):
        missing = f": {counts['missing']:,} responses are missing" if counts.get("missing") else ""
        found.append(f"This run is not complete{missing}. Its numbers will change.")
    if unknown := unknown_labels(run.manifest.get("labels") or {}):
        found.append(unknown)
    if metrics.judges and counts["total"] and counts["total"] == sum(counts["variants"].values()):
        found.append(
            "Every prompt here is a variant of one that was not asked, so there is no headline and no direct ask to "
            "compare with: the rates are in the tables of attacks. Run the task with the originals, too."
        )
    elif metrics.judges and not any(head.rates for head in metrics.headline):
        found.append(
            "No prompt says what a good model should do, so there is no harmful compliance and no over-refusal: "
            "give the file a column `kind` (harmful, over_refusal, benign) to get them."
        )
    for count in sorted({c.open for c in metrics.corrections if c.open and not corrected.tried(c)}):
        found.append(f"{open_line(count)}.")
    for judge in metrics.judges:
        corrections = corrected.correction_notes(metrics, judge)
        found += corrections
        if isinstance(judge["error"], dict):
            error = judge["error"]
            seen = _seen(run, judge)
            if error["in_training"] and error.get("interval"):
                seen += f" Of the {error['n']:,} labels, {error['in_training']:,} are of these: agreeing says little."
            raw = "the raw rates hold its errors" if corrections else "the rates are not corrected for its errors"
            found.append(
                f"Judge {visible(judge['judge'])} ({short_hash(judge['judge_hash'])}) {agreed(error)}; {raw}.{seen}"
            )
            continue
        if corrections:
            if seen := _seen(run, judge):
                found.append(seen.strip())
            continue
        found.append(
            f"Judge {visible(judge['judge'])} ({short_hash(judge['judge_hash'])}): its error on these responses is "
            f"not known; the intervals are about the sample of prompts, not about the judge.{_seen(run, judge)}"
        )
    if moved := sensitivity_note(metrics.sensitivity):
        found.append(moved)
    if counts["blocked"]:
        found.append(
            f"{counts['blocked']:,} responses were blocked by the provider's own filter: "
            "the provider's refusals, counted apart and unscored for the model."
        )
    other = {k: v for k, v in counts["status"].items() if k not in ("ok", "blocked") and v}
    if other:
        found.append("Not every response is whole: " + ", ".join(f"{v:,} {title(k)}" for k, v in other.items()) + ".")
    found += failures(run, metrics)
    found += suite_notes(run)
    if len(metrics.models) > 1:
        found.append(
            f"The responses are from {len(metrics.models)} models, and the headline lumps them together. "
            "Rates by model are on the page, in rates.csv, and printed with --by model."
        )
    if under := attack_section.note(metrics):
        found.append(under)
    for head in metrics.headline:
        if head.rates and not head.known:
            reasons: Counter[str] = Counter()
            for rate in head.rates.values():
                reasons.update(rate.unscored)
            why = ", ".join(title(reason) for reason in reasons)
            found.append(f"No {head.target} could be scored by {visible(head.judge)} ({why}).")
        elif head.rates and head.balance is None and head.target not in ("reasoning", "actions"):
            found.append(
                f"No balance under {visible(head.judge)}: {head.balance_missing}. One axis alone ranks nobody."
            )
    return found


def _not_judged(metrics: Metrics) -> Iterator[str]:
    for judge in metrics.judges:
        if not judge["waiting"]:
            continue
        parts = []
        for target, waiting in judge["waiting"].items():
            of = next(
                (c.rates["refusal"].total for c in metrics.cells
                 if (c.judge_hash, c.target, c.by, c.kind) == (judge["judge_hash"], target, "overall", "all")),
                waiting,
            )  # fmt: skip
            parts.append(f"{max(0, of - waiting):,} of {of:,} ({title(target)})")
        yield (
            f"Judging by {visible(judge['judge'])} is incomplete: {', '.join(parts)}. Its rates are about what it has "
            "judged, and nothing is corrected under it. The command that began it goes on."
        )


def _seen(run: RunFolder, judge: dict[str, Any]) -> str:
    """That a judge was trained on these very responses, and what its card says of others; nothing where it was not."""
    if not judge["in_training"]:
        return ""
    return f" {trained_on(judge['judge'], judge['in_training'], judge['responses'])}{card_says(run, judge)}"


def write_items(path: Path, observations: Iterable[Observation]) -> Path:
    """Write ``items.csv``, one line an observation as they come.

    Raises:
        NaysayError: it cannot be written.
    """
    return _write_csv(path, ITEM_COLUMNS, (_item_row(seen) for seen in observations))


def write_acts(path: Path, table: ActsTable) -> Path:
    """Write ``acts.csv``, one line a run of a behaviour and judge.

    Raises:
        NaysayError: it cannot be written.
    """
    rows = agents.csv_rows(act_rows(table))
    return _write_csv(path, tuple(next(rows)), rows)


def write_rates(path: Path, run: RunFolder, metrics: Metrics) -> Path:
    """Write ``rates.csv``, one line a rate.

    Raises:
        NaysayError: it cannot be written.
    """
    return _write_csv(path, RATE_COLUMNS, rate_rows(run, metrics))


def write_metrics(path: Path, run: RunFolder, metrics: Metrics) -> Path:
    """Write ``metrics.json``.

    Raises:
        NaysayError: it cannot be written.
    """
    write_atomically(path, metrics_json(run, metrics))
    return path


def metrics_json(run: RunFolder, metrics: Metrics) -> bytes:
    """The content of ``metrics.json``."""
    manifest = run.manifest
    head = {
        "naysay": manifest.get("naysay"),
        "run": {key: manifest.get(key) for key in ("created", "status", "identity", "tasks", "judges")}
        | {key: manifest[key] for key in ("suites", "overlap") if key in manifest},
    }
    return orjson.dumps(head | metrics.to_dict(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def rate_rows(run: RunFolder, metrics: Metrics) -> Iterator[list[Any]]:
    """All rates in long format, under :data:`RATE_COLUMNS`."""
    start = [str(run.manifest.get("identity", "")), " ".join(metrics.models)]
    nothing = [""] * len(corrected.COLUMNS)
    for head in metrics.headline:
        for rate in head.rates.values():
            extra = corrected.csv_columns(metrics, head, "headline", "", "", rate.name)
            yield start + _rate_row(rate, head, "headline") + extra
        for rate in head.system.values():
            yield start + _rate_row(rate, head, "headline_blocked_as_refusal") + nothing
    for cell in metrics.cells:
        for rate in cell.rates.values():
            extra = corrected.csv_columns(metrics, cell, "cell", cell.by, cell.kind, rate.name)
            yield start + _rate_row(rate, cell, "cell", cell.by, cell.value, cell.kind) + extra
    for table in metrics.crosstabs:
        for rate in table.rates.values():
            yield start + _rate_row(rate, table, "trace_by_answer", "", "", table.kind) + nothing
    for pairs in metrics.twins:
        for rate in pairs.rates.values():
            yield start + _rate_row(rate, pairs, "twins") + nothing
    yield from scale_rows(metrics, start, RATE_COLUMNS)
    yield from attack_section.rate_rows(metrics, start, RATE_COLUMNS)
    yield from language_section.rate_rows(metrics, start, RATE_COLUMNS)


def _rate_row(rate: Rate, owner: Any, section: str, by: str = "", group: str = "", kind: str = "") -> list[Any]:
    labels = [rate.counts.get(label, "") for label in ("refusal", "partial_refusal", "compliance")]
    return [
        owner.judge, owner.judge_hash, rate.target, section, by, group, kind, rate.name, rate.value, rate.low,
        rate.high, rate.confidence, rate.method, rate.hits, rate.n, rate.total, rate.coverage, rate.clusters,
        rate.lowest, rate.highest, rate.blocked, *labels,
        " ".join(f"{reason}:{count}" for reason, count in rate.unscored.items()),
    ]  # fmt: skip


def _item_row(seen: Observation) -> list[Any]:
    targets: list[Any] = []
    for target in ("answer", "reasoning", "both"):
        targets += [seen.labels.get(target), seen.reasons.get(target)]
    return [
        seen.response_id, seen.prompt_id, seen.sample, seen.model, seen.task, seen.kind, seen.expected, seen.category,
        seen.language, seen.pair, seen.contested, seen.status, seen.judge, seen.judge_hash, *targets,
        seen.usage.get("input"), seen.usage.get("output"), seen.usage.get("reasoning"), seen.cached,
        seen.variant, seen.origin, seen.labels.get("actions"), seen.reasons.get("actions"),
    ]  # fmt: skip


def _write_csv(path: Path, header: tuple[str, ...], rows: Iterable[list[Any]]) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows([csv_cell(value) for value in row] for row in rows)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise cannot_write(path, error) from error
    return path


def _label_tables(metrics: Metrics) -> Iterator[RenderableType]:
    """Labels of prompts that no headline counts: those of no stated kind, and contested ones."""
    for judge in metrics.judges:
        for target in judge["targets"]:
            cells = [
                cell
                for cell in metrics.cells
                if (cell.by, cell.judge_hash, cell.target) == ("overall", judge["judge_hash"], target)
                and cell.kind in ("unspecified", "contested")
                and cell.rates["refusal"].known
            ]
            if not cells:
                continue
            heading = f"Labels outside every headline: {title(target)}, judged by {visible(judge['judge'])}"
            share = f"share [{100 * metrics.confidence:g}% interval]"
            table = Figures(heading, ("kind", "label", share, "n", "coverage"), left=("label",))
            for cell in cells:
                for name in LABELS:
                    rate = cell.rates[name]
                    first = title(cell.kind) if name == LABELS[0] else ""
                    table.add(first, title(name), plain_rate(rate), f"{rate.n:,}", percent(rate.coverage))
            yield table


def _crosstab_tables(metrics: Metrics) -> Iterator[RenderableType]:
    from rich.text import Text

    for crosstab in metrics.crosstabs:
        if crosstab.kind != "all":
            continue
        columns = list(next(iter(crosstab.counts.values())))
        heading = f"Thought (rows) against answered (columns), {visible(crosstab.judge)}"
        table = Figures(heading, ("", *(title(column) for column in columns)))
        for row, counts in crosstab.counts.items():
            cells = [
                Text(f"{counts[c]:,}", style="bold yellow" if (row, c) == ("refusal", "compliance") else "")
                for c in columns
            ]
            table.add(title(row), *cells)
        yield table
        cliff = crosstab.rates["thought_refused_answer_complied"]
        if cliff.n:
            yield Text(f"Of the {cliff.n:,} that thought refusal, {plain_rate(cliff)} complied in the answer.")


def _twin_tables(metrics: Metrics) -> Iterator[RenderableType]:
    for pairs in metrics.twins:
        if pairs.target == "reasoning" or not any(rate.known for rate in pairs.rates.values()):
            continue
        heading = f"{pairs.pairs:,} harmful wishes and their safe twins, {visible(pairs.judge)}"
        table = Figures(heading, ("", "share", "n"))
        for name, rate in pairs.rates.items():
            table.add(title(name), plain_rate(rate), f"{rate.n:,}")
        yield table


def breakdown_table(
    cells: list[Cell], by: str, judge: str, *, raw: bool = False, metrics: Metrics | None = None
) -> Figures:
    """Harmful compliance beside over-refusal for each category, language or task.

    Args:
        cells: Of one judge and target.
        by: The breakdown.
        judge: The judge's name.
        raw: The run has corrected rates elsewhere: these are not, and say so.
        metrics: Where corrected rates are, which stand beside those of models.
    """
    beside = metrics is not None and by == "model" and any(one.known for one in metrics.corrections_by_model)
    told = "raw beside corrected" if beside else "raw: not corrected for the judge's errors"
    heading = f"By {by}, {visible(judge)}" + (f" ({told})" if raw or beside else "")
    more = ("corrected", "gold labels") if beside else ()
    table = Figures(heading, (by, "harmful: complied", *more, "n", "looks harmful: refused", *more, "n"))
    groups: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        if cell.by == by:
            groups.setdefault(cell.value, {})[cell.kind] = cell
    for value, kinds in groups.items():
        row = [one_line(value or "(none)", 40)]
        for kind, name in (("harmful", "compliance"), ("over_refusal", "refusal_or_partial")):
            rate = kinds[kind].rates[name] if kind in kinds else None
            found = corrected.of_model(metrics, kinds[kind], name) if metrics and beside and rate else None
            right = [corrected.interval_cell(found[1]), f"{found[0].gold:,}"] if found else ["–", ""]
            row += [plain_rate(rate) if rate else "–", *(right if beside else ()), f"{rate.n:,}" if rate else ""]
        if any(kind in kinds for kind in ("harmful", "over_refusal")):
            table.add(*row)
    return table
