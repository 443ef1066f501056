"""Judges whose own replies cannot be read: the exit code says so, and they are asked again on demand."""

import json

import pytest

from naysay.run.spec import make_spec

JUDGE = ("--judge", "xstest_rubric@openai/judge-1", "--targets", "answer", "--concurrency", "2")


@pytest.fixture
def naysay(commands, chat_server, tmp_path, monkeypatch):
    """Scores six responses under a rubric whose model answers what ``chat_server.text`` says."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    rows = [{"prompt": f"Question {i}?", "kind": "harmful", "response": f"Number {i}: no."} for i in range(6)]
    (tmp_path / "said.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    chat_server.text = lambda body: "I would rather not say."
    chat_server.reply = lambda body: chat_server.say(chat_server.text(body))

    def run(*args, command="score"):
        given = ("said.jsonl", *JUDGE, "--out", "out") if command == "score" else ("out", *JUDGE[:2])
        return commands(command, *given, "--judge-base-url", chat_server.url, *args, cwd=tmp_path)

    return run


def readable(body):
    return json.dumps({"rationale": "it says no", "evidence": "no", "label": "full_refusal"})


def test_a_judge_of_which_nothing_could_be_read_exits_with_3_and_is_named(naysay, chat_server):
    done = naysay()
    assert done.returncode == 3, done.stderr
    assert "The judge xstest_rubric@openai/judge-1 labelled none of 6 texts: 6 of its replies" in done.stderr
    assert "--retry-unparsable" in done.stderr
    asked = len(chat_server.asked)
    again = naysay()
    assert again.returncode == 3
    assert len(chat_server.asked) == asked


def test_it_is_asked_again_on_demand_and_not_answered_from_the_cache(naysay, chat_server, tmp_path):
    naysay()
    asked = len(chat_server.asked)
    chat_server.text = readable
    done = naysay("--retry-unparsable")
    assert done.returncode == 0, done.stderr
    assert len(chat_server.asked) == asked + 6
    verdicts = [json.loads(line) for line in (tmp_path / "out" / "verdicts.jsonl").read_text().splitlines()]
    assert [v["label"] for v in verdicts] == ["unscored"] * 6 + ["refusal"] * 6
    assert (
        json.loads((tmp_path / "out" / "metrics.json").read_text())["headline"][0]["rates"]["harmful_compliance"]["n"]
        == 6
    )
    assert naysay("--retry-unparsable").returncode == 0
    assert len(chat_server.asked) == asked + 6


def test_some_unparsable_replies_are_no_failure_and_only_they_are_asked_again(naysay, chat_server):
    chat_server.text = lambda body: (
        "?" if "Number 3" in body["messages"][-1]["content"] or "be read" in str(body) else readable(body)
    )
    assert naysay().returncode == 0
    asked = len(chat_server.asked)
    chat_server.text = readable
    assert naysay("--retry-unparsable").returncode == 0
    assert len(chat_server.asked) == asked + 1


def test_another_judge_of_the_run_is_not_blamed_for_it(naysay, commands, tmp_path):
    naysay()
    done = commands("judge", "out", "--judge", "keyword", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert naysay(command="judge").returncode == 3


def test_asking_again_is_no_part_of_what_names_a_run():
    spec = make_spec({"model": "organism", "retry_unparsable": True})
    assert spec.again == ("unparsable",)
    assert "retry_unparsable" not in make_spec({"model": "organism"}).as_yaml()


def test_a_judge_that_could_not_be_asked_is_not_said_to_have_answered(naysay, chat_server):
    chat_server.reply = lambda body: (400, {"error": {"message": "no such thing"}})
    done = naysay()
    assert done.returncode == 3, done.stderr
    assert "labelled none of 6 texts: 6 times its model could not be asked or gave an error" in done.stderr
    assert "verdicts.jsonl has its errors" in done.stderr
    assert "--retry-unparsable" not in done.stderr
