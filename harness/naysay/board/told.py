"""What must be told beside a judge's figures: responses it was trained on, how far it agrees, labels left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from naysay.board.text import interval, percent, visible
from naysay.errors import did_you_mean
from naysay.measure.audits import FEWEST_AGREED
from naysay.measure.correction import Correction
from naysay.measure.labelled import UNNAMED, LabelStore
from naysay.measure.observe import Observation
from naysay.runfolder import GOLD, RunFolder
from naysay.schema import LABELS

NO_LABEL: Final = "other"
"""What people give where none of the three labels fits."""


def trained_on(judge: str, seen: int, responses: int, where: str = "") -> str:
    """One sentence on a judge that was trained on the very responses it judged.

    >>> trained_on("embedded", 3, 4)
    'embedded was trained on 3 of the 4 responses: its rates here are no measurement.'
    """
    of = f" of {visible(where)}" if where else ""
    return (
        f"{visible(judge)} was trained on {seen:,} of the {responses:,} responses{of}: "
        "its rates here are no measurement."
    )


def agreed(error: dict[str, Any]) -> str:
    """How far a judge agrees with people's labels, which labels those are, and nothing where they are too few."""
    by = visible(error["labels"])
    if "sample" in error:
        weighted = ", weighted" if error["sample"] == "stratified" else ""
        labels = f"the labels of a sample (gold.jsonl: {by}, n {error['n']:,}{weighted})"
    else:
        who = "" if by == "in the file" else f"{by}, "
        labels = f"the labels in the file ({who}n {error['n']:,})"
    ends = error.get("interval")
    if ends is None:
        return f"has {labels} beside it, fewer than {FEWEST_AGREED}: too few to say how far it agrees"
    return f"agrees with {labels} in {percent(error['accuracy'])} [{interval(*ends)}]"


def agreed_cell(value: float | None, ends: tuple[float, float] | None, kappa: float | None) -> str:
    """Accuracy, its interval and kappa in one cell; a dash where the labels are too few."""
    if value is None or ends is None:
        return "–"
    return f"{percent(value)} [{interval(*ends)}] ({'–' if kappa is None else f'{kappa:.3f}'})"


def open_line(count: int) -> str:
    """What disagreements that nobody settled do to corrected rates and to a judge's agreement."""
    what = "disagreement is" if count == 1 else "disagreements are"
    return (
        f"{count:,} {what} open and left out of the gold labels: these are the hard cases, and without them the judge "
        "looks better than it is (`naysay annotate RUN --resolve` settles them)"
    )


def put_open(run: RunFolder, corrections: Iterable[Correction]) -> None:
    """Count the disagreements between annotators that left no gold label, and note them in the corrections.

    Raises:
        NaysayError: the file that counts them cannot be read.
    """
    found = run.gold_open()
    for correction in corrections:
        correction.open = found.get(correction.target, 0)


def gold_notes(labels: LabelStore, people: Collection[str] = ()) -> list[str]:
    """Lines of ``gold.jsonl`` that say nothing of this run, and sources that were named and have no label in it.

    Args:
        labels: The run's labels.
        people: Sources that the user says are people.
    """
    notes = []
    here = {source.strip() or UNNAMED for source in labels.labelled_by}
    for name in sorted(people):
        if name.strip().casefold() not in {source.casefold() for source in here}:
            who = f"labels here are by {visible(', '.join(sorted(here)))}" if here else "there are no labels here"
            notes.append(f"--human-labels {visible(name)}: no label is by that source; {who}.")
    if labels.unknown:
        what = "response that is" if labels.unknown == 1 else "responses that are"
        notes.append(f"{GOLD} labels {labels.unknown:,} {what} not in this run: these labels are passed over.")
    if labels.contradicted:
        what = "response" if labels.contradicted == 1 else "responses"
        notes.append(
            f"{GOLD} gives {labels.contradicted:,} {what} two labels that differ: neither is used. Keep the one that "
            "holds."
        )
    return notes


def unknown_labels(facts: Mapping[str, Any]) -> str | None:
    """One sentence on words that are no labels, with the nearest label of each; None without any."""
    words = facts.get("unknown")
    if not isinstance(words, dict) or not words:
        return None
    count = sum(one["rows"] for one in words.values()) + int(facts.get("more") or 0)
    known = (*LABELS, NO_LABEL)
    shown = []
    for word, one in list(words.items())[:4]:
        meant = did_you_mean(word.casefold(), known)
        near = f". {meant}" if meant.startswith("Did") else ""
        shown.append(f"{visible(repr(word))} ({one['rows']:,}, first on line {one['line']}{near})")
    further = ", ..." if len(words) > len(shown) or facts.get("more") else ""
    what = "label in the file is" if count == 1 else "labels in the file are"
    return (
        f"{count:,} {what} none of {', '.join(LABELS)} and passed over: "
        f"{', '.join(shown)}{further}. {NO_LABEL} stands for none of the three."
    )


@dataclass(slots=True)
class Training:
    """Counts what each judge was trained on while observations go by."""

    seen: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def watch(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        """Pass observations on."""
        for one in observations:
            counts = self.seen.setdefault((one.judge, one.judge_hash), [0, 0])
            counts[0] += one.in_training
            counts[1] += 1
            yield one

    def notes(self, where: str, hashes: Iterable[str]) -> list[str]:
        """One for each of these judges that was trained on some."""
        wanted = set(hashes)
        return [
            trained_on(judge, seen, total, where)
            for (judge, digest), (seen, total) in self.seen.items()
            if seen and digest in wanted
        ]
