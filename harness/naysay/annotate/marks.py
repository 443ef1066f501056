"""What each annotator said: one append-only file a person, and labels that come back from a page.

A mark is on disk before the next response is shown. Undoing appends, too: the last line of a response holds, and the
first label of each is kept for the annotators' agreement, which a later change must not raise.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from naysay.annotate.sample import Sample, place
from naysay.errors import NaysayError, did_you_mean
from naysay.records import Lines
from naysay.runfolder import RunFolder, read_lines
from naysay.schema import LABELS, TARGETS
from naysay.writing import LineWriter

SKIP: Final = "skip"
"""The annotator could not or would not decide."""
RESOLVED: Final = "resolved"
"""Stands in the annotator's place for labels that settle a disagreement."""
_NAME: Final = re.compile(r"[^\W_][\w.-]{0,39}")


@dataclass(slots=True)
class Mark:
    """One label of one response by one person: a label, or :data:`SKIP`; and a note."""

    label: str
    note: str = ""


@dataclass(slots=True)
class _Line:
    """A mark as it stands in the annotator's file; without a label, one that was taken back."""

    response_id: str
    label: str | None
    note: str | None = None


_LINES: Final = Lines(
    _Line, "It is a label that a person gave: mend the line, or delete it and let them label that response again."
)


def check_name(name: str) -> str:
    """The annotator's name, if it can be one.

    Raises:
        NaysayError: it cannot.
    """
    if name == RESOLVED:
        raise NaysayError(f"{RESOLVED!r} is not an annotator's name.", hint="Settle disagreements with --resolve.")
    if not _NAME.fullmatch(name):
        raise NaysayError(
            f"{name!r} cannot be an annotator's name.", hint="Up to 40 letters, digits, dots and hyphens, like ann-2."
        )
    return name


class Marks:
    """The labels that one annotator gave to a sample.

    Args:
        run: The run.
        sample: Its sample.
        annotator: The annotator's name, or :data:`RESOLVED`.

    Attributes:
        given: The marks that hold, by response.
        first: The first label of each response that was not taken back at once by undoing it.
    """

    def __init__(self, run: RunFolder, sample: Sample, annotator: str) -> None:
        self.annotator = annotator
        self.path = place(run, sample.target) / "labels" / f"{annotator}.jsonl"
        self.given: dict[str, Mark] = {}
        self.first: dict[str, Mark] = {}
        self.history: list[str] = []
        self._writer: LineWriter | None = None
        for _, line in read_lines(self.path, _LINES):
            self._take(line)

    def put(self, response_id: str, mark: Mark | None) -> None:
        """Write a mark, or take one back with None.

        Raises:
            NaysayError: the file cannot be written.
        """
        if self._writer is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = LineWriter(self.path)
        line = {
            "response_id": response_id,
            "label": mark.label if mark else None,
            "note": mark.note if mark else "",
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self._writer.write(line)
        self._take(line)

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _take(self, line: dict[str, Any]) -> None:
        name = line["response_id"]
        if name in self.history:
            self.history.remove(name)
        if line["label"] is None:
            self.given.pop(name, None)
            self.first.pop(name, None)
        else:
            mark = self.given[name] = Mark(line["label"], line.get("note") or "")
            if mark.label != SKIP:
                self.first.setdefault(name, mark)
            self.history.append(name)


def annotators(run: RunFolder, sample: Sample) -> list[str]:
    """Who labelled, sorted; :data:`RESOLVED` is no annotator."""
    folder = place(run, sample.target) / "labels"
    return sorted(path.stem for path in folder.glob("*.jsonl") if path.stem != RESOLVED)


@dataclass(slots=True)
class Read:
    """What reading a file of labels did.

    Attributes:
        annotator: Whose labels they are.
        labels: Labels in the file, skipped ones not counted.
        skipped: Responses that were passed over.
        changed: Labels that replaced another of the same annotator.
    """

    annotator: str
    labels: int
    skipped: int
    changed: int


def read_back(
    run: RunFolder,
    sample: Sample,
    path: Path,
    annotator: str | None,
    *,
    resolve: bool = False,
    replace: bool = False,
) -> Read:
    """Take in a file that the labelling page exported. Nothing is kept unless all of it is right.

    Args:
        run: The run.
        sample: Its sample.
        path: The JSONL file.
        annotator: Whose labels they are, where the file does not say.
        resolve: They settle disagreements.
        replace: Labels may differ from what the same annotator said before.

    Raises:
        NaysayError: the file belongs to another sample, a line is wrong (named by its number), or labels were changed
            and ``replace`` is not given.
    """
    by_item = {sample.item_id(name): name for name in sample.ids}
    found: dict[str, Mark] = {}
    first_at: dict[str, int] = {}
    names: set[str] = set()
    for number, line in _lines(path):
        where = f"{path}, line {number}"
        _belongs(run, sample, line, where)
        item = line.get("item")
        if not isinstance(item, str) or not item:
            raise NaysayError(
                f"{where} has no 'item': it does not say which response it labels.",
                hint="Give the file as the labelling page exported it.",
            )
        if item not in by_item:
            raise NaysayError(
                f"{where}: {item!r} is not a response of this sample.",
                hint="The file was edited, or is of an older page: make the page again with --html.",
            )
        if item in first_at:
            raise NaysayError(
                f"{where}: the response {item!r} stands on line {first_at[item]} already.", hint="Delete one of them."
            )
        label = line.get("label")
        if label not in (*LABELS, SKIP):
            raise NaysayError(f"{where}: {label!r} is not a label.", hint=did_you_mean(str(label), (*LABELS, SKIP)))
        note = line.get("note") or ""
        if not isinstance(note, str):
            raise NaysayError(f"{where}: the note is not text.")
        first_at[item] = number
        found[by_item[item]] = Mark(label, note)
        names.add(str(line.get("annotator") or ""))
    if not found:
        raise NaysayError(f"{path} holds no labels.", hint="Export them from the page first.")
    who = RESOLVED if resolve else _whose(path, names - {""}, annotator)
    if resolve and names - {"", RESOLVED}:
        raise NaysayError(
            f"{path} holds labels of {', '.join(sorted(names))}, none that settle disagreements.",
            hint="Read it without --resolve.",
        )
    marks = Marks(run, sample, who)
    changed = [
        name for name, mark in found.items()
        if (before := marks.given.get(name)) is not None and before.label not in (SKIP, mark.label)
    ]  # fmt: skip
    if changed and not replace:
        raise _changes(path, who, marks, found, changed, first_at[sample.item_id(changed[0])])
    try:
        for name, mark in found.items():
            if marks.given.get(name) != mark:
                marks.put(name, mark)
    finally:
        marks.close()
    labels = sum(mark.label != SKIP for mark in found.values())
    return Read(who, labels, len(found) - labels, len(changed))


def _changes(path: Path, who: str, marks: Marks, found: dict[str, Mark], changed: list[str], line: int) -> NaysayError:
    name = changed[0]
    return NaysayError(
        f"{path} changes {len(changed)} of the labels that {who} gave before (line {line}: {found[name].label}, it was "
        f"{marks.given[name].label}). Nothing was read.",
        hint="--replace takes the new labels for the gold. Agreement between annotators stays that of the first ones.",
    )


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise NaysayError(f"There is no file {path}.") from None
    except OSError as error:
        raise NaysayError(f"{path} cannot be read: {error.strerror}.") from error
    with file:
        for number, raw in enumerate(file, start=1):
            if number == 1:
                raw = raw.removeprefix(BOM_UTF8)  # Windows' editors write one when they save the export again.
            if not raw.strip():
                continue
            try:
                raw.decode("utf-8")
            except UnicodeDecodeError:
                raise NaysayError(
                    f"{path}, line {number} is not text in UTF-8.",
                    hint="Is it the file that the labelling page exported? Its name is like labels-ann-....jsonl.",
                ) from None
            try:
                line = orjson.loads(raw)
            except orjson.JSONDecodeError as error:
                raise NaysayError(
                    f"{path}, line {number} is not JSON: {error}.",
                    hint="Was the file cut off? The page still has every label: export it again.",
                ) from error
            if not isinstance(line, dict):
                raise NaysayError(f"{path}, line {number} is not a JSON object.")
            yield number, line


def _belongs(run: RunFolder, sample: Sample, line: dict[str, Any], where: str) -> None:
    named = line.get("sample")
    if named == sample.id:
        return
    if named is None:
        raise NaysayError(
            f"{where} names no sample: it was not exported from a labelling page.",
            hint=f"`naysay annotate {run.path} --html FILE` makes the page.",
        )
    from naysay.annotate.sample import load

    for other in TARGETS:
        if other != sample.target and (found := load(run, other)) is not None and found.id == named:
            raise NaysayError(
                f"{where}: these are labels of the {other}, not of the {sample.target}.", hint=f"Add --target {other}."
            )
    raise NaysayError(
        f"{where}: these are labels of another sample ({named!r}, not {sample.id!r}).",
        hint="Give the run that the page was made from.",
    )


def _whose(path: Path, names: set[str], annotator: str | None) -> str:
    if RESOLVED in names:
        raise NaysayError(f"{path} settles disagreements.", hint="Read it with --resolve.")
    if len(names) > 1:
        raise NaysayError(
            f"{path} holds labels of several annotators: {', '.join(sorted(names))}.", hint="One file a person."
        )
    said = next(iter(names), None)
    if said and annotator and said != annotator:
        raise NaysayError(
            f"{path} says that {said!r} labelled, not {annotator!r}.",
            hint=f"Leave --annotator out, or give --annotator {said}.",
        )
    if not said and not annotator:
        raise NaysayError(f"{path} does not say who labelled.", hint="Add --annotator NAME.")
    return check_name(said or annotator or "")
