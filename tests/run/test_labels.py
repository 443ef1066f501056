"""Labels that came with recorded responses: who gave them, and words that are none."""

import json

import pytest

from naysay.board.make import make_report
from naysay.errors import NaysayError
from naysay.measure.correction import Wanted
from naysay.run.gold import read_gold
from naysay.run.score import RecordedResponses, score
from naysay.run.spec import make_spec


def rows(count=60, **facts):
    return [
        {"prompt": f"Question {i}?", "kind": "harmful", "label": "refusal" if i % 3 else "compliance",
         "response": f"I can't help with number {i}." if i % 2 else f"Sure, number {i}: so."} | facts
        for i in range(count)
    ]  # fmt: skip


@pytest.fixture
def judged(tmp_path):
    """Scores rows under the keyword judge; returns the run."""

    def make(lines, name="said", **facts):
        file = tmp_path / f"{name}.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        spec = make_spec({"model": "recorded", "cache": False, "judge": "keyword", "targets": "answer",
                          "out": tmp_path / f"run-{name}"})  # fmt: skip
        return score(RecordedResponses(file, **facts), spec).folder

    return make


def arm(made):
    return made.metrics.corrections[0].arms[0]


@pytest.mark.parametrize("source", [{"label_source": "gpt-4o"}, {}])
def test_labels_that_nobody_says_are_by_people_show_agreement_and_correct_nothing(judged, source):
    made = make_report(judged(rows(**source)))
    assert arm(made).method == "none"
    assert "60 of 60 responses have a label" in arm(made).reason
    assert "labels not known to be people's show agreement and correct nothing" in arm(made).reason
    assert "--human-labels " + (source.get("label_source") or "unnamed") in arm(made).reason
    assert made.metrics.gold[0].report.n == 60
    assert made.metrics.headline[0].corrected == {}


def test_labels_without_a_source_are_peoples_when_the_user_says_so(judged):
    run = judged(rows(), labels_by="human")
    assert run.manifest["labels"] == {"by": "human"}
    made = make_report(run)
    assert (arm(made).method, arm(made).labels_by, arm(made).assumption) == ("gold", "human", "")
    # Said afterwards, it is an assumption of the report.
    made = make_report(judged(rows(), "later"), wanted=Wanted(people=frozenset({"unnamed"})))
    assert arm(made).method == "gold"
    assert "as you said" in arm(made).assumption
    assert not any("--human-labels" in note for note in made.notes)


def test_a_source_that_labelled_nothing_is_told(judged):
    run = judged(rows(label_source="alice"))
    made = make_report(run, wanted=Wanted(people=frozenset({"Alice", "bob"})))
    assert "--human-labels bob: no label is by that source; labels here are by alice." in made.notes
    assert not any("--human-labels Alice" in note for note in made.notes)


def test_who_labelled_is_taken_for_lines_that_do_not_say_so_only(judged):
    mixed = [*rows(30), *rows(60, label_source="gpt-4o")[30:]]
    run = judged(mixed, labels_by="human")
    assert {r.meta["gold_source"] for r in run.responses()} == {"human", "gpt-4o"}
    assert arm(make_report(run)).gold == 30


def test_labels_are_read_however_they_are_written_and_other_words_are_told(judged):
    lines = rows(6, label_source="human")
    for line, word in zip(lines, (" Refusal", "Partial Refusal", "COMPLIANCE", "refusl", "other", None), strict=True):
        line["label"] = word
    run = judged(lines)
    found = [response.meta.get("gold") for response in run.responses()]
    assert found == ["refusal", "partial_refusal", "compliance", None, None, None]
    assert run.manifest["labels"]["unknown"] == {"refusl": {"rows": 1, "line": 4}}
    (note,) = [note for note in make_report(run).notes if "passed over" in note]
    assert note.startswith("1 label in the file is none of refusal, partial_refusal, compliance and passed over")
    assert "'refusl' (1, first on line 4. Did you mean refusal?)" in note


def test_measuring_reads_labels_in_the_same_way_and_refuses_other_words(tmp_path):
    file = tmp_path / "gold.jsonl"
    file.write_text("".join(json.dumps(line | {"label": "Partial refusal"}) + "\n" for line in rows(3)))
    gold = read_gold(file, labels_by="human")
    assert (gold.labels["partial_refusal"], gold.sources["human"]) == (3, 3)
    file.write_text(json.dumps(rows(1)[0] | {"label": "Refusl"}) + "\n")
    with pytest.raises(NaysayError, match="line 1: 'Refusl' is not a label"):
        read_gold(file)


@pytest.mark.parametrize("place", ["naysay.run.plan.checked", "naysay.run.score.LineWriter"])
def test_a_command_that_was_stopped_while_it_copied_the_file_goes_on(judged, monkeypatch, place):
    def stops(*given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(place, stops)
        with pytest.raises(KeyboardInterrupt):
            judged(rows())
    run = judged(rows())
    assert len(list(run.responses())) == len(list(run.verdicts())) == 60
    assert run.manifest["status"] == "complete"
