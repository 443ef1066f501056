"""Asking an attack model for rewritten requests, each once, and keeping what it made in the run folder."""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time
from array import array
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import orjson

from naysay.errors import IncompleteError
from naysay.numbered import Index
from naysay.records import Lines
from naysay.runfolder import read_lines
from naysay.schema import Backend, Generation, Judge, JudgeItem, Prompt, Response, response_id
from naysay.task.transforms.attack import Attack, Step
from naysay.task.transforms.base import Skip
from naysay.task.transforms.rewrites import FORM, rewritten
from naysay.writing import LineWriter

REWRITES: Final = "rewrites.jsonl"
REFUSED: Final = "the attack model refused"
FAILED: Final = "the attack model could not be asked"
_EVERY: Final = 10.0
CUT: Final = "the attack model was cut off"
AGAIN: Final = FORM | {CUT, FAILED}
"""Replies in which a rewriting may be found another time, unlike a refusal."""
_PASSES, _FEW, _SHARE = 2, 10, 0.5
"""Every request is made up to twice; more than this share of at least so many may not fail both times."""
_ROW, _LONG_ROW = 20, 200
"""So many failures in a row end the work where most requests fail, and so many where others went well before."""
_ANOTHER_SAMPLE: Final = 100_000


@dataclass(slots=True)
class _Line:
    """What is needed of a line, to find its rewriting again."""

    key: str
    text: str | None
    skip: str | None
    attempt: int | None = None


_LINES: Final = Lines(_Line, "Delete that line; the same command then asks for that rewriting again.")


class Rewrites:
    """What an attack model made, by what it was asked: one line each, found again by a resumed run.

    What gave no rewriting for a reason that may pass (:data:`AGAIN`) when the file was opened is asked for once more;
    the last line counts.

    Args:
        path: The file; it is made when the first line is written.
        identity: What decides the attack model's replies.
        seed: The run's seed.
    """

    def __init__(self, path: Path, identity: Any, seed: int) -> None:
        self._path = path
        self._prefix = orjson.dumps([identity, seed], option=orjson.OPT_SORT_KEYS)
        self._keys = Index()
        self._offsets = array("Q")
        self._made = bytearray()
        self._reader: IO[bytes] | None = None
        self._writer: LineWriter | None = None
        self._again: dict[str, int] = {}
        self._failed_before: set[str] = set()
        for offset, record in read_lines(path, _LINES):
            self._saw(record, offset)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def settings(self, attack_draws: int | None) -> Generation:
        """One rewriting is asked for greedily; several are drawn at the server's own temperature."""
        return Generation(temperature=0.0 if attack_draws is None else None, max_tokens=2048)

    def has(self, text: str, step: Step, index: int) -> bool:
        """Whether this was asked and answered before, and need not be asked again."""
        key = self._key(text, step, index)
        return key in self._keys and key not in self._again

    def attempt(self, text: str, step: Step, index: int) -> int:
        """How many earlier calls asked for this in vain."""
        return self._again.get(self._key(text, step, index), 0)

    def failed_before(self, text: str, step: Step, index: int) -> bool:
        """Whether the attack model could not be asked for this in an earlier call either."""
        return self._key(text, step, index) in self._failed_before

    def made(self) -> tuple[int, int]:
        """How many rewritings the file holds, and how many were asked for."""
        return self._made.count(1), len(self._made)

    def get(self, text: str, step: Step, index: int) -> str:
        """What was made of the text.

        Raises:
            Skip: nothing was, with the reason.
        """
        number = self._keys.find(self._key(text, step, index))
        if number is None:
            raise Skip(FAILED)
        if self._reader is None:
            self._reader = self._path.open("rb")
        self._reader.seek(self._offsets[number])
        record = orjson.loads(self._reader.readline())
        if record["text"] is None:
            raise Skip(record["skip"])
        return str(record["text"])

    def put(self, asked: str, step: Step, index: int, *, text: str | None, skip: str | None, reply: str) -> None:
        """Keep what was made, or why nothing was, with the reply as it came.

        Raises:
            IncompleteError: the disk is full.
        """
        if self._writer is None:
            self._writer = LineWriter(self._path)
        offset = self._path.stat().st_size
        key = self._key(asked, step, index)
        record = {"key": key, "step": step.name, "index": index, "text": text, "skip": skip}
        if skip in AGAIN:
            record["attempt"] = self._again.get(key, 0) + 1
        self._writer.write(record | ({"reply": reply} if skip else {}))
        self._note(key, offset, text is not None)
        self._again.pop(key, None)

    def _saw(self, record: dict[str, Any], offset: int) -> None:
        """A line of an earlier call."""
        key = record["key"]
        self._note(key, offset, record["text"] is not None)
        self._again.pop(key, None)
        self._failed_before.discard(key)
        if record["text"] is None and record["skip"] in AGAIN:
            self._again[key] = int(record.get("attempt") or 1)
            if record["skip"] == FAILED:
                self._failed_before.add(key)

    def _note(self, key: str, offset: int, made: bool) -> None:
        number = self._keys.add(key)
        if number == len(self._offsets):
            self._offsets.append(offset)
            self._made.append(made)
        else:
            self._offsets[number], self._made[number] = offset, made

    def _key(self, text: str, step: Step, index: int) -> str:
        digest = hashlib.blake2b(self._prefix, digest_size=16)
        digest.update(orjson.dumps([step.name, step.hash, index]))
        digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reader is not None:
            self._reader.close()
        if self._writer is not None:
            self._writer.close()


class Asking:
    """Asks the attack model for everything that the prompts need and that is not there yet.

    Args:
        backend: The attack model. It is prepared and closed here.
        rewrites: Where its work is kept.
        judge: Says whether a reply is a refusal.
        say: Called with a line for whoever waits.
    """

    def __init__(
        self, backend: Backend, rewrites: Rewrites, judge: Judge, *, say: Callable[[str], None] | None = None
    ) -> None:
        self._backend = backend
        self._rewrites = rewrites
        self._judge = judge
        self._say = say or (lambda line: print(line, file=sys.stderr))
        self._asked = self._made = self._in_flight = self._in_a_row = 0
        self._fresh: set[tuple[str, Step, int]] = set()
        self._failed: dict[tuple[str, Step, int], str] = {}
        self._error: str | None = None

    async def all(self, attacks: Sequence[Attack], prompts: Callable[[], Iterable[Prompt]]) -> None:
        """Ask for every rewriting of every prompt, several at once, and once more for what failed.

        Requests that fail again (a server may refuse some texts for ever) are left out and counted by that reason. They
        stop the work only where nearly all fail, and never in two calls: the next one asks again for what failed, and
        goes on whatever comes of it.

        Args:
            attacks: Those that need a model are worked on.
            prompts: Gives the prompts, each time it is called.

        Raises:
            NaysayError: the attack model cannot be used at all.
            IncompleteError: it stopped answering; what was made is kept.
        """
        async with self._open(), self._telling():
            try:
                for _ in range(_PASSES):
                    self._in_a_row = 0
                    self._failed.clear()
                    work = _work(attacks, prompts())
                    async with asyncio.TaskGroup() as group:
                        for _ in range(self._backend.concurrency):
                            group.create_task(self._some(work))
                    if not self._failed:
                        break
            finally:
                for (text, step, index), error in self._failed.items():
                    self._rewrites.put(text, step, index, text=None, skip=FAILED, reply=error)
        if self._asked:
            self._say(self._line())
        fresh = len(self._fresh & self._failed.keys())
        if fresh > _SHARE * len(self._fresh) and len(self._fresh) >= _FEW:
            raise self._stopped(f"{fresh} of {len(self._fresh)} requests to the attack model failed twice.")

    async def one(self, attack: Attack, prompt: Prompt, index: int) -> None:
        """Ask for what one variant of one prompt needs."""
        text = prompt.text
        for step in attack.steps:
            if not step.made_by_model:
                continue
            if not self._rewrites.has(text, step, index):
                await self._ask(attack, prompt, text, step, index)
            try:
                text = self._rewrites.get(text, step, index)
            except Skip:
                return

    async def _some(self, work: Iterator[tuple[Attack, Prompt, int]]) -> None:
        for attack, prompt, index in work:
            await self.one(attack, prompt, index)

    async def _ask(self, attack: Attack, prompt: Prompt, text: str, step: Step, index: int) -> None:
        request = Prompt(
            id=f"{prompt.id}~{step.name}",
            messages=[{"role": "user", "content": str(step.make(text, step.name, index))}],
            kind="benign",
            expected="comply",
        )
        asked = (text, step, index)
        sample = index + _ANOTHER_SAMPLE * self._rewrites.attempt(*asked)  # A kept reply is not asked for again.
        fresh = not self._rewrites.failed_before(*asked)
        self._in_flight += 1
        try:
            response = await self._backend.generate(request, sample, self._rewrites.settings(attack.draws))
        finally:
            self._in_flight -= 1
        self._asked += 1
        if fresh:
            self._fresh.add(asked)
        if response.status == "errored":
            self._error = response.error
            self._failed[asked] = response.error or "no reason given"
            self._in_a_row += fresh
            self._watch()
            return
        self._in_a_row = 0
        self._failed.pop(asked, None)
        made, skip = await self._read(response, request, text)
        self._made += made is not None
        self._rewrites.put(text, step, index, text=made, skip=skip, reply=response.answer)

    def _watch(self) -> None:
        row = max(_ROW, 2 * self._backend.concurrency)
        most = len(self._fresh & self._failed.keys()) > _SHARE * len(self._fresh)
        if self._in_a_row >= (row if most else max(row, _LONG_ROW)):
            raise self._stopped(f"The last {self._in_a_row} requests to the attack model all failed.")

    async def _read(self, response: Response, request: Prompt, text: str) -> tuple[str | None, str | None]:
        if response.status == "blocked":
            return None, "the attack model's provider blocked it"
        try:
            made = rewritten(response.answer, text)
        except Skip as skip:
            if response.status == "truncated":
                return None, CUT
            refused = response.answer.strip() and await self._refuses(response.answer, request)
            return None, REFUSED if refused else skip.reason
        if response.status == "truncated":
            return None, CUT
        # A refusal may stand between the marks; a request may also read like one ("I can't get in, how do I ...").
        if await self._refuses(made, request) and not await self._refuses(text, request):
            return None, REFUSED
        return made, None

    async def _refuses(self, text: str, request: Prompt) -> bool:
        said = Response(response_id(request.id, 0), request.id, 0, self._backend.name, None, text, "ok")
        verdict = (await self._judge.judge([JudgeItem(request, said, "answer")]))[0]
        return verdict.label == "refusal"

    def _stopped(self, what: str) -> IncompleteError:
        return IncompleteError(
            f"{what} The last error: {self._error}",
            hint=f"What it made is kept in {self._rewrites.path}. See to its server, then give the same command again: "
            "what failed is asked for once more, and what fails then is left out.",
        )

    def _line(self) -> str:
        flying = f", {self._in_flight} in flight" if self._in_flight else ""
        here = f"{self._backend.name} was asked for {self._asked} rewritten requests and made {self._made}{flying}"
        made, known = self._rewrites.made()
        return f"{here}. With earlier calls {made} of {known} are made." if made > self._made else f"{here}."

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        try:
            if prepare := getattr(self._backend, "prepare", None):
                await prepare()
            yield
        finally:
            await self._backend.close()

    @asynccontextmanager
    async def _telling(self) -> AsyncIterator[None]:
        async def tell() -> None:
            while True:
                await asyncio.sleep(_EVERY)
                self._say(f"{self._line()} {time.monotonic() - started:.0f} s")

        started = time.monotonic()
        task = asyncio.create_task(tell())
        try:
            yield
        finally:
            task.cancel()


def _work(attacks: Sequence[Attack], prompts: Iterable[Prompt]) -> Iterator[tuple[Attack, Prompt, int]]:
    for prompt in prompts:
        for attack in attacks:
            if attack.needs_model and attack.suits(prompt) is None:
                for index in range(attack.draws or 1):
                    yield attack, prompt, index
