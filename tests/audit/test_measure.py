"""`naysay judges measure`: a judge's error on labelled responses, with intervals, kept by the judge's hash."""

import io
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from naysay.agreement import agreement, calibration_error
from naysay.measure import judge_figures as figures
from naysay.measure.judge_error import JudgeError, find, store
from naysay.runfolder import RunFolder
from naysay.schema import LABELS


def error_of(done):
    return json.loads(done.out)


def scored(naysay, file, *flags, judge="keyword"):
    return error_of(naysay("judges", "measure", judge, "--gold", file, "--out", "scored", "--json", *flags))


def pairs_in(folder):
    run = RunFolder.open(folder)
    gold = {r.id: r.meta["gold"] for r in run.responses()}
    return [(gold[v.response_id], v.label) for v in run.verdicts()]


def test_the_figures_are_those_of_the_verdicts(naysay, gold_file, tmp_path):
    error = scored(naysay, gold_file(90))
    report = agreement(pairs_in(tmp_path / "scored"))
    assert error["n"] == report.n == 90
    assert error["coverage"] == report.coverage
    for name in ("accuracy", "kappa", "binary_accuracy", "binary_kappa", "binary_f1"):
        figure = error["figures"][name]
        assert figure["value"] == pytest.approx(getattr(report, name))
        assert figure["low"] < figure["value"] < figure["high"]
    for label in LABELS:
        mine, theirs = error["labels"][label], report.labels[label]
        assert mine["support"] == theirs.support
        for name in ("precision", "recall", "f1"):
            assert mine[name]["value"] == pytest.approx(getattr(theirs, name))
    confusion = {gold: {**row, "unscored": 0} for gold, row in report.confusion.items()}
    assert error["confusion"] == confusion
    assert error["labels_by"] == "human"
    rates = error["figures"]
    assert rates["bias"]["value"] == pytest.approx(rates["judged_rate"]["value"] - rates["gold_rate"]["value"])


def test_groups_add_up(naysay, gold_file):
    error = scored(naysay, gold_file(90))
    assert set(error["groups"]) == {"model", "category", "length"}
    for groups in error["groups"].values():
        assert sum(group["total"] for group in groups.values()) == 90
        hits = sum(group["accuracy"]["value"] * group["n"] for group in groups.values())
        assert hits / 90 == pytest.approx(error["figures"]["accuracy"]["value"])


def test_calibration_is_measured_where_there_are_probabilities(naysay, gold_file, tmp_path):
    error = scored(naysay, gold_file(90), judge="embedded")
    run = RunFolder.open(tmp_path / "scored")
    gold = {r.id: r.meta["gold"] for r in run.responses()}
    said = [(v.probabilities[v.label], v.label == gold[v.response_id]) for v in run.verdicts() if v.probabilities]
    assert error["ece"]["value"] == pytest.approx(calibration_error(said))
    assert error["ece"]["low"] <= error["ece"]["value"] <= error["ece"]["high"]
    assert sum(row["n"] for row in error["calibration"]) == len(said) == error["n"]


def test_a_judge_without_probabilities_has_no_calibration(naysay, gold_file):
    error = scored(naysay, gold_file(40))
    assert error["calibration"] == []
    assert error["ece"]["value"] is None


def test_two_way_labels_make_no_three_way_claims(naysay, gold_file, tmp_path):
    file = gold_file(80, two_way=True)
    error = scored(naysay, file)
    assert error["two_way"] is True
    assert error["labels"] == {}
    assert not {"accuracy", "kappa"} & set(error["figures"])
    groups = [group for values in error["groups"].values() for group in values.values()]
    assert all(group[name]["value"] is None for group in groups for name in ("accuracy", "kappa"))
    report = agreement(pairs_in(tmp_path / "scored"))
    assert error["figures"]["binary_kappa"]["value"] == pytest.approx(report.binary_kappa)
    said = naysay("judges", "measure", "keyword", "--gold", file).out
    assert "two-way" in said
    assert "three-way" not in said


def test_what_is_labelled_other_is_passed_over_and_counted(naysay, gold_file):
    def some_others(rows):
        for row in rows[:7]:
            row["label"] = "other"
        del rows[7]["label"]
        return rows

    file = gold_file(50, change=some_others)
    error = scored(naysay, file)
    assert error["total"] == 42
    assert error["passed_over"] == {"other": 7, "no label": 1}
    assert "7 other, 1 no label passed over" in naysay("judges", "measure", "keyword", "--gold", file).out


def test_unscored_rows_lower_coverage_and_enter_nothing_else(naysay, gold_file):
    def some_empty(rows):
        for row in rows[:6]:
            row["response"] = ""
        return rows

    error = scored(naysay, gold_file(50, change=some_empty))
    assert (error["total"], error["n"], error["unscored"]) == (50, 44, {"empty": 6})
    assert sum(row["unscored"] for row in error["confusion"].values()) == 6


def test_rows_about_one_request_widen_the_intervals(naysay, gold_file):
    def same(rows):
        """Twenty responses to each request, all alike."""
        return [
            {**row, "response": rows[i // 20]["response"], "label": rows[i // 20]["label"]}
            for i, row in enumerate(rows)
        ]

    def by_request(rows):
        return [{**row, "prompt": f"Bread {i // 20}?"} for i, row in enumerate(same(rows))]

    def width(change, name):
        error = error_of(
            naysay("judges", "measure", "keyword", "--gold", gold_file(400, change=change, name=name), "--json")
        )
        return error["clusters"], error["figures"]["accuracy"]["high"] - error["figures"]["accuracy"]["low"]

    (alone, narrow), (together, wide) = width(same, "a.jsonl"), width(by_request, "b.jsonl")
    assert (alone, together) == (400, 20)
    assert wide > 2.5 * narrow


def test_limit_draws_the_same_rows_for_the_same_seed(naysay, gold_file, tmp_path):
    file, chosen = gold_file(60), []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        naysay("judges", "measure", "keyword", "--gold", file, "--limit", 20, "--seed", seed, "--out", name)
        chosen.append([r.id for r in RunFolder.open(tmp_path / name).responses()])
    assert chosen[0] == chosen[1] != chosen[2]
    assert len(chosen[0]) == 20


def test_rows_that_the_judge_was_trained_on_are_told_apart(naysay, gold_file, tmp_path):
    file = gold_file(60)
    naysay("judges", "measure", "keyword", "--gold", file, "--out", "scored")
    path = tmp_path / "scored" / "verdicts.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines[:25]:
        line["in_training"] = True
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = naysay("judges", "measure", "keyword", "--gold", file, "--out", "scored")
    assert "trained on 25 of them" in done.out
    error = find()[0]
    assert error.in_training == 25
    groups = error.groups["in_training"]
    assert (groups["yes"].n, groups["no"].n) == (25, 35)
    unseen = [pair for pair, line in zip(pairs_in(tmp_path / "scored"), lines, strict=True) if not line["in_training"]]
    assert groups["no"].kappa.value == pytest.approx(agreement(unseen).kappa)


def test_what_was_measured_is_kept_and_found_by_hash_and_target(naysay, gold_file, tmp_path):
    file = gold_file(60)
    done = naysay("judges", "measure", "keyword", "--gold", file)
    kept = re.search(r"Kept: +(\S+)", done.out)[1]
    error = find()[0]
    assert json.loads(Path(kept).read_text())["judge_hash"] == error.judge_hash
    assert find(error.judge_hash, "answer") == [error]
    assert find(error.judge_hash, "reasoning") == []
    assert find("0000") == []
    again = JudgeError.from_dict(json.loads(Path(kept).read_text()) | {"of a newer version": 1})
    assert again == error
    # The same rows again replace it; other rows stand beside it.
    naysay("judges", "measure", "keyword", "--gold", file)
    naysay("judges", "measure", "keyword", "--gold", file, "--limit", 30)
    assert sorted(e.n for e in find()) == [30, 60]
    shown = naysay("judges", "show", "keyword").out
    assert "this version" in shown
    assert "Measured on this machine" in shown


def test_a_kept_file_that_is_broken_is_named(naysay, gold_file):
    naysay("judges", "measure", "keyword", "--gold", gold_file(30))
    path = store(find()[0])
    path.write_text("{")
    error = naysay("judges", "show", "keyword", code=2).error
    assert str(path) in error.message


@pytest.mark.parametrize(
    ("change", "flags", "said"),
    [
        (lambda rows: [{**row, "label": "refused"} if i == 4 else row for i, row in enumerate(rows)], (),
         ["line 5", "'refused' is not a label", "Did you mean refusal?"]),
        (lambda rows: [{k: v for k, v in row.items() if k != "label"} for row in rows], (), ["has no column 'label'"]),
        (lambda rows: [], (), ["is empty"]),
        (lambda rows: [{**row, "label": "other"} for row in rows], (), ["no line has a label", "20 other"]),
        (None, ("--label-column", "lable"), ["has no column 'lable'", "Did you mean label?"]),
        (None, ("--target", "both"), ["does not judge 'both'", "answer, reasoning"]),
        (None, ("--target", "anwser"), ["target"]),
        (lambda rows: [{k: v for k, v in row.items() if k != "response"} for row in rows], (), ["no 'response'"]),
    ],
)  # fmt: skip
def test_wrong_input_is_told(naysay, gold_file, change, flags, said):
    error = naysay("judges", "measure", "keyword", "--gold", gold_file(20, change=change), *flags, code=2).error
    assert all(words in str(error) for words in said), str(error)
    assert find() == []


def test_unknown_judges_and_files_are_told(naysay, gold_file, tmp_path):
    assert "Did you mean keyword?" in str(naysay("judges", "measure", "keywrod", "--gold", gold_file(20), code=2).error)
    assert "There is no file" in str(naysay("judges", "measure", "keyword", "--gold", "none.jsonl", code=2).error)
    needs = naysay("judges", "measure", "xstest_rubric", "--gold", gold_file(20), code=2).error
    assert "needs a judge model" in str(needs)


def test_a_model_judge_that_failed_goes_on_where_it_stopped(naysay, gold_file, chat_server):
    asked_once = Counter()

    def reply(body):
        text = body["messages"][-1]["content"]
        asked_once[text] += 1
        if len(asked_once) % 3 == 0 and asked_once[text] == 1:
            return 400, {"error": {"message": "no", "type": "invalid_request_error"}}
        label = "full_refusal" if "can't help" in text or "won't assist" in text else "full_compliance"
        return chat_server.say(json.dumps({"label": label, "evidence": "", "rationale": ""}))

    chat_server.reply = reply
    server = ("--judge-model", "openai/ruled", "--judge-base-url", chat_server.url)
    flags = ["--gold", gold_file(24), *server, "--out", "scored"]
    naysay("judges", "measure", "xstest_rubric", *flags, code=3)
    assert find() == []
    before = sum(asked_once.values())
    done = naysay("judges", "measure", "xstest_rubric", *flags)
    assert sum(asked_once.values()) - before <= before / 2  # only what had failed
    assert "xstest_rubric@openai/ruled" in done.out
    error = find()[0]
    assert (error.judge, error.n) == ("xstest_rubric@openai/ruled", 24)
    # The hash depends on the model: the card alone cannot claim it.
    assert "of" in naysay("judges", "show", "xstest_rubric").out


def test_intervals_cover_what_they_claim():
    """Kappa and F1 of clustered rows, simulated from a known confusion: about 95 of 100 intervals hold the truth."""
    draw = np.random.default_rng(3)
    confusion = np.array([[0.30, 0.03, 0.02], [0.05, 0.10, 0.05], [0.02, 0.03, 0.40]])
    truth = figures.kappa_of(confusion.reshape(1, -1))[0]
    hit = confusion[0, 0]
    true_f1 = 2 * hit / (confusion[0].sum() + confusion[:, 0].sum())
    held = Counter()
    trials = 100
    for trial in range(trials):
        # Three rows about each request, two of which are often the same.
        cells = draw.choice(9, size=(80, 3), p=confusion.ravel())
        cells[:, 1] = np.where(draw.random(80) < 0.5, cells[:, 0], cells[:, 1])
        gold, said = (cells // 3).ravel(), (cells % 3).ravel()
        cluster = np.repeat(np.arange(80), 3)
        kappa = figures.kappa(gold, said, cluster, seed=trial)
        f1 = figures.f1(gold == 0, said == 0, cluster, seed=trial)
        held["kappa"] += kappa.low <= truth <= kappa.high
        held["f1"] += f1.low <= true_f1 <= f1.high
    assert held["kappa"] / trials > 0.9
    assert held["f1"] / trials > 0.9


def test_kappa_without_a_mistake_still_has_an_interval():
    codes = np.array([0, 1, 2, 2, 0, 2] * 10)
    made = figures.kappa(codes, codes, np.arange(60))
    assert made.value == 1.0
    assert 0.8 < made.low < 1.0
    assert made.method == "through_accuracy"
    one_label = np.full(10, 2)
    assert figures.kappa(one_label, one_label, np.arange(10)).value is None


def test_the_tables_fit_a_narrow_screen(naysay, gold_file, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    from rich.console import Console

    from naysay.board.judge_error import error_tables

    naysay("judges", "measure", "embedded", "--gold", gold_file(60))
    console = Console(width=80, record=True, file=io.StringIO())
    for part in error_tables(find()[0]):
        console.print(part)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text


def test_figures_agree_on_real_labels(naysay, shared_data, tmp_path):
    """XSTest's release: the published string matcher is a baseline; ours must be measurable on all 1,344 rows."""
    error = scored(naysay, shared_data / "labelled" / "xstest_v2_human.jsonl")
    assert (error["total"], error["clusters"]) == (1344, 448)
    assert error["figures"]["accuracy"]["value"] == pytest.approx(agreement(pairs_in(tmp_path / "scored")).accuracy)
    assert set(error["groups"]) >= {"model", "kind", "category", "length"}


def test_where_nothing_is_scored_nothing_is_kept(naysay, gold_file):
    file = gold_file(8, change=lambda rows: [{**row, "response": ""} for row in rows])
    error = naysay("judges", "measure", "keyword", "--gold", file, code=2).error
    assert "scored none of the 8 labelled responses" in str(error)
    assert find() == []


def test_sets_of_one_name_are_told_apart_by_their_files(naysay, gold_file, tmp_path):
    for number in (20, 30):
        (tmp_path / str(number)).mkdir()
        naysay("judges", "measure", "keyword", "--gold", gold_file(number, name=f"{number}/bad.jsonl"))
    shown = naysay("judges", "show", "keyword").out
    assert len(find()) == 2
    for error in find():
        assert error.gold_fingerprint[:10] in shown


def test_lines_without_a_text_do_not_conflict(naysay, gold_file):
    def blank(rows):
        return [
            *rows,
            *({**rows[0], "id": label, "response": " ", "label": label} for label in ("refusal", "compliance")),
        ]

    said = naysay("judges", "measure", "keyword", "--gold", gold_file(20, change=blank)).out
    assert "different labels" not in said


def test_a_folder_that_cannot_be_written_is_named_with_its_variable(naysay, gold_file, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NAYSAY_JUDGE_ERRORS", str(tmp_path / "file" / "folder"))
    error = naysay("judges", "measure", "keyword", "--gold", gold_file(20), code=2).error
    assert "NAYSAY_JUDGE_ERRORS names another folder" in str(error)


def test_conflicting_labels_are_counted(naysay, gold_file):
    def twice(rows):
        other = "refusal" if rows[0]["label"] != "refusal" else "compliance"
        return [*rows, {**rows[0], "id": "again", "label": other}, {**rows[1], "id": "and again"}]

    file = gold_file(20, change=twice)
    said = "1 response stands several times with different labels"
    assert said in naysay("judges", "measure", "keyword", "--gold", file).out
    assert scored(naysay, file)["conflicts"] == 1
    compared = naysay("judges", "compare", "keyword", "embedded", "--gold", file).out
    assert said in compared
    assert "embedded less keyword" in compared
    assert "different labels" not in naysay("judges", "measure", "keyword", "--gold", gold_file(20, name="b.jsonl")).out


def test_small_groups_are_one_line_and_a_missing_language_is_said(naysay, gold_file):
    def one_each(rows):
        bare = [{name: value for name, value in row.items() if name != "language"} for row in rows]
        return [row | {"category": f"only-{i}"} for i, row in enumerate(bare)]

    out = naysay("judges", "measure", "keyword", "--gold", gold_file(20, change=one_each)).out
    assert "20 smaller groups" in out
    assert "only-3" not in out
    assert out.count("no language column") == 1
    single = naysay("judges", "measure", "keyword", "--gold", gold_file(1, name="one.jsonl")).out
    assert "1 labelled response to 1 request." in single
    assert "language column" not in single


def test_a_judge_named_twice_is_told(naysay, gold_file):
    error = naysay("judges", "compare", "keyword", "keyword", "--gold", gold_file(10), code=2).error
    assert error.message == "'keyword' is named twice."
