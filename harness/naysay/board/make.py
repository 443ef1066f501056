"""From a run folder to everything a person reads: metrics.json, rates.csv, items.csv, report.html, the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from naysay.board import figures
from naysay.board.corrected import model_lines
from naysay.board.report import ITEMS, write_report
from naysay.board.sample import Sampler
from naysay.board.tables import breakdown_table, notes, terminal, write_acts, write_items, write_metrics, write_rates
from naysay.board.told import gold_notes, put_open
from naysay.measure.acts import count_acts
from naysay.measure.acts_table import ActsTable
from naysay.measure.columns import Table
from naysay.measure.correction import Wanted
from naysay.measure.judge_error import find
from naysay.measure.labelled import LabelStore
from naysay.measure.made import Recipes
from naysay.measure.observe import Joined, Observation
from naysay.measure.scales import facts as scale_facts
from naysay.measure.summary import Metrics, of_table
from naysay.runfolder import RunFolder
from naysay.writing import cannot_write

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(slots=True)
class Made:
    """What :func:`make_report` wrote, and the numbers in it."""

    run: RunFolder
    metrics: Metrics
    table: Table
    html: Path
    files: dict[str, Path]
    notes: list[str]

    def print_table(self, console: Console | None = None, *, by: tuple[str, ...] = ()) -> None:
        """Print the numbers.

        Args:
            console: Where to; the terminal when left out.
            by: Breakdowns to add: ``category``, ``language``, ``task``, ``model``.
        """
        from rich.text import Text

        console = console or figures.console()
        for part in terminal(self.run, self.metrics, self.notes):
            console.print(part)
        for judge in self.metrics.judges:
            raw = any(c.known for c in self.metrics.corrections if c.judge_hash == judge["judge_hash"])
            for name in by:
                mine = [c for c in self.metrics.cells if (c.judge_hash, c.target) == (judge["judge_hash"], "answer")]
                console.print(breakdown_table(mine, name, judge["judge"], raw=raw, metrics=self.metrics))
                for line in model_lines(self.metrics, judge["judge_hash"], "answer") if name == "model" else ():
                    console.print(Text(f"• {line}", style="dim"))


def make_report(run: RunFolder, out: Path | None = None, *, items: int = ITEMS, wanted: Wanted | None = None) -> Made:
    """Count a run and write what people read of it. Made again at will; the records are not touched.

    Args:
        run: The run; it may be incomplete.
        out: Where to write; the run folder itself when left out.
        items: At most this many transcripts go into the page.
        wanted: What the user said about gold labels.

    Raises:
        NaysayError: a record cannot be read, or a file cannot be written.
    """
    out = run.path if out is None else out
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(out, error) from error
    labels = LabelStore.of(run)
    table, sampler = Table(labels), Sampler()
    table.about = scale_facts(run.manifest.get("judges") or [])
    table.measured = [error for judge in run.manifest.get("judges") or () for error in find(str(judge.get("hash")))]
    chances = bool(labels.given) or (wanted is not None and wanted.random)
    acts = ActsTable(run)
    joined = Joined(run, chances=chances)
    table.recipes = Recipes(run.manifest.get("attacks"), joined.variants)
    prompts = _count(run, joined, table, sampler, acts, out / "items.csv")
    files = {"items.csv": out / "items.csv"}
    chosen = sampler.choose(items)
    del sampler  # What is kept of each response is not needed while the rates are counted.
    metrics = of_table(table, planned=planned(run.manifest, prompts), wanted=wanted)
    put_open(run, metrics.corrections)
    metrics.acts = count_acts(acts)
    if metrics.acts is not None:
        files["acts.csv"] = write_acts(out / "acts.csv", acts)
    files["rates.csv"] = write_rates(out / "rates.csv", run, metrics)
    files["metrics.json"] = write_metrics(out / "metrics.json", run, metrics)
    said = notes(run, metrics) + gold_notes(labels, wanted.people if wanted else ())
    html = write_report(run, metrics, out / "report.html", chosen=chosen, said=said)
    return Made(run, metrics, table, html, files, said)


def _count(run: RunFolder, joined: Joined, table: Table, sampler: Sampler, acts: ActsTable, path: Path) -> int:
    """Read the run once, for the tables, the sample and ``items.csv``; return the number of prompts."""

    def counted() -> Iterator[Observation]:
        for response in run.responses():
            observations = joined.of(response)
            if observations:
                acts.add(response, observations)
            for seen in observations:
                table.add(seen)
                sampler.add(seen)
                yield seen

    write_items(path, counted())
    return joined.prompts


def planned(manifest: dict[str, Any], prompts: int) -> int | None:
    """How many responses the run was to have; None when the manifest does not say."""
    spec = manifest.get("spec")
    samples = spec.get("samples", 1) if isinstance(spec, dict) else None
    return prompts * samples if isinstance(samples, int) else None
