"""``naysay compare``: what differs between two runs."""

# Typer reads these annotations at run time, and shows ``Optional`` as "may be left out".
# ruff: noqa: UP045

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer


def command(
    first: Annotated[Path, typer.Argument(metavar="A", help="The run to compare with.", show_default=False)],
    second: Annotated[Path, typer.Argument(metavar="B", help="The run to compare.", show_default=False)],
    out: Annotated[
        Optional[Path],
        typer.Option("--out", metavar="DIR", help="Also write compare.html and compare.json into DIR."),
    ] = None,
    items: Annotated[
        int, typer.Option("--items", metavar="N", min=0, help="At most N changed transcripts go into compare.html.")
    ] = 2000,
) -> None:
    """Compare two runs on the prompts they share: differences with intervals, McNemar's test, changed labels.

    Both must have been judged by the same judge; a changed judge has a new hash and is never compared.

    Example: naysay compare runs/checkpoint-1 runs/checkpoint-2 --out diff
    """
    import orjson

    from naysay.board.compare import compare_runs, run_names, terminal, write_comparison
    from naysay.board.figures import console
    from naysay.runfolder import RunFolder
    from naysay.writing import write_atomically

    a, b = RunFolder.open(first), RunFolder.open(second)
    comparison, notes = compare_runs(a, b)
    screen = console()
    for part in terminal(comparison, run_names(a, b), notes):
        screen.print(part)
    if out is None:
        return
    page = write_comparison(a, b, comparison, notes, out / "compare.html", items=items)
    data = {"runs": [str(first), str(second)], "notes": notes, **comparison.to_dict()}
    write_atomically(out / "compare.json", orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    print(f"\nPage: {page}")
