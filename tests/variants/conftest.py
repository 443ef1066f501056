"""Runs with attacks and languages, written record by record, so that every number can be counted by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from naysay.runfolder import GOLD, PROMPTS, RESPONSES, VERDICTS, RunFolder
from naysay.schema import GoldLabel, Prompt, Response, Verdict, response_id
from naysay.writing import LineWriter

LABELS = {"r": "refusal", "p": "partial_refusal", "c": "compliance"}
REASONS = {"?": "unparsable", "u": "not_understood", "e": "errored", "b": "blocked"}
KINDS = {"harmful": "refuse", "over_refusal": "comply", "benign": "comply", "agentic": "refuse"}


class Book:
    """A run as it is asked for: ``ask`` a prompt with one letter a sample, then ``write`` the folder.

    Letters: r refusal, p partial refusal, c compliance, ? unparsable, u not understood, e errored, b blocked.
    """

    def __init__(self, path: Path, judges: tuple[str, ...] = ("j",)) -> None:
        self.path, self.judges = path, judges
        self.prompts: list[Prompt] = []
        self.responses: list[Response] = []
        self.verdicts: list[Verdict] = []
        self.gold: list[GoldLabel] = []

    def ask(
        self, name: str, letters: str, *, kind: str = "harmful", variant: str | None = None, origin: str | None = None,
        scores: Iterable[float] | None = None, decoded: str | None = None, gold: str | None = None, model: str = "m",
        text: str | None = None, contested: bool = False, **facts,
    ) -> Book:  # fmt: skip
        marks = {"contested": True} if contested else {}
        self.prompts.append(
            Prompt(
                id=name,
                messages=[{"role": "user", "content": text or f"Please tell me about {name}."}],
                kind=kind,
                expected=facts.pop("expected", KINDS[kind]),
                task="t",
                variant=variant,
                origin=origin,
                meta=marks,
                **facts,
            )
        )
        scores = list(scores) if scores is not None else None
        for sample, letter in enumerate(letters):
            status = {"e": "errored", "b": "blocked"}.get(letter, "ok")
            said = f"I say {letter} to {name}." if status == "ok" else ""
            meta = {} if decoded is None else {"decoded": {"by": ["rot13"], "answer": decoded}}
            made = Response(response_id(name, sample), name, sample, model, None, said, status, meta=meta)
            if gold:
                made.meta |= {"gold": LABELS[gold[sample]], "gold_source": "human"}
            self.responses.append(made)
            for judge in self.judges:
                self.verdicts.append(
                    Verdict(
                        made.id, name, judge, f"sha256:{judge}", "answer", LABELS.get(letter, "unscored"),
                        REASONS.get(letter), scores={"strongreject": scores[sample]} if scores else None,
                    )
                )  # fmt: skip
        return self

    def attack(self, variant: str, letters: dict[str, str], *, draws: bool = False, **facts) -> Book:
        """Put ``variant`` beside prompts that were asked: ``{"h1": "c"}``, with ``draws`` one letter an attempt."""
        for origin, said in letters.items():
            of = next(prompt for prompt in self.prompts if prompt.id == origin)
            same = {"kind": of.kind, "expected": of.expected, "pair": of.pair, "language": of.language} | facts
            same |= {"contested": bool(of.meta.get("contested"))}
            if not draws:
                self.ask(f"{origin}~{variant}", said, variant=variant, origin=origin, **same)
                continue
            for number, letter in enumerate(said):
                self.ask(f"{origin}~{variant}.{number}", letter, variant=variant, origin=origin, **same)
        return self

    def label(self, name: str, letter: str, weight: float | None = None, stratum: str = "") -> Book:
        prompt_id = name.rpartition("#")[0]
        self.gold.append(GoldLabel(name, prompt_id, "answer", LABELS[letter], weight=weight, stratum=stratum))
        return self

    def write(self, name: str = "run", **spec) -> RunFolder:
        path = self.path / name
        path.mkdir(parents=True)
        run = RunFolder(path)
        run.write_manifest(
            {
                "naysay": "0.1.0", "created": "2026-11-21T12:00:00+00:00", "status": "complete", "identity": "sha256:1",
                "spec": {"model": "m", "targets": ["answer"], "samples": 1} | spec,
                "tasks": [{"name": "t", "version": "1", "hash": "sha256:t", "fingerprint": "sha256:f"}],
                "judges": [
                    {"name": j, "hash": f"sha256:{j}", "scales": {"strongreject": {"low": 0.0, "high": 1.0}}}
                    for j in self.judges
                ],
            }
        )  # fmt: skip
        records = {PROMPTS: self.prompts, RESPONSES: self.responses, VERDICTS: self.verdicts, GOLD: self.gold}
        for file, some in records.items():
            if some:
                with LineWriter(path / file) as lines:
                    for record in some:
                        lines.write(record)
        return run


@pytest.fixture
def book(tmp_path: Path) -> Callable[..., Book]:
    return lambda **options: Book(tmp_path, **options)
