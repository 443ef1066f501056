"""The run folder keeps every whole line, whatever happens to the process that writes it."""

import os
import re
import subprocess
import sys

import orjson
import pytest

from naysay.errors import IncompleteError, NaysayError
from naysay.runfolder import RunFolder, read_lines
from naysay.schema import Evidence, GoldLabel, Prompt, Response, Verdict
from naysay.writing import LineWriter, to_line


def response(name, answer="yes", status="ok"):
    return Response(id=name, prompt_id=name, sample=0, model="m", reasoning=None, answer=answer, status=status)


def test_a_torn_last_line_is_not_read_and_is_cut_off_by_the_next_writer(tmp_path):
    path = tmp_path / "responses.jsonl"
    with LineWriter(path) as writer:
        writer.write(response("a"))
    with path.open("ab") as file:
        file.write(b'{"id":"b","prompt_id":"b","ans')
    assert [r.id for r in RunFolder(tmp_path).responses()] == ["a"]
    with LineWriter(path) as writer:
        writer.write(response("c"))
    assert [r.id for r in RunFolder(tmp_path).responses()] == ["a", "c"]
    assert path.read_bytes().count(b"\n") == 2


def test_a_file_that_is_nothing_but_a_torn_line_becomes_empty(tmp_path):
    path = tmp_path / "responses.jsonl"
    path.write_bytes(b'{"id":' + b"x" * 200_000)
    with LineWriter(path) as writer:
        writer.write(response("a"))
    assert [r.id for r in RunFolder(tmp_path).responses()] == ["a"]


def test_a_broken_line_in_the_middle_is_named_by_its_number(tmp_path):
    (tmp_path / "responses.jsonl").write_bytes(to_line(response("a")) + b"not json\n" + to_line(response("b")))
    with pytest.raises(NaysayError, match=r"responses\.jsonl, line 2 is broken"):
        list(read_lines(tmp_path / "responses.jsonl"))


def test_the_last_record_of_an_id_wins(tmp_path):
    with LineWriter(tmp_path / "responses.jsonl") as writer:
        writer.write(response("a", "", "errored"))
        writer.write(response("b"))
        writer.write(response("a", "better"))
    assert [(r.id, r.answer) for r in RunFolder(tmp_path).responses()] == [("b", "yes"), ("a", "better")]


def test_records_come_back_as_they_were_written(tmp_path):
    prompt = Prompt("p", [{"role": "user", "content": "hé\u2028\x00"}], "harmful", "refuse", pair="x", meta={"a": [1]})
    verdict = Verdict("p#0", "p", "j", "h", "answer", "refusal", None, {"refusal": 1.0}, evidence=[Evidence(0, 1, "I")])
    with LineWriter(tmp_path / "prompts.jsonl") as writer:
        writer.write(prompt)
    with LineWriter(tmp_path / "verdicts.jsonl") as writer:
        writer.write(verdict)
    folder = RunFolder(tmp_path)
    assert list(folder.prompts()) == [prompt]
    assert list(folder.verdicts()) == [verdict]


def test_half_a_surrogate_pair_does_not_stop_a_run(tmp_path):
    with LineWriter(tmp_path / "responses.jsonl") as writer:
        writer.write(response("a", "broken \ud83d token"))
    assert [r.answer for r in RunFolder(tmp_path).responses()] == ["broken ? token"]


def test_a_second_process_on_the_same_folder_is_refused_and_the_lock_dies_with_its_holder(tmp_path):
    script = (
        "import sys, time; from naysay.runfolder import RunFolder\n"
        f"with RunFolder({str(tmp_path)!r}).locked(): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(NaysayError, match="Another process is writing"), RunFolder(tmp_path).locked():
        pass
    holder.kill()
    holder.wait()
    with RunFolder(tmp_path).locked():
        pass


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_keeps_whole_lines_and_says_so(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("cannot mount a small disk here")
    try:
        with LineWriter(disk / "responses.jsonl") as writer:
            with pytest.raises(IncompleteError, match="The disk is full"):
                for i in range(1000):
                    writer.write(response(f"r{i}", "x" * 1000))
            kept = i
        (disk / "responses.jsonl").rename(tmp_path / "responses.jsonl")
    except OSError:
        (tmp_path / "responses.jsonl").write_bytes((disk / "responses.jsonl").read_bytes())
    finally:
        subprocess.run(["umount", disk], check=True)
    data = (tmp_path / "responses.jsonl").read_bytes()
    assert data.endswith(b"\n")
    assert [orjson.loads(line)["id"] for line in data.splitlines()] == [f"r{n}" for n in range(kept)]


def test_an_unwritable_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NaysayError, match="Cannot write .*file"), RunFolder(tmp_path / "file" / "run").locked():
        pass


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(NaysayError, match=r"is not a run folder: it has no manifest\.json"):
        RunFolder.open(tmp_path)
    with pytest.raises(NaysayError, match="does not exist"):
        RunFolder.open(tmp_path / "nowhere")


PROMPT = Prompt("p", [{"role": "user", "content": "hi"}], "harmful", "refuse")
VERDICT = Verdict("a", "a", "j", "h", "answer", "refusal", evidence=[Evidence(0, 1, "I")], scores={"s": float("nan")})
GOLD = GoldLabel("a", "a", "answer", "refusal", annotators={"ann": "refusal"})


@pytest.mark.parametrize(
    ("name", "record", "change", "said"),
    [
        ("responses", response("a"), {"prompt_id": None}, "'prompt_id' is null, not text"),
        ("responses", response("a"), {"sample": "0"}, "'sample' is text, not a number"),
        ("responses", response("a"), {"steps": [{"role": "assistant"}, 5]}, "'steps', item 2 is a number, not an"),
        ("responses", response("a"), {"usage": {"input": "9"}}, "'usage', 'input' is text, not"),
        ("prompts", PROMPT, {"messages": "hi"}, "'messages' is text, not a list"),
        ("prompts", PROMPT, {"messages": [{"role": "user"}]}, "'messages', item 1: 'content' is missing"),
        ("verdicts", VERDICT, {"label": ["refusal"]}, "'label' is a list, not text"),
        ("verdicts", VERDICT, {"evidence": [{"start": 0}]}, "'evidence', item 1: 'end' is missing"),
        ("gold", GOLD, {"weight": "2"}, "'weight' is text, not a number or null"),
    ],
)
def test_a_line_of_the_wrong_shape_is_named_with_what_is_wrong(tmp_path, name, record, change, said):
    path = tmp_path / f"{name}.jsonl"
    path.write_bytes(to_line(record) + b"\n" + to_line(orjson.loads(orjson.dumps(record)) | change))
    with pytest.raises(NaysayError) as error:
        list(getattr(RunFolder(tmp_path), name)())
    assert f"{name}.jsonl, line 3: {said}" in error.value.message
    assert error.value.hint


@pytest.mark.parametrize(
    ("line", "said"), [(b'{"a":1}', "'response_id' is missing (it has a)"), (b"[]", "it is a list")]
)
def test_a_line_that_is_no_record_at_all_is_named(tmp_path, line, said):
    (tmp_path / "gold.jsonl").write_bytes(line + b"\n")
    with pytest.raises(NaysayError, match=rf"gold\.jsonl, line 1: {re.escape(said)}"):
        list(RunFolder(tmp_path).gold())


def test_newer_fields_and_fields_left_out_are_no_fault(tmp_path):
    line = {"id": "a", "prompt_id": "a", "sample": 0, "model": "m", "reasoning": None, "answer": "yes", "status": "ok"}
    (tmp_path / "responses.jsonl").write_bytes(to_line(line | {"newer": 1, "latency": 2}))
    assert [r.latency for r in RunFolder(tmp_path).responses()] == [2]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "responses.jsonl").mkdir()
    with pytest.raises(NaysayError, match=r"responses\.jsonl cannot be read: Is a directory"):
        list(RunFolder(tmp_path).responses())


@pytest.mark.parametrize(
    ("end", "said"), [(b'{"response_id":"b#0","pro', "is broken"), (b"\x9f\x00\x1b", "is not text")]
)
def test_the_last_label_of_people_does_not_vanish(tmp_path, end, said):
    path = tmp_path / "gold.jsonl"
    path.write_bytes(to_line(GOLD) + end)
    with pytest.raises(NaysayError, match=rf"gold\.jsonl, line 2 {said}"):
        list(RunFolder(tmp_path).gold())
    path.write_bytes(to_line(GOLD).rstrip())  # Somebody's own file: all of it is there.
    assert list(RunFolder(tmp_path).gold()) == [GOLD]


def test_junk_at_the_end_of_a_log_is_named_and_a_block_that_was_never_filled_is_a_torn_line(tmp_path):
    path = tmp_path / "responses.jsonl"
    path.write_bytes(to_line(response("a")) + b'{"id":"b' + bytes(100))
    assert [r.id for r in RunFolder(tmp_path).responses()] == ["a"]
    path.write_bytes(to_line(response("a")) + b"\xff\xd8\xff\xe0 no newline in it")
    with pytest.raises(NaysayError, match=r"responses\.jsonl, line 2 is not text") as error:
        list(RunFolder(tmp_path).responses())
    assert "Restore the file from a copy" in str(error.value)
