"""Whose errors and whose labels correct rates: of people only, of judges that judged everything, and model by model."""

import random
from dataclasses import replace

import pytest

from naysay.errors import NaysayError
from naysay.measure import Observation
from naysay.measure.columns import Table
from naysay.measure.correction import Wanted
from naysay.measure.judge_error import store
from naysay.measure.known_errors import judge_errors
from naysay.measure.labelled import LabelStore
from naysay.measure.summary import of_table
from naysay.runfolder import RunFolder
from naysay.schema import GoldLabel


def responses(model, n, rate, *, seed=0, error=0.1):
    draw = random.Random(seed)
    made, truth = [], {}
    for i in range(n):
        real = "compliance" if draw.random() < rate else "refusal"
        other = "refusal" if real == "compliance" else "compliance"
        name = f"p{i}"
        truth[f"{name}#{model}"] = real
        made.append(
            Observation(
                f"{name}#{model}", name, name, 0, model, "ok", "t", "harmful", "refuse", judge="j", judge_hash="h",
                labels={"answer": real if draw.random() >= error else other},
            )
        )  # fmt: skip
    return made, truth


def summary(seen, gold=(), wanted=None):
    table = Table(LabelStore(gold))
    for one in seen:
        table.add(one)
    return of_table(table, wanted=wanted)


def sample(truth, n, seed=1):
    ids = random.Random(seed).sample(sorted(truth), n)
    return [GoldLabel(i, i.split("#")[0], "answer", truth[i], stratum="all", weight=len(truth) / n) for i in ids]


@pytest.mark.parametrize("by", ["machine", "gpt-4o", "", "human, machine"])
def test_a_judges_error_beside_a_machines_labels_corrects_nothing_unless_allowed(by, measured):
    seen, _ = responses("m", 400, 0.4)
    arm = summary(seen, wanted=Wanted(errors=(measured(labels_by=by),))).corrections[0].arms[0]
    assert (arm.method, arm.shares["compliance"].value) == ("none", None)
    assert "only people's labels" in arm.reason
    arm = summary(seen, wanted=Wanted(errors=(measured(labels_by=by),), machines=True)).corrections[0].arms[0]
    assert arm.method == "rogan_gladen"
    assert "no people are known to have given them" in arm.assumption


def test_a_measurement_by_a_machine_is_refused_by_name_and_never_taken_unnamed(tmp_path, monkeypatch, measured):
    monkeypatch.setenv("NAYSAY_JUDGE_ERRORS", str(tmp_path / "kept"))
    run = RunFolder(tmp_path)
    run.write_manifest({"judges": [{"name": "j", "hash": "h"}]})
    store(measured(labels_by="machine", gold="theirs"))
    for name, machines in (("theirs", False), ("auto", False), ("auto", True)):
        with pytest.raises(NaysayError, match="not known to be people's: theirs \\(by machine\\)") as error:
            judge_errors(run, [name], machines=machines)
        assert "--judge-error theirs --allow-machine-labels" in error.value.hint
    assert [e.gold for e in judge_errors(run, ["theirs"], machines=True)] == ["theirs"]
    store(measured(gold="peoples", gold_fingerprint="g"))
    assert [e.gold for e in judge_errors(run, ["auto"])] == ["peoples"]


def test_a_judge_that_died_half_way_corrects_nothing():
    seen, truth = responses("m", 400, 0.4)
    gold = sample(truth, 100)
    half = [
        replace(one, labels={"answer": "unscored"}, reasons={"answer": "not_judged"}) if i >= 200 else one
        for i, one in enumerate(seen)
    ]
    metrics = summary(half, gold)
    arm = metrics.corrections[0].arms[0]
    assert (arm.method, arm.shares["compliance"].value) == ("none", None)
    assert "has not judged everything yet (200 to go)" in arm.reason
    assert metrics.judges[0]["waiting"] == {"answer": 200}
    assert summary(seen, gold).judges[0]["waiting"] == {}


def test_each_of_several_models_is_corrected_by_labels_of_its_own():
    one, first = responses("one", 400, 0.2)
    two, second = responses("two", 400, 0.7, seed=5)
    gold = sample(first | second, 300)
    metrics = summary([*one, *two], gold)
    for model, truth in (("one", first), ("two", second)):
        correction = metrics.correction_of_model("h", "answer", model)
        (arm,) = correction.arms
        share = arm.shares["compliance"]
        real = sum(label == "compliance" for label in truth.values()) / 400
        assert arm.gold == sum(g.response_id.endswith(model) for g in gold)
        assert share.low <= real <= share.high
        assert share.n == 400
    assert metrics.corrections[0].model == ""


def test_a_model_with_too_few_labels_is_not_corrected_and_says_so():
    one, first = responses("one", 400, 0.2)
    two, second = responses("two", 400, 0.7, seed=5)
    gold = [*sample(first, 100), *sample(second, 30)]
    metrics = summary([*one, *two], gold)
    assert metrics.correction_of_model("h", "answer", "one").known
    arm = metrics.correction_of_model("h", "answer", "two").arms[0]
    assert arm.reason == "too few gold labels for an interval (30; 50 are needed)"
    assert summary(one, sample(first, 100)).corrections_by_model == []


def test_what_is_not_corrected_has_no_interval():
    seen, _ = responses("m", 40, 0.4)
    share = summary(seen).corrections[0].arms[0].shares["compliance"]
    assert (share.value, share.low, share.high) == (None, None, None)
    assert share.raw_low < share.raw < share.raw_high
    nothing = [replace(one, labels={"answer": "unscored"}, reasons={"answer": "empty"}) for one in seen]
    share = summary(nothing).corrections[0].arms[0].shares["compliance"]
    assert (share.raw, share.raw_low, share.raw_high) == (None, None, None)


def test_lambda_is_not_given_where_each_stratum_holds_one_verdict():
    seen, truth = responses("m", 400, 0.4)
    strata = {}
    for one in seen:
        strata.setdefault(one.labels["answer"], []).append(one.response_id)
    gold = [
        GoldLabel(i, i.split("#")[0], "answer", truth[i], stratum=name, weight=len(ids) / 60)
        for name, ids in strata.items() for i in random.Random(2).sample(ids, 60)
    ]  # fmt: skip
    share = summary(seen, gold).corrections[0].arms[0].shares["compliance"]
    assert share.value is not None
    assert share.power is None
    assert summary(seen, sample(truth, 100)).corrections[0].arms[0].shares["compliance"].power is not None


def test_a_measurement_on_a_part_of_a_set_gives_way_to_one_on_more_of_it(tmp_path, monkeypatch, measured):
    monkeypatch.setenv("NAYSAY_JUDGE_ERRORS", str(tmp_path / "kept"))
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.write_manifest({"judges": [{"name": "j", "hash": "h"}]})
    store(measured(gold="xs", n=3, total=3, selection={"labels": "label", "limit": 3, "seed": 0}))
    store(measured(gold="xs", selection={"labels": "label"}))
    assert [e.n for e in judge_errors(run, ["xs"])] == [300]
    store(measured(gold="xs", gold_fingerprint="other"))
    with pytest.raises(NaysayError, match="measured more than once"):
        judge_errors(run, ["xs"])
