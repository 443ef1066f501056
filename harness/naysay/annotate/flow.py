"""What ``naysay annotate`` does, one step after the other, and what it says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from naysay.annotate import sample as samples
from naysay.annotate.items import Item, load_items, with_labels
from naysay.annotate.marks import RESOLVED, Marks, Read, annotators, check_name, read_back
from naysay.annotate.sample import Sample
from naysay.annotate.settle import Settled, settle
from naysay.annotate.strata import judges_of
from naysay.board.figures import Figures
from naysay.board.judge_error import figure
from naysay.board.text import percent, title, visible
from naysay.errors import NaysayError
from naysay.measure.judge_figures import Figure
from naysay.measure.observe import Joined
from naysay.runfolder import RunFolder
from naysay.schema import TARGETS, Target

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


@dataclass(slots=True)
class Wanted:
    """What the command line asks for.

    Attributes:
        target: What is labelled.
        judge: The judge that makes the strata.
        size: Responses to draw.
        width: Or: interval width to draw for.
        seed: Of the sample; None for that of the sample there is, or 0.
        unfinished: Draw from a run that is not finished, too.
        variants: Draw from responses to variants, too.
    """

    target: Target
    judge: str | None = None
    size: int | None = None
    width: float | None = None
    seed: int | None = None
    unfinished: bool = False
    variants: bool = False


def check_target(target: str) -> Target:
    """The target, if people can label it.

    Raises:
        NaysayError: they cannot.
    """
    if target == "answer":
        return "answer"
    if target == "reasoning":
        return "reasoning"
    both = " Label the answer and the reasoning apart." if target in TARGETS else ""
    raise NaysayError(f"{target!r} is not labelled.", hint=f"--target is answer or reasoning.{both}")


def get_sample(run: RunFolder, wanted: Wanted) -> tuple[Sample, int]:
    """The run's sample, drawn or enlarged as asked, and how many responses that added.

    Raises:
        NaysayError: the run is not finished, or what is asked for does not fit the sample there is.
    """
    with samples.locked(samples.place(run, wanted.target)):
        sample = samples.load(run, wanted.target)
        if sample is None:
            if not wanted.unfinished:
                _check_finished(run, wanted.target, wanted.judge)
            sample = samples.draw(
                run, wanted.target, judge=wanted.judge, size=wanted.size, width=wanted.width, seed=wanted.seed or 0,
                variants=wanted.variants,
            )  # fmt: skip
            return sample, len(sample.ids)
        for name, asked, have in (("--seed", wanted.seed, sample.seed), ("--judge", wanted.judge, sample.judge)):
            if asked is not None and asked != have:
                raise NaysayError(
                    f"The sample of {run.path} was drawn with {name} {have}.",
                    hint=f"Leave {name} out, or move {samples.place(run, wanted.target)} away to draw another.",
                )
        if wanted.variants and not sample.variants:
            raise NaysayError(
                f"The sample of {run.path} was drawn without variants.",
                hint=f"Leave --variants out, or move {samples.place(run, wanted.target)} away to draw another.",
            )
        return sample, samples.enlarge(run, sample, size=wanted.size, width=wanted.width)


def _check_finished(run: RunFolder, target: str, judge: str | None) -> None:
    from naysay.annotate.strata import choose_judge

    _, digest = choose_judge(run, judge, target)
    joined = Joined(run)
    spec = run.manifest.get("spec")
    per_prompt = spec.get("samples", 1) if isinstance(spec, dict) else 1
    responses = waiting = 0
    for response in run.responses():
        responses += 1
        for seen in joined.of(response):
            waiting += seen.judge_hash == digest and seen.reasons.get(target) == "not_judged"
    recorded = isinstance(spec, dict) and "file" in spec
    missing = 0 if recorded else max(0, joined.prompts * per_prompt - responses)
    if missing or waiting:
        raise NaysayError(
            f"{run.path} is not finished: {missing} responses and {waiting} verdicts are missing.",
            hint="Finish it first; a sample drawn now stands for what is there. --unfinished draws it all the same.",
        )


def existing_sample(run: RunFolder, target: Target) -> Sample:
    """The sample that was drawn before.

    Raises:
        NaysayError: there is none.
    """
    sample = samples.load(run, target)
    if sample is None:
        raise NaysayError(
            f"{run.path} has no sample of the {target} to label.", hint=f"Draw one: naysay annotate {run.path}"
        )
    return sample


def items_for(run: RunFolder, sample: Sample, *, resolve: bool) -> list[Item]:
    """What is to be labelled: all of the sample, or what annotators disagree on, with what they said.

    Raises:
        NaysayError: there is no disagreement to settle.
    """
    if not resolve:
        return load_items(run, sample)
    marks = [Marks(run, sample, name) for name in annotators(run, sample)]
    if len(marks) < 2:
        raise NaysayError("There is nothing to settle: fewer than two people have labelled.")
    open_ids = settle(run, sample, write=False).open
    if not open_ids:
        raise NaysayError("There is nothing to settle: the annotators agree, or it is settled already.")
    return with_labels(load_items(run, sample, set(open_ids)), marks)


def label_here(run: RunFolder, sample: Sample, annotator: str, console: Console, *, resolve: bool) -> bool:
    """Label in the terminal. True when everything has a mark.

    Raises:
        NaysayError: this is no terminal, or another process labels under the same name.
    """
    from filelock import FileLock, Timeout

    from naysay.annotate.keys import reading
    from naysay.annotate.terminal import Session

    items = items_for(run, sample, resolve=resolve)
    name = RESOLVED if resolve else check_name(annotator)
    folder = samples.place(run, sample.target) / "labels"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f".{name}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise NaysayError(f"{name!r} is labelling this sample in another process already.") from None
    marks = Marks(run, sample, name)
    try:
        with reading() as keys:
            return Session(items, marks, sample.target, console=console, key=keys.key, line=keys.line).run()
    except KeyboardInterrupt:
        return False
    finally:
        marks.close()
        lock.release()


def take_back(
    run: RunFolder, sample: Sample, path: Path, annotator: str | None, *, resolve: bool, replace: bool = False
) -> Read:
    """Read a page's export; see :func:`naysay.annotate.marks.read_back`."""
    with samples.locked(samples.place(run, sample.target)):
        return read_back(run, sample, path, annotator, resolve=resolve, replace=replace)


def sample_lines(run: RunFolder, sample: Sample, added: int) -> Iterator[str]:
    """What to say of a sample that was drawn or enlarged."""
    have = len(sample.ids)
    if added == have:
        strata = len(sample.strata)
        yield f"Drawn: {have:,} of {sample.population:,} responses, from {strata} strata (seed {sample.seed})."
    elif added:
        yield f"Drawn: {added:,} more, {have:,} of {sample.population:,} responses now."
    else:
        yield f"Sample: {have:,} of {sample.population:,} responses (seed {sample.seed})."
    others = [name for name in judges_of(run, sample.target) if name != sample.judge]
    if others:
        names = ", ".join(map(visible, others))
        yield f"Strata by the verdicts of {visible(sample.judge)}; the run has others (--judge NAME): {names}."
    if sample.trained:
        yield _trained_line(sample, bool(others))
    if added and sample.trained < sample.population:
        halves = ", ".join(f"{title(arm)} ±{100 * width / 2:.1f}" for arm, width in sample.widths().items())
        yield f"Expected from these labels, in points: {halves}. New prompts would vary beyond that."
        yield f"Expected error of {sample.judge}: from {sample.error_from}."
        yield from _models_line(sample)
    if added:
        yield f"Kept in {samples.place(run, sample.target)}"


def _trained_line(sample: Sample, others: bool) -> str:
    """Whoever labels should know before the first label what it is for."""
    drawn = sum(n for stratum, n in zip(sample.strata, sample.drawn, strict=True) if stratum.trained)
    judge = visible(sample.judge)
    which = "all" if sample.trained == sample.population else f"{sample.trained:,}"
    line = (
        f"Warning: {judge} was trained on {which} of these {sample.population:,} responses. {drawn:,} of the "
        f"{len(sample.ids):,} drawn are such: their labels correct nothing under {judge}."
    )
    return line + (" They do under a judge that was not." if others else " Judge the run with another, too.")


def _models_line(sample: Sample) -> Iterator[str]:
    """Which rates of single models the sample is too small for."""
    from naysay.measure.ppi import FEWEST

    drawn: dict[tuple[str, str], int] = {}
    sizes: dict[tuple[str, str], int] = {}
    for stratum, n in zip(sample.strata, sample.drawn, strict=True):
        part = (stratum.arm, stratum.model)
        drawn[part] = drawn.get(part, 0) + n
        sizes[part] = sizes.get(part, 0) + stratum.size
    few = [part for part, n in drawn.items() if part[1] and n < min(FEWEST, sizes[part])]
    if few:
        arm, model = min(few, key=drawn.__getitem__)
        yield (
            f"By model: {len(few)} of {len(drawn)} rates get fewer than {FEWEST} labels (the fewest: {title(arm)} of "
            f"{visible(model)}, {drawn[arm, model]}) and stay uncorrected. More with --size."
        )


def _what_report_does(run: RunFolder, sample: Sample, made: Settled) -> str:
    """Which arms ``naysay report`` corrects by these labels: an interval needs so many, or all that there are."""
    from naysay.measure.ppi import FEWEST

    arms = {stratum.arm: 0 for stratum in sample.strata}
    for label in made.gold:
        arms[sample.strata[sample.stratum_of[label.response_id]].arm] += 1
    sizes = {arm: sum(s.size for s in sample.strata if s.arm == arm) for arm in arms}
    few = {arm: n for arm, n in arms.items() if n < min(FEWEST, sizes[arm])}
    if not few:
        return f"`naysay report {run.path}` now shows corrected rates beside the raw ones."
    lacking = ", ".join(f"{title(arm)} {n:,} of {min(FEWEST, sizes[arm]):,}" for arm, n in few.items())
    if len(few) == len(arms):
        return f"Too few for `naysay report {run.path}` to correct a rate: {lacking}."
    corrected = ", ".join(title(arm) for arm in arms if arm not in few)
    return f"`naysay report {run.path}` now shows corrected rates for: {corrected}. Too few labels yet: {lacking}."


def settled_tables(run: RunFolder, sample: Sample, made: Settled) -> Iterator[RenderableType]:
    """What to print of where the labelling stands."""
    from rich.text import Text

    for name, n in made.labels.items():
        skipped = f", {made.skipped[name]:,} skipped" if made.skipped[name] else ""
        yield Text(f"{visible(name)}: {n:,} of {made.drawn:,} labelled{skipped}")
    if made.agreement:
        table = Figures("Agreement between annotators", ("", "n", "same label", "kappa", "2-way kappa"))
        for pair in made.agreement:
            table.add(
                f"{visible(pair.first)} and {visible(pair.second)}", f"{pair.n:,}", figure(pair.raw),
                figure(pair.kappa, decimal=True), figure(pair.binary_kappa, decimal=True),
            )  # fmt: skip
        yield table
        if any(made.changed.values()):
            who = ", ".join(f"{visible(name)} {n:,}" for name, n in made.changed.items() if n)
            yield Text(f"Agreement is that of the first labels. Changed afterwards: {who}.", style="yellow")
        if made.alpha is not None and made.alpha.value is not None and len(made.labels) > 2:
            shown = Figure(made.alpha.value, made.alpha.low, made.alpha.high)
            yield Text(f"All together: Krippendorff's alpha {figure(shown, decimal=True)}")
    if made.resolved:
        yield Text(f"{made.resolved:,} disagreements were settled.")
    if made.open:
        share = percent(len(made.open) / (len(made.open) + len(made.gold)))
        yield Text(
            f"{len(made.open):,} disagreements ({share}) are open and left out of the gold. They are the hard cases: "
            f"without them the judge looks better than it is.\nSettle them: naysay annotate {run.path} --resolve",
            style="yellow",
        )
    if made.empty:
        lost = sum(made.empty.values())
        yield Text(
            f"No label yet in {len(made.empty)} of {len(sample.strata)} strata, which hold {lost:,} of "
            f"{sample.population:,} responses: corrected rates do not speak for those.",
            style="yellow",
        )
    if made.gold:
        yield Text(
            f"Gold: {len(made.gold):,} labels of the {sample.target} in {run.path / 'gold.jsonl'}\n"
            + _what_report_does(run, sample, made)
        )
    elif not made.labels:
        yield Text("Nobody has labelled yet.")
