"""From a spec to a planned run folder: who answers, what is asked, who decides, and whether the folder fits.

Everything that can be wrong is found here, before a single request is made.
"""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

import naysay
from naysay.errors import NaysayError
from naysay.numbered import Index
from naysay.run.agents import Agents, checked, plan_agents, with_actions
from naysay.run.attacks import Attacks, plan_attacks
from naysay.run.cache import CachedBackend, ResponseCache
from naysay.run.rewrites import REWRITES
from naysay.run.spec import RunSpec
from naysay.runfolder import OVERLAP, PROMPTS, RunFolder
from naysay.schema import Backend, Judge, Prompt
from naysay.writing import cannot_write, to_line

_OURS = {PROMPTS, OVERLAP, REWRITES, ".lock"}
"""What a folder may hold when planning was cut short."""


@dataclass
class Plan:
    """A run that is ready to be done.

    Attributes:
        identity: Everything that decides the results; its hash names the run.
        about: More for the manifest: the cards' and judges' full descriptions.
        prompts: The prompts, streamed.
        overlap: The lines of ``overlap.jsonl``, where several cards are asked.
        agents: The tool loop, where behaviours act.
        attacks: What makes variants of the prompts, where something does.
    """

    spec: RunSpec
    backend: Backend
    judges: list[Judge]
    identity: dict[str, Any]
    about: dict[str, Any]
    prompts: Callable[[], Iterable[Prompt]]
    count: int
    overlap: Callable[[], Iterable[bytes]] | None = None
    agents: Agents | None = None
    attacks: Attacks | None = None

    @property
    def hash(self) -> str:
        """SHA-256 of the identity."""
        return identity_hash(self.identity)

    @property
    def out(self) -> Path:
        """``--out``, or ``runs/<model>-<tasks>-<hash>``: the same command finds its folder again."""
        if self.spec.out:
            return self.spec.out
        words = [self.spec.model.rsplit("/", 1)[-1], "+".join(self.spec.tasks)]
        slug = "-".join(
            re.sub(r"[^A-Za-z0-9.+_]+", "-", Path(w).stem if "/" in w else w).strip("-.")[:40] for w in words
        )
        return Path("runs") / f"{slug}-{self.hash[:8]}"


def make_plan(spec: RunSpec, cache: ResponseCache | None) -> Plan:
    """Find the cards, load their rows, and make the backend and the judges.

    Raises:
        NaysayError: a card, a data set, the model or a judge is unknown or not to be had.
    """
    from naysay import model, task

    backend: Backend = model.create(spec.model, base_url=spec.base_url, args=spec.model_arg)
    attacks = plan_attacks(spec, cache)
    judges = make_judges(spec, cache)
    loaded = task.load(spec.tasks, data=spec.data, limit=spec.limit, seed=spec.seed, allow_missing=spec.allow_missing)
    cards = [_plain(card) for card in loaded.cards]
    acting = any(card["kinds"].get("agentic") for card in cards)
    agents = plan_agents(spec, loaded.prompts() if acting else (), acting=acting)
    spec = with_actions(spec, agents)
    identity = {
        "model": backend.identity(),
        "tasks": {card["name"]: {key: card[key] for key in ("hash", "fingerprint")} for card in cards},
        "judges": {j.name: j.hash for j in judges},
        "targets": sorted(spec.targets),
        "samples": spec.samples,
        "limit": spec.limit,
        "generation": asdict(spec.generation),
    }
    about: dict[str, Any] = {"tasks": cards, "judges": [j.describe() for j in judges]}
    if loaded.suites:
        identity["suites"] = {suite.name: suite.identity for suite in loaded.suites}
        about["suites"] = [suite.as_dict() for suite in loaded.suites]
    if attacks is not None:
        identity["attack"] = attacks.identity
        about["attacks"] = attacks.about
    overlap = loaded.overlap()
    if overlap is not None:
        about["overlap"] = overlap.as_dict()
    if cache is not None and getattr(backend, "cacheable", True):
        backend = CachedBackend(backend, cache)
    if agents is not None:
        identity["agent"] = agents.identity
        backend = agents.around(backend)  # Outside of the cache, so that every turn is kept in it.
    count = sum(card["rows"] for card in cards)
    lines = overlap.lines if overlap else None
    return Plan(spec, backend, judges, identity, about, loaded.prompts, count, lines, agents, attacks)


def make_judges(spec: RunSpec, cache: ResponseCache | None) -> list[Judge]:
    """The judges a spec names. Their own model's replies go through the response cache, too.

    Raises:
        NaysayError: a judge is unknown, or is a rubric and no judge model is named.
    """
    from naysay import judge, model

    def judge_backend(name: str) -> Backend:
        backend: Backend = model.create(name, base_url=spec.judge_base_url)
        # A reply that could not be read is kept like any other: it must not come back where it is asked for again.
        return CachedBackend(backend, cache, fresh=spec.retry_unparsable) if cache is not None else backend

    made = []
    for name in spec.judge:
        lacks = spec.judge_model and judge.needs_model(name)
        made.append(judge.create(f"{name}@{spec.judge_model}" if lacks else name, backend_factory=judge_backend))
    if len({j.hash for j in made}) != len(made):
        raise NaysayError("Two of the judges are the same.", hint="Name each judge once with --judge.")
    return made


def settle_folder(folder: RunFolder, identity: Mapping[str, Any]) -> bool:
    """Whether the folder holds this very run already (True), or is free for it (False).

    Raises:
        NaysayError: it holds another run (the difference is shown), this one without all its prompts, or things that
            are no run.
    """
    if folder.exists():
        if folder.manifest.get("identity") == identity_hash(identity):
            folder.check_prompts()
            return True
        before, now = _flat(folder.manifest.get("settings", {})), _flat(identity)
        changed = [
            f"  {key}: {before.get(key, 'not set')} -> {now.get(key, 'not set')}"
            for key in sorted({*before, *now})
            if before.get(key) != now.get(key)
        ]
        raise NaysayError(
            f"{folder.path} holds a run with other settings (there -> here):\n" + "\n".join(changed),
            hint="Give the settings it was made with to go on, or another --out.",
        )
    if folder.path.is_file():
        raise NaysayError(f"{folder.path} is a file, not a folder.", hint="Choose another --out.")
    if folder.path.is_dir():
        strange = sorted(p.name for p in folder.path.iterdir() if p.name not in _OURS and not p.name.endswith(".tmp"))
        if strange:
            raise NaysayError(
                f"{folder.path} is not empty and holds no run ({', '.join(strange[:3])}, ...).",
                hint="Choose a new or an empty folder with --out.",
            )
    return False


def write_plan(
    folder: RunFolder,
    identity: Mapping[str, Any],
    prompts: Iterable[Prompt],
    extra: dict[str, Any],
    overlap: Iterable[bytes] | None = None,
) -> None:
    """Write the prompts, then the manifest: a folder with a manifest has all its prompts.

    Args:
        overlap: The lines of ``overlap.jsonl``, where there is one.

    Raises:
        NaysayError: the folder cannot be written.
    """
    path = folder.path / PROMPTS
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("wb") as file:
            count = 0
            for line in _unique(checked(prompts)):
                file.write(line)
                count += 1
        temporary.replace(path)
        if overlap is not None:
            with (folder.path / OVERLAP).open("wb") as file:
                file.writelines(overlap)
    except OSError as error:
        raise cannot_write(path, error) from error
    folder.write_manifest(
        {
            "naysay": naysay.__version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "status": "incomplete",
            "identity": identity_hash(identity),
            "settings": identity,
            "prompts": count,
            **extra,
            "environment": environment(),
        }
    )


def environment() -> dict[str, Any]:
    """Versions of what made the run."""
    from importlib.metadata import PackageNotFoundError, version

    packages = {}
    for name in ("openai", "anthropic", "lm-eval", "datasets", "transformers", "torch", "scikit-learn"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}", **packages}


def identity_hash(identity: Mapping[str, Any]) -> str:
    """SHA-256 over the sorted JSON of an identity."""
    return hashlib.sha256(orjson.dumps(identity, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _unique(prompts: Iterable[Prompt]) -> Iterator[bytes]:
    seen = Index()
    for prompt in prompts:
        before = len(seen)
        if seen.add(prompt.id) < before:
            raise NaysayError(f"The prompt id {prompt.id!r} occurs twice.", hint="Ids must be unique within a run.")
        yield to_line(prompt)


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, Mapping) and value:
        return {k: v for key, field in value.items() for k, v in _flat(field, f"{prefix}{key}.").items()}
    return {prefix.rstrip("."): value}


def _plain(card: Any) -> dict[str, Any]:
    return asdict(card) if hasattr(card, "__dataclass_fields__") else dict(card)
