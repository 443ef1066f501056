"""`naysay annotate`: drawing, labelling in the terminal, two annotators, settling, reading back, enlarging."""

import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time

import pytest

from naysay.annotate import sample as samples
from naysay.annotate.items import load_items
from naysay.runfolder import VERDICTS
from naysay.writing import LineWriter

KEY = {"compliance": "1", "partial_refusal": "2", "refusal": "3"}


def typed(sample, truth, names=None, wrong=()):
    """The keys that label these responses as they are, but for some."""
    other = {"compliance": "3", "partial_refusal": "1", "refusal": "1"}
    return "".join(
        other[truth[name]] if name in wrong else KEY[truth[name]] for name in (sample.ids if names is None else names)
    )


def export(path, sample, labels, annotator="ann", **change):
    """A file like the page's."""
    lines = [
        {"sample": sample.id, "item": sample.item_id(name), "annotator": annotator, "label": label} | change
        for name, label in labels.items()
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def drawn(make_run, naysay, truth_of):
    """A run with a sample of thirty, and what is true of it."""
    run = make_run()
    naysay("annotate", run.path, "--size", 30, "--html", "first.html")
    return run, samples.load(run, "answer"), truth_of(run)


def test_labelling_in_the_terminal_gives_gold(drawn, naysay):
    run, sample, truth = drawn
    done = naysay("annotate", run.path, "--annotator", "ann", keys=typed(sample, truth))
    assert "Everything has a label" in done.out
    assert "30 of 30 · ann" in done.out
    assert "Request number" in done.out
    assert "wombat" not in done.out
    gold = {label.response_id: label.label for label in run.gold()}
    assert gold == {name: truth[name] for name in sample.ids}
    assert all(label.source == "human" and label.target == "answer" for label in run.gold())


def test_quitting_keeps_what_was_labelled_and_the_weights_fit_it(drawn, naysay):
    run, sample, truth = drawn
    done = naysay("annotate", run.path, "--annotator", "ann", keys=typed(sample, truth, sample.ids[:12]) + "q")
    assert "the same command goes on" in done.out
    assert "12 of 30 labelled" in done.out
    gold = list(run.gold())
    assert {label.response_id for label in gold} == set(sample.ids[:12])
    reached = {label.stratum: label.weight for label in gold}
    for stratum in sample.strata:
        count = sum(label.stratum == stratum.name for label in gold)
        assert not count or reached[stratum.name] == stratum.size / count
    again = naysay("annotate", run.path, "--annotator", "ann", keys=typed(sample, truth, sample.ids[12:]))
    assert "13 of 30 · ann" in again.out
    assert len(list(run.gold())) == 30


def test_undo_skip_note_and_meanings(drawn, naysay):
    run, sample, truth = drawn
    keys = "?" + "1" + "u" + KEY[truth[sample.ids[0]]] + "s" + "nhard to say\n" + "2" + "q"
    done = naysay("annotate", run.path, "--annotator", "ann", keys=keys)
    assert "declines or holds back" in done.out
    assert "2 of 30 labelled, 1 skipped" in done.out
    lines = [json.loads(x) for x in (run.path / "annotation/answer/labels/ann.jsonl").read_text().splitlines()]
    assert [line["label"] for line in lines] == ["compliance", None, truth[sample.ids[0]], "skip", "partial_refusal"]
    assert lines[-1]["note"] == "hard to say"
    assert {label.response_id for label in run.gold()} == {sample.ids[0], sample.ids[2]}
    # What was skipped is asked again, after everything else.
    naysay("annotate", run.path, "--annotator", "ann", keys=typed(sample, truth, [*sample.ids[3:], sample.ids[1]]))
    assert {label.response_id: label.label for label in run.gold()}[sample.ids[1]] == truth[sample.ids[1]]


def test_two_annotators_their_agreement_and_settling(drawn, naysay):
    run, sample, truth = drawn
    apart = sample.ids[4:7]
    naysay("annotate", run.path, "--annotator", "ann", keys=typed(sample, truth))
    done = naysay("annotate", run.path, "--annotator", "bob", keys=typed(sample, truth, wrong=apart))
    assert "90.0%" in done.out
    assert "kappa" in done.out
    assert "3 disagreements" in done.out
    assert "--resolve" in done.out
    assert {label.response_id for label in run.gold()} == set(sample.ids) - set(apart)
    settled = naysay("annotate", run.path, "--resolve", keys=typed(sample, truth, apart))
    assert "Annotators said:" in settled.out
    assert "3 disagreements were settled" in settled.out
    gold = {label.response_id: label for label in run.gold()}
    assert {name: label.label for name, label in gold.items()} == {name: truth[name] for name in sample.ids}
    assert gold[apart[0]].annotators["resolved"] == truth[apart[0]]
    assert set(gold[apart[0]].annotators) == {"ann", "bob", "resolved"}
    assert naysay("annotate", run.path, "--resolve", code=2).error.message.startswith("There is nothing to settle")


def test_three_annotators_have_an_alpha(drawn, naysay):
    run, sample, truth = drawn
    for name, wrong in (("ann", ()), ("bob", sample.ids[:3]), ("cem", sample.ids[2:6])):
        done = naysay("annotate", run.path, "--annotator", name, keys=typed(sample, truth, wrong=wrong))
    assert "Krippendorff's alpha" in done.out
    assert "bob and cem" in done.out
    assert "6 disagreements" in done.out


def test_settling_on_a_page(drawn, naysay, tmp_path):
    run, sample, truth = drawn
    naysay("annotate", run.path, "--annotator", "ann", keys=typed(sample, truth))
    naysay("annotate", run.path, "--annotator", "bob", keys=typed(sample, truth, wrong=sample.ids[:2]))
    naysay("annotate", run.path, "--resolve", "--html", "settle.html")
    source = (tmp_path / "settle.html").read_text()
    assert source.count('"said":') == 2
    assert "bob" not in source
    labels = {name: truth[name] for name in sample.ids[:2]}
    file = export(tmp_path / "settled.jsonl", sample, labels, annotator="resolved")
    refused = naysay("annotate", run.path, "--read", file, code=2)
    assert "--resolve" in str(refused.error)
    naysay("annotate", run.path, "--read", file, "--resolve")
    assert len(list(run.gold())) == 30


def test_reading_back_twice_changes_nothing(drawn, naysay, tmp_path):
    run, sample, truth = drawn
    file = export(tmp_path / "ann.jsonl", sample, {name: truth[name] for name in sample.ids})
    naysay("annotate", run.path, "--read", file)
    before = (run.path / "annotation/answer/labels/ann.jsonl").read_bytes(), (run.path / "gold.jsonl").read_bytes()
    naysay("annotate", run.path, "--read", file)
    after = (run.path / "annotation/answer/labels/ann.jsonl").read_bytes(), (run.path / "gold.jsonl").read_bytes()
    assert before == after


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sample": "0123"}, "labels of another sample"),
        ({"sample": None}, "names no sample"),
        ({"item": "ffff"}, "is not a response of this sample"),
        ({"label": "refused"}, "'refused' is not a label.\nDid you mean refusal?"),
        ({"label": None}, "None is not a label"),
        ({"note": 3}, "the note is not text"),
        ({"annotator": "two words"}, "cannot be an annotator's name"),
        ({"annotator": ""}, "does not say who labelled"),
    ],
)
def test_a_file_that_is_wrong_is_refused_and_nothing_kept(drawn, naysay, tmp_path, change, said):
    run, sample, _ = drawn
    file = export(tmp_path / "wrong.jsonl", sample, {sample.ids[0]: "refusal"})
    with file.open("a") as more:
        line = {"sample": sample.id, "item": sample.item_id(sample.ids[1]), "annotator": "ann", "label": "refusal"}
        more.write(json.dumps(line | change) + "\n")
    if "annotator" in change:
        file.write_text(file.read_text().splitlines()[1] + "\n")
    error = naysay("annotate", run.path, "--read", file, code=2).error
    assert said in str(error)
    assert "wrong.jsonl" in str(error) or "name" in said
    if "annotator" not in change:
        assert "line 2" in str(error)
    assert not (run.path / "annotation/answer/labels").exists()
    assert not (run.path / "gold.jsonl").exists()


def test_duplicates_other_annotators_and_empty_files(drawn, naysay, tmp_path):
    run, sample, _ = drawn
    file = export(tmp_path / "ann.jsonl", sample, {sample.ids[0]: "refusal"})
    file.write_text(file.read_text() * 2)
    assert "stands on line 1 already" in str(naysay("annotate", run.path, "--read", file, code=2).error)
    export(file, sample, {sample.ids[0]: "refusal"})
    assert "'ann' labelled, not 'bob'" in str(
        naysay("annotate", run.path, "--read", file, "--annotator", "bob", code=2).error
    )
    other = export(tmp_path / "bob.jsonl", sample, {sample.ids[1]: "refusal"}, annotator="bob")
    file.write_text(file.read_text() + other.read_text())
    assert "several annotators" in str(naysay("annotate", run.path, "--read", file, code=2).error)
    file.write_text("")
    assert "holds no labels" in str(naysay("annotate", run.path, "--read", file, code=2).error)
    file.write_text("{\n")
    assert "line 1 is not JSON" in str(naysay("annotate", run.path, "--read", file, code=2).error)
    assert "There is no file" in str(naysay("annotate", run.path, "--read", tmp_path / "none", code=2).error)


def test_labels_of_the_other_target_are_told_apart_and_kept(drawn, naysay, tmp_path):
    run, sample, truth = drawn
    page = naysay("annotate", run.path, "--target", "reasoning", "--size", 30, "--html", "trace.html")
    assert f"naysay annotate {run.path} --target reasoning --read FILE" in page.out.replace("\n", " ")
    traces = samples.load(run, "reasoning")
    file = export(tmp_path / "ann.jsonl", traces, dict.fromkeys(traces.ids, "compliance"))
    assert "labels of the reasoning, not of the answer" in str(
        naysay("annotate", run.path, "--read", file, code=2).error
    )
    naysay("annotate", run.path, "--read", file, "--target", "reasoning")
    naysay("annotate", run.path, "--annotator", "ann", keys=typed(sample, truth))
    assert {label.target for label in run.gold()} == {"answer", "reasoning"}
    assert len(list(run.gold())) == 60


def test_a_larger_sample_keeps_every_label_and_its_weights_add_up(drawn, naysay, truth_of):
    run, sample, truth = drawn
    naysay("annotate", run.path, "--annotator", "ann", keys=typed(sample, truth))
    more = naysay("annotate", run.path, "--size", 70, "--html", "more.html")
    assert "40 more, 70 of" in more.out
    larger = samples.load(run, "answer")
    assert larger.id == sample.id
    assert larger.ids[:30] == sample.ids
    assert all(now >= before for now, before in zip(larger.drawn, sample.drawn, strict=True))
    naysay("annotate", run.path, "--annotator", "ann", keys=typed(larger, truth, larger.ids[30:]))
    gold = list(run.gold())
    assert len(gold) == 70
    assert sum(label.weight for label in gold) == pytest.approx(larger.population)
    assert "does not shrink" in str(naysay("annotate", run.path, "--size", 20, "--html", "x.html", code=2).error)


def test_the_same_seed_draws_the_same_sample_and_another_another(make_run, naysay):
    chosen = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run = make_run(name)
        naysay("annotate", run.path, "--size", 40, "--seed", seed, "--html", "x.html")
        chosen.append(samples.load(run, "answer").ids)
    assert chosen[0] == chosen[1] != chosen[2]
    assert "drawn with --seed 1" in str(naysay("annotate", "c", "--seed", 5, "--html", "x.html", code=2).error)


def test_weighted_gold_gives_back_the_rate_of_the_whole_run(make_run, naysay, truth_of, tmp_path):
    """Over many samples the weighted rate is the true one, though strata were drawn from at very different rates."""
    estimates = []
    for seed in range(25):
        run = make_run(f"run-{seed}", harmful=150, safe=0, error=0.3)
        truth = truth_of(run)
        sample = samples.draw(run, "answer", size=45, seed=seed)
        naysay("annotate", run.path, "--read",
               export(tmp_path / "x.jsonl", sample, {name: truth[name] for name in sample.ids}))  # fmt: skip
        gold = list(run.gold())
        complied = sum(label.weight for label in gold if label.label == "compliance") / sum(g.weight for g in gold)
        real = sum(truth[r.id] == "compliance" for r in run.responses() if r.answer) / 149
        estimates.append(complied - real)
    mean = sum(estimates) / len(estimates)
    spread = (sum((e - mean) ** 2 for e in estimates) / 24) ** 0.5
    assert abs(mean) < 3 * spread / 25**0.5
    assert spread < 0.09


def test_a_run_that_changed_is_not_drawn_from_again(drawn, naysay):
    run, _, _ = drawn
    verdict = next(v for v in run.verdicts() if v.target == "answer" and v.label == "refusal")
    verdict.label = "compliance"
    with LineWriter(run.path / VERDICTS) as file:
        file.write(verdict)
    error = naysay("annotate", run.path, "--size", 60, "--html", "x.html", code=2).error
    assert "has changed since its sample was drawn" in str(error)


def test_an_unfinished_run_is_not_drawn_from_unless_told(make_run, naysay):
    run = make_run(unjudged=5)
    assert "10 verdicts are missing" in str(naysay("annotate", run.path, "--html", "x.html", code=2).error)
    naysay("annotate", run.path, "--html", "x.html", "--unfinished")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--size", 3), "too few for 6 strata"),
        (("--target", "both"), "Label the answer and the reasoning apart"),
        (("--judge", "embeded"), "Did you mean embedded?"),
        (("--annotator", "a b"), "cannot be an annotator's name"),
        (("--annotator", "resolved"), "--resolve"),
        (("--width", "6"), "not a share between 0 and 1"),
        (("--size", 40, "--width", "0.1"), "Give one of them"),
        (("--read", "x.jsonl"), "has no sample"),
        (("--resolve",), "has no sample"),
    ],
)
def test_wrong_use_is_told(make_run, naysay, args, said):
    run = make_run()
    assert said in str(naysay("annotate", run.path, *args, code=2).error)
    assert not (run.path / "annotation" / "answer" / "sample.json").exists()


def test_gold_that_is_not_from_the_sample_is_not_overwritten(drawn, naysay):
    run, sample, truth = drawn
    stranger = next(r.id for r in run.responses() if r.id not in sample.stratum_of)
    line = {"response_id": stranger, "prompt_id": "x", "target": "answer", "label": "refusal"}
    (run.path / "gold.jsonl").write_text(json.dumps(line) + "\n")
    error = naysay("annotate", run.path, "--annotator", "ann", keys=typed(sample, truth), code=2).error
    assert "it would be overwritten" in str(error)
    assert json.loads((run.path / "gold.jsonl").read_text()) == line


def test_control_characters_do_not_reach_the_terminal(drawn, naysay):
    run, sample, _ = drawn
    from naysay.runfolder import RESPONSES

    with LineWriter(run.path / RESPONSES) as file:
        for response in list(run.responses()):
            response.answer = "\x1b[2Jgone\x07"
            file.write(response)
    assert load_items(run, sample)[0].text == "␛[2Jgone␇"
    assert "\x1b[2Jgone" not in naysay("annotate", run.path, "--annotator", "ann", keys="q").out


class Terminal:
    """``naysay annotate RUN`` in a terminal of its own, typed into while it shows things."""

    def __init__(self, run, folder):
        self.leader, follower = pty.openpty()

        def own_terminal():
            os.setsid()
            fcntl.ioctl(follower, termios.TIOCSCTTY, 0)
            # A test run in the background inherits an ignored Ctrl-C; the process under test must not.
            signal.signal(signal.SIGINT, signal.SIG_DFL)

        command = [sys.executable, "-m", "naysay.cli.main", "annotate", str(run.path), "--annotator", "ann"]
        self.process = subprocess.Popen(
            command, stdin=follower, stdout=follower, stderr=follower, cwd=folder, preexec_fn=own_terminal
        )
        os.close(follower)
        self.shown = b""

    def until(self, words):
        end = time.monotonic() + 30
        while words not in self.shown and time.monotonic() < end:
            if select.select([self.leader], [], [], 0.2)[0]:
                self.shown += os.read(self.leader, 65536)
        assert words in self.shown, self.shown[-800:]

    def type(self, keys):
        os.write(self.leader, keys.encode())

    def end(self):
        with contextlib.suppress(OSError):  # The other side is gone.
            while select.select([self.leader], [], [], 5)[0]:
                self.shown += os.read(self.leader, 65536)
        os.close(self.leader)
        return self.process.wait(10)


def test_labels_survive_a_kill_in_a_real_terminal(drawn, naysay, tmp_path):
    run, sample, truth = drawn
    terminal = Terminal(run, tmp_path)
    terminal.until(b"1 of 30")
    # Typed faster than they are asked for: none is lost.
    terminal.type(typed(sample, truth, sample.ids[:4]))
    terminal.until(b"5 of 30")
    os.kill(terminal.process.pid, signal.SIGKILL)
    terminal.end()
    assert "4 of 30 labelled" in naysay("annotate", run.path, "--status").out
    naysay("annotate", run.path, "--annotator", "ann", keys=typed(sample, truth, sample.ids[4:]))
    assert {label.response_id: label.label for label in run.gold()} == {name: truth[name] for name in sample.ids}


def test_ctrl_c_arrows_and_notes_in_a_real_terminal(drawn, naysay, tmp_path):
    run, sample, truth = drawn
    terminal = Terminal(run, tmp_path)
    terminal.until(b"quit")
    terminal.type("\x1b[D")
    terminal.type("n")
    terminal.until(b"Note: ")
    terminal.type("na ja, schön\n")
    terminal.type(KEY[truth[sample.ids[0]]])
    terminal.until(b"2 of 30")
    terminal.type("\x03")
    assert terminal.end() == 0
    assert b"Traceback" not in terminal.shown
    assert b"1 of 30 labelled" in terminal.shown
    line = json.loads((run.path / "annotation/answer/labels/ann.jsonl").read_text())
    assert (line["label"], line["note"]) == (truth[sample.ids[0]], "na ja, schön")


def test_without_a_terminal_nothing_is_drawn(make_run):
    run = make_run()
    command = [sys.executable, "-m", "naysay.cli.main", "annotate", str(run.path), "--size", "40", "--annotator", "ann"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, start_new_session=True, check=False
    )
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
    assert not (run.path / "annotation").exists()


def test_a_size_above_the_run_is_refused_and_the_sample_stays(drawn, make_run, naysay):
    run, sample, _ = drawn
    assert "--size 119 draws them all" in str(naysay("annotate", run.path, "--size", 99999, code=2).error)
    assert samples.load(run, "answer").ids == sample.ids
    fresh = make_run("fresh")
    assert "--size 119 draws them all" in str(naysay("annotate", fresh.path, "--size", 120, code=2).error)
    assert samples.load(fresh, "answer") is None


def test_changed_labels_need_a_word_and_do_not_raise_the_agreement(drawn, naysay, tmp_path):
    run, sample, truth = drawn
    apart = sample.ids[:3]
    naysay("annotate", run.path, "--annotator", "ann", keys=typed(sample, truth))
    said = {name: truth[name] for name in sample.ids}
    other = {"compliance": "refusal", "partial_refusal": "compliance", "refusal": "compliance"}
    first = export(tmp_path / "1.jsonl", sample, said | {n: other[truth[n]] for n in apart}, annotator="bob")
    second = export(tmp_path / "2.jsonl", sample, said, annotator="bob")
    assert "90.0%" in naysay("annotate", run.path, "--read", first).out
    error = str(naysay("annotate", run.path, "--read", second, code=2).error)
    assert "changes 3 of the labels that bob gave before (line 1" in error
    assert "--replace" in error
    assert len(list(run.gold())) == 27
    done = naysay("annotate", run.path, "--read", second, "--replace")
    assert "90.0%" in done.out
    assert "Changed afterwards: bob 3" in done.out
    assert {label.response_id: label.label for label in run.gold()} == said
    assert "--read" in str(naysay("annotate", run.path, "--status", "--replace", code=2).error)


def test_what_report_will_do_is_said(make_run, naysay, truth_of):
    run = make_run()
    truth = truth_of(run)
    naysay("annotate", run.path, "--size", 30, "--html", "x.html")
    few = naysay("annotate", run.path, "--annotator", "ann", keys=typed(samples.load(run, "answer"), truth)).out
    assert "Too few for `naysay report" in " ".join(few.split())
    assert "now shows corrected rates" not in few
    naysay("annotate", run.path, "--size", 119, "--html", "x.html")
    rest = samples.load(run, "answer").ids[30:]
    every = naysay("annotate", run.path, "--annotator", "ann", keys=typed(None, truth, rest)).out
    assert "now shows corrected rates beside" in " ".join(every.split())


def test_a_page_is_not_written_into_a_folder_that_is_not_there(make_run, naysay, tmp_path):
    run = make_run()
    assert "no folder" in str(naysay("annotate", run.path, "--html", tmp_path / "no" / "x.html", code=2).error)
    assert not (tmp_path / "no").exists()
    assert "is a folder" in str(naysay("annotate", run.path, "--html", tmp_path, code=2).error)
    assert not (run.path / "annotation").exists()


def test_label_files_without_items_or_of_bytes_are_told(drawn, naysay, tmp_path):
    run, sample, _ = drawn
    file = tmp_path / "x.jsonl"
    file.write_text(json.dumps({"sample": sample.id, "annotator": "ann", "label": "refusal"}) + "\n")
    assert "x.jsonl, line 1 has no 'item'" in str(naysay("annotate", run.path, "--read", file, code=2).error)
    file.write_bytes(b"\x80\xff\x00\xfe")
    assert "x.jsonl, line 1 is not text in UTF-8" in str(naysay("annotate", run.path, "--read", file, code=2).error)


def test_a_file_of_labels_may_begin_with_a_byte_order_mark(drawn, naysay, tmp_path):
    run, sample, _ = drawn
    file = export(tmp_path / "x.jsonl", sample, {sample.ids[0]: "refusal"})
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert "Read 1 labels" in naysay("annotate", run.path, "--read", file).out


def test_a_mark_of_the_wrong_shape_is_named(drawn, naysay):
    run, sample, _ = drawn
    path = samples.place(run, "answer") / "labels" / "ann.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"response_id": sample.ids[0], "lable": "refusal"}) + "\n")
    assert "ann.jsonl, line 1: 'label' is missing" in str(naysay("annotate", run.path, "--status", code=2).error)


def test_rates_of_single_models_that_the_labels_are_too_few_for_are_told(naysay, tmp_path):
    with (tmp_path / "said.jsonl").open("w", encoding="utf-8") as file:
        for i in range(300):
            answer = "I can't help with that." if i % 3 else "Sure, take the road to the left."
            row = {"prompt": f"Question {i // 2}?", "response": answer, "kind": "harmful", "model": f"m{i % 2}"}
            file.write(json.dumps(row) + "\n")
    naysay("score", "said.jsonl", "--judge", "keyword", "--targets", "answer", "--out", "run")
    said = " ".join(naysay("annotate", "run", "--size", "60", "--html", "a.html", "--annotator", "ann").out.split())
    assert "By model: 2 of 2 rates get fewer than 50 labels" in said
    said = " ".join(naysay("annotate", "run", "--size", "200", "--html", "b.html", "--annotator", "ann").out.split())
    assert "By model" not in said
