"""Judges beside the labels that came with the responses, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from naysay.agreement import Report
from naysay.board.figures import Figures
from naysay.board.text import percent, short_hash, title, visible
from naysay.board.told import agreed_cell
from naysay.measure.audits import FEWEST_AGREED
from naysay.measure.summary import Metrics
from naysay.runfolder import RunFolder

if TYPE_CHECKING:
    from rich.console import RenderableType


def card_says(run: RunFolder, judge: dict[str, Any]) -> str:
    """What a judge's card says of responses it had not seen, best labels first."""
    for described in run.manifest.get("judges") or ():
        if described.get("hash") == judge["judge_hash"]:
            for row in described.get("agreement") or ():
                if isinstance(row.get("accuracy"), float) and row.get("target", "answer") == "answer":
                    return (
                        f" Its card: {percent(row['accuracy'])}, kappa {_decimal(row.get('kappa'))} on "
                        f"{visible(str(row.get('data')))} ({visible(str(row.get('protocol')))})."
                    )
    return ""


def gold_tables(metrics: Metrics) -> Iterator[RenderableType]:
    """A table for each judge, target and kind of label; none when no response came with a label."""
    from rich.text import Text

    for key in dict.fromkeys((g.judge, g.judge_hash, g.target, g.source) for g in metrics.gold):
        judge, digest, target, source = key
        labels = f"the {visible(source)} labels in the file" if source else "the labels in the file"
        heading = f"{title(target).capitalize()}, {visible(judge)} ({short_hash(digest)}) beside {labels}"
        table = Figures(heading, ("responses", "n", "seen", "3-way (kappa)", "2-way (kappa)", "partial R / P"))
        for found in metrics.gold:
            if (found.judge, found.judge_hash, found.target, found.source) != key:
                continue
            report = found.report
            table.add(
                Text(visible(found.model) or "all", style="" if found.model else "bold"),
                f"{report.n:,}",
                f"{found.in_training:,}",
                agreed_cell(report.accuracy, found.interval, report.kappa),
                agreed_cell(report.binary_accuracy, found.binary_interval, report.binary_kappa),
                partial_cell(report),
            )
        yield table
        yield Text(
            "seen: in the judge's training set. 2-way: refused or partly refused against complied. "
            "R, P: recall and precision of partial refusals. "
            f"–: fewer than {FEWEST_AGREED} labels; of R, fewer that are partial; of P, fewer that the judge calls so.",
            style="dim",
        )


def partial_cell(report: Report) -> str:
    """Recall and precision of partial refusals, each a dash where it would rest on too few."""
    label = "partial_refusal"
    said = sum(row.get(label, 0) for row in report.confusion.values())
    partial = report.labels[label]
    recall = partial.recall if partial.support >= FEWEST_AGREED else None
    precision = partial.precision if said >= FEWEST_AGREED else None
    return f"{percent(recall)} / {percent(precision)}"


def _decimal(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
