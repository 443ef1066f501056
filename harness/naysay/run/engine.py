"""The engine: ask for what is missing, judge what is unjudged, write every line down as it comes.

Generating and judging overlap. Workers share one stream of prompts; each finished response is written and put before
the judges, whose bounded queues slow generation down when a judge is the slower part, so that memory does not grow
with the number of prompts.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Container, Iterator, Sequence
from contextlib import asynccontextmanager
from operator import and_
from typing import Any

from naysay.errors import IncompleteError, NaysayError
from naysay.numbered import Index
from naysay.run.agents import verdicts_due
from naysay.run.judged import as_judged, decoded
from naysay.run.progress import Counts
from naysay.runfolder import PROMPTS, RESPONSES, VERDICTS, PromptFile, RunFolder, read_lines
from naysay.schema import Backend, Generation, Judge, JudgeItem, Prompt, Response, Target, Verdict, response_id
from naysay.writing import LineWriter

_NOT_SETTLED = ("judge_error", "errored")
"""Reasons after which a verdict is made again: the judge failed, or there was no response."""


class Done:
    """What a run folder already holds, in some thirty bytes a response.

    Args:
        pairs: How many (judge, target) pairs there are.

    Attributes:
        ids: Responses that were met, in their file or in a verdict.
        there: 1 for each response that need not be asked for again.
        errored: 1 for each response whose last record is an error.
        acted: 1 for each response of an agent.
        settled: For each pair, 1 for each response with a settled verdict.
    """

    def __init__(self, pairs: int) -> None:
        self.ids = Index()
        self.there = bytearray()
        self.errored = bytearray()
        self.acted = bytearray()
        self.settled = [bytearray() for _ in range(pairs)]

    def row(self, name: str) -> int:
        """The number of a response; room is made for a new one."""
        row = self.ids.add(name)
        if row == len(self.there):
            for column in (self.there, self.errored, self.acted, *self.settled):
                column.append(0)
        return row

    def has(self, name: str) -> bool:
        """Whether the response need not be asked for again."""
        row = self.ids.find(name)
        return row is not None and bool(self.there[row])

    @property
    def responses(self) -> int:
        """Responses that are there."""
        return self.there.count(1)

    @property
    def acting(self) -> int:
        """Those of agents."""
        return sum(map(and_, self.there, self.acted))

    @property
    def verdicts(self) -> int:
        """Settled verdicts of responses that are there."""
        return sum(sum(map(and_, self.there, column)) for column in self.settled)


class Engine:
    """Brings one run folder to completion.

    Args:
        folder: The planned run; the caller holds its lock.
        backend: Who answers, or None when the responses are already there (``naysay score``).
        judges: Who decides.
        targets: What is judged of each response.
        samples: Responses for each prompt.
        settings: Generation settings.
        concurrency: Requests in flight; None takes the backend's own word.
        counts: Kept up to date for whoever shows progress.
        again: Further reasons after which an earlier verdict is made again.
    """

    def __init__(
        self,
        folder: RunFolder,
        *,
        backend: Backend | None,
        judges: Sequence[Judge],
        targets: Sequence[Target],
        samples: int,
        settings: Generation,
        concurrency: int | None,
        counts: Counts,
        again: Sequence[str] = (),
    ) -> None:
        self._not_settled = {*_NOT_SETTLED, *again}
        self.folder = folder
        self.backend = backend
        self.judges = list(judges)
        self.targets = list(targets)
        self.samples = samples
        self.settings = settings
        self.concurrency = concurrency or (backend.concurrency if backend else 16)
        self.counts = counts
        self._pairs = {(j.hash, t): i for i, (j, t) in enumerate((j, t) for j in self.judges for t in self.targets)}
        self._queues: list[asyncio.Queue[JudgeItem | None]] = []
        self._failures = 0
        self._judge_failures: Counter[str] = Counter()
        self._done: Done | None = None

    async def run(self) -> None:
        """Do all that is left to do, as :meth:`survey` found it.

        Raises:
            NaysayError: something is wrong with the whole run (a refused key, a folder that cannot be written).
            IncompleteError: the server stopped answering, or the disk is full. What was written stays.
        """
        done = self._done or self.survey()
        with (
            LineWriter(self.folder.path / RESPONSES) as self._responses,
            LineWriter(self.folder.path / VERDICTS) as self._verdicts,
        ):
            try:
                async with self._judging(), asyncio.TaskGroup() as group:
                    group.create_task(self._judge_what_is_there(done))
                    if self.backend:
                        work = self._missing(done)
                        for _ in range(self.concurrency):
                            group.create_task(self._generate(self.backend, work))
            except BaseExceptionGroup as errors:
                raise first_error(errors) from None

    def survey(self) -> Done:
        """Read what the folder holds already, and count it."""
        done = self._done = Done(len(self._pairs))
        for _, record in read_lines(self.folder.path / RESPONSES):
            row = done.row(record["id"])
            done.errored[row] = record["status"] == "errored"
            done.acted[row] = record.get("steps") is not None
            done.there[row] = not (done.errored[row] and self.backend)
        for _, record in read_lines(self.folder.path / VERDICTS):
            pair = self._pairs.get((record["judge_hash"], record["target"]))
            if pair is None:
                continue
            row = done.row(record["response_id"])
            # What was judged before its response came after all is judged again.
            unsettled = self.backend or record["reason"] == "judge_error" or not done.errored[row]
            done.settled[pair][row] = not (record["reason"] in self._not_settled and unsettled)
        self.counts.responses = done.responses
        self.counts.verdicts = done.verdicts
        return done

    def _missing(self, done: Done) -> Iterator[tuple[Prompt, int]]:
        for prompt in self.folder.prompts():
            for sample in range(self.samples):
                if not done.has(response_id(prompt.id, sample)):
                    yield prompt, sample

    async def _generate(self, backend: Backend, work: Iterator[tuple[Prompt, int]]) -> None:
        for prompt, sample in work:
            self.counts.in_flight += 1
            try:
                response = decoded(prompt, await backend.generate(prompt, sample, self.settings))
            finally:
                self.counts.in_flight -= 1
            self._responses.write(response)
            self.counts.saw_response(response)
            self._watch(response)
            await self._put(prompt, response)

    def _watch(self, response: Response) -> None:
        """Stop when nothing comes back any more, rather than write an error for every prompt that is left."""
        if response.status != "errored":
            self._failures = 0
            return
        self._failures += 1
        if self._failures >= max(20, 2 * self.concurrency):
            raise IncompleteError(
                f"The last {self._failures} requests all failed. The last error: {response.error}",
                hint="Nothing is lost. See to the server, then give the same command again.",
            )

    def _watch_judge(self, judge: Judge, verdict: Verdict) -> None:
        """The same for a judge whose model does not answer any more."""
        if verdict.reason != "judge_error":
            self._judge_failures[judge.hash] = 0
            return
        self._judge_failures[judge.hash] += 1
        if self._judge_failures[judge.hash] >= max(20, 2 * self.concurrency):
            raise IncompleteError(
                f"The judge {judge.name} failed {self._judge_failures[judge.hash]} times in a row. "
                f"The last time: {verdict.rationale}",
                hint="Nothing is lost. See to the judge's model, then give the same command again.",
            )

    async def _judge_what_is_there(self, done: Done) -> None:
        """Put responses that an earlier process wrote and did not get judged before the judges."""
        if done.verdicts == verdicts_due(self.targets, len(self.judges), done.responses, done.acting):
            return
        with PromptFile(self.folder.path / PROMPTS) as prompts:
            # Responses that are written while this goes on come into the file, too: they are not of the survey.
            for response in self.folder.responses():
                row = done.ids.find(response.id)
                if row is None or not done.there[row] or (response.status == "errored" and self.backend):
                    continue
                settled = {key for key, pair in self._pairs.items() if done.settled[pair][row]}
                if len(settled) < len(self._pairs):
                    await self._put(prompts[response.prompt_id], response, settled)

    async def _put(self, prompt: Prompt, response: Response, settled: Container[tuple[str, Target]] = ()) -> None:
        prompt, response = as_judged(prompt, response)
        for judge, queue in zip(self.judges, self._queues, strict=True):
            for target in self.targets:
                if target == "actions" and response.steps is None:
                    continue  # A chat does nothing.
                if (judge.hash, target) not in settled:
                    await queue.put(JudgeItem(prompt, response, target))

    @asynccontextmanager
    async def _judging(self) -> AsyncIterator[None]:
        """Judges at work, until everything put before them inside the block is judged."""
        async with asyncio.TaskGroup() as group:
            for judge in self.judges:
                workers = self.concurrency if judge.batch_size == 1 else 1
                queue: asyncio.Queue[JudgeItem | None] = asyncio.Queue(maxsize=4 * max(judge.batch_size, workers))
                self._queues.append(queue)
                for _ in range(workers):
                    group.create_task(self._judge(judge, queue))
            yield
            for queue in self._queues:
                await queue.put(None)

    async def _judge(self, judge: Judge, queue: asyncio.Queue[JudgeItem | None]) -> None:
        while (item := await queue.get()) is not None:
            batch = [item]
            while len(batch) < judge.batch_size and not queue.empty():
                following = queue.get_nowait()
                if following is None:
                    queue.put_nowait(None)
                    break
                batch.append(following)
            for item, verdict in zip(batch, await judge.judge(batch), strict=True):
                self._verdicts.write(verdict)
                self.counts.saw_verdict(item, verdict, leading=judge is self.judges[0])
                self._watch_judge(judge, verdict)
        queue.put_nowait(None)  # The next worker of this judge is to stop, too.


def first_error(errors: BaseExceptionGroup[Any]) -> BaseException:
    """The error a person should read: one meant for people before any other, and a real one before a cancellation."""
    leaves: list[BaseException] = []
    pending: list[BaseException] = [errors]
    while pending:
        error = pending.pop(0)
        if isinstance(error, BaseExceptionGroup):
            pending.extend(error.exceptions)
        else:
            leaves.append(error)
    return next((e for e in leaves if isinstance(e, NaysayError)), leaves[0])
