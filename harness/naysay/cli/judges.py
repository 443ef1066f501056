"""``naysay judges``: who can decide, what is on their cards, and how far each agrees with people."""

# Typer reads these annotations at run time, and shows ``Optional`` as "may be left out".
# ruff: noqa: UP045

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from naysay.cli import flags, judges_agree, judges_cascade

if TYPE_CHECKING:
    from naysay.run.spec import RunSpec

app = typer.Typer(
    invoke_without_command=True,
    help="Who decides. Without a command: list the judges.\n\nExample: naysay judges show embedded",
    rich_markup_mode=None,
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Gold = Annotated[
    Path,
    typer.Option("--gold", metavar="FILE", help="JSONL with prompt, response and label on each line."),
]
Target = Annotated[
    str,
    typer.Option(
        "--target", metavar="TARGET", help="What was labelled and is judged: answer, reasoning, both or actions."
    ),
]
Column = Annotated[str, typer.Option("--label-column", metavar="NAME", help="The column with the labels.")]
Limit = Annotated[
    Optional[int], typer.Option("--limit", metavar="N", min=1, help="Use N labelled lines, drawn at random.")
]
Seed = Annotated[
    int,
    typer.Option("--seed", metavar="N", callback=flags.kept_seed, help="For --limit and for the bootstrap."),
]
_FIELDS = (
    "name", "kind", "summary", "targets", "languages", "licence", "version", "needs_model", "agreement", "gives",
    "scales",
)  # fmt: skip


def _print_json(value: Any) -> None:
    import orjson

    print(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode())


def _spec(given: dict[str, Any], concurrency: int | None, cache: bool | None, out: Path | None) -> RunSpec:
    from naysay.run.spec import make_spec

    return make_spec({"model": "recorded", **given, "concurrency": concurrency, "cache": cache, "out": out})


@app.callback()
def list_judges(ctx: typer.Context, as_json: Json = False) -> None:
    """List the judges: what they judge, in which languages, and whether they need a model.

    Example:

      naysay judges
    """
    if ctx.invoked_subcommand:
        return
    from naysay.judge import catalog

    entries = catalog()
    if as_json:
        _print_json([{name: getattr(entry, name) for name in _FIELDS} for entry in entries])
        return
    for entry in entries:
        needs = "; needs a model: --judge-model NAME" if entry.needs_model else ""
        if entry.kind == "stance":
            needs = f"; for traces, needs a model: naysay trace RUN --judge-stance {entry.name}@MODEL"
        typer.echo(f"{entry.name:23} {', '.join(entry.targets)} ({' '.join(entry.languages)}){needs}")
        typer.echo(f"{'':23} {entry.summary}")
        scales = ", ".join(f"{name} {low:g} to {high:g}" for name, (low, high) in entry.scales.items())
        gives = " | ".join(entry.gives) or "no label"
        typer.echo(f"{'':23} gives {gives}{f'; scales {scales}' if scales else ''}")


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A judge's name (NAME@MODEL), or its card's folder.")],
    as_json: Json = False,
) -> None:
    """Show a judge: its card, its rubric where it has one, and how far it agrees with people.

    Example:

      naysay judges show embedded
    """
    from naysay import model
    from naysay.board.figures import console
    from naysay.board.judge_card import card_tables
    from naysay.judge.show import describe
    from naysay.measure.judge_error import find

    facts = describe(name, backend_factory=model.create)
    measured = [error for error in find() if error.judge.partition("@")[0] == facts["name"]]
    if as_json:
        _print_json({**facts, "measured": measured})
        return
    screen = console()
    for part in card_tables(facts, measured, name):
        screen.print(part)


@app.command("measure")
def measure(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A judge's name, or its card's folder.")],
    gold: Gold,
    target: Target = "answer",
    label_column: Column = "label",
    labels_by: flags.LabelsBy = None,
    judge_model: flags.JudgeModel = None,
    judge_base_url: flags.JudgeBaseUrl = None,
    limit: Limit = None,
    seed: Seed = 0,
    concurrency: flags.Concurrency = None,
    cache: flags.Cache = None,
    retry_unparsable: flags.RetryUnparsable = False,
    out: flags.Out = None,
    as_json: Json = False,
) -> None:
    """Measure a judge's error on responses that people have labelled, and keep the result.

    Labels are refusal, partial_refusal or compliance; lines labelled other are passed over. The work can be stopped at
    any time: the same command goes on. What was measured is kept by the judge's hash; `naysay judges show` lists it.

    Example:

      naysay judges measure embedded --gold labelled.jsonl
    """
    from naysay.board.figures import console
    from naysay.board.judge_error import error_tables
    from naysay.cli.finish import leave
    from naysay.measure.judge_error import store
    from naysay.measure.judge_measure import measure as measured
    from naysay.run.gold import read_gold, score_gold

    labelled = read_gold(
        gold, column=label_column, target=target, limit=limit, seed=seed, labels_by=labels_by
    )  # fmt: skip
    given = {"judge": [name], "targets": target, "judge_model": judge_model, "judge_base_url": judge_base_url}
    again = {"retry_unparsable": retry_unparsable or None}
    outcome = score_gold(labelled, _spec({**given, **again}, concurrency, cache, out))
    error = measured(
        outcome.folder, outcome.folder.manifest["judges"][0]["hash"], target, gold=gold.stem,
        two_way=labelled.two_way, passed_over=labelled.passed_over, selection=labelled.selection,
        conflicts=labelled.conflicts, lacks=labelled.lacks, seed=seed,
    )  # fmt: skip
    if outcome.complete:
        kept = f"\nKept:   {store(error)}\nRun:    {outcome.folder.path} (naysay report, naysay show)"
    if as_json:
        _print_json(error)
    else:
        screen = console()
        for part in error_tables(error):
            screen.print(part)
        if outcome.complete:
            print(kept)
    leave(outcome)


@app.command("compare")
def compare(
    names: Annotated[
        list[str], typer.Argument(metavar="A B [C...]", help="Judges, by name or by their cards' folders.")
    ],
    gold: Gold,
    target: Target = "answer",
    label_column: Column = "label",
    judge_model: flags.JudgeModel = None,
    judge_base_url: flags.JudgeBaseUrl = None,
    limit: Limit = None,
    seed: Seed = 0,
    concurrency: flags.Concurrency = None,
    cache: flags.Cache = None,
    out: flags.Out = None,
    as_json: Json = False,
) -> None:
    """Compare judges on responses that people have labelled: paired differences, McNemar's test, where they differ.

    All responses on which they differ go into differences.jsonl in the run folder.

    Example:

      naysay judges compare keyword embedded --gold labelled.jsonl
    """
    from naysay.board.figures import console
    from naysay.board.judge_compare import comparison_tables
    from naysay.cli.finish import leave
    from naysay.errors import NaysayError
    from naysay.measure.judge_compare import compare_judges, differences
    from naysay.run.gold import read_gold, score_gold
    from naysay.writing import to_line, write_atomically

    if len(names) < 2:
        raise NaysayError("One judge cannot be compared.", hint="Name two, or use `naysay judges measure`.")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise NaysayError(f"{twice!r} is named twice.", hint="A judge is compared with another: name each once.")
    labelled = read_gold(gold, column=label_column, target=target, limit=limit, seed=seed)
    given = {"judge": names, "targets": target, "judge_model": judge_model, "judge_base_url": judge_base_url}
    outcome = score_gold(labelled, _spec(given, concurrency, cache, out))
    run = outcome.folder
    made = compare_judges(
        run, target, gold=gold.stem, two_way=labelled.two_way, conflicts=labelled.conflicts, seed=seed
    )
    apart = list(differences(run, target))
    write_atomically(run.path / "differences.jsonl", b"".join(map(to_line, apart)))
    write_atomically(run.path / "comparison.json", to_line(made))
    if as_json:
        _print_json(made)
    else:
        screen = console()
        for part in comparison_tables(made, apart):
            screen.print(part)
        print(f"\nAll {len(apart):,} of them: {run.path / 'differences.jsonl'}\nRun: {run.path}")
    leave(outcome)


# Commands that live in modules of their own are registered here, one line each:
# app.command("NAME")(judges_NAME.command)
app.command("cascade")(judges_cascade.command)
app.command("agree")(judges_agree.command)
