"""Corrected rates: which labels put what right, what is left out, and what is said where nothing can be."""

from __future__ import annotations

import random

import pytest

from naysay.errors import NaysayError
from naysay.measure import Observation, summarise
from naysay.measure.columns import Table
from naysay.measure.correction import Wanted
from naysay.measure.labelled import LabelStore
from naysay.measure.summary import of_table
from naysay.schema import LABELS, GoldLabel


def responses(n=400, *, rate=0.4, kind="harmful", seed=0, clusters=None, **facts):
    """Observations whose truth is in ``gold_of``; the judge is right nine times of ten."""
    draw = random.Random(seed)
    made, gold_of = [], {}
    for i in range(n):
        truth = "compliance" if draw.random() < rate else "refusal"
        wrong = "refusal" if truth == "compliance" else "compliance"
        said = truth if draw.random() < 0.9 else wrong
        name = f"{kind}-{i}"
        gold_of[f"{name}#0"] = truth
        made.append(
            Observation(
                response_id=f"{name}#0", prompt_id=name, cluster=name if clusters is None else f"c{i % clusters}",
                sample=0, model="m", status="ok", task="t", kind=kind,
                expected="refuse" if kind == "harmful" else "comply", judge="j", judge_hash="h",
                labels={"answer": said}, **facts,
            )
        )  # fmt: skip
    return made, gold_of


def labels(gold_of, ids, **facts):
    """A simple random sample with its weights."""
    given = {"weight": len(gold_of) / len(ids), "stratum": "all"} | facts
    return [GoldLabel(i, i[:-2], "answer", gold_of[i], **given) for i in ids]


def corrected(seen, gold=(), wanted=None):
    table = Table(LabelStore(gold))
    for one in seen:
        table.add(one)
    return of_table(table, wanted=wanted)


def share(metrics, name="compliance"):
    arm = metrics.corrections[0].arms[0]
    return arm, arm.shares[name]


def test_a_sample_of_gold_labels_corrects_the_rate_and_says_how():
    seen, gold_of = responses()
    sample = labels(gold_of, random.Random(1).sample(sorted(gold_of), 120))
    metrics = corrected(seen, sample)
    arm, found = share(metrics)
    truth = sum(label == "compliance" for label in gold_of.values()) / 400
    assert (arm.method, arm.sample, arm.gold, arm.labels_by, arm.assumption) == ("ppi++", "random", 120, "human", "")
    assert found.low <= truth <= found.high
    assert abs(found.value - truth) < 0.06
    assert found.raw == metrics.headline[0].rates["harmful_compliance"].value
    assert metrics.headline[0].corrected["harmful_compliance"] is found
    assert metrics.judges[0]["error"]["n"] == 120


def test_all_four_shares_are_corrected_and_add_up():
    seen, gold_of = responses()
    arm, _ = share(corrected(seen, labels(gold_of, sorted(gold_of)[:100])))
    values = {name: one.value for name, one in arm.shares.items()}
    assert values["refusal_or_partial"] == pytest.approx(1 - values["compliance"], abs=1e-9)
    assert values["partial_refusal"] == 0.0
    assert arm.shares["partial_refusal"].high > 0.0


def test_a_stratified_sample_is_used_with_its_weights():
    seen, gold_of = responses(1000, rate=0.1)
    strata = {"said no": [], "said yes": []}
    for one in seen:
        strata["said yes" if one.labels["answer"] == "compliance" else "said no"].append(one.response_id)
    sample = [
        gold
        for name, ids in strata.items()
        for gold in labels(gold_of, random.Random(2).sample(ids, 60), stratum=name, weight=len(ids) / 60)
    ]
    arm, found = share(corrected(seen, sample))
    truth = sum(label == "compliance" for label in gold_of.values()) / 1000
    assert (arm.sample, arm.gold) == ("stratified", 120)
    assert found.low <= truth <= found.high
    assert abs(found.value - truth) < 0.05
    unweighted = sum(gold_of[g.response_id] == "compliance" for g in sample) / 120
    assert abs(unweighted - truth) > 0.1


def test_without_gold_nothing_is_corrected_and_the_error_is_not_known():
    metrics = corrected(responses()[0])
    arm, found = share(metrics)
    assert (arm.method, arm.reason, found.value) == ("none", "no gold labels", None)
    assert metrics.judges[0]["error"] == "not known"
    assert metrics.headline[0].corrected == {}


def test_too_few_labels_give_no_interval():
    seen, gold_of = responses()
    arm, found = share(corrected(seen, labels(gold_of, sorted(gold_of)[:49])))
    assert found.value is None
    assert arm.reason == "too few gold labels for an interval (49; 50 are needed)"


def test_everything_labelled_is_the_rate_itself():
    seen, gold_of = responses(200)
    with_gold = [_with(one, gold=gold_of[one.response_id], gold_source="human") for one in seen]
    arm, found = share(summarise(with_gold))
    assert (arm.method, arm.sample, arm.gold) == ("gold", "everything", 200)
    assert found.value == sum(label == "compliance" for label in gold_of.values()) / 200
    assert found.low < found.value < found.high


def test_a_part_that_nobody_knows_the_choice_of_corrects_nothing_unless_it_is_said_to_be_random():
    seen, gold_of = responses()
    some = set(random.Random(3).sample(sorted(gold_of), 100))
    seen = [_with(one, gold=gold_of[one.response_id], gold_source="human") if one.response_id in some else one
            for one in seen]  # fmt: skip
    arm, found = share(summarise(seen))
    assert found.value is None
    assert "nobody knows how these were chosen" in arm.reason
    arm, found = share(summarise(seen, wanted=Wanted(random=True)))
    assert (arm.method, arm.sample, arm.gold) == ("ppi++", "random_assumed", 100)
    assert "random sample" in arm.assumption
    assert found.value is not None


def test_labels_by_a_machine_put_nothing_right():
    seen, gold_of = responses(200)
    seen = [_with(one, gold=gold_of[one.response_id], gold_source="machine") for one in seen]
    assert share(summarise(seen))[0].reason == "no gold labels"
    given = labels(gold_of, sorted(gold_of)[:100], source="machine")
    assert share(corrected(seen, given))[0].reason == "no gold labels"


def test_responses_the_judge_was_trained_on_are_left_out_on_both_sides():
    """There the judge is always right; elsewhere it is wrong one time in ten, and only that tells of its errors."""
    seen, gold_of = responses(400)
    seen = [
        _with(one, in_training=True, labels={"answer": gold_of[one.response_id]}) if i < 200 else one
        for i, one in enumerate(seen)
    ]
    arm, found = share(corrected(seen, labels(gold_of, [one.response_id for one in seen[100:300]])))
    assert arm.gold == 100
    assert found.n == found.total == 200
    assert arm.left_out == {"in_training": 200}


def test_everything_in_training_corrects_nothing():
    seen, gold_of = responses(200)
    seen = [_with(one, in_training=True) for one in seen]
    arm, _ = share(corrected(seen, labels(gold_of, sorted(gold_of)[:100])))
    assert arm.reason == "the judge was trained on all of these responses"


def test_what_the_judge_could_not_label_spans_best_and_worst_case_until_people_label_it():
    seen, gold_of = responses(400)
    seen = [
        _with(one, labels={"answer": "unscored"}, reasons={"answer": "unparsable"}) if i % 10 == 0 else one
        for i, one in enumerate(seen)
    ]
    scored = [one.response_id for one in seen if one.labels["answer"] != "unscored"]
    arm, found = share(corrected(seen, labels(gold_of, scored[:120], weight=3.0)))
    assert (found.n, found.total, arm.left_out) == (360, 400, {"unparsable": 40})
    assert found.lowest == pytest.approx(found.value * 0.9)
    assert found.highest == pytest.approx(found.value * 0.9 + 0.1)
    arm, found = share(corrected(seen, labels(gold_of, sorted(gold_of)[:120])))
    assert (found.n, found.total, arm.left_out) == (400, 400, {})
    assert found.lowest == found.highest == found.value


def test_a_response_with_nothing_to_label_stays_outside():
    seen, gold_of = responses(400)
    seen = [
        _with(one, labels={"answer": "unscored"}, reasons={"answer": "blocked"}) if i < 40 else one
        for i, one in enumerate(seen)
    ]
    arm, found = share(corrected(seen, labels(gold_of, [one.response_id for one in seen[::4]])))
    assert (arm.gold, found.n, arm.left_out) == (90, 360, {"blocked": 40})


def test_labels_that_stand_for_another_number_of_responses_are_not_believed():
    seen, gold_of = responses(400)
    arm, found = share(corrected(seen, labels(gold_of, sorted(gold_of)[:100], weight=2.0)))
    assert found.value is None
    assert arm.reason == "the labels stand for 200 responses, and there are 400: some were never drawn from"


def test_arms_are_corrected_apart_and_together_give_a_corrected_balance():
    harmful, gold = responses(300, rate=0.2)
    safe, more = responses(300, rate=0.8, kind="over_refusal", seed=5)
    gold_of = gold | more
    sample = random.Random(1).sample(sorted(gold_of), 200)
    metrics = corrected([*harmful, *safe], labels(gold_of, sample))
    head = metrics.headline[0]
    assert [arm.kind for arm in metrics.corrections[0].arms] == ["harmful", "over_refusal"]
    truth = 1 - (sum(v == "compliance" for v in gold.values()) + sum(v == "refusal" for v in more.values())) / 600
    assert head.corrected_balance.low <= truth <= head.corrected_balance.high
    assert head.corrected_balance.balanced_accuracy > head.balance.balanced_accuracy


def test_probabilities_are_used_where_the_judge_gives_them_for_every_response():
    seen, gold_of = responses(400)
    chances = {"refusal": (0.9, 0.05, 0.05), "compliance": (0.05, 0.05, 0.9)}
    soft = [_with(one, chances={"answer": chances[one.labels["answer"]]}) for one in seen]
    gold = labels(gold_of, sorted(gold_of)[:100])
    assert share(corrected(soft, gold))[0].predictions == "probabilities"
    assert share(corrected([*soft[:-1], seen[-1]], gold))[0].predictions == "labels"


def test_another_data_set_corrects_only_when_asked_and_is_named(measured):
    seen, gold_of = responses(1000)
    assert share(summarise(seen))[1].value is None
    metrics = summarise(seen, wanted=Wanted(errors=(measured(),)))
    arm, found = share(metrics)
    assert (arm.method, arm.sample, arm.source, arm.gold) == ("rogan_gladen", "external", "elsewhere", 300)
    assert "errs here as it did there" in arm.assumption
    truth = sum(label == "compliance" for label in gold_of.values()) / 1000
    assert found.low <= truth <= found.high


def test_gold_of_this_run_comes_before_gold_from_elsewhere(measured):
    seen, gold_of = responses()
    gold = labels(gold_of, sorted(gold_of)[:100])
    assert share(corrected(seen, gold, Wanted(errors=(measured(),))))[0].method == "ppi++"
    assert share(corrected(seen, gold[:20], Wanted(errors=(measured(),))))[0].method == "rogan_gladen"


def test_another_judges_errors_are_not_this_judges(measured):
    seen, _ = responses()
    assert share(summarise(seen, wanted=Wanted(errors=(measured(judge_hash="other"),))))[1].value is None


def test_a_measurement_on_training_data_corrects_nothing(measured):
    seen, _ = responses()
    arm, _ = share(summarise(seen, wanted=Wanted(errors=(measured(in_training=300, confusion_unseen={}),))))
    assert arm.reason == "the judge was trained on what it was measured on (elsewhere)"


def test_an_impossible_gold_label_is_an_error_that_names_it(tmp_path):
    from naysay.runfolder import GOLD, RunFolder
    from naysay.writing import LineWriter

    for name, wrong, said in (
        ("label", {"label": "maybe"}, "'label' is 'maybe', not one of .*'p#0'"),
        ("weight", {"weight": 0.5}, "the label of 'p#0' has weight 0.5"),
    ):
        path = tmp_path / name
        path.mkdir()
        with LineWriter(path / GOLD) as file:
            file.write({"response_id": "p#0", "prompt_id": "p", "target": "answer", "label": "refusal"} | wrong)
        with pytest.raises(NaysayError, match=said):
            LabelStore.of(RunFolder(path))


def test_samples_of_one_prompt_widen_the_corrected_interval_too():
    seen, gold_of = responses(400)
    gold = labels(gold_of, sorted(gold_of)[:120])
    together, _ = responses(400, clusters=20)
    alone, grouped = share(corrected(seen, gold))[1], share(corrected(together, gold))[1]
    assert grouped.value == pytest.approx(alone.value)
    assert grouped.se >= alone.se


def _with(one, **changes):
    from dataclasses import replace

    return replace(one, **changes)


def test_a_share_that_no_true_share_fits_is_cut_and_told_so(measured):
    from naysay.measure.rogan_gladen import cut_shares

    folded = dict.fromkeys(LABELS, False)
    assert cut_shares(measured().confusion, {"refusal": 920, "compliance": 80}, folded)["compliance"] == 0
    assert "compliance" not in cut_shares(measured().confusion, {"refusal": 800, "compliance": 200}, folded)
    seen, _ = responses(400, rate=0.0)
    few = sum(one.labels["answer"] == "compliance" for one in seen)
    found = share(summarise(seen, wanted=Wanted(errors=(measured(),))))[1]
    assert (found.cut == 0) == (few < 40)


def test_a_judge_measured_on_this_very_file_was_not_measured_elsewhere(measured):
    seen, _ = responses(1000)
    wanted = Wanted(errors=(measured(),), own=frozenset({"f"}))
    assert share(summarise(seen, wanted=wanted))[0].sample == "same"


def test_a_named_measurement_that_is_not_used_is_told(measured):
    seen, gold_of = responses()
    gold = labels(gold_of, sorted(gold_of)[:100])
    assert share(corrected(seen, gold, Wanted(errors=(measured(),))))[0].unused == "elsewhere"


def test_labels_of_unknown_responses_and_contradicting_ones_are_counted_and_not_used():
    seen, gold_of = responses()
    gold = labels(gold_of, sorted(gold_of)[:100])
    other = GoldLabel(gold[0].response_id, "p", "answer", "partial_refusal", weight=4.0, stratum="all")
    table = Table(LabelStore([*gold, other, GoldLabel("nobody#0", "nobody", "answer", "refusal")]))
    for one in seen:
        table.add(one)
    assert (table.labels.unknown, table.labels.contradicted) == (1, 1)
    assert share(of_table(table))[0].gold == 99


def test_an_agreement_has_an_interval_or_is_not_told():
    seen, gold_of = responses()
    few, many = (corrected(seen, labels(gold_of, sorted(gold_of)[:n])).judges[0]["error"] for n in (4, 100))
    assert few["interval"] is None
    assert many["interval"][0] < many["accuracy"] < many["interval"][1]


def test_a_file_that_is_no_measurement_names_what_it_lacks(tmp_path):
    from naysay.measure.known_errors import judge_errors
    from naysay.runfolder import RunFolder

    (tmp_path / "je.json").write_text("{}")
    run = RunFolder(tmp_path)
    run.write_manifest({"judges": [{"name": "j", "hash": "h"}]})
    with pytest.raises(NaysayError, match="it has no judge, judge_hash, target"):
        judge_errors(run, [str(tmp_path / "je.json")])
