"""Two runs side by side, what differs first: in the terminal and as a page."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from naysay.board.attack_compare import attack_notes, differences_table
from naysay.board.figures import Figures
from naysay.board.items import Items
from naysay.board.pages import link, page_data, render, with_items
from naysay.board.report import ITEMS, save
from naysay.board.text import one_line, p_text, percent, short_hash, signed, title, visible
from naysay.board.told import Training, open_line, put_open
from naysay.errors import NaysayError
from naysay.measure.columns import Table
from naysay.measure.compare import Comparison, Difference, Shared, compare
from naysay.measure.correct import correct
from naysay.measure.corrected_change import CorrectedDifference, corrected_differences
from naysay.measure.correction import Correction
from naysay.measure.headline import MEASURES
from naysay.measure.labelled import LabelStore
from naysay.measure.observe import Joined, Observation, observe
from naysay.runfolder import GOLD, RunFolder
from naysay.schema import LABELS

if TYPE_CHECKING:
    from rich.console import RenderableType

OUTCOMES = (*LABELS, "unscored")
SHOWN_CHANGES = 12
"""Changed labels that the terminal lists for a judge and target; the page has them all."""


def compare_runs(first: RunFolder, second: RunFolder, *, confidence: float = 0.95) -> tuple[Comparison, list[str]]:
    """Compare two runs on the prompts they share.

    Tasks whose card or data changed between the runs are left out: old and new never share a column.

    Returns:
        The comparison, and what a reader must know (tasks left out, judges left out, settings that differ).

    Raises:
        NaysayError: no judge or no task is the same in both.
    """
    changed = _changed_tasks(first, second)
    told: list[str] = []
    training = Training(), Training()
    comparison = compare(
        training[0].watch(_without(first, changed)), training[1].watch(_without(second, changed)), confidence=confidence
    )
    judged = [shared.judge_hash for shared in comparison.targets]
    if all((run.path / GOLD).is_file() for run in (first, second)):
        made = [_corrections(run, changed) for run in (first, second)]
        comparison.corrected = corrected_differences(*made)
        for run, corrections in zip((first, second), made, strict=True):
            told += [f"{visible(run.path)}: {open_line(n)}." for n in sorted({c.open for c in corrections if c.open})]
    for run, seen in zip((first, second), training, strict=True):
        told += seen.notes(str(run.path), judged)
    notes = [
        f"Task {visible(name)} is left out: its {what} changed between the runs." for name, what in changed.items()
    ]
    notes += [f"Left out: {visible(note)}." for note in comparison.skipped]
    notes += [
        f"{visible(run.path)} is not complete: only what both have is compared."
        for run in (first, second)
        if run.manifest.get("status") not in (None, "complete")
    ]
    notes += [f"The runs differ in {visible(name)}: {a} and {b}." for name, a, b in settings_that_differ(first, second)]
    return comparison, told + notes + attack_notes(first, second)


def _corrections(run: RunFolder, changed: dict[str, str]) -> list[Correction]:
    table = Table(LabelStore.of(run))
    for seen in Joined(run, chances=True).observations():
        if seen.task not in changed:
            table.add(seen)
    corrections = correct(table)
    put_open(run, corrections)
    return corrections


def run_names(first: RunFolder, second: RunFolder) -> tuple[str, str]:
    """What to call the runs: their models, or where those are the same their folders."""
    models = [str(_spec(run).get("model", run.path.name)) for run in (first, second)]
    if models[0] != models[1]:
        return models[0], models[1]
    names = [run.path.resolve().name for run in (first, second)]
    return (names[0], names[1]) if names[0] != names[1] else (str(first.path), str(second.path))


def settings_that_differ(first: RunFolder, second: RunFolder) -> list[tuple[str, str, str]]:
    """``(setting, in the first, in the second)`` for what was asked for differently."""
    a, b = _spec(first), _spec(second)
    ignored = {"out", "concurrency", "cache", "model"}
    return [
        (key, one_line(a.get(key), 60), one_line(b.get(key), 60))
        for key in {**a, **b}
        if key not in ignored and a.get(key) != b.get(key)
    ]


def terminal(comparison: Comparison, names: tuple[str, str], notes: list[str]) -> Iterator[RenderableType]:
    """What ``naysay compare`` prints: for each judge and target differences and changed labels, then the notes."""
    from rich.text import Text

    yield Text(f"{visible(names[0])} → {visible(names[1])}: {comparison.shared:,} shared responses", style="bold")
    for shared in comparison.targets:
        mine = [
            d for d in comparison.differences
            if (d.judge_hash, d.target) == (shared.judge_hash, shared.target) and d.n
        ]  # fmt: skip
        heading = f"{title(shared.target).capitalize()}, judged by {visible(shared.judge)}"
        if mine:
            yield _differences_table(heading, mine)
            corrected = [
                d for d in comparison.corrected if (d.judge_hash, d.target) == (shared.judge_hash, shared.target)
            ]
            if corrected:
                yield _corrected_table(corrected)
        else:
            yield Text(heading, style="bold")
        under = [
            d for d in comparison.variants if (d.judge_hash, d.target) == (shared.judge_hash, shared.target) and d.n
        ]  # fmt: skip
        if under:
            yield differences_table(under)
        yield Text(f"{counts_line(shared)}.")
        changes = [
            c for c in comparison.changes if (c.judge_hash, c.target) == (shared.judge_hash, shared.target)
        ]  # fmt: skip
        if changes:
            yield Text(f"Labels that changed, {title(shared.target)}", style="bold")
        for c in changes[:SHOWN_CHANGES]:
            yield Text(f"  {one_line(c.response_id, 40)}  {c.kind}: {title(c.first)} → {title(c.second)}")
        if len(changes) > SHOWN_CHANGES:
            more = len(changes) - SHOWN_CHANGES
            yield Text(f"  … and {more:,} more of the {len(changes):,}; --out DIR writes a page with all", style="dim")
        yield Text("")
    for note in notes:
        yield Text(f"• {note}", style="dim")


def counts_line(shared: Shared) -> str:
    """What became of the shared responses under one judge and target, in one line that adds up."""
    parts = [
        f"{shared.scored:,} of {shared.total:,} scored in both runs, {shared.changed:,} of these with a changed label"
    ]
    apart = ("became unscored", shared.became_unscored), ("became scored", shared.became_scored)
    parts += [f"{count:,} {what}" for what, count in (*apart, ("unscored in both", shared.unscored)) if count]
    return "; ".join(parts)


def _differences_table(heading: str, differences: list[Difference]) -> Figures:
    from rich.text import Text

    table = Figures(heading, ("lower is better", "from", "to", "difference [95%]", "n", "p (Holm)"))
    for d in differences:
        style = "bold" if d.p_holm < 0.05 else ""
        change = Text(f"{signed(d.difference)} [{interval_of(d)}]", style=style)
        row = Text(title(d.measure), style=style), percent(d.first), percent(d.second), change, f"{d.n:,}"
        table.add(*row, p_text(d.p_holm))
    return table


def _corrected_table(differences: list[CorrectedDifference]) -> Figures:
    from rich.text import Text

    columns = ("lower is better", "from", "to", "difference [95%]", "raw difference", "gold labels")
    table = Figures("Corrected for the judge's errors", columns)
    for d in differences:
        beyond = d.low > 0 or d.high < 0
        change = Text(f"{signed(d.difference)} [{signed(d.low)} to {signed(d.high)}]", style="bold" if beyond else "")
        gold = f"{d.gold_first:,} and {d.gold_second:,}"
        table.add(title(d.measure), percent(d.first), percent(d.second), change, signed(d.raw), gold)
    return table


def write_comparison(
    first: RunFolder, second: RunFolder, comparison: Comparison, notes: list[str], path: Path, *, items: int = ITEMS
) -> Path:
    """Write the page: differences, what became what, and the changed items side by side.

    Raises:
        NaysayError: a record cannot be read, or the page cannot be written.
    """
    names = run_names(first, second)
    ids = {c.response_id for c in (*comparison.changes, *comparison.transitions)} | set(comparison.variant_changes)
    changed = sorted(ids, key=_shuffle)
    chosen = set(changed[:items])
    hashes = [judge["judge_hash"] for judge in comparison.judges]
    targets = list(dict.fromkeys(target for moves in comparison.moves.values() for target in moves))
    page = render(
        "compare.html.j2",
        ("page.js", "browser.js"),
        names=names,
        comparison=comparison,
        notes=notes,
        counts=[(title(s.target), s.judge, counts_line(s)) for s in comparison.targets],
        judges=[_judge_view(comparison, index, judge) for index, judge in enumerate(comparison.judges)],
        signed=signed,
        interval_of=interval_of,
        p_text=p_text,
        changed=len(changed),
        embedded=len(chosen),
        show=f"naysay show {first.path}",
        page_data=page_data(
            {
                "judges": [{"judge": j["judge"], "hash": j["judge_hash"]} for j in comparison.judges],
                "targets": targets,
                "sides": list(names),
                "show": f"naysay show {first.path}",
                "start": {},
            }
        ),
    )
    save(path, with_items(page, Items([first, second], chosen, hashes, names)))
    return path


def interval_of(difference: Difference) -> str:
    """Its interval in percentage points."""
    return f"{signed(difference.low)} to {signed(difference.high)}"


def _judge_view(comparison: Comparison, index: int, judge: dict[str, str]) -> dict[str, Any]:
    digest = judge["judge_hash"]
    tables = []
    for target, moves in comparison.moves.get(digest, {}).items():
        counts: Counter[tuple[str, str]] = Counter()
        for before, outcomes in moves.items():
            for after, count in outcomes.items():
                counts[_outcome(before), _outcome(after)] += count
        rows = [(a, [(b, counts[a, b], _moves_link(index, target, a, b)) for b in OUTCOMES]) for a in OUTCOMES]
        tables.append({"target": target, "columns": OUTCOMES, "rows": rows})
    return {
        "judge": judge["judge"],
        "hash": short_hash(digest),
        "differences": [d for d in comparison.differences if d.judge_hash == digest and d.n],
        "corrected": [d for d in comparison.corrected if d.judge_hash == digest],
        "variants": [(d, _apart_links(index, d)) for d in comparison.variants if d.judge_hash == digest and d.n],
        "moves": tables,
    }


def _apart_links(judge: int, difference: Difference) -> tuple[str, str]:
    """Where the responses with the outcome in the first run alone are, and those with it in the second alone."""
    measure = next(m for m in MEASURES if m.name == difference.measure)
    sides = ",".join(measure.labels), ",".join(label for label in LABELS if label not in measure.labels)
    base = {"judge": judge, "variant": difference.variant, "kind": measure.kind, "expected": measure.expected}
    target = difference.target
    return link(**base, **{target: sides[0], f"{target}2": sides[1]}), link(
        **base, **{target: sides[1], f"{target}2": sides[0]}
    )


def _outcome(code: str) -> str:
    return code if code in LABELS else "unscored"


def _moves_link(judge: int, target: str, first: str, second: str) -> str:
    return link(judge=judge, **{target: first, f"{target}2": second})


def _without(run: RunFolder, tasks: dict[str, str]) -> Iterator[Observation]:
    return (seen for seen in observe(run) if seen.task not in tasks)


def _changed_tasks(first: RunFolder, second: RunFolder) -> dict[str, str]:
    """Tasks in both runs whose card or data is not the same, and which of the two changed."""
    known = {task.get("name"): task for task in first.manifest.get("tasks") or ()}
    changed: dict[str, str] = {}
    same = 0
    for task in second.manifest.get("tasks") or ():
        before = known.get(task.get("name"))
        if before is None:
            continue
        if before.get("hash") != task.get("hash"):
            changed[str(task.get("name"))] = "card"
        elif before.get("fingerprint") != task.get("fingerprint"):
            changed[str(task.get("name"))] = "data"
        else:
            same += 1
    if changed and not same:
        raise NaysayError(
            f"The runs share no task: {', '.join(f'{name} (its {what} changed)' for name, what in changed.items())}.",
            hint="Old and new results of a changed task are never compared. Run both models on the same cards.",
        )
    return changed


def _spec(run: RunFolder) -> dict[str, Any]:
    spec = run.manifest.get("spec")
    return spec if isinstance(spec, dict) else {}


def _shuffle(name: str) -> bytes:
    return hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).digest()
