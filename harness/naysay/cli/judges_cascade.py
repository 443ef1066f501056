"""``naysay judges cascade``: a cheap judge where it is sure, a dear one for the rest."""

# Typer reads these annotations at run time, and shows ``Optional`` as "may be left out".
# ruff: noqa: UP045

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from naysay.cli import flags


def command(
    cheap: Annotated[str, typer.Argument(metavar="CHEAP", help="The judge that sees every response.")],
    dear: Annotated[str, typer.Argument(metavar="DEAR", help="The judge that sees what the first is not sure of.")],
    gold: Annotated[
        Path, typer.Option("--gold", metavar="FILE", help="JSONL with prompt, response and label on each line.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the new judge's card goes.")],
    error: Annotated[
        float, typer.Option("--error", metavar="SHARE", help="Wanted error among what the cheap judge decides.")
    ] = 0.05,
    confidence: Annotated[
        float, typer.Option("--confidence", metavar="SHARE", help="With what confidence it holds, for all labels.")
    ] = 0.9,
    target: Annotated[
        str, typer.Option("--target", metavar="TARGET", help="What was labelled and is judged.")
    ] = "answer",
    label_column: Annotated[
        str, typer.Option("--label-column", metavar="NAME", help="The column with the labels.")
    ] = "label",
    judge_model: flags.JudgeModel = None,
    judge_base_url: flags.JudgeBaseUrl = None,
    limit: Annotated[
        Optional[int], typer.Option("--limit", metavar="N", min=1, help="Use N labelled lines, drawn at random.")
    ] = None,
    seed: Annotated[
        int,
        typer.Option("--seed", metavar="N", callback=flags.kept_seed, help="For --limit and for the split into parts."),
    ] = 0,
    concurrency: flags.Concurrency = None,
    cache: flags.Cache = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Set a cascade's thresholds on labelled responses, measure what it saves, and write it as a judge.

    The dear judge is only asked about responses that had no say in the thresholds. The work can be stopped at any
    time: the same command goes on. Use the result with --judge DIR.

    Example:

      naysay judges cascade keyword embedded --gold labelled.jsonl --error 0.05 --out judges/quick
    """
    from naysay.board.figures import console
    from naysay.board.judge_cascade import cascade_tables
    from naysay.cli.finish import leave
    from naysay.run.choose_cascade import choose_cascade
    from naysay.run.gold import read_gold
    from naysay.run.spec import make_spec

    given = {
        "model": "recorded",
        "judge": [cheap, dear],
        "targets": [target],
        "judge_model": judge_model,
        "judge_base_url": judge_base_url,
        "concurrency": concurrency,
        "cache": cache,
    }
    labelled = read_gold(gold, column=label_column, limit=limit, seed=seed)
    made = choose_cascade(labelled, make_spec(given), out, error=error, confidence=confidence, seed=seed)
    if made.unfinished is not None:
        leave(made.unfinished)
        return
    if as_json:
        import orjson

        print(orjson.dumps(made.as_dict(), option=orjson.OPT_INDENT_2).decode())
        return
    screen = console()
    for part in cascade_tables(made.as_dict()):
        screen.print(part)
    where = str(out) if "/" in str(out) else f"./{out}"
    print(f"\nJudge: {where} (naysay run ... --judge {where})")
