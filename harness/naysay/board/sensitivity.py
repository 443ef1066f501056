"""How far rates and ranks move with the judge: for the terminal, as JSON, and as a section of the report."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from naysay.board.figures import Figures
from naysay.board.text import one_line, percent, short_hash, title, visible
from naysay.board.told import trained_on
from naysay.errors import NaysayError
from naysay.measure.columns import Table
from naysay.measure.observe import observe
from naysay.measure.ranks import Ranks
from naysay.measure.sensitivity import BALANCE, FEWEST, Moved, Sensitivity, check, sensitivity
from naysay.runfolder import RunFolder
from naysay.writing import to_line

if TYPE_CHECKING:
    from rich.console import RenderableType

PARTS = ("over_refusal_full", "over_refusal_partial")
"""Rates that are parts of another one: on the page, not in the terminal."""

TOLD_FROM = 10
"""Responses scored by every judge from which on it is told how far a rate moves with them: two say nothing."""


def of_runs(runs: Sequence[RunFolder]) -> list[Sensitivity]:
    """The runs under the judges that they share.

    Raises:
        NaysayError: a run is given twice, a record cannot be read, or no two judges judged all runs.
    """
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise NaysayError("The same run is given twice.", hint="Name each run once.")
    named = dict(zip(_names(runs), runs, strict=True))
    tables = {name: Table.of(observe(run)) for name, run in named.items()}
    found = sensitivity(tables, contents={name: _contents(run) for name, run in named.items()})
    check(found, tables)
    return found


def _contents(run: RunFolder) -> dict[str, bytes]:
    """What each prompt asks, whatever it is called: messages, kind and expected behaviour."""
    return {
        prompt.id: hashlib.blake2b(to_line([prompt.messages, prompt.kind, prompt.expected]), digest_size=16).digest()
        for prompt in run.prompts()
        if prompt.variant is None
    }


def apart_lines(one: Sensitivity) -> Iterator[str]:
    """What a table of models is not about."""
    if one.apart:
        out = ", ".join(f"{visible(unit)} {n:,}" for unit, n in one.apart.items())
        yield (
            f"Only the {one.prompts:,} prompts that all {len(one.units)} models answered are compared. Left out, "
            f"answered by some of them: {out}."
        )
    if one.elsewhere:
        names = ", ".join(map(visible, one.elsewhere))
        yield (
            f"Not in this table, since they answered other prompts (fewer than {FEWEST} are shared by all): {names}. "
            "Places are given only among models of the same prompts."
        )


def trained_lines(one: Sensitivity) -> Iterator[str]:
    """The judges that were trained on some of these responses."""
    for digest, count in one.in_training.items():
        yield trained_on(one.judges[digest], count, one.responses)


def terminal(found: Sequence[Sensitivity], *, trained: bool = True) -> Iterator[RenderableType]:
    """For each target: every rate under every judge, then the models' places.

    Args:
        found: The runs under their judges.
        trained: Say which judges were trained on these responses; a report says so in its notes.
    """
    from rich.text import Text

    for one in found:
        yield _rates_table(one)
        yield from (Text(line, style="yellow") for line in apart_lines(one))
        for ranks in one.ranks:
            if ranks.by not in PARTS:
                yield _ranks_table(one, ranks)
                yield from (Text(line, style="dim") for line in agreement_lines(one, ranks))
        if one.left_out:
            yield Text(f"Left out, not in every run: {', '.join(map(visible, one.left_out))}.", style="dim")
    if trained:
        for line in dict.fromkeys(line for one in found for line in trained_lines(one)):
            yield Text(f"• {line}", style="dim")
    yield Text(
        "spread: from the least to the greatest judge's rate, in points. "
        "shared: the same over responses that every judge scored.",
        style="dim",
    )


def widest(found: Sequence[Sensitivity]) -> Moved | None:
    """The headline rate that moves most with the judge, of those over enough responses to tell."""
    moved = [m for one in found if one.target != "reasoning" for m in one.rates if m.spread is not None]
    return max(
        (m for m in moved if m.measure not in PARTS and m.shared >= TOLD_FROM),
        key=lambda m: m.spread or 0.0,
        default=None,
    )


def sensitivity_note(found: Sequence[Sensitivity]) -> str | None:
    """One sentence for the notes of a report; None with one judge."""
    most = widest(found)
    if most is None or not most.spread:
        return None
    return (
        f"The judge matters: {title(most.measure)} is {percent(most.lowest)} under one judge and "
        f"{percent(most.highest)} under another{f' ({visible(most.unit)})' if _several(found) else ''}; "
        f"{most.shared} responses were scored by all of them."
    )


def agreement_lines(one: Sensitivity, ranks: Ranks) -> Iterator[str]:
    """How far each pair of judges agrees on the order of the models."""
    for pair in ranks.agreements:
        first, second = visible(one.judges[pair.first]), visible(one.judges[pair.second])
        tau = "not defined (a judge has all level)" if pair.tau is None else f"{pair.tau:.2f}"
        best = (
            "the same model first" if pair.same_best else "places differ; the differences may be within the intervals"
        )
        yield f"{first} and {second}: Kendall's tau {tau}, {best}."


def by_name(by: str) -> str:
    """What models are ranked by, for people."""
    return "balance" if by == BALANCE else title(by)


def points(value: float | None) -> str:
    """A distance of shares in percentage points.

    >>> points(0.1234), points(None)
    ('12.3', '–')
    """
    return "–" if value is None else f"{100 * value:.1f}"


def view(found: Sequence[Sensitivity]) -> list[dict[str, Any]]:
    """What the page's section is given."""
    return [
        {
            "target": one.target,
            "judges": [{"hash": digest, "name": name} for digest, name in one.judges.items()],
            "several": len(one.units) > 1,
            "apart": list(apart_lines(one)),
            "rates": one.rates,
            "ranks": [
                {"by": by_name(ranks.by), "ranks": ranks, "lines": list(agreement_lines(one, ranks))}
                for ranks in one.ranks
                if ranks.by not in PARTS
            ],
        }
        for one in found
    ]


def write_json(path: Path, runs: Sequence[RunFolder], found: Sequence[Sensitivity]) -> None:
    """Write all of it.

    Raises:
        NaysayError: it cannot be written.
    """
    import orjson

    from naysay.writing import write_atomically

    data = {"runs": [str(run.path) for run in runs], "sensitivity": [one.to_dict() for one in found]}
    write_atomically(path, orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _several(found: Sequence[Sensitivity]) -> bool:
    return any(len(one.units) + len(one.elsewhere) > 1 for one in found)


def _judge_titles(judges: Mapping[str, str]) -> list[str]:
    """Names of the judges; with the hash where two share one."""
    names = list(judges.values())
    return [
        visible(name) if names.count(name) == 1 else f"{visible(name)} {short_hash(digest)}"
        for digest, name in judges.items()
    ]


def _rates_table(one: Sensitivity) -> Figures:
    columns = ("rate", *_judge_titles(one.judges), "spread", "shared", "n shared")
    table = Figures(f"{title(one.target).capitalize()} under {len(one.judges)} judges (raw rates)", columns)
    for moved in one.rates:
        if moved.measure in PARTS:
            continue
        several = len(one.units) + len(one.elsewhere) > 1
        name = title(moved.measure) + (f", {one_line(moved.unit, 30)}" if several else "")
        values = [percent(moved.values.get(digest)) for digest in one.judges]
        table.add(name, *values, points(moved.spread), points(moved.shared_spread), f"{moved.shared:,}")
    return table


def _ranks_table(one: Sensitivity, ranks: Ranks) -> Figures:
    judged = {digest: name for digest, name in one.judges.items() if digest in ranks.ranks}
    heading = f"Places by {by_name(ranks.by)}, {title(one.target)} (raw rates)"
    table = Figures(heading, ("model", *_judge_titles(judged), "moves"))
    first = next(iter(judged))
    for unit in sorted(ranks.moves, key=lambda unit: (ranks.ranks[first][unit], unit)):
        places = [f"{ranks.ranks[digest][unit]} ({_figure(ranks, digest, unit)})" for digest in judged]
        table.add(one_line(unit, 40), *places, str(ranks.moves[unit]))
    return table


def _figure(ranks: Ranks, digest: str, unit: str) -> str:
    value = ranks.values[digest][unit]
    return f"{value:.3f}" if ranks.by == BALANCE else percent(value)


def _names(runs: Sequence[RunFolder]) -> list[str]:
    """Models of the runs; folders where two runs are of one model, or one is of several."""
    specs = [run.manifest.get("spec") for run in runs]
    made = [run.manifest.get("model") for run in runs]
    several = [isinstance(one, dict) and len(one.get("models") or ()) > 1 for one in made]
    names = [
        str(spec.get("model") or "") if isinstance(spec, dict) and not many else ""
        for spec, many in zip(specs, several, strict=True)
    ]
    names = [name or str(run.path) for name, run in zip(names, runs, strict=True)]
    return names if len(set(names)) == len(names) else [str(run.path) for run in runs]
