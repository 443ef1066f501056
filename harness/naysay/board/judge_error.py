"""A judge's measured error in the terminal, and as rows of a list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from naysay.board.figures import Figures
from naysay.board.text import interval, percent, short_hash, title, visible
from naysay.measure.judge_error import GroupError, JudgeError
from naysay.measure.judge_figures import Figure
from naysay.schema import LABELS

if TYPE_CHECKING:
    from rich.console import RenderableType

FEWEST: Final = 5
"""Groups with fewer rows are one line of the table: their figures say nothing. The JSON has them all."""
MOST: Final = 12
"""Groups of one kind that are printed; the rest are in the JSON."""
ROWS: Final = (
    ("accuracy", "accuracy, three-way"),
    ("kappa", "kappa, three-way"),
    ("binary_accuracy", "accuracy, refused or partly against complied"),
    ("binary_kappa", "kappa of the same"),
    ("binary_precision", "precision of refused or partly"),
    ("binary_recall", "recall of the same"),
    ("binary_f1", "F1 of the same"),
    ("gold_rate", "refused or partly, by the labels"),
    ("judged_rate", "refused or partly, by the judge"),
    ("bias", "the judge's rate above the labels'"),
)
DECIMAL: Final = ("kappa", "binary_kappa", "binary_f1")
GROUP_TITLES: Final = {"in_training": "trained on it", "labels_by": "labels by", "length": "length of the response"}


def error_tables(error: JudgeError) -> Iterator[RenderableType]:
    """Everything that ``naysay judges measure`` prints."""
    from rich.text import Text

    yield Text(
        f"{visible(error.judge)} ({short_hash(error.judge_hash)}) on the {title(error.target)}, beside "
        f"{labels_of(error)} of {visible(error.gold)}",
        style="bold",
    )
    yield Text("\n".join(_facts(error)))
    table = Figures("Agreement", ("", "value", "95% interval"))
    for name, words in ROWS:
        if name in error.figures:
            table.add(words, *_cells(error.figures[name], decimal=name in DECIMAL, signed=name == "bias"))
    if error.ece.value is not None:
        table.add("expected calibration error", *_cells(error.ece))
    yield table
    if error.labels:
        yield _labels(error)
    yield _confusion(error)
    if error.calibration:
        yield _calibration(error)
    for by, groups in error.groups.items():
        yield _groups(by, groups, error)
    if error.lacks:
        yield Text(f"The file has no {' and no '.join(map(visible, error.lacks))} column: nothing is guessed.")
    yield Text(_footnote(error), style="dim")


def labels_of(error: JudgeError) -> str:
    """``human labels``, or what is known of who gave them."""
    return f"{visible(error.labels_by)} labels" if error.labels_by else "the labels"


def figure(made: Figure, *, decimal: bool = False) -> str:
    """A figure with its interval in one cell."""
    value, between = _cells(made, decimal=decimal)
    return f"{value} [{between}]" if between else value


def stored_table(errors: list[JudgeError], current: str | None) -> Figures:
    """Measurements that this machine keeps, one a row.

    Args:
        errors: The measurements.
        current: The hash of the judge as it is now, or None where that is not known.
    """
    table = Figures(
        "Measured on this machine",
        ("labelled set", "target", "n", "3-way (kappa)", "2-way (kappa)", "seen", "when", "of"),
        left=("target", "when", "of"),
    )
    for error in errors:
        known = error.figures
        table.add(
            f"{visible(error.gold)} {short_hash(error.gold_fingerprint)}",
            error.target,
            f"{error.n:,}",
            _pair(known.get("accuracy"), known.get("kappa")),
            _pair(known.get("binary_accuracy"), known.get("binary_kappa")),
            f"{error.in_training:,}",
            error.measured[:10],
            "this version" if error.judge_hash == current else f"{visible(error.judge)} {short_hash(error.judge_hash)}",
        )
    return table


def _facts(error: JudgeError) -> Iterator[str]:
    passed = ", ".join(f"{n:,} {visible(why)}" for why, n in error.passed_over.items())
    used = f" ({error.selection['limit']:,} drawn at random)" if error.selection.get("limit") else ""
    yield (
        f"{counted(error.total, 'labelled response')}{used} to {counted(error.clusters, 'request')}"
        + (f"; {passed} passed over." if passed else ".")
    )
    if error.target == "reasoning":
        yield "The labels are taken to be of the traces; where they are of the answers, these figures say nothing."
    if error.conflicts:
        yield conflicting(error.conflicts)
    reasons = ", ".join(f"{n:,} {title(why)}" for why, n in sorted(error.unscored.items(), key=lambda p: -p[1]))
    yield f"Scored: {error.n:,}, coverage {percent(error.coverage)}" + (f"; unscored: {reasons}." if reasons else ".")
    if error.in_training:
        yield (
            f"The judge was trained on {error.in_training:,} of them: agreeing with those is no merit. "
            + ("All of them: these figures say nothing of new responses." if error.in_training == error.n else "")
        ).rstrip()
    if error.two_way:
        yield "None is labelled a partial refusal: the labels are two-way, and so are the figures."


def counted(n: int, what: str) -> str:
    """``1 request``, ``2 requests``."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def conflicting(n: int) -> str:
    """What to say where one response has several labels: the judge is wrong by one of them, whatever it says."""
    stand = "stands" if n == 1 else "stand"
    return (
        f"{counted(n, 'response')} {stand} several times with different labels: no judge can be right on all of them."
    )


def _cells(made: Figure, *, decimal: bool = False, signed: bool = False) -> tuple[str, str]:
    if made.value is None:
        return "–", ""
    if decimal:
        between = f"{made.low:.3f} to {made.high:.3f}" if made.low is not None and made.high is not None else ""
        return f"{made.value:.3f}", between
    value = f"{100 * made.value:+.1f} points" if signed else percent(made.value)
    if made.low is None or made.high is None:
        return value, ""
    return value, f"{100 * made.low:+.1f} to {100 * made.high:+.1f}" if signed else interval(made.low, made.high)


def _pair(share: Figure | None, kappa: Figure | None) -> str:
    if share is None or share.value is None:
        return ""
    return f"{percent(share.value)} ({'–' if kappa is None or kappa.value is None else f'{kappa.value:.3f}'})"


def _labels(error: JudgeError) -> Figures:
    table = Figures("By label", ("", "n", "precision", "recall", "F1"))
    for label, made in error.labels.items():
        table.add(
            title(label), f"{made.support:,}", figure(made.precision), figure(made.recall),
            figure(made.f1, decimal=True),
        )  # fmt: skip
    return table


def _confusion(error: JudgeError) -> Figures:
    columns = (*LABELS, "unscored")
    table = Figures("Labels (down) and verdicts (across)", ("", *map(title, columns)))
    for label, row in error.confusion.items():
        if sum(row.values()):
            table.add(title(label), *(f"{row[name]:,}" for name in columns))
    return table


def _calibration(error: JudgeError) -> Figures:
    table = Figures("Is it as sure as it is right?", ("probability", "n", "mean", "right", "95% interval"))
    for held in error.calibration:
        table.add(f"{held.low:.2f} to {held.high:.2f}", f"{held.n:,}", percent(held.confidence), *_cells(held.accuracy))
    return table


def _groups(by: str, groups: dict[str, GroupError], error: JudgeError) -> Figures:
    seen = bool(error.in_training) and by != "in_training"
    names = ("n", *(("seen",) if seen else ()))
    measured = ("accuracy", "kappa", "2-way accuracy", "kappa") if not error.two_way else ("2-way accuracy", "kappa")
    table = Figures(f"By {GROUP_TITLES.get(by, by)}", ("", *names, *measured))
    small = [value for value, group in groups.items() if group.total < FEWEST]
    if len(small) < 2 or by == "in_training":
        small = []
    shown = {value: group for value, group in groups.items() if value not in small}
    for value, group in list(shown.items())[:MOST]:
        cells = [f"{group.n:,}", *((f"{group.in_training:,}",) if seen else ())]
        if not error.two_way:
            cells += [figure(group.accuracy), _plain(group.kappa)]
        table.add(visible(value) or "not given", *cells, figure(group.binary_accuracy), _plain(group.binary_kappa))
    rest = list(shown)[MOST:]
    for words, some in ((f"{len(rest):,} more (--json)", rest), (f"{len(small):,} smaller groups", small)):
        if some:
            blank = [""] * (len(table.columns) - 2)
            table.add(words, f"{sum(groups[value].n for value in some):,}", *blank)
    return table


def _plain(made: Figure) -> str:
    return "–" if made.value is None else f"{made.value:.3f}"


def _footnote(error: JudgeError) -> str:
    bracket = f"In brackets: {round(100 * error.confidence)} % intervals; rows about one request are one cluster"
    seen = " seen: in the judge's training set." if error.in_training else ""
    partial = " A partial refusal counts as refused." if error.two_way else ""
    return f"{bracket} (seed {error.seed}).{seen}{partial}"
