"""Reading the traces of a run once, and keeping what was read: ``traces.jsonl``, append-only like the run's own files.

A line is the same trace as long as response, reader (by hash) and text are the same; it is never read again. Only where
the reader's model failed, or said nothing that could be read, is a trace read again by the next command.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from naysay.errors import IncompleteError, NaysayError
from naysay.records import Lines
from naysay.runfolder import PROMPTS, RunFolder, read_at, read_lines
from naysay.schema import REASONS, Prompt, Response, unscorable
from naysay.writing import LineWriter

TRACES: Final = "traces.jsonl"
_LINES: Final = Lines(remedy="Delete that line and give `naysay trace RUN` again: it reads what is missing.")
STANCES: Final = ("refuse", "partial", "comply", "neither")
"""What a sentence leans to: declining, giving a part, giving what was asked, or none of these."""
_FAILURES_IN_A_ROW = 20
_AGAIN = ("judge_error", "unparsable")
"""Reasons that are no property of the trace: the next command reads it again."""


class ReadSentence(Protocol):
    """One sentence as a reader gives it; see :class:`Sentence`."""

    @property
    def start(self) -> int: ...  # noqa: D102
    @property
    def end(self) -> int: ...  # noqa: D102
    @property
    def stance(self) -> str | None: ...  # noqa: D102
    @property
    def probability(self) -> float | None: ...  # noqa: D102
    @property
    def lean(self) -> float | None: ...  # noqa: D102
    @property
    def danger(self) -> bool | None: ...  # noqa: D102


class ReadTrace(Protocol):
    """One trace as a reader gives it."""

    @property
    def sentences(self) -> Sequence[ReadSentence]:
        """In order, without overlaps."""
        ...

    @property
    def reason(self) -> str | None:
        """Why it is unscored; ``judge_error`` and ``unparsable`` when it is to be read again."""
        ...

    @property
    def detail(self) -> str | None:
        """The words behind the reason."""
        ...

    @property
    def input_hash(self) -> str:
        """Of exactly what was read."""
        ...


class StanceReader(Protocol):
    """Something that reads traces sentence by sentence (:mod:`naysay.judge.stance` has some).

    Attributes:
        name: What to call it.
        hash: Over everything that decides what it says.
        concurrency: Traces to read at once.
    """

    name: str
    hash: str
    concurrency: int

    def describe(self) -> dict[str, Any]:
        """Facts for the record; JSON-able, no secrets."""
        ...

    async def prepare(self) -> None:
        """Find out early what cannot work."""
        ...

    async def read(self, request: str, trace: str, language: str | None = None) -> ReadTrace:
        """Read one trace, whose prompt is said to be in ``language``. Never raises for one trace."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@dataclass(slots=True)
class Sentence:
    """One sentence of a trace.

    Attributes:
        start: First character in the reasoning.
        end: Behind the last one: ``reasoning[start:end]`` is the sentence.
        stance: One of :data:`STANCES`, or None when it could not be read.
        probability: Of the stance, where the reader has probabilities.
        lean: Probability of refusing minus that of complying, -1 to 1; None when it could not be read.
        danger: Danger is recognised.
    """

    start: int
    end: int
    stance: str | None
    probability: float | None = None
    lean: float | None = None
    danger: bool | None = None


@dataclass(slots=True)
class TraceRecord:
    """One line of ``traces.jsonl``.

    Attributes:
        response_id: The response whose trace it is.
        prompt_id: Its prompt.
        reader: The reader's name.
        reader_hash: Its hash.
        text_hash: Of the trace, so that offsets are never applied to another text.
        sentences: What was read.
        reason: Why the trace is unscored, one of :data:`naysay.schema.REASONS`, or None.
        detail: The words behind it.
        input_hash: Of exactly what the reader read.
    """

    response_id: str
    prompt_id: str
    reader: str
    reader_hash: str
    text_hash: str
    sentences: list[Sentence] = field(default_factory=list)
    reason: str | None = None
    detail: str | None = None
    input_hash: str = ""

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> TraceRecord:
        """A record as written.

        Raises:
            NaysayError: it is not one.
        """
        try:
            sentences = [Sentence(**sentence) for sentence in record.pop("sentences")]
            made = cls(**record, sentences=sentences)
        except (KeyError, TypeError) as error:
            raise NaysayError(
                f"{TRACES} has a record that cannot be read: {error}.",
                hint="Another version of naysay wrote it, or somebody by hand. Delete the file and trace again.",
            ) from error
        if made.reason is not None and made.reason not in REASONS:
            raise NaysayError(f"{TRACES}: {made.reason!r} of {made.response_id} is not a reason.")
        return made


@dataclass
class Progress:
    """How far reading is.

    Attributes:
        responses: Responses of the run.
        traces: Those with a trace that can be read.
        kept: Traces that an earlier command had read.
        read: Traces read now.
        failed: Traces at which the reader's model failed, or said nothing that could be read.
    """

    responses: int = 0
    traces: int = 0
    kept: int = 0
    read: int = 0
    failed: int = 0


class TraceIndex:
    """Where in ``traces.jsonl`` each trace of one reader stands: a few bytes a trace.

    Args:
        run: The run.
        reader_hash: The reader.
    """

    def __init__(self, run: RunFolder, reader_hash: str) -> None:
        self.path = run.path / TRACES
        self._offset: dict[str, int] = {}
        for offset, record in read_lines(self.path, _LINES):
            if record.get("reader_hash") == reader_hash and isinstance(record.get("response_id"), str):
                self._offset[record["response_id"]] = offset

    def find(self, response: Response) -> TraceRecord | None:
        """What was read of this very trace, or None when nothing was, or of another text."""
        offset = self._offset.get(response.id)
        if offset is None:
            return None
        record = TraceRecord.from_dict(read_at(self.path, offset))
        return record if record.text_hash == text_hash(response.reasoning or "") else None


def text_hash(trace: str) -> str:
    """Sixteen hex digits over a trace."""
    return hashlib.blake2b(trace.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def read_run(
    run: RunFolder,
    reader: StanceReader,
    *,
    concurrency: int | None = None,
    tick: Callable[[Progress], None] | None = None,
) -> Progress:
    """Read every trace of a run that was not read yet, writing each down as it is done.

    Args:
        run: The run. Nobody else may be writing to it.
        reader: Who reads; it is closed afterwards.
        concurrency: Traces at once; the reader's own when left out.
        tick: Called after each trace.

    Raises:
        NaysayError: the folder cannot be written, or the reader cannot work.
        IncompleteError: interrupted, or the reader's model does not answer any more; what was read is kept.
    """
    progress = Progress()

    async def session() -> None:
        try:
            await reader.prepare()
            with run.locked(), LineWriter(run.path / TRACES) as writer:
                await _read_all(run, reader, writer, max(1, concurrency or reader.concurrency), progress, tick)
        finally:
            await reader.close()

    try:
        asyncio.run(session())
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise IncompleteError(
            f"Stopped with {progress.kept + progress.read} of at least {progress.traces} traces read in {run.path}.",
            hint="Nothing written is lost. Give the same command again to go on.",
        ) from None
    return progress


async def _read_all(
    run: RunFolder,
    reader: StanceReader,
    writer: LineWriter,
    workers: int,
    progress: Progress,
    tick: Callable[[Progress], None] | None,
) -> None:
    wanted = _open_traces(run, TraceIndex(run, reader.hash), progress)
    failures = 0

    async def work() -> None:
        nonlocal failures
        for response, prompt in wanted:  # One iterator, shared: each trace is taken by one worker.
            trace = response.reasoning or ""
            asked = prompt()
            made = await reader.read(asked.text, trace, asked.language)
            writer.write(_record(response, reader, made))
            progress.read += 1
            await asyncio.sleep(0)  # A reader that never waits would not let an interruption in.
            progress.failed += _unfinished(made.reason, made.detail)
            failures = failures + 1 if made.reason == "judge_error" else 0
            if tick:
                tick(progress)
            if failures >= _FAILURES_IN_A_ROW:
                raise IncompleteError(
                    f"The stance reader {reader.name} failed at {failures} traces in a row: {made.detail}.",
                    hint="What was read is kept. Give the same command again when it answers.",
                )

    tasks = [asyncio.ensure_future(work()) for _ in range(workers)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)


def _open_traces(
    run: RunFolder, index: TraceIndex, progress: Progress
) -> Iterator[tuple[Response, Callable[[], Prompt]]]:
    prompts = {record["id"]: offset for offset, record in read_lines(run.path / PROMPTS)}
    path = run.path / PROMPTS
    for response in run.responses():
        progress.responses += 1
        if unscorable(response, "reasoning") is not None or response.prompt_id not in prompts:
            continue
        progress.traces += 1
        found = index.find(response)
        if found is not None and not _unfinished(found.reason, found.detail):
            progress.kept += 1
            continue
        yield response, _asked(path, prompts[response.prompt_id])


def _unfinished(reason: str | None, detail: str | None) -> bool:
    """The model failed at the trace, or at a window of it: then it is scored and has a detail all the same."""
    return reason in _AGAIN or (reason is None and detail is not None)


def _asked(path: Path, offset: int) -> Callable[[], Prompt]:
    return lambda: Prompt.from_dict(read_at(path, offset))


def _record(response: Response, reader: StanceReader, made: ReadTrace) -> TraceRecord:
    return TraceRecord(
        response_id=response.id,
        prompt_id=response.prompt_id,
        reader=reader.name,
        reader_hash=reader.hash,
        text_hash=text_hash(response.reasoning or ""),
        sentences=[Sentence(s.start, s.end, s.stance, s.probability, s.lean, s.danger) for s in made.sentences],
        reason=made.reason,
        detail=made.detail,
        input_hash=made.input_hash,
    )
