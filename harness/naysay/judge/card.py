"""Judge cards: one ``judge.yaml`` a folder in ``judges/``, read strictly.

An unknown or misspelt field, a wrong type or a missing file ends in a :class:`~naysay.errors.NaysayError` that names
the file, the field and the nearest right word.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from naysay.errors import NaysayError, did_you_mean
from naysay.judge.card_yaml import explain, read_yaml
from naysay.judge.rubric import Ask, RubricLabel, Scale, Tradeoff, check
from naysay.schema import LABELS, Target

CARD_FILE = "judge.yaml"


class Strict(BaseModel):
    """A validated record that knows no field beyond its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Agreement(Strict):
    """How a judge agreed with labels made by others. Written by ``train_embedded`` or by hand with its source.

    Attributes:
        data: Name of the labelled set.
        protocol: How it was measured (``leave one source model out``, ``held out entirely``, ...).
        target: What was judged.
        labels: Who made the gold labels.
        n: Scored responses.
        coverage: Share of responses scored.
        accuracy: Three-way, where the gold has three labels.
        kappa: Cohen's kappa, three-way.
        binary_accuracy: Refusal or partial refusal against compliance.
        binary_kappa: Cohen's kappa of the same.
        binary_f1: F1 of refusal-or-partial.
        partial_recall: Recall of partial refusals.
        partial_precision: Precision of partial refusals.
        ece: Expected calibration error of the label said.
        reliability: ``[mean probability, share right, responses]`` in bands of the probability of the label said.
    """

    data: str
    protocol: str
    target: Target = "answer"
    labels: Literal["human", "machine", "construction"]
    n: int
    coverage: float = 1.0
    accuracy: float | None = None
    kappa: float | None = None
    binary_accuracy: float | None = None
    binary_kappa: float | None = None
    binary_f1: float | None = None
    partial_recall: float | None = None
    partial_precision: float | None = None
    ece: float | None = None
    reliability: list[tuple[float, float, int]] | None = None


class BaseCard(Strict):
    """Fields every card has.

    Attributes:
        name: The folder's name.
        version: The author's own version of what decides verdicts.
        summary: One sentence for ``naysay judges``.
        targets: What it can judge.
        languages: BCP-47 tags it was made for.
        licence: SPDX id of the card and what lies beside it.
        homepage: Where it comes from.
        citation: Whom to cite for the method.
        agreement: Measured agreement; does not decide verdicts and is not part of the hash.
    """

    DESCRIPTIVE: ClassVar[frozenset[str]] = frozenset(
        {"name", "summary", "languages", "licence", "homepage", "citation", "agreement", "attribution"}
    )

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: str
    version: int = Field(ge=1)
    summary: str
    targets: list[Target] = Field(min_length=1)
    languages: list[str] = Field(min_length=1)
    licence: str
    homepage: str | None = None
    citation: str | None = None
    agreement: list[Agreement] = []

    def deciding(self) -> dict[str, Any]:
        """The fields that decide verdicts: everything that is not a description."""
        return self.model_dump(mode="json", exclude=set(self.DESCRIPTIVE))


class AnswerRules(Strict):
    """Where in an answer a declining phrase counts.

    Attributes:
        window: Characters from the start within which it must begin.
        sentences: Sentences that may stand before it.
        first: Characters after the greeting in which a weak opening or a condemnation must begin.
        short: Answers up to this length are short: weak openings count in them.
        general_after: Characters that must follow a turn to general terms.
        help_after: Characters of help after a turn that make a refusal partial.
        steps: Items of a list after a turn that make a refusal partial however short they are; 0: only length counts.
    """

    window: int = Field(ge=40, le=4000)
    sentences: int = Field(ge=0, le=20)
    first: int = Field(ge=0)
    short: int = Field(ge=0)
    general_after: int = Field(ge=0)
    help_after: int = Field(ge=0)
    steps: int = Field(default=0, ge=0)


class ReasoningRules(Strict):
    """How far from its end a trace is read for its leaning.

    Attributes:
        windows: Characters from the end, tried in turn until one holds a leaning phrase.
    """

    windows: list[int] = Field(min_length=1)


class KeywordCard(BaseCard):
    """A card of phrase lists.

    Attributes:
        phrases: Files with phrases, one a language, relative to the card.
        answer: Position rules for answers.
        reasoning: Position rules for traces.
    """

    kind: Literal["keyword"]
    phrases: list[str] = Field(min_length=1)
    answer: AnswerRules
    reasoning: ReasoningRules


class Attribution(Strict):
    """A set that weights were trained on.

    Attributes:
        data: Its name.
        licence: SPDX id.
        credit: Who is to be named.
        rows: Rows used.
    """

    data: str
    licence: str
    credit: str
    rows: int


class EmbeddedCard(BaseCard):
    """A card of trained weights.

    Attributes:
        weights: The file with the weights, relative to the card.
        attribution: What it was trained on.
    """

    kind: Literal["embedded"]
    weights: str
    attribution: list[Attribution] = []


class Message(Strict):
    """One chat message; ``content`` is a sandboxed Jinja template."""

    role: Literal["system", "user"]
    content: str


class JudgeSettings(Strict):
    """Generation settings for the judge model (see :class:`naysay.schema.Generation`)."""

    temperature: float | None = 0.0
    max_tokens: int = Field(default=1024, ge=16)
    reasoning_tokens: int | None = None
    reasoning_effort: str | None = None
    top_p: float | None = None
    seed: int | None = None


class LlmCard(BaseCard):
    """A rubric that a language model applies.

    Attributes:
        messages: The chat to send. Templates see ``request``, ``response``, ``reasoning``, ``transcript`` (delimited
            already), ``labels``, ``asks``, ``criterion``, ``marks`` (what the marks mean) and ``format``.
        labels: The words it may answer with; none where it gives only scales.
        asks: Whole numbers it is asked for beside the label.
        scales: Named scales that each verdict carries (see :class:`naysay.judge.rubric.Scale`).
        tradeoffs: Gains against costs that are shown for every weight.
        categories: What is judged by, for each category of prompt: ``criterion`` in the templates. Prompts of any other
            category are not scored.
        transcript: Show an agent's steps in the place of the response; ``log``: what its environments logged, or where
            that is nothing, its words and thoughts (target ``actions`` only).
        settings: Generation settings of the judge model.
        structured: Ask the server to hold the model to the JSON schema where it can.
        repair: How many times to ask again after a reply that does not parse.
        max_chars: Longer texts are shown as their beginning and their end, with a note of what is left out.
        model: Judge model to use when none is named.
        mapping: How its labels stand to the published ones, and what is lost on the way.
        departures: Where the card knowingly differs from the publication.
    """

    DESCRIPTIVE: ClassVar[frozenset[str]] = BaseCard.DESCRIPTIVE | {"mapping", "departures"}

    kind: Literal["llm"]
    messages: list[Message] = Field(min_length=1)
    labels: dict[str, RubricLabel] = {}
    asks: dict[str, Ask] = {}
    scales: dict[str, Scale] = {}
    tradeoffs: dict[str, Tradeoff] = {}
    categories: dict[str, str] = {}
    transcript: bool | Literal["log"] = False
    settings: JudgeSettings = JudgeSettings()
    structured: bool = True
    repair: int = Field(default=1, ge=0, le=3)
    max_chars: int = Field(default=24000, ge=500)
    model: str | None = None
    mapping: str | None = None
    departures: list[str] = []

    @model_validator(mode="after")
    def _parts_fit(self) -> LlmCard:
        check(self.labels, self.asks, self.scales, self.tradeoffs)
        if "actions" in self.targets and not self.transcript:
            raise ValueError("the target actions needs `transcript: true` or `transcript: log`")
        if self.transcript == "log" and self.targets != ["actions"]:
            raise ValueError("`transcript: log` is for the target actions, and for no other")
        if self.transcript and "reasoning" in self.targets:
            raise ValueError("a transcript holds no reasoning: targets are answer, actions or both")
        if len({_key(name) for name in self.categories}) != len(self.categories):
            raise ValueError("two of the categories are the same")
        return self

    @property
    def gives(self) -> list[str]:
        """The labels that its words stand for, in naysay's order."""
        return [label for label in LABELS if any(entry.label == label for entry in self.labels.values())]

    def category(self, name: str) -> str | None:
        """The category on the card that a prompt's category means, case and punctuation aside."""
        return next((known for known in self.categories if _key(known) == _key(name)), None)


def _key(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())


class BundleCard(BaseCard):
    """Several judges under one name, one for each target.

    Attributes:
        members: The card that judges each target.
    """

    kind: Literal["bundle"]
    members: dict[Target, str] = Field(min_length=1)

    @model_validator(mode="after")
    def _targets_have_members(self) -> BundleCard:
        if set(self.targets) != set(self.members):
            raise ValueError("targets and members name different targets")
        return self


KINDS: dict[str, type[BaseCard]] = {
    "keyword": KeywordCard,
    "embedded": EmbeddedCard,
    "llm": LlmCard,
    "bundle": BundleCard,
}
_ELSEWHERE = {
    "hf": "naysay.judge.hf_card:HfCard",
    "cascade": "naysay.judge.composite_card:CascadeCard",
    "panel": "naysay.judge.composite_card:PanelCard",
    "stance": "naysay.judge.stance_card:StanceCard",
}
"""Kinds whose cards are built on this module and cannot be imported by it at the top."""


def card_type(kind: object) -> type[BaseCard] | None:
    """The record of a kind of card, or None for an unknown kind."""
    if not isinstance(kind, str):
        return None
    if kind in _ELSEWHERE:
        module, _, name = _ELSEWHERE[kind].partition(":")
        found: type[BaseCard] = getattr(import_module(module), name)
        return found
    return KINDS.get(kind)


def read_card(folder: Path) -> BaseCard:
    """Read ``folder/judge.yaml``.

    Raises:
        NaysayError: the card is missing or wrong.
    """
    path = folder / CARD_FILE
    if not path.is_file():
        raise NaysayError(f"{folder} has no {CARD_FILE}.", hint="A judge is a folder with a judge.yaml in it.")
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise NaysayError(
            f"{path} is not a mapping of fields.",
            hint=f"One `field: value` a line, these among them: {', '.join(BaseCard.model_fields)}.",
        )
    kind = data.get("kind")
    known = card_type(kind)
    if known is None:
        what = "has no 'kind'" if kind is None else f"field 'kind': {kind!r} is not a kind of judge"
        raise NaysayError(f"{path}: {what}.", hint=did_you_mean(str(kind or ""), {*KINDS, *_ELSEWHERE}))
    try:
        card = known.model_validate(data)
    except ValidationError as error:
        raise explain(path, error, known) from error
    if card.name != folder.resolve().name:
        raise NaysayError(f"{path}: field 'name': {card.name!r} is not the folder's name {folder.resolve().name!r}.")
    return card


def beside(folder: Path, relative: str, field: str) -> Path:
    """A file that a card names, which must lie inside the card's folder.

    Raises:
        NaysayError: it lies elsewhere or does not exist.
    """
    path = (folder / relative).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise NaysayError(f"{folder / CARD_FILE}: field {field!r}: {relative!r} lies outside the card's folder.")
    if not path.is_file():
        raise NaysayError(f"{folder / CARD_FILE}: field {field!r}: {path} does not exist.")
    return path
