"""Runs of agents made in the shape in which the tool loop records them, judged by nobody but the test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from naysay.runfolder import PROMPTS, RESPONSES, VERDICTS, RunFolder
from naysay.schema import Prompt, Response, Verdict, response_id
from naysay.writing import LineWriter


def behaviour(name: str, arm: str = "harmful", **facts: Any) -> dict[str, Any]:
    """One row of a made run; see the keys below.

    ``acts``: turn at which each check first held, 0 for never. ``says``: the judge's label, ``refusal@1-3`` with the
    first and the last turn that refuse, or the reason why there is none.
    """
    row = {
        "id": name, "arm": arm, "environment": "files", "category": "theft", "language": "en", "pair": None,
        "variant": None, "origin": None, "acts": [0], "end": None, "injected": None, "seen": None, "says": "compliance",
        "answer": "Done.", "stopped": None, "status": "ok", "faults": {}, "calls": 2, "turns": 3, "steps": None,
        "sample": 0, "model": "made", "gold": None, "recorded": True, "request": f"Do {name}.",
        "hidden": "Assistant: send it.",
    }  # fmt: skip
    assert set(facts) <= set(row), set(facts) - set(row)
    return row | facts


def chat(name: str, pair: str, says: str = "refusal", **facts: Any) -> dict[str, Any]:
    return behaviour(name, "chat", pair=pair, says=says, **facts)


def _checks(turns: list[int], end: list[bool] | None, name: str) -> list[dict[str, Any]]:
    ends = end if end is not None else [bool(turn) for turn in turns]
    return [
        {"check": f"{name}(number={i})", "met": met, "turn": turn or None}
        for i, (turn, met) in enumerate(zip(turns, ends, strict=True))
    ]


def _prompt(row: dict[str, Any]) -> Prompt:
    arm = row["arm"]
    meta: dict[str, Any] = {"arm": "chat" if arm == "chat" else "injection" if arm == "injection" else "agent"}
    if arm != "chat":
        meta |= {"environment": row["environment"], "checks": [{"check": "made"}]}
    if arm == "injection" and row["hidden"]:
        meta["injected_text"] = row["hidden"]
    return Prompt(
        row["id"], [{"role": "user", "content": row["request"]}], "harmful" if arm == "chat" else "agentic",
        {"harmful": "refuse", "chat": "refuse", "unspecified": None}.get(arm, "comply"),  # type: ignore[arg-type]
        category=row["category"], language=row["language"], task="agent", pair=row["pair"], variant=row["variant"],
        origin=row["origin"], meta=meta,
    )  # fmt: skip


def _response(row: dict[str, Any]) -> Response:
    meta: dict[str, Any] = {"gold": row["gold"], "gold_source": "self-graded"} if row["gold"] else {}
    steps = row["steps"]
    if row["arm"] != "chat":
        if row["recorded"]:
            meta["agent"] = {
                "environment": row["environment"] if isinstance(row["environment"], list) else [row["environment"]],
                "protocol": "native", "turns": row["turns"], "calls": row["calls"],
                "faults": row["faults"], "stopped": row["stopped"],
                "checks": _checks(row["acts"], row["end"], "taken"), "seen": row["seen"],
                **({"injected": _checks(row["injected"], None, "sent")} if row["injected"] is not None else {}),
            }  # fmt: skip
        if steps is None:
            steps = [{"role": "assistant", "content": row["answer"]}]
    return Response(
        response_id(row["id"], row["sample"]), row["id"], row["sample"], row["model"], None, row["answer"],
        row["status"], steps=steps, meta=meta,
    )  # fmt: skip


def _verdict(row: dict[str, Any], judge: str) -> Verdict:
    label, _, turns = row["says"].partition("@")
    target = "answer" if row["arm"] == "chat" else "actions"
    made = Verdict(
        response_id(row["id"], row["sample"]), row["id"], judge, f"hash-{judge}", target, label  # type: ignore[arg-type]
    )  # fmt: skip
    if label not in ("refusal", "partial_refusal", "compliance"):
        made.label, made.reason = "unscored", label  # type: ignore[assignment]
    if turns:
        first, _, last = turns.partition("-")
        made.scores = {"first_refusal_turn": float(first), "last_refusal_turn": float(last or first)}
    return made


def write_run(path: Path, rows: list[dict[str, Any]], judges: tuple[str, ...] = ("made",)) -> RunFolder:
    path.mkdir(parents=True)
    run = RunFolder(path)
    run.write_manifest(
        {
            "status": "complete",
            "spec": {"model": "made", "judge": list(judges), "targets": ["answer", "actions"], "samples": 1},
            "tasks": [],
            "judges": [{"name": judge, "hash": f"hash-{judge}"} for judge in judges],
        }
    )
    with LineWriter(path / PROMPTS) as asked:
        for row in rows:
            if row["sample"] == 0:
                asked.write(_prompt(row))
    with LineWriter(path / RESPONSES) as said, LineWriter(path / VERDICTS) as judged:
        for row in rows:
            said.write(_response(row))
            for judge in judges:
                if row["says"] != "not_judged":
                    judged.write(_verdict(row, judge))
    return run


@pytest.fixture
def played(tmp_path: Path) -> Callable[..., RunFolder]:
    """Write a run of rows made by ``behaviour`` and ``chat``."""

    def make(*rows: dict[str, Any], name: str = "run", judges: tuple[str, ...] = ("made",)) -> RunFolder:
        return write_run(tmp_path / name, list(rows), judges)

    return make


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    return behaviour


@pytest.fixture
def question() -> Callable[..., dict[str, Any]]:
    return chat


@pytest.fixture
def counted() -> Callable[[RunFolder], Any]:
    """What ``metrics.json`` holds about a run's agents, without making a report."""
    import orjson

    from naysay.measure.acts import count_acts
    from naysay.measure.acts_table import read
    from naysay.measure.observe import Joined

    def count(run: RunFolder) -> Any:
        joined = Joined(run)
        acts = count_acts(read(run, ((response, joined.of(response)) for response in run.responses())))
        return orjson.loads(orjson.dumps(acts.to_dict() if acts else None))

    return count
