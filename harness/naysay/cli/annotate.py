"""``naysay annotate``: people label a sample of a run, and the run's rates are corrected by it."""

# Typer reads these annotations at run time, and shows ``Optional`` as "may be left out".
# ruff: noqa: UP045

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from naysay.cli import flags
from naysay.errors import NaysayError


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.", show_default=False)],
    target: Annotated[
        str, typer.Option("--target", metavar="TARGET", help="What is labelled: answer or reasoning.")
    ] = "answer",
    size: Annotated[
        Optional[int], typer.Option("--size", metavar="N", min=1, help="Draw N responses; more of them later enlarges.")
    ] = None,
    width: Annotated[
        Optional[float],
        typer.Option(
            "--width", metavar="W", help="Or: draw as many as leave an interval this wide for each arm's rate. [0.06]"
        ),
    ] = None,
    judge: Annotated[
        Optional[str],
        typer.Option("--judge", metavar="NAME", help="Whose verdicts make the strata. [one that gives probabilities]"),
    ] = None,
    seed: Annotated[
        Optional[int],
        typer.Option("--seed", metavar="N", callback=flags.kept_seed, help="Of the random order. [0]"),
    ] = None,
    annotator: Annotated[
        Optional[str],
        typer.Option("--annotator", metavar="NAME", help="Who labels; goes into gold.jsonl. [your user name]"),
    ] = None,
    html: Annotated[
        Optional[Path],
        typer.Option("--html", metavar="FILE", help="Write a page to label on, and label there."),
    ] = None,
    read: Annotated[
        Optional[Path], typer.Option("--read", metavar="FILE", help="Read labels that the page exported.")
    ] = None,
    resolve: Annotated[
        bool, typer.Option("--resolve", help="Settle what annotators disagree on, here, with --html or with --read.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="With --read: take labels that differ from the same annotator's earlier.")
    ] = False,
    status: Annotated[bool, typer.Option("--status", help="Only say where the labelling stands.")] = False,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Draw from a run that is not finished, too.")
    ] = False,
    variants: Annotated[
        bool, typer.Option("--variants", help="Draw from prompts under attack, too: how far the judge reads those.")
    ] = False,
) -> None:
    """Label a sample of a run's responses, here or on a page, without seeing what the judge said.

    The sample is drawn once and kept in the run folder; labelling goes on where it stopped. Two people label the same
    sample under two names, and their agreement is printed. What holds goes into gold.jsonl.

    Example:

      naysay annotate runs/organism-starter --html label.html --annotator ann
    """
    from naysay.annotate import flow, keys
    from naysay.annotate.marks import RESOLVED, check_name
    from naysay.annotate.page import check_place, write_page
    from naysay.annotate.settle import settle
    from naysay.board.figures import console
    from naysay.runfolder import RunFolder

    if html is not None and read is not None:
        raise NaysayError("--html and --read are two steps.", hint="Make the page, label, then read its export.")
    if size is not None and width is not None:
        raise NaysayError("--size and --width both say how many to draw.", hint="Give one of them.")
    if width is not None and not 0 < width < 1:
        raise NaysayError(f"--width {width} is not a share between 0 and 1.", hint="0.06 is three points either way.")
    if annotator is not None:
        check_name(annotator)
    folder, screen = RunFolder.open(run), console()
    what = flow.check_target(target)
    if replace and read is None:
        raise NaysayError("--replace is about labels that are read.", hint="Add --read FILE.")
    if html is not None:
        check_place(html)
    elif read is None and not status:
        if resolve:
            # That there is nothing to settle needs no terminal.
            flow.items_for(folder, flow.existing_sample(folder, what), resolve=True)
        keys.check_terminal()
    if read is not None or status or resolve:
        sample = flow.existing_sample(folder, what)
    else:
        sample, added = flow.get_sample(folder, flow.Wanted(what, judge, size, width, seed, unfinished, variants))
        for line in flow.sample_lines(folder, sample, added):
            screen.print(line, soft_wrap=True)
    if html is not None:
        items = flow.items_for(folder, sample, resolve=resolve)
        page = write_page(sample, items, html, annotator=RESOLVED if resolve else annotator or "")
        of = "" if what == "answer" else f" --target {what}"
        back = f"naysay annotate {run}{of} --read FILE" + (" --resolve" if resolve else "")
        print(f"\nPage: {page}\nOpen it in a browser, label, export, and then: {back}")
        return
    if read is not None:
        done = flow.take_back(folder, sample, read, annotator, resolve=resolve, replace=replace)
        print(f"Read {done.labels} labels of {done.annotator} ({done.skipped} skipped).")
        if done.changed:
            typer.echo(
                f"Warning: {done.changed} labels that {done.annotator} had given before were replaced. The first ones "
                "are kept, and agreement between annotators is theirs.",
                err=True,
            )
    elif not status:
        whole = flow.label_here(folder, sample, annotator or _user(), screen, resolve=resolve)
        print("\nEverything has a label." if whole else "\nStopped; nothing is lost, the same command goes on.")
    for part in flow.settled_tables(folder, sample, settle(folder, sample, write=not status)):
        screen.print(part)


def _user() -> str:
    import getpass
    import re

    try:
        name = re.sub(r"[^\w.-]+", "-", getpass.getuser()).strip("-._")[:40]
    except (OSError, KeyError):
        name = ""
    if not name:
        raise NaysayError("Nobody knows who you are.", hint="Add --annotator NAME.")
    return name
