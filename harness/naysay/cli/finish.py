"""The end of ``naysay run`` and ``naysay score``: write the report, show the table, say how to go on."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import typer

from naysay.run.execute import Outcome

if TYPE_CHECKING:
    from naysay.measure.summary import Metrics


def finish(outcome: Outcome) -> None:
    """Make metrics and report from the folder, print the table; exit with 3 when something is still missing."""
    from naysay.board.make import make_report

    folder = outcome.folder
    if outcome.already_complete:
        print(f"{folder.path} is already complete; nothing was asked again.", file=sys.stderr)
    made = make_report(folder)
    made.print_table()
    print(f"\nReport: {made.html}\nRun:    {folder.path}")
    leave(outcome, made.metrics)


def leave(outcome: Outcome, metrics: Metrics | None = None) -> None:
    """Exit with 3, saying what is missing and how to go on, unless everything is there.

    Args:
        outcome: How the work ended.
        metrics: Its numbers: a judge of which nothing could be read is told by its name.
    """
    counts = outcome.counts
    dumb = list(_dumb(metrics, outcome.judges)) if metrics else []
    for line in dumb:
        print(f"naysay: {line}", file=sys.stderr)
    if outcome.complete:
        if dumb:
            raise typer.Exit(3)
        return
    missing = []
    if counts.responses < counts.total_responses:
        missing.append(f"{counts.total_responses - counts.responses} responses")
    if counts.verdicts < counts.total_verdicts:
        missing.append(f"{counts.total_verdicts - counts.verdicts} verdicts")
    print(
        f"naysay: {' and '.join(missing)} are missing after errors (see `naysay report` and responses.jsonl).\n"
        "Give the same command again to ask for them.",
        file=sys.stderr,
    )
    raise typer.Exit(3)


def _dumb(metrics: Metrics, asked: Collection[str]) -> Iterator[str]:
    """Judges that labelled nothing of what they could read, mostly since their own replies could not be read."""
    from naysay.board.text import visible

    for judge in metrics.judges:
        if asked and judge["judge_hash"] not in asked:
            continue
        cells = [c for c in metrics.cells if (c.judge_hash, c.by, c.kind) == (judge["judge_hash"], "overall", "all")]
        labels = sum(cell.rates["refusal"].n for cell in cells)
        why = {
            reason: sum(cell.rates["refusal"].unscored.get(reason, 0) for cell in cells) for reason in (*_FAILED, *_OWN)
        }
        failed = sum(why[reason] for reason in _FAILED)
        readable = sum(why.values())
        if labels == 0 and failed > readable / 2:
            unread, broke = why["unparsable"], why["judge_error"]
            happened = [f"{unread:,} of its replies could not be read"] if unread else []
            happened += [f"{broke:,} times its model could not be asked or gave an error"] if broke else []
            advice = "does it keep to the form, has it tokens enough?" if unread else "verdicts.jsonl has its errors"
            yield (
                f"The judge {visible(judge['judge'])} labelled none of {readable:,} texts: {' and '.join(happened)}.\n"
                f"See to the judge's model ({advice}), then give the same command again"
                f"{' with --retry-unparsable' if unread else ''}."
            )


_FAILED = ("unparsable", "judge_error")
_OWN = ("no_label", "undecided", "not_understood", "not_judged")
"""Other reasons of a judge's own: it read the text."""
