"""What is on a judge's card, for reading."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from naysay.errors import NaysayError
from naysay.judge import BackendFactory, create, find
from naysay.schema import Generation, Prompt, Response


class _NoModel:
    """Stands where a judge model would, for looking at a rubric."""

    concurrency = 1

    def __init__(self, name: str) -> None:
        self.name = name

    def identity(self) -> dict[str, Any]:
        return {}

    async def generate(self, prompt: Prompt, sample: int, settings: Generation) -> Response:
        raise NaysayError("No judge model is named.")

    async def close(self) -> None: ...


def describe(name: str, *, backend_factory: BackendFactory | None = None) -> dict[str, Any]:
    """Everything on a judge's card, and what the judge says of itself.

    Args:
        name: As for :func:`naysay.judge.create`. A judge that needs a model is described without one: its hash depends
            on the model, and is None.
        backend_factory: Makes the judge model's backend, for ``name@model``.

    Returns:
        JSON-able: the card's fields; ``hash``, ``algorithm`` and ``needs`` of the judge; ``folder``; ``no_hash``, why
        there is no hash.

    Raises:
        NaysayError: the judge is unknown, its card or a template on it is wrong, or it takes no model.
    """
    entry = find(name)
    facts: dict[str, Any] = asdict(entry)
    facts["folder"] = str(facts.pop("path") or "")
    if entry.path is not None:
        from naysay.judge.card import read_card

        facts |= read_card(entry.path).model_dump(mode="json", exclude_none=True)
    facts |= {"hash": None, "algorithm": None, "needs": ["model"] if entry.needs_model else [], "no_hash": ""}
    if entry.kind == "stance":
        facts["needs"] = ["model"]
        facts["no_hash"] = f"it reads sentences of traces: naysay trace RUN --judge-stance {name}@MODEL"
        return facts
    if entry.needs_model and "@" not in name:
        if entry.kind in ("llm", "bundle"):
            create(f"{name}@none", backend_factory=_NoModel)  # Renders the messages.
        facts["no_hash"] = f"depends on the judge model: naysay judges show {name}@MODEL"
        return facts
    if entry.kind in ("keyword", "embedded") and "@" in name:
        create(name)  # Says that it takes no model.
    try:
        judge = create(name, backend_factory=backend_factory)
    except NaysayError as error:
        # A card can be read where the judge cannot work: its weights or its model are missing here.
        facts["no_hash"] = error.message
        return facts
    made = judge.describe()
    facts |= {"name": entry.name, "hash": judge.hash, "algorithm": made.get("algorithm"), "needs": list(judge.needs)}
    facts["targets"] = list(judge.targets)
    return facts
