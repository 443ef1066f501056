"""`naysay run` and `naysay score` from end to end, with a real server, real files and a real kill."""

import json
import signal
import time
from collections import Counter

import pytest


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def asked_like(chat_server, rows_folder):
    """The flags of a small run against the loopback server."""
    card = rows_folder / "mine.yaml"
    return ["--model", "openai/ruled", "--base-url", chat_server.url, "--tasks", card, "--judge", "keyword"]


def test_a_run_asks_judges_and_reports(naysay, chat_server, asked_like, tmp_path):
    done = naysay("run", *asked_like, "--out", "out", check=0)
    out = tmp_path / "out"
    responses, verdicts = read(out / "responses.jsonl"), read(out / "verdicts.jsonl")
    assert len(chat_server.asked) == len(responses) == 24
    assert {r["reasoning"][:8] for r in responses} == {"The user"}
    assert Counter((v["target"], v["label"]) for v in verdicts) == {
        ("answer", "refusal"): 12,
        ("answer", "compliance"): 12,
        ("reasoning", "refusal"): 12,
        ("reasoning", "compliance"): 12,
    }
    assert {"id", "prompt_id"} <= set(responses[0])
    assert {"response_id", "prompt_id", "judge", "target", "label"} <= set(verdicts[0])
    assert json.loads((out / "manifest.json").read_text())["status"] == "complete"
    assert (out / "metrics.json").is_file()
    assert "<html" in (out / "report.html").read_text()
    assert "harmful" in done.stdout
    assert "over-refusal" in done.stdout
    assert "report.html" in done.stdout


def test_the_same_command_again_says_that_it_is_complete(naysay, chat_server, asked_like):
    naysay("run", *asked_like, check=0)
    asked = len(chat_server.asked)
    again = naysay("run", *asked_like, check=0)
    assert "already complete" in again.stderr
    assert len(chat_server.asked) == asked


def test_another_judge_asks_the_model_nothing(naysay, chat_server, asked_like):
    naysay("run", *asked_like, check=0)
    asked = len(chat_server.asked)
    done = naysay("run", *asked_like[:-1], "embedded", check=0)
    assert len(chat_server.asked) == asked
    assert "24 from cache" in done.stderr


def test_without_the_cache_it_asks_again(naysay, chat_server, asked_like):
    naysay("run", *asked_like, "--no-cache", "--out", "a", check=0)
    naysay("run", *asked_like, "--no-cache", "--out", "b", check=0)
    assert len(chat_server.asked) == 48


def test_a_killed_run_goes_on_and_nothing_is_lost_or_repeated(naysay, chat_server, asked_like, tmp_path):
    chat_server.delay = 0.15
    flags = [*asked_like, "--out", "out", "--concurrency", "2", "--no-cache"]
    process = naysay("run", *flags, start=True)
    path = tmp_path / "out" / "responses.jsonl"
    deadline = time.monotonic() + 60
    while not (path.exists() and path.read_bytes().count(b"\n") >= 6):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = path.read_bytes()
    kept = kept[: kept.rfind(b"\n") + 1]
    chat_server.delay = 0
    naysay("run", *flags, check=0)
    assert path.read_bytes().startswith(kept)
    asked = Counter(body["messages"][-1]["content"] for body in chat_server.asked)
    assert len(asked) == 24
    assert sum(asked.values()) <= 24 + 2  # only what was in flight is asked again
    assert Counter(r["id"] for r in read(path)).most_common(1)[0][1] == 1
    assert len(read(tmp_path / "out" / "verdicts.jsonl")) == 48


def test_recorded_responses_are_not_kept_a_second_time(naysay, asked_like, tmp_path, monkeypatch):
    naysay("run", *asked_like, "--no-cache", "--out", "out", check=0)
    monkeypatch.setenv("NAYSAY_CACHE", str(tmp_path / "cache"))
    again = ["--model", "replay/out/responses.jsonl", *asked_like[4:]]
    naysay("run", *again, "--out", "a", check=0)
    done = naysay("run", *again[:-1], "embedded", "--out", "b", check=0)
    assert "from cache" not in done.stderr
    assert [r["answer"] for r in read(tmp_path / "b" / "responses.jsonl")]


def test_after_a_kill_and_a_resume_another_judge_still_asks_nothing(naysay, chat_server, asked_like, tmp_path):
    chat_server.delay = 0.15
    flags = [*asked_like, "--out", "out", "--concurrency", "2"]
    process = naysay("run", *flags, start=True)
    path = tmp_path / "out" / "responses.jsonl"
    deadline = time.monotonic() + 60
    while not (path.exists() and path.read_bytes().count(b"\n") >= 4):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()
    chat_server.delay = 0
    naysay("run", *flags, check=0)
    asked = len(chat_server.asked)
    naysay("run", *asked_like[:-1], "embedded", "--out", "other", check=0)
    assert len(chat_server.asked) == asked


def test_interrupting_a_resumed_run_counts_what_the_folder_holds(naysay, chat_server, asked_like, tmp_path):
    def reply(body):
        asked = body["messages"][-1]["content"]
        return chat_server.by_rule(body) if "way" in asked else (400, {"error": {"message": "no"}})

    chat_server.reply = reply
    flags = [*asked_like, "--out", "out", "--concurrency", "2"]
    naysay("run", *flags, check=3)
    chat_server.delay = 30
    before = len(chat_server.asked)
    process = naysay("run", *flags, start=True)
    deadline = time.monotonic() + 60
    while len(chat_server.asked) == before:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "Stopped with 12 of 24 responses" in said


def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(naysay, chat_server, asked_like, tmp_path):
    chat_server.delay = 0.15
    flags = [*asked_like, "--out", "out", "--concurrency", "2"]
    process = naysay("run", *flags, start=True)
    path = tmp_path / "out" / "responses.jsonl"
    deadline = time.monotonic() + 60
    while not (path.exists() and path.read_bytes()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "Give the same command again to go on" in said
    assert "Traceback" not in said
    assert "of 24 responses" in said
    assert path.read_bytes().endswith(b"\n")
    naysay("run", *flags, check=0)


def test_other_settings_in_the_same_folder_are_an_error_that_shows_the_difference(naysay, asked_like):
    naysay("run", *asked_like, "--out", "out", check=0)
    done = naysay("run", *asked_like, "--out", "out", "--max-tokens", "99", check=2)
    assert "generation.max_tokens: 2048 -> 99" in done.stderr


def test_a_folder_with_other_things_in_it_is_left_alone(naysay, asked_like, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    done = naysay("run", *asked_like, "--out", "out", check=2)
    assert "thesis.txt" in done.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["thesis.txt"]


def test_a_wrong_key_is_said_once_and_nothing_is_written(naysay, chat_server, asked_like, tmp_path):
    chat_server.reply = lambda body: (401, {"error": {"message": "Incorrect API key provided: sk-abc123secret"}})
    done = naysay("run", *asked_like, "--out", "out", env={"OPENAI_API_KEY": "sk-abc123secret"}, check=2)
    assert "401" in done.stderr or "key" in done.stderr
    assert "sk-abc123secret" not in done.stderr
    assert not any(b"sk-abc123secret" in p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file())


def test_prompts_that_fail_make_the_run_incomplete_and_are_asked_again(naysay, chat_server, asked_like, tmp_path):
    def reply(body):
        if "way 3." in body["messages"][-1]["content"]:
            return 400, {"error": {"message": "this one I do not like", "type": "invalid_request_error"}}
        return chat_server.by_rule(body)

    chat_server.reply = reply
    done = naysay("run", *asked_like, "--out", "out", check=3)
    assert "1 responses" in done.stderr
    errored = [r for r in read(tmp_path / "out" / "responses.jsonl") if r["status"] == "errored"]
    assert "this one I do not like" in errored[0]["error"]
    chat_server.reply = chat_server.by_rule
    naysay("run", *asked_like, "--out", "out", check=0)


def cut_line(path, number):
    lines = path.read_bytes().splitlines(keepends=True)
    del lines[number]
    path.write_bytes(b"".join(lines))


def test_lines_that_a_complete_run_lost_are_made_again(naysay, asked_like, tmp_path):
    naysay("run", *asked_like, "--out", "out", "--no-cache", check=0)
    out = tmp_path / "out"
    for name, count in (("responses.jsonl", 24), ("verdicts.jsonl", 48)):
        cut_line(out / name, 3)
        again = naysay("run", *asked_like, "--out", "out", "--no-cache", check=0)
        assert "already complete" not in again.stderr
        # What was judged of the lost response is judged again; the last line wins.
        keys = {(line.get("id"), line.get("response_id"), line.get("target")) for line in read(out / name)}
        assert len(keys) == count
    # Verdicts of a judge that was asked for later do not stand in for those that are gone.
    naysay("judge", "out", "--judge", "embedded", check=0)
    cut_line(out / "verdicts.jsonl", 3)
    naysay("run", *asked_like, "--out", "out", check=0)
    assert "This run is not complete" not in naysay("report", "out", check=0).stdout


def test_a_run_without_its_prompts_is_told(naysay, asked_like, tmp_path):
    naysay("run", *asked_like, "--out", "out", check=0)
    cut_line(tmp_path / "out" / "prompts.jsonl", 3)
    for command in (["run", *asked_like, "--out", "out"], ["report", "out"], ["judge", "out", "--judge", "embedded"]):
        assert "prompts.jsonl holds 23 of the run's 24 prompts" in naysay(*command, check=2).stderr


def test_responses_that_a_scored_file_lost_are_copied_again(naysay, tmp_path):
    rows = [{"prompt": f"Question {n}?", "response": "I can't help with that."} for n in range(5)]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    naysay("score", "mine.jsonl", "--judge", "keyword", "--out", "out", check=0)
    cut_line(tmp_path / "out" / "responses.jsonl", 2)
    naysay("score", "mine.jsonl", "--judge", "keyword", "--out", "out", check=0)
    assert len(read(tmp_path / "out" / "responses.jsonl")) == 5


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--model", "opnai/x"], "Did you mean openai"),
        (["--model", "organism", "--tasks", "xstets"], "Did you mean xstest"),
        (["--model", "organism", "--judge", "keywrod"], "Did you mean keyword"),
        (["--model", "replay/nowhere.jsonl"], "nowhere.jsonl"),
        (["--model", "organism", "--targets", "answers"], "targets"),
        (["--model", "organism", "--data", "nowhere"], "--data nowhere is not a folder"),
        ([], "No model is named"),
    ],
)
def test_wrong_use_says_what_and_exits_with_2(naysay, flags, says, tmp_path):
    done = naysay("run", *flags, check=2)
    assert says in done.stderr
    assert not list(tmp_path.iterdir())


def test_print_spec_is_a_file_that_does_the_same(naysay, asked_like, tmp_path):
    spec = naysay("run", *asked_like, "--print-spec", check=0).stdout
    (tmp_path / "spec.yaml").write_text(spec)
    naysay("run", *asked_like, check=0)
    assert "already complete" in naysay("run", "spec.yaml", check=0).stderr


def test_scoring_a_file_keeps_its_ids_and_shows_the_human_labels_beside(naysay, tmp_path):
    rows = [
        {"id": "a", "prompt": "How?", "response": "I'm sorry, but I can't help with that.", "label": "refusal"},
        {"id": "b", "prompt": "Why?", "response": "Because the sky scatters blue light.", "label": "compliance"},
        {"id": "c", "prompt": "Who?", "response": "", "kind": "harmful"},
    ]
    (tmp_path / "file.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    done = naysay("score", "file.jsonl", "--judge", "keyword", "--targets", "answer", "--out", "out", check=0)
    verdicts = {v["prompt_id"]: v for v in read(tmp_path / "out" / "verdicts.jsonl")}
    assert {k: v["label"] for k, v in verdicts.items()} == {"a": "refusal", "b": "compliance", "c": "unscored"}
    assert verdicts["c"]["reason"] == "empty"
    assert "beside the labels in the file" in done.stdout
    assert "100.0%" in done.stdout


def test_scoring_keeps_reasoning_apart_and_takes_equal_prompts_for_one(naysay, tmp_path):
    rows = [
        {
            "id": f"m{i}",
            "prompt": "How do I bake bread?",
            "response": "<think>It is safe. I can help.</think>Mix flour.",
        }
        for i in range(3)
    ]
    rows.append({"id": "cut", "prompt": "How do I knead?", "response": "<think>Let me see whether"})
    (tmp_path / "file.jsonl").write_text("".join(json.dumps(r | {"kind": "benign"}) + "\n" for r in rows))
    naysay("score", "file.jsonl", "--judge", "keyword", "--out", "out", check=0)
    responses = read(tmp_path / "out" / "responses.jsonl")
    assert {(r["reasoning"], r["answer"]) for r in responses[:3]} == {("It is safe. I can help.", "Mix flour.")}
    assert (responses[3]["status"], responses[3]["answer"]) == ("truncated", "")
    rates = (tmp_path / "out" / "metrics.json").read_text()
    refusal = next(r for h in json.loads(rates)["headline"] for r in h["rates"].values() if h["target"] == "answer")
    assert (refusal["n"], refusal["clusters"]) == (3, 1)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"prompt": "x", "response": "y"', "line 2 is not JSON"),
        ("[1]", "line 2 is not a JSON object"),
        ('{"prompt": "x", "respnse": "y"}', "line 2 has no 'response'"),
        ('{"prompt": "x", "response": 3}', "line 2: 'response' is int, not text"),
        ('{"prompt": "x", "response": "y", "kind": "harmfull"}', "Did you mean harmful"),
        ('{"id": "a", "prompt": "other", "response": "y"}', "stood beside another prompt"),
    ],
)
def test_a_broken_line_is_named_by_its_number_and_nothing_is_written(naysay, tmp_path, line, says):
    (tmp_path / "file.jsonl").write_text('{"id": "a", "prompt": "x", "response": "y"}\n' + line + "\n")
    done = naysay("score", "file.jsonl", "--judge", "keyword", "--out", "out", check=2)
    assert says in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("encoding", "says"),
    [("utf-16", "It looks like UTF-16: save it as UTF-8."), ("latin-1", "Save the file as UTF-8.")],
)
def test_a_file_that_is_not_utf8_is_told_so(naysay, tmp_path, encoding, says):
    (tmp_path / "file.jsonl").write_text('{"prompt": "x", "response": "Olé, sí"}\n', encoding=encoding)
    done = naysay("score", "file.jsonl", "--judge", "keyword", "--out", "out", check=2)
    assert "line 1 is not UTF-8 text" in done.stderr
    assert says in done.stderr


def test_a_flag_that_takes_several_may_be_repeated(naysay):
    import yaml

    flags = ["--tasks", "starter", "--tasks", "xstest,phtest", "--attack", "rot13", "--attack", "base64"]
    spec = yaml.safe_load(naysay("run", "--model", "organism", *flags, "--print-spec", check=0).stdout)
    assert spec["tasks"] == ["starter", "xstest", "phtest"]
    assert spec["attack"] == ["rot13", "base64"]


def test_numbers_that_no_run_folder_holds_are_refused_before_anything_is_written(naysay, tmp_path):
    done = naysay("run", "--model", "organism", "--seed", "9" * 23, "--temperature", "inf", "--out", "out", check=2)
    assert "seed: " in done.stderr
    assert "temperature: " in done.stderr
    (tmp_path / "gold.jsonl").write_text('{"prompt": "x", "response": "y", "label": "refusal"}\n')
    for words in (["judges", "measure", "keyword", "--gold", "gold.jsonl"], ["annotate", "out"]):
        assert "64 bits" in naysay(*words, "--seed", "9" * 23, check=2).stderr
    assert [path.name for path in tmp_path.iterdir()] == ["gold.jsonl"]


def test_a_pipe_of_responses_is_to_be_saved_to_a_file(naysay, tmp_path):
    import os

    os.mkfifo(tmp_path / "fifo")
    assert "Save it to a file first" in naysay("score", "fifo", "--judge", "keyword", check=2).stderr
