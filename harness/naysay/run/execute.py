"""Doing a planned run: the folder is locked, the engine works, Ctrl-C and errors leave a folder that can go on."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from naysay.errors import IncompleteError
from naysay.run.agents import verdicts_due
from naysay.run.cache import ResponseCache, cache_folder
from naysay.run.engine import Engine
from naysay.run.plan import Plan, make_plan, settle_folder, write_plan
from naysay.run.progress import Counts, Display, stderr_console
from naysay.run.spec import RunSpec
from naysay.runfolder import PROMPTS, PromptFile, RunFolder
from naysay.schema import Backend, Generation, Judge, Prompt, Response, Target


@dataclass
class Outcome:
    """How a run ended.

    Attributes:
        folder: Where it is.
        counts: What was done.
        already_complete: There was nothing to do.
        judges: Hashes of the judges that were asked for.
    """

    folder: RunFolder
    counts: Counts
    already_complete: bool = False
    judges: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Every response is there and every verdict is settled."""
        return self.already_complete or (
            self.counts.responses >= self.counts.total_responses and self.counts.verdicts >= self.counts.total_verdicts
        )


def execute(spec: RunSpec) -> Outcome:
    """Do what the spec says; go on where an earlier process stopped.

    Raises:
        NaysayError: wrong use; nothing was changed.
        IncompleteError: interrupted, or the server stopped answering; the same command goes on.
    """
    cache = ResponseCache(cache_folder()) if spec.cache else None
    try:
        plan = make_plan(spec, cache)
        folder = RunFolder(plan.out)
        settle_folder(folder, plan.identity)  # Say what is wrong before a folder is made.
        with folder.locked():
            return _execute_locked(plan, folder)
    finally:
        if cache is not None:
            cache.close()


def _execute_locked(plan: Plan, folder: RunFolder) -> Outcome:
    planned = settle_folder(folder, plan.identity)
    asking = folder.manifest.get("prompts", plan.count) if planned else plan.count
    total = asking * plan.spec.samples
    counts = Counts(total_responses=total, total_verdicts=_verdicts_due(plan, folder, total))
    if planned and not plan.spec.retry_unparsable and is_whole(folder, counts, plan.judges):
        return Outcome(folder, counts, already_complete=True, judges=tuple(j.hash for j in plan.judges))
    asked = plan.spec.model_dump(mode="json", exclude={"cache", "retry_unparsable"})
    extra = {"spec": asked, "model": plan.identity["model"], **plan.about}

    async def write() -> None:
        if not planned:
            prompts = plan.prompts()
            if plan.attacks is not None:
                await plan.attacks.ask(folder.path, plan.prompts)
                prompts = plan.attacks.applied(plan.prompts(), folder.path)
            write_plan(folder, plan.identity, prompts, extra, plan.overlap() if plan.overlap else None)
            counts.total_responses = folder.manifest["prompts"] * plan.spec.samples
            counts.total_verdicts = _verdicts_due(plan, folder, counts.total_responses)

    if planned and (remember := getattr(plan.backend, "remember", None)):
        _keep_in_cache(folder, remember, plan.spec.generation)
    return work(
        folder,
        backend=plan.backend,
        judges=plan.judges,
        targets=plan.spec.targets,
        samples=plan.spec.samples,
        settings=plan.spec.generation,
        concurrency=plan.spec.concurrency,
        counts=counts,
        before=write,
        again=plan.spec.again,
    )


def is_whole(folder: RunFolder, counts: Counts, judges: Sequence[Judge]) -> bool:
    """Whether a run was completed and nothing of it was lost since: a line that is gone is made again."""
    if folder.manifest.get("status") != "complete":
        return False
    responses, verdicts = folder.held({judge.hash for judge in judges})
    return responses >= counts.total_responses and verdicts >= counts.total_verdicts


def _verdicts_due(plan: Plan, folder: RunFolder, total: int) -> int:
    acting = sum(bool(p.meta.get("environment")) for p in folder.prompts()) if plan.agents else 0
    return verdicts_due(plan.spec.targets, len(plan.judges), total, acting * plan.spec.samples)


def _keep_in_cache(
    folder: RunFolder, remember: Callable[[Prompt, Generation, Response], None], settings: Generation
) -> None:
    """A process that was killed wrote its last responses here and not into the cache."""
    with PromptFile(folder.path / PROMPTS) as prompts:
        for response in folder.responses():
            if response.prompt_id in prompts:
                remember(prompts[response.prompt_id], settings, response)


def work(
    folder: RunFolder,
    *,
    backend: Backend | None,
    judges: Sequence[Judge],
    targets: Sequence[Target],
    samples: int,
    settings: Generation,
    concurrency: int | None,
    counts: Counts,
    before: Callable[[], Awaitable[None]] | None = None,
    again: Sequence[str] = (),
) -> Outcome:
    """Run the engine on a locked folder until it is complete or interrupted, and write down how it ended.

    Args:
        before: Called when the backend has been found to be usable, before anything is generated.
        again: Reasons after which an earlier verdict is made again, beside errors.
    """
    engine = Engine(
        folder,
        backend=backend,
        judges=judges,
        targets=targets,
        samples=samples,
        settings=settings,
        concurrency=concurrency,
        counts=counts,
        again=again,
    )
    limits = [getattr(getattr(judge, "backend", None), "time_limit", None) for judge in judges]
    counts.judge_limit = max((limit for limit in limits if limit is not None), default=None)
    engine.survey()  # Before anything slow, so that an interruption can say where things stand.

    async def session() -> None:
        task = asyncio.current_task()
        if task is not None:
            with contextlib.suppress(NotImplementedError):  # Windows has no such handlers.
                asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        try:
            for part in ([backend] if backend else []) + list(judges):
                if prepare := getattr(part, "prepare", None):
                    await prepare()
            if before:
                await before()
            async with Display(counts, stderr_console()):
                await engine.run()
        finally:
            for part in ([backend] if backend else []) + list(judges):
                await part.close()

    try:
        asyncio.run(session())
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise IncompleteError(
            f"Stopped with {counts.responses} of {counts.total_responses} responses and "
            f"{counts.verdicts} of {counts.total_verdicts} verdicts in {folder.path}.",
            hint="Nothing written is lost. Give the same command again to go on.",
        ) from None
    outcome = Outcome(folder, counts, judges=tuple(judge.hash for judge in judges))
    finished = {
        "responses": counts.responses,
        "verdicts": counts.verdicts,
        "from_cache": counts.cached,
        "seconds": round(time.monotonic() - counts.started, 3),
    }
    status = "complete" if outcome.complete else "incomplete"
    folder.write_manifest({**folder.manifest, "status": status, "counts": finished})
    return outcome
