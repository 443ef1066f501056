"""A run on disk: a folder of append-only JSON lines that any number of readers may open and one process may write.

::

    manifest.json     what was asked for, by which versions, with which hashes
    prompts.jsonl     the prompts, written once when the run is planned
    overlap.jsonl     prompts that stand in several of the cards, and which of them is asked; where there are several
    responses.jsonl   one line a response, flushed as it arrives
    verdicts.jsonl    one line a verdict, flushed as it arrives
    gold.jsonl        people's labels of a sample of the responses, where somebody gave them
    gold-open.json    on how many of the sample people disagree and nobody has settled it, by target
    metrics.json, report.html, rates.csv, items.csv   made from the lines above, and made again at will

A process may be killed at any moment. All that can be lost is the line being written: a last line without a newline is
not read, and is cut off by the next writer. When a record is made again (an errored response), the last one wins.
"""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from naysay.errors import NaysayError
from naysay.numbered import Index
from naysay.records import Lines, lines
from naysay.schema import Evidence, GoldLabel, Prompt, Response, Verdict
from naysay.writing import cannot_write, write_atomically

MANIFEST = "manifest.json"
PROMPTS = "prompts.jsonl"
OVERLAP = "overlap.jsonl"
RESPONSES = "responses.jsonl"
VERDICTS = "verdicts.jsonl"
GOLD = "gold.jsonl"
GOLD_OPEN = "gold-open.json"
LOCK = ".lock"

_LINES = {
    PROMPTS: Lines(
        Prompt, "Prompts are written once, when a run is planned: make the run again with another --out.", whole=True
    ),
    RESPONSES: Lines(
        Response,
        "Delete that line and give the command that made the run (`naysay run`, `naysay score`) again: it makes what "
        "is missing.",
    ),
    VERDICTS: Lines(Verdict, "Delete that line and give the command that judged again: it judges what is missing."),
    GOLD: Lines(
        GoldLabel,
        "Mend that line. Or, where the file came from `naysay annotate`, move it away and give `naysay annotate RUN "
        "--read FILE` again: all labels that were given are put together anew, one --target after the other.",
        whole=True,
    ),
}

_JOINT = "\0"
"""Between the parts of a key. Hashes and targets never hold it, so that no two keys are joined to the same string."""


class RunFolder:
    """Reads (and, while :meth:`locked`, writes) one run.

    Args:
        path: The folder. It need not exist yet for a run that is about to be made; use :meth:`open` to read one.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._manifest: dict[str, Any] | None = None

    @classmethod
    def open(cls, path: Path | str) -> RunFolder:
        """An existing run.

        Raises:
            NaysayError: there is no run there, or its manifest cannot be read.
        """
        folder = cls(path)
        if not folder.exists():
            what = "is not a run folder: it has no manifest.json" if folder.path.exists() else "does not exist"
            raise NaysayError(
                f"{folder.path} {what}.", hint="Give the folder that `naysay run` or `naysay score` named."
            )
        folder.check_prompts()
        return folder

    def check_prompts(self) -> None:
        """Make sure that the prompts are there: without its prompt a response cannot be told from another arm's.

        Raises:
            NaysayError: lines of ``prompts.jsonl`` are missing, or the manifest cannot be read.
        """
        asked = self.manifest.get("prompts")
        path = self.path / PROMPTS
        if not isinstance(asked, int):
            return
        held = 0
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            held = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
        if held < asked:
            raise NaysayError(
                f"{path} holds {held:,} of the run's {asked:,} prompts.",
                hint="Restore it from a copy, or run again with another --out.",
            )

    def held(self, judges: Collection[str]) -> tuple[int, int]:
        """How many responses are written down, and how many verdicts of these judges (by hash)."""
        responses, verdicts = Index(), Index()
        for _, record in read_lines(self.path / RESPONSES):
            responses.add(record["id"])
        for _, record in read_lines(self.path / VERDICTS):
            if record["judge_hash"] in judges:
                verdicts.add(_JOINT.join(verdict_key(record)))
        return len(responses), len(verdicts)

    def exists(self) -> bool:
        """Whether a run has been planned here."""
        return (self.path / MANIFEST).is_file()

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest, read once.

        Raises:
            NaysayError: it is missing or not a JSON object.
        """
        if self._manifest is None:
            path = self.path / MANIFEST
            try:
                value = orjson.loads(path.read_bytes())
            except FileNotFoundError:
                raise NaysayError(f"{self.path} is not a run folder: it has no manifest.json.") from None
            except orjson.JSONDecodeError as error:
                raise NaysayError(
                    f"{path} cannot be read: {error}.", hint="Restore it, or use another --out."
                ) from error
            if not isinstance(value, dict):
                raise NaysayError(f"{path} is not a JSON object.", hint="Restore it, or use another --out.")
            self._manifest = value
        return self._manifest

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Replace the manifest in one step: readers see the old one or the new one, never half of it."""
        write_atomically(self.path / MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n")
        self._manifest = manifest

    def prompts(self) -> Iterator[Prompt]:
        """The prompts, in the order in which they were planned."""
        for _, record in read_lines(self.path / PROMPTS):
            yield Prompt.from_dict(record)

    def responses(self) -> Iterator[Response]:
        """The last response of each id, in the order in which they were written."""
        for record in _latest(self.path / RESPONSES, lambda r: r["id"]):
            yield Response.from_dict(record)

    def verdicts(self) -> Iterator[Verdict]:
        """The last verdict of each response, judge and target, in the order in which they were written."""
        for record in _latest(self.path / VERDICTS, lambda r: _JOINT.join(verdict_key(r))):
            yield verdict_from_dict(record)

    def gold(self) -> Iterator[GoldLabel]:
        """People's labels: the last one of each response and target, in the order in which they were written."""
        for record in _latest(self.path / GOLD, lambda r: _JOINT.join((r["response_id"], r["target"]))):
            yield GoldLabel.from_dict(record)

    def gold_open(self) -> dict[str, int]:
        """How many labelled responses are in no gold because people disagree on them, by target.

        Raises:
            NaysayError: the file is not an object of numbers.
        """
        path = self.path / GOLD_OPEN
        try:
            counts = orjson.loads(path.read_bytes())
            return {target: int(count) for target, count in counts.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise NaysayError(
                f"{path} cannot be read: {error}.", hint="Delete it; `naysay annotate RUN --read FILE` writes it anew."
            ) from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[Self]:
        """Hold the folder for writing. The lock goes with the process, however it ends.

        Raises:
            NaysayError: the folder cannot be made or written, or another process holds it.
        """
        from filelock import FileLock, Timeout

        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / LOCK, timeout=0)
            lock.acquire()
        except Timeout:
            raise NaysayError(
                f"Another process is writing to {self.path}.",
                hint="Wait for it, stop it, or choose another folder with --out.",
            ) from None
        except OSError as error:
            raise cannot_write(self.path, error) from error
        try:
            yield self
        finally:
            # The file stays: unlinking it would let a third process lock a new one beside a second's old one.
            lock.release()


def read_lines(path: Path, what: Lines | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each whole line of a JSONL file as ``(offset in bytes, object)``; a torn last line of a log is left out.

    Args:
        path: The file; none at all is an empty one.
        what: What stands on its lines; known by its name where it is one of a run's own files.

    Raises:
        NaysayError: the file cannot be read, or a line is not what it should be, with its number.
    """
    return lines(path, what or _LINES.get(path.name) or Lines())


def read_at(path: Path, offset: int) -> dict[str, Any]:
    """The JSON object on the line that begins at ``offset``."""
    with path.open("rb") as file:
        file.seek(offset)
        record: dict[str, Any] = orjson.loads(file.readline())
        return record


class PromptFile:
    """A run's prompts by id, read from the disk one at a time: what is kept of each is where it stands.

    Args:
        path: ``prompts.jsonl``.

    Raises:
        NaysayError: a line of it is broken.
    """

    def __init__(self, path: Path) -> None:
        self._ids = Index()
        self._offsets = array("Q")
        for offset, record in read_lines(path):
            if self._ids.add(record["id"]) == len(self._offsets):
                self._offsets.append(offset)
        self._file = path.open("rb") if self._offsets else None

    def __contains__(self, name: str) -> bool:
        return name in self._ids

    def __getitem__(self, name: str) -> Prompt:
        number = self._ids.find(name)
        if number is None or self._file is None:
            raise KeyError(name)
        self._file.seek(self._offsets[number])
        return Prompt.from_dict(orjson.loads(self._file.readline()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()


def verdict_key(record: dict[str, Any]) -> tuple[str, str, str]:
    """What makes a verdict line the same verdict: response, judge (by hash) and target."""
    return record["response_id"], record["judge_hash"], record["target"]


def verdict_from_dict(record: dict[str, Any]) -> Verdict:
    """A verdict with its evidence as records."""
    verdict = Verdict.from_dict(record)
    verdict.evidence = [Evidence.from_dict(e) if isinstance(e, dict) else e for e in verdict.evidence]
    return verdict


def _latest(path: Path, key: Callable[[dict[str, Any]], str]) -> Iterator[dict[str, Any]]:
    index, last = Index(), array("Q")
    again = False
    for offset, record in read_lines(path):
        number = index.add(key(record))
        if number == len(last):
            last.append(offset)
        else:
            again = True
            last[number] = offset
    if not again:
        # The offsets are not needed: every line is the last of its key.
        del index, last
        yield from (record for _, record in read_lines(path))
        return
    for offset, record in read_lines(path):
        found = index.find(key(record))
        if found is not None and last[found] == offset:
            yield record
