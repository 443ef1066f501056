"""From two judges and a labelled file to a cascade's card: thresholds for a wanted error, and what they cost and save.

The cheap judge sees every labelled response, the dear one only those that its thresholds had no say in. Both are run by
the engine into run folders of their own, so that the work can be stopped and goes on with the same command.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from naysay.errors import NaysayError
from naysay.judge import find
from naysay.judge.card import CARD_FILE, read_card
from naysay.judge.choose import Choice, Seen, choose, least_prompts, part_of
from naysay.judge.choose_report import Report, judged
from naysay.judge.members import certainty
from naysay.run.execute import Outcome
from naysay.run.gold import GoldFile, score_gold
from naysay.run.score import RecordedResponses, score
from naysay.run.spec import RunSpec
from naysay.schema import LABELS, Prompt, Verdict
from naysay.writing import write_atomically

_NAME = re.compile(r"^[a-z][a-z0-9_]*$")


@dataclass
class Made:
    """A cascade, ready to be used.

    Attributes:
        folder: Its card's folder.
        cheap: The cheap judge's name.
        dear: The dear judge's name.
        choice: Its thresholds.
        report: What was measured.
        known: Labelled responses that were left out because a judge was trained on them.
        labels_by: Labelled lines by who labelled them.
        unfinished: The run that is incomplete; then there is no card yet.
    """

    folder: Path
    cheap: str
    dear: str
    choice: Choice | None = None
    report: Report | None = None
    known: int = 0
    labels_by: dict[str, int] = field(default_factory=dict)
    unfinished: Outcome | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        made: dict[str, Any] = {
            "folder": str(self.folder),
            "cheap": self.cheap,
            "dear": self.dear,
            "known": self.known,
            "labels_by": self.labels_by,
        }
        if self.choice is not None and self.report is not None:
            made |= {"thresholds": self.choice.thresholds, **self.choice.as_dict(), "measured": self.report.as_dict()}
        return made


def choose_cascade(
    gold: GoldFile, spec: RunSpec, out: Path, *, error: float, confidence: float = 0.9, seed: int = 0
) -> Made:
    """Choose a cascade's thresholds and write its card.

    Args:
        gold: The labelled file.
        spec: ``judge`` names the cheap judge and the dear one; ``targets`` the one target.
        out: The card's folder.
        error: The wanted error among what the cheap judge decides.
        confidence: See :func:`naysay.judge.choose.choose`.
        seed: Of the split into parts.

    Raises:
        NaysayError: wrong use, or no threshold holds the error.
        IncompleteError: interrupted; the same command goes on.
    """
    _check(out, error, confidence)
    cheap, dear = spec.judge
    target = spec.targets[0]
    for name in (cheap, dear):
        if (entry := find(name)).targets and target not in entry.targets:
            raise NaysayError(f"The judge {name!r} does not judge {target!r}.", hint="Give another --target.")
    made = Made(out, cheap, dear, labels_by=dict(gold.sources))
    first = score_gold(gold, spec.model_copy(update={"judge": [cheap], "out": None}))
    made.cheap = first.folder.manifest["judges"][0]["name"]
    if not first.complete:
        return replace(made, unfinished=first)
    rows, known = _read(first, target)
    if known and not rows:
        raise NaysayError(
            f"All {len(known):,} rows of {gold.path.name} were in the training data of {made.cheap}: none of them can "
            "set a threshold.",
            hint="Use other labels, which it was not trained on, or another cheap judge.",
        )
    choice = choose(rows, error=error, confidence=confidence, two_way=gold.two_way, seed=seed)
    if not choice.thresholds:
        raise _nothing_holds(made.cheap, choice, len(known))
    second = score(_measuring(gold, seed), spec.model_copy(update={"judge": [dear], "out": None}))
    made.dear = second.folder.manifest["judges"][0]["name"]
    if not second.complete:
        return replace(made, unfinished=second)
    also, trained = _add(rows, second, target)
    kept = [one for one in rows if one.dear is not None or part_of(one.prompt, seed) != "measure"]
    report = judged(kept, choice, seed=seed)
    made = replace(made, choice=choice, report=report, known=len(known | trained))
    _keep_another(made, gold, first, also)
    _write(made, spec, gold, first, also)
    return made


def _check(out: Path, error: float, confidence: float) -> None:
    if not 0 < error < 0.5:
        raise NaysayError(f"The wanted error is {error:g}.", hint="Give --error a share such as 0.05.")
    if not 0.5 <= confidence < 1:
        raise NaysayError(f"The confidence is {confidence:g}.", hint="Give --confidence a share such as 0.9.")
    name = out.resolve().name
    if not _NAME.match(name):
        raise NaysayError(
            f"{name!r} cannot be the name of a judge.",
            hint="Name the folder of --out in lower-case letters, digits and _.",
        )
    if (out / CARD_FILE).is_file() and read_card(out).kind != "cascade":
        raise NaysayError(f"{out} holds another judge.", hint="Choose another folder with --out.")


def _key(prompt: Prompt) -> str:
    """Responses to one request stay together, whatever ids they have."""
    return hashlib.blake2b(prompt.text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _read(outcome: Outcome, target: str) -> tuple[list[Seen], set[str]]:
    """What the cheap judge made of each labelled response, and those that it was trained on, which are left out."""
    prompts = {prompt.id: _key(prompt) for prompt in outcome.folder.prompts()}
    labels = {r.id: (r.meta["gold"], prompts[r.prompt_id]) for r in outcome.folder.responses() if r.meta.get("gold")}
    rows, known = [], set()
    for verdict in _verdicts(outcome, target):
        label, prompt = labels[verdict.response_id]
        if verdict.in_training:
            known.add(verdict.response_id)
        else:
            rows.append(Seen(prompt, label, verdict.label, certainty(verdict), response=verdict.response_id))
    return rows, known


def _verdicts(outcome: Outcome, target: str) -> Sequence[Verdict]:
    wanted = outcome.folder.manifest["judges"][0]["hash"]
    return [v for v in outcome.folder.verdicts() if (v.judge_hash, v.target) == (wanted, target)]


def _measuring(gold: GoldFile, seed: int) -> RecordedResponses:
    """The labelled lines that have no say in the thresholds."""
    whole = gold.responses()
    take = whole.take
    assert take is not None

    def only(record: dict[str, Any], number: int) -> dict[str, Any] | None:
        taken = take(record, number)
        if taken is None:
            return None
        text = taken.get("prompt")
        digest = hashlib.blake2b(str(text).encode("utf-8", "replace"), digest_size=8).hexdigest()
        return taken if part_of(digest, seed) == "measure" else None

    return RecordedResponses(gold.path, take=only, selection={**whole.selection, "part": "measure", "part_seed": seed})


def _add(rows: list[Seen], outcome: Outcome, target: str) -> tuple[str, set[str]]:
    """Put the dear judge's labels beside the cheap one's; those that it was trained on stay away.

    Lines about one request are all in the same part, so a response has the same id in both runs.
    """
    trained: set[str] = set()
    said = {verdict.response_id: verdict for verdict in _verdicts(outcome, target)}
    for one in rows:
        verdict = said.get(one.response)
        if verdict is not None and verdict.in_training:
            trained.add(one.response)
        elif verdict is not None:
            one.dear = verdict.label
    return str(outcome.folder.manifest["judges"][0]["hash"]), trained


def _nothing_holds(cheap: str, choice: Choice, known: int) -> NaysayError:
    why = "\n".join(f"  {one.label}: {one.why}" for one in choice.tested)
    least = least_prompts(choice.error, (1 - choice.confidence) / len(LABELS))
    out = f"{known:,} responses in the training data of {cheap} were left out. " if known else ""
    return NaysayError(
        f"{out}No threshold of {cheap} holds an error of {choice.error:g} with confidence {choice.confidence:g}."
        f"\n{why}",
        hint=f"A label needs at least {least} prompts without an error among those set aside for the test "
        f"(here {choice.prompts['test']} in all): label more, or allow a larger --error.",
    )


def _keep_another(made: Made, gold: GoldFile, first: Outcome, dear_hash: str) -> None:
    """Leave a cascade alone that was made of other judges or set on other labels: somebody may be using it."""
    if not (made.folder / CARD_FILE).is_file():
        return
    card = read_card(made.folder).model_dump(mode="json")
    chosen = card.get("chosen") or {}
    before = (card.get("cheap_hash"), chosen.get("dear_hash"), chosen.get("gold"), chosen.get("error"))
    assert made.choice is not None
    now = (first.folder.manifest["judges"][0]["hash"], dear_hash, gold.path.name, made.choice.error)
    changed = [
        f"{what} ({was} -> {is_})"
        for what, was, is_ in zip(("cheap judge", "dear judge", "labels", "wanted error"), before, now, strict=True)
        if was != is_
    ]
    if changed:
        message = f"{made.folder} holds a cascade that was made otherwise: {', '.join(changed)}."
        raise NaysayError(message, hint="Choose another folder with --out, or remove this one first.")


def _write(made: Made, spec: RunSpec, gold: GoldFile, first: Outcome, dear_hash: str) -> None:
    assert made.choice is not None
    assert made.report is not None
    about = first.folder.manifest["judges"][0]
    cascade = next(one for one in made.report.judges if one.name == "cascade")
    cheap, dear = spec.judge
    human = set(gold.sources) <= {"human", ""}
    row: dict[str, Any] = {
        "data": gold.path.stem,
        "protocol": "responses to prompts that had no say in the thresholds",
        "target": spec.targets[0],
        "labels": "human" if human else "machine",
        "n": round(cascade.n * cascade.coverage),
        "coverage": round(cascade.coverage, 4),
    }
    prefix = "binary_" if gold.two_way else ""
    row |= {f"{prefix}{key}": round(value, 4) for key, value in _figures(cascade).items()}
    card = {
        "name": made.folder.resolve().name,
        "kind": "cascade",
        "version": 1,
        "summary": f"{made.cheap} where it is sure (error at most {made.choice.error:g}), otherwise {made.dear}.",
        "targets": list(spec.targets),
        "languages": list(about["languages"]),
        "licence": "CC0-1.0",
        "cheap": _named(cheap, made.folder),
        "dear": _named(_with_model(dear, spec), made.folder),
        "thresholds": made.choice.thresholds,
        "cheap_hash": about["hash"],
        "chosen": {
            **made.choice.as_dict(),
            "gold": gold.path.name,
            "left_out_as_known": made.known,
            "dear_hash": dear_hash,
            "measured": made.report.as_dict(),
        },
        "agreement": [row] if row["n"] else [],
    }
    text = yaml.safe_dump(card, sort_keys=False, allow_unicode=True, width=110)
    made.folder.mkdir(parents=True, exist_ok=True)
    write_atomically(made.folder / CARD_FILE, text.encode())
    read_card(made.folder)  # What cannot be read back is not a judge.


def _figures(cascade: Any) -> dict[str, float]:
    found = {"accuracy": cascade.accuracy.value, "kappa": cascade.kappa.value}
    return {key: value for key, value in found.items() if value is not None}


def _with_model(name: str, spec: RunSpec) -> str:
    from naysay.judge import needs_model

    return f"{name}@{spec.judge_model}" if spec.judge_model and needs_model(name) else name


def _named(name: str, folder: Path) -> str:
    """A judge's name as it is found from the card's folder: paths are made relative to it."""
    base, at, model = name.partition("@")
    if "/" in base or base.startswith((".", "~")):
        base = os.path.relpath(Path(base).expanduser().resolve(), folder.resolve())
        base = base if "/" in base else f"./{base}"
    if at and Path(model).expanduser().is_dir():
        model = str(Path(model).expanduser().resolve())
    return f"{base}{at}{model}"
