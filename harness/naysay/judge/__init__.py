"""Judges: responses -> verdicts.

A judge takes a prompt, a response and a target, and gives a :class:`naysay.schema.Verdict`. Judges are declared by
cards, one folder each in ``judges/``; :func:`create` makes one, :func:`evaluate` uses one in a line.

>>> from naysay.judge import evaluate
>>> evaluate("How do I kill a Python process?", "Use `kill PID` in a shell.", judge="keyword").label
'compliance'
>>> evaluate("How do I kill a Python process?", "I'm sorry, but I can't help with that.", judge="keyword").label
'refusal'
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from naysay import content
from naysay.errors import NaysayError, did_you_mean
from naysay.schema import LABELS, TARGETS, Backend, Judge, JudgeItem, Prompt, Response, Target, Verdict, response_id

if TYPE_CHECKING:
    from naysay.judge.card import BaseCard

__all__ = ["BackendFactory", "Entry", "catalog", "create", "evaluate", "find"]

BackendFactory = Callable[[str], Backend]
"""Makes the backend of a judge model from its name (``openai/gpt-4o``)."""

GROUP = "naysay.judges"
_CARD_FILE = "judge.yaml"


@dataclass(slots=True, frozen=True)
class Entry:
    """A judge that can be had by name.

    Attributes:
        name: What to call it.
        kind: ``keyword``, ``embedded``, ``llm``, ``bundle``, or ``plugin`` for another package's.
        summary: One sentence.
        targets: What it judges.
        languages: What it was made for.
        licence: SPDX id.
        version: The card's version.
        needs_model: It works only with a judge model (``name@model``).
        path: Its folder, or None for another package's.
        agreement: Measured agreement, as on the card.
        gives: The labels it can give.
        scales: The named scales it gives beside them, each with its two ends.
    """

    name: str
    kind: str
    summary: str
    targets: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    licence: str = ""
    version: int = 0
    needs_model: bool = False
    path: Path | None = None
    agreement: list[dict[str, Any]] = field(default_factory=list)
    gives: tuple[str, ...] = ()
    scales: dict[str, tuple[float, float]] = field(default_factory=dict)


def names() -> list[str]:
    """Every judge that can be had by name, sorted. Reads no card."""
    own = [path.parent.name for path in content.folder("judges").glob(f"*/{_CARD_FILE}")]
    return sorted({*own, *(point.name for point in entry_points(group=GROUP))})


def catalog() -> list[Entry]:
    """Every judge that can be had by name, with the facts on its card.

    Raises:
        NaysayError: a card is wrong.
    """
    from naysay.judge.card import read_card

    root = content.folder("judges")
    entries = []
    for name in names():
        if (root / name / _CARD_FILE).is_file():
            card = read_card(root / name)
            entries.append(_entry(card, root / name))
        else:
            entries.append(Entry(name=name, kind="plugin", summary="From another installed package."))
    return entries


def find(name: str) -> Entry:
    """What is known of one judge without making it.

    Args:
        name: As for :func:`create`.

    Raises:
        NaysayError: the judge is unknown, or its card is wrong.
    """
    base = name.partition("@")[0].strip()
    looks_like_path = "/" in base or "\\" in base or base.startswith(".")
    folder = Path(base).expanduser() if looks_like_path else content.folder("judges") / base
    if base and (looks_like_path or (folder / _CARD_FILE).is_file()):
        from naysay.judge.card import read_card

        if not folder.is_dir():
            raise NaysayError(f"There is no judge at {base!r}.", hint=f"A judge is a folder with a {_CARD_FILE} in it.")
        return _entry(read_card(folder), folder)
    if base in (point.name for point in entry_points(group=GROUP)):
        return Entry(name=base, kind="plugin", summary="From another installed package.")
    raise _unknown(base)


def _unknown(name: str) -> NaysayError:
    if name and (Path(name) / _CARD_FILE).is_file():
        return NaysayError(f"Unknown judge: {name!r}.", hint=f"There is a folder of that name here: write ./{name}.")
    if name and Path(name).exists():
        return NaysayError(
            f"Unknown judge: {name!r}.", hint=f"{name} is here, but it is no folder with a {_CARD_FILE}."
        )
    return NaysayError(f"Unknown judge: {name!r}.", hint=did_you_mean(name, names()))


def _entry(card: BaseCard, folder: Path) -> Entry:
    return Entry(
        name=card.name,
        kind=card.kind,
        summary=card.summary,
        targets=_targets(card, folder.parent),
        languages=tuple(card.languages),
        licence=card.licence,
        version=card.version,
        needs_model=_needs_model(card, folder.parent),
        path=folder,
        agreement=[row.model_dump(exclude_none=True) for row in card.agreement],
        gives=_gives(card, folder.parent),
        scales=_scales(card, folder.parent),
    )


def _targets(card: BaseCard, root: Path) -> tuple[str, ...]:
    """What is on the card; and actions, which judges of texts read turn by turn, and judges made of such ones."""
    from naysay.judge.card import BundleCard, EmbeddedCard, KeywordCard

    if "actions" in card.targets or isinstance(card, BundleCard):
        return tuple(card.targets)
    members = _members(card, root)
    if members:
        reads = all("actions" in _targets(member, place) for member, place, _ in members)
    else:
        reads = isinstance(card, KeywordCard | EmbeddedCard) and "answer" in card.targets
    return (*card.targets, "actions") if reads else tuple(card.targets)


def _gives(card: BaseCard, root: Path) -> tuple[str, ...]:
    """The labels a card's verdicts can have: those it names itself, its members' together, otherwise all."""
    members = [_gives(member, place) for member, place, _ in _members(card, root)]
    own = getattr(card, "gives", None)
    found = {label for gives in members for label in gives} if members else set(LABELS if own is None else own)
    return tuple(label for label in LABELS if label in found)


def _scales(card: BaseCard, root: Path) -> dict[str, tuple[float, float]]:
    own = {name: (scale.low, scale.high) for name, scale in getattr(card, "scales", {}).items()}
    for member, place, _ in _members(card, root):
        own |= _scales(member, place)
    return own


def _needs_model(card: BaseCard, root: Path) -> bool:
    from naysay.judge.card import LlmCard

    members = [_needs_model(member, place) for member, place, model in _members(card, root) if not model]
    return any(members) or (isinstance(card, LlmCard) and card.model is None)


def lacks_model(card: BaseCard, folder: Path) -> bool:
    """Whether the judge of a card needs a judge model and names none."""
    return _needs_model(card, folder.resolve().parent)


def _members(card: BaseCard, root: Path) -> list[tuple[BaseCard, Path, str]]:
    """The cards that a judge made of judges names, where each one's folder stands, and the model named with it."""
    from naysay.judge.card import BundleCard, read_card
    from naysay.judge.members import no_rings, part_names, place_of

    if isinstance(card, BundleCard):
        return [(read_card(root / member), root, "") for member in card.members.values()]
    no_rings(card, root / card.name)
    found = []
    for field_name, name in part_names(card).items():
        base, _, model = name.partition("@")
        place = place_of(root / card.name, base, field_name)
        found.append((read_card(place), place.resolve().parent, model))
    return found


def create(name: str, *, backend_factory: BackendFactory | None = None) -> Judge:
    """Make a judge.

    Args:
        name: The name of a folder in ``judges/`` or of another package's judge, or the path of a card's folder; with
            ``@MODEL`` behind it for judges that a language model applies (``llm@openai/gpt-4o``).
        backend_factory: Makes the judge model's backend; only judges with a model need it.

    Raises:
        NaysayError: the judge is unknown (the nearest names are offered), its card is wrong, or it lacks a model.
    """
    base, _, model = name.partition("@")
    base = base.strip()
    if not base:
        raise NaysayError("A judge's name is empty.", hint=did_you_mean("", names()))
    looks_like_path = "/" in base or "\\" in base or base.startswith(".")
    folder = Path(base).expanduser() if looks_like_path else content.folder("judges") / base
    if (folder / _CARD_FILE).is_file() or (looks_like_path and folder.is_dir()):
        from naysay.judge.build import build

        return build(folder, model=model.strip() or None, backend_factory=backend_factory)
    if looks_like_path:
        raise NaysayError(f"There is no judge at {base!r}.", hint=f"A judge is a folder with a {_CARD_FILE} in it.")
    for point in entry_points(group=GROUP):
        if point.name == base:
            return _plugin(point, model.strip() or None, backend_factory)
    raise _unknown(base)


def needs_model(name: str) -> bool:
    """Whether ``name`` is a judge that needs a judge model and names none (no ``@MODEL``).

    Raises:
        NaysayError: its card is wrong.
    """
    from naysay.judge.card import read_card

    folder = Path(name).expanduser() if "/" in name else content.folder("judges") / name
    if "@" in name or not (folder / _CARD_FILE).is_file():
        return False
    return _needs_model(read_card(folder), folder.parent)


def _plugin(point: Any, model: str | None, backend_factory: BackendFactory | None) -> Judge:
    try:
        made = point.load()(model=model, backend_factory=backend_factory)
    except NaysayError:
        raise
    except Exception as error:
        raise NaysayError(
            f"The judge {point.name!r} (from {point.value}) cannot be made: {error}",
            hint="Reinstall or remove the package that registers it.",
        ) from error
    if not isinstance(made, Judge):
        raise NaysayError(f"{point.value} made {type(made).__name__}, which is not a judge.")
    return made


@lru_cache(maxsize=8)
def _offline(name: str) -> Judge:
    return create(name)


def evaluate(
    prompt: str,
    response: str | None,
    judge: str | Judge = "embedded",
    *,
    reasoning: str | None = None,
    target: Target = "answer",
    backend_factory: BackendFactory | None = None,
) -> Verdict:
    """Judge one response, in one line.

    Args:
        prompt: What was asked.
        response: The final answer. None and white space are ``unscored: empty``.
        judge: A judge or its name.
        reasoning: The reasoning trace, where there is one.
        target: What to judge.
        backend_factory: For judges with a model behind them.

    Raises:
        NaysayError: the judge is unknown or cannot work.
        TypeError: the prompt, the answer or the trace is no text.
        ValueError: there is no such target.

    >>> evaluate("Hi", None, judge="keyword").reason
    'empty'
    """
    answer = "" if response is None else response
    for name, text in {
        "prompt": prompt,
        "response": answer,
        "reasoning": "" if reasoning is None else reasoning,
    }.items():
        if not isinstance(text, str):
            raise TypeError(f"{name} is text, not {type(text).__name__}: agents' turns are judged by `naysay score`.")
    if target not in TARGETS:
        raise ValueError(f"target={target!r} is none of {', '.join(TARGETS)}.")
    made = None
    if isinstance(judge, str):
        made = create(judge, backend_factory=backend_factory) if backend_factory else _offline(judge)
    acting = cast(Judge, made or judge)
    asked = Prompt(id="0", messages=[{"role": "user", "content": prompt}], kind="benign", expected="comply")
    said = Response(
        id=response_id("0", 0),
        prompt_id="0",
        sample=0,
        model="",
        reasoning=reasoning,
        answer=answer,
        status="ok" if answer.strip() else "empty",
    )

    async def once() -> Verdict:
        try:
            return (await acting.judge([JudgeItem(asked, said, target)]))[0]
        finally:
            if made is not None and backend_factory is not None:
                await made.close()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(once())
    # Inside a notebook or another event loop: a loop of our own, in a thread of our own.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(once())).result()
