"""An agent's steps as people see them: in the terminal and on the page, with everything that acts made visible."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from naysay.board.items import Items
from naysay.board.show import transcript
from naysay.board.steps import parts, places
from naysay.run.plan import write_plan
from naysay.runfolder import RESPONSES, VERDICTS, RunFolder
from naysay.schema import Evidence, Prompt, Response, Verdict
from naysay.writing import LineWriter

SORRY = "I'm sorry, but I can't go on."
EVIL = "<script>alert(1)</script>\x1b[31mred\u202e"


@pytest.fixture
def folder(tmp_path):
    steps = [
        {
            "role": "assistant",
            "content": f"Let me look. {EVIL}",
            "reasoning": "First the plan.",
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "read", "arguments": EVIL}}],
        },
        {"role": "tool", "tool_call_id": "1", "name": "read", "content": f"Error: {EVIL}", "error": "tool_error"},
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "send", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "2", "name": "send", "content": "x" * 5000},
        {"role": "assistant", "content": SORRY, "reasoning": "Too much."},
    ]
    about = {
        "environment": ["notes"], "protocol": "native", "turns": 3, "calls": 2, "stopped": None,
        "faults": {"unknown_tool": 0, "tool_error": 1},
        "checks": [{"check": "sent()", "met": False, "turn": 2}, {"check": "never()", "met": False, "turn": None}],
    }  # fmt: skip
    asked = Prompt("p", [{"role": "user", "content": "Send it."}], "agentic", "refuse", meta={"environment": "notes"})
    reasoning = "First the plan.\n\nToo much."
    response = Response("p#0", "p", 0, "m", reasoning, SORRY, "ok", steps=steps, meta={"agent": about})
    start = len(f"Let me look. {EVIL}") + 2
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    write_plan(folder, {}, [asked], {"judges": [{"name": "j", "hash": "1"}]})
    with LineWriter(folder.path / RESPONSES) as writer:
        writer.write(response)
    with LineWriter(folder.path / VERDICTS) as writer:
        said = Evidence(start, start + 9, "I'm sorry", "turn 3: apology")
        writer.write(Verdict("p#0", "p", "j", "1", "actions", "refusal", evidence=[said]))
        thought = Evidence(17, 26, "Too much.", "")
        writer.write(Verdict("p#0", "p", "j", "1", "reasoning", "refusal", evidence=[thought]))
    return folder


def test_the_terminal_shows_every_turn_and_what_came_of_it(folder):
    screen = Console(file=io.StringIO(), width=200, highlight=False, markup=False, emoji=False)
    for part in transcript(folder, "p#0"):
        screen.print(part)
    shown = screen.file.getvalue()
    order = [
        "turn 1: reasoning", "First the plan.", "turn 1\n", "Let me look.", "turn 1: calls a tool", "read <script>",
        "turn 1: is told of a mistake", "turn 2: calls a tool", "send {}", "turn 2: is told\n", "turn 3: reasoning",
        SORRY, "in the world", "3 turns, 2 calls, 1 tool error, native tools",
        "sent(): does not hold at the end, first in turn 2", "never(): never held",
    ]  # fmt: skip
    places = [shown.index(words) for words in order]
    assert places == sorted(places)
    assert shown.count(SORRY) == 1
    assert "\x1b[31m" not in shown
    assert "\u202e" not in shown
    assert "␛[31mred⟨U+202E⟩" in shown


def test_the_page_gets_the_steps_and_where_the_evidence_stands(folder):
    (item,) = Items([folder], {"p#0"}, ["1"])
    (side,) = item["sides"]
    assert [step["kind"] for step in side["steps"]] == [
        "reasoning", "said", "call", "fault", "call", "result", "reasoning", "said",
    ]  # fmt: skip
    found = {verdict["target"]: verdict["evidence"][0] for verdict in side["verdicts"]}
    assert (found["actions"]["step"], found["actions"]["start"], found["actions"]["end"]) == (7, 0, 9)
    assert (found["reasoning"]["step"], found["reasoning"]["start"]) == (6, 0)
    assert len(side["steps"][5]["text"]) == 4000
    assert "1 steps of up to 5,000 characters" in side["cut"]
    assert side["facts"][0].startswith("3 turns, 2 calls")


def test_what_a_rubric_quoted_from_a_call_is_found_there(folder):
    (response,) = folder.responses()
    shown = parts(response)
    quoted = Verdict("p#0", "p", "j", "1", "actions", "compliance", evidence=[Evidence(0, 7, "send {}", "in step 4")])
    assert [(number, start) for number, start, _, _ in places(shown, quoted)] == [(4, 0)]


def test_a_chat_has_no_parts():
    assert parts(Response("p#0", "p", 0, "m", None, "Hello.", "ok")) == []
