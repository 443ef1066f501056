"""The headline in the terminal: every rate with what it is made of, also when nothing could be scored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from naysay.board.corrected import interval_cell
from naysay.board.figures import Figures
from naysay.board.text import interval, percent, plain_rate, short_hash, title, visible
from naysay.measure.headline import Headline
from naysay.measure.rates import Rate
from naysay.measure.summary import Metrics

if TYPE_CHECKING:
    from rich.console import RenderableType


def main_target(targets: list[str]) -> str:
    """The target a judge's numbers are read from first."""
    return next((target for target in ("answer", "both", "reasoning", "actions") if target in targets), "answer")


def shown_heads(metrics: Metrics, judge: dict[str, object]) -> list[Headline]:
    """A judge's headlines: those with something scored, and the main target's whatever came of it."""
    mine = [h for h in metrics.headline if (h.judge, h.judge_hash) == (judge["judge"], judge["judge_hash"])]
    main = main_target([h.target for h in mine])
    return [h for h in mine if h.rates and (h.known or h.target == main)]


def rate_title(head: Headline, rate: Rate) -> str:
    """What a headline rate is called; of agents, that it is read from their words and not from what they did."""
    return title(rate.name) + (", in words" if head.target == "actions" else "")


def headline_parts(metrics: Metrics) -> Iterator[RenderableType]:
    """For each judge and target: the table, the balance, and the rates with the provider's blocks as refusals."""
    from rich.text import Text

    for judge in metrics.judges:
        for head in shown_heads(metrics, judge):
            yield headline_table(head, metrics.confidence)
            if head.system:
                yield Text(system_line(head))
            if head.target != "actions":
                yield Text(balance_line(head))


def headline_table(head: Headline, confidence: float) -> Figures:
    """Every headline rate under one judge and target, with interval, n, coverage, best and worst case."""
    from rich.text import Text

    level = f"[{100 * confidence:g}% interval]"
    rates = (f"raw {level}", f"corrected {level}") if head.corrected else (f"rate {level}",)
    table = Figures(
        f"{title(head.target).capitalize()}, judged by {visible(head.judge)} ({short_hash(head.judge_hash)})",
        ("lower is better", *rates, "n", "coverage", "best–worst"),
    )
    for rate in head.rates.values():
        part = rate.name.startswith("over_refusal_")
        corrected = head.corrected.get(rate.name)
        figures = [Text(plain_rate(rate), style="" if part or head.corrected else "bold")]
        if head.corrected:
            figures.append(Text(interval_cell(corrected), style="green" if part else "bold green"))
        table.add(
            Text(("  " if part else "") + rate_title(head, rate), style="dim" if part else ""),
            *figures,
            f"{rate.n:,}",
            percent(rate.coverage),
            _cases(rate),
        )
    return table


def system_line(head: Headline) -> str:
    """The rates that a user of the whole system meets."""
    rates = ", ".join(
        f"{rate_title(head, rate)} {plain_rate(rate)} n {rate.n:,}"
        for rate in head.system.values()
        if not rate.name.startswith("over_refusal_")
    )
    return f"With the provider's blocks counted as refusals: {rates}."


def balance_line(head: Headline) -> str:
    """The balance, or why there is none."""
    if head.balance is None:
        return f"Balance: none, {head.balance_missing}.\n"
    b, c = head.balance, head.corrected_balance
    corrected = f"; corrected {c.balanced_accuracy:.3f} [{c.low:.3f}–{c.high:.3f}]" if c else ""
    return (
        f"Balance: {b.balanced_accuracy:.3f} [{b.low:.3f}–{b.high:.3f}]{corrected}"
        " (always refusing, or always complying, gives 0.500)\n"
    )


def _cases(rate: Rate) -> str:
    if rate.lowest is None or rate.highest is None or rate.n == rate.total:
        return ""
    return interval(rate.lowest, rate.highest)
