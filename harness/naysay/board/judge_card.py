"""A judge's card in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from naysay.board.figures import Figures
from naysay.board.judge_error import stored_table
from naysay.board.text import percent, visible
from naysay.measure.judge_error import JudgeError

if TYPE_CHECKING:
    from rich.console import RenderableType

_SHOWN_ELSEWHERE: Final = {
    "name", "summary", "agreement", "attribution", "messages", "labels", "scales", "no_hash", "needs_model", "hash",
    "categories", "departures", "stances",
}  # fmt: skip
_FIRST: Final = (
    "kind", "version", "algorithm", "targets", "languages", "licence", "needs", "homepage", "citation", "folder",
)  # fmt: skip


def card_tables(
    facts: dict[str, Any], measured: Sequence[JudgeError], said: str | None = None
) -> Iterator[RenderableType]:
    """Everything that ``naysay judges show`` prints.

    Args:
        facts: As :func:`naysay.judge.show.describe` makes them.
        measured: Measurements of judges of this name that this machine keeps.
        said: How the judge was named; the path of its folder, say.
    """
    from rich.text import Text

    yield Text(visible(facts["name"]), style="bold")
    yield Text(visible(facts["summary"]))
    rows = [("hash", facts["hash"] or f"none: {facts['no_hash']}")]
    rows += [(name, facts.get(name)) for name in _FIRST]
    rows += [(name, value) for name, value in facts.items() if name not in _SHOWN_ELSEWHERE and name not in _FIRST]
    yield _aligned([line for name, value in rows for line in _lines(name, value)])
    for name in ("labels", "stances", "scales", "categories"):
        if facts.get(name):
            yield Text(f"\n{name.capitalize()}", style="bold")
            yield _aligned([(str(word), _words(means)) for word, means in _items(facts[name])])
    if facts.get("departures"):
        yield Text("\nDepartures from the publication", style="bold")
        for departure in facts["departures"]:
            yield Text(f"- {visible(departure)}")
    for message in facts.get("messages") or ():
        yield Text(f"\nRubric, {visible(message['role'])} message", style="bold")
        yield Text(visible(message["content"]).rstrip())
    if facts.get("agreement"):
        yield _agreement(facts["agreement"])
        yield from (_reliability(row) for row in facts["agreement"][:1] if row.get("reliability"))
    if facts.get("attribution"):
        yield Text("\nTrained on", style="bold")
        yield _aligned(
            [(visible(row["data"]), f"{row['rows']:,} rows, {row['licence']}: {row['credit']}") for row in
             facts["attribution"]]
        )  # fmt: skip
    if measured:
        yield stored_table(list(measured), facts["hash"])
    elif facts["kind"] != "stance":
        named = visible(said or facts["name"])
        if facts["needs_model"] and "@" not in named:
            named += "@MODEL"
        yield Text(
            f"\nNot measured on this machine: naysay judges measure {named} --gold FILE",
            style="dim",
        )


def _aligned(rows: list[tuple[str, str]]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, words in rows:
        table.add_row(Text(visible(name), style="dim"), Text(visible(words)))
    return table


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
        return
    for part in value:
        if isinstance(part, dict):
            yield str(part.get("name", "")), {k: v for k, v in part.items() if k != "name"}
        else:
            yield str(part), ""


def _lines(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A field in one line; records in it, or a record of records, below it and further in."""
    if isinstance(value, dict) and any(isinstance(part, dict | list) for part in value.values()):
        within = list(value.items())
    elif isinstance(value, list | tuple) and any(isinstance(part, dict) for part in value):
        within = []
        for number, part in enumerate(value, 1):
            rest = dict(part) if isinstance(part, dict) else {}
            called = rest.pop(next(iter(rest), ""), number)
            within.append((_words(called), rest if isinstance(part, dict) else part))
    else:
        if words := _words(value):
            yield name, words
        return
    yield name, ""
    further = " " * (len(name) - len(name.lstrip()) + 2)
    for called, part in within:
        yield from list(_lines(further + called, part)) or [(further + called, "")]


def _words(value: Any) -> str:
    if value is None or value == "" or value == [] or value == {}:
        return ""
    if isinstance(value, dict):
        return "; ".join(
            f"{name}: {words.removesuffix('.')}" for name, part in value.items() if (words := _words(part))
        )
    if isinstance(value, list | tuple):
        return ", ".join(_words(part) for part in value)
    return str(value)


def _agreement(rows: list[dict[str, Any]]) -> Figures:
    table = Figures(
        "Agreement on its card",
        ("labelled set", "target", "labels", "n", "3-way (kappa)", "2-way (kappa)", "partial R / P", "ECE"),
        left=("target", "labels"),
    )
    for row in rows:
        partial = (row.get("partial_recall"), row.get("partial_precision"))
        table.add(
            f"{visible(row['data'])} ({visible(row['protocol'])})",
            str(row.get("target", "answer")),
            visible(row["labels"]),
            f"{row['n']:,}",
            _pair(row.get("accuracy"), row.get("kappa")),
            _pair(row.get("binary_accuracy"), row.get("binary_kappa")),
            "" if partial == (None, None) else " / ".join(percent(value) for value in partial),
            "" if row.get("ece") is None else f"{row['ece']:.3f}",
        )
    return table


def _reliability(row: dict[str, Any]) -> Figures:
    table = Figures(
        f"Calibration on {visible(row['data'])} ({visible(row['protocol'])})", ("probability", "right", "n")
    )
    for chance, right, count in row["reliability"]:
        table.add(f"{chance:.2f}", f"{right:.2f}", f"{count:,}")
    return table


def _pair(share: float | None, kappa: float | None) -> str:
    return "" if share is None else f"{percent(share)}" + ("" if kappa is None else f" ({kappa:.3f})")
