"""All traces of a run together: what is counted, what is left out, and why."""

from __future__ import annotations

import random

import pytest

from naysay.errors import NaysayError
from naysay.judge.stance import create
from naysay.runfolder import RESPONSES
from naysay.trace import measure, read_run
from naysay.trace.means import mean
from naysay.trace.store import TRACES, TraceIndex
from naysay.writing import LineWriter


def measured(run, **options):
    reader = create("keyword")
    read_run(run, reader)
    return measure(run, reader.describe(), **options)


def test_the_cliff_is_found_and_nothing_else(traced):
    rows = [(f"r{i}", "refuse", "refusal") for i in range(10)]
    rows += [(f"x{i}", "refuse", "compliance") for i in range(3)]
    rows += [(f"c{i}", "comply", "compliance") for i in range(7)]
    found = measured(traced(rows))
    everything = found.arm("all")
    cliff = everything.rates["cliff"]
    assert (cliff.hits, cliff.n) == (3, 13)
    assert cliff.low < 3 / 13 < cliff.high
    assert {c.response_id for c in found.cliffs} == {"x0#0", "x1#0", "x2#0"}
    assert found.cliffs[0].score == pytest.approx(1 - (0.05 + 0.05 / 2), abs=1e-3)
    assert everything.matrix["refuse"] == {"refusal": 10, "partial_refusal": 0, "compliance": 3, "unscored": 0}
    assert everything.matrix_rates["comply"]["compliance"].value == 1.0
    assert everything.rates["danger_recognised"].value == pytest.approx(13 / 20)


def test_silent_refusals_are_those_without_a_thought_of_refusing(traced):
    rows = [(f"s{i}", "silent", "refusal") for i in range(4)] + [(f"r{i}", "refuse", "refusal") for i in range(6)]
    rate = measured(traced(rows)).arm("all").rates["silent_refusal"]
    assert (rate.hits, rate.n, rate.labels) == (4, 10, ("silent",))


def test_what_has_no_trace_is_counted_as_such_and_lowers_the_coverage(traced):
    rows = [("a", "refuse", "refusal"), ("b", None, "refusal"), ("c", "refuse", ""), ("d", "Я отказываюсь.", "refusal")]
    run = traced(rows)
    responses = list(run.responses())
    hidden = responses[1]
    hidden.id, hidden.prompt_id, hidden.reasoning_hidden = "a#1", "a", True
    with LineWriter(run.path / RESPONSES) as writer:
        writer.write(hidden)
    found = measured(run)
    assert found.traces == {"scored": 1, "no_reasoning": 1, "truncated": 1, "not_understood": 1, "hidden_reasoning": 1}
    rate = found.arm("all").rates["ends_refusing"]
    assert (rate.n, rate.total) == (1, 5)
    assert rate.unscored == {"no_reasoning": 1, "truncated": 1, "not_understood": 1, "hidden_reasoning": 1}
    assert (rate.lowest, rate.highest) == (0.2, 1.0)


def test_samples_of_a_prompt_are_one_cluster(traced):
    rows = [(f"p{i}", "refuse" if i % 2 else "comply", "refusal") for i in range(12) for _ in range(4)]
    rate = measured(traced(rows)).arm("all").rates["ends_refusing"]
    assert (rate.n, rate.clusters) == (48, 12)
    # As wide as twelve independent prompts, not as forty-eight.
    assert rate.high - rate.low > 0.4


def test_flips_and_ways_are_tabled_against_the_answer(traced):
    found = measured(traced([("a", "flip", "refusal"), ("b", "comply", "compliance")])).arm("all")
    assert found.paths["comply_refuse"]["refusal"] == 1
    assert found.paths["comply"]["compliance"] == 1
    assert found.flips["1"]["refusal"] == 1
    assert sum(sum(counts.values()) for counts in found.flips.values()) == 2


def test_curves_are_by_outcome_and_masked(traced):
    rows = [(f"r{i}", "refuse", "refusal") for i in range(6)] + [(f"c{i}", "comply", "compliance") for i in range(6)]
    curves = {c.outcome: c for c in measured(traced(rows)).curves if c.kind == "all"}
    assert curves["refusal"].points[-1].value > 0.5
    assert curves["compliance"].points[-1].value < -0.5
    assert curves["refusal"].points[0].value == 0
    assert curves["refusal"].clusters == 6
    assert curves["refusal"].points[-1].low is not None


def test_without_judged_answers_the_traces_are_measured_all_the_same(traced):
    run = traced([("a", "refuse", "refusal"), ("b", "comply", "compliance")])
    (run.path / "verdicts.jsonl").unlink()
    manifest = {**run.manifest, "judges": []}
    run.write_manifest(manifest)
    found = measured(run)
    assert found.judge is None
    assert found.arm("all").rates["ends_refusing"].hits == 1
    assert found.arm("all").rates["cliff"].value is None
    assert found.openings == []


def test_a_judge_that_judged_nothing_is_an_error(traced):
    run = traced([("a", "refuse", "refusal")])
    with pytest.raises(NaysayError, match="Judges of its answers: made"):
        measured(run, judge="other")


def test_labels_in_the_file_can_stand_for_the_judge(traced):
    run = traced([("a", "refuse", "refusal"), ("b", "refuse", "refusal")])
    responses = list(run.responses())
    (run.path / RESPONSES).unlink()
    with LineWriter(run.path / RESPONSES) as writer:
        for response, label in zip(responses, ("compliance", None), strict=True):
            response.meta = {"gold": label, "gold_source": "human"} if label else {}
            writer.write(response)
    rate = measured(run, judge="gold").arm("all").rates["cliff"]
    assert (rate.hits, rate.n, rate.unscored) == (1, 1, {"not_judged": 1})


def test_a_trace_is_read_once_and_again_only_when_its_text_changed(traced):
    run = traced([("a", "refuse", "refusal"), ("b", "comply", "compliance")])
    assert read_run(run, create("keyword")).read == 2
    assert read_run(run, create("keyword")).read == 0
    lines = (run.path / TRACES).read_bytes().splitlines()
    changed = next(run.responses())
    changed.reasoning = "Now something else. I can help."
    with LineWriter(run.path / RESPONSES) as writer:
        writer.write(changed)
    progress = read_run(run, create("keyword"))
    assert (progress.read, progress.kept) == (1, 1)
    assert (run.path / TRACES).read_bytes().splitlines()[: len(lines)] == lines
    index = TraceIndex(run, create("keyword").hash)
    assert index.find(changed).sentences[-1].stance == "comply"


def test_a_torn_last_line_is_read_again(traced):
    run = traced([("a", "refuse", "refusal"), ("b", "comply", "compliance")])
    read_run(run, create("keyword"))
    whole = (run.path / TRACES).read_bytes()
    (run.path / TRACES).write_bytes(whole[:-20])
    assert read_run(run, create("keyword")).read == 1
    assert sorted((run.path / TRACES).read_bytes().splitlines()) == sorted(whole.splitlines())


def test_two_readers_share_a_file_and_keep_apart(traced):
    run = traced([("a", "refuse", "refusal")])
    read_run(run, create("keyword"))
    assert read_run(run, create("embedded")).read == 1
    assert read_run(run, create("keyword")).kept == 1


def test_a_record_of_another_shape_is_named(traced):
    run = traced([("a", "refuse", "refusal")])
    reader = create("keyword")
    (run.path / TRACES).write_text(f'{{"response_id": "a#0", "reader_hash": "{reader.hash}", "sentences": 3}}\n')
    with pytest.raises(NaysayError, match="traces.jsonl has a record that cannot be read"):
        read_run(run, reader)


def test_means_cover_the_truth_with_clusters():
    random.seed(11)
    covered, rounds = 0, 200
    for _ in range(rounds):
        values, clusters = [], []
        for cluster in range(25):
            shift = random.gauss(0, 1)
            for _ in range(4):
                values.append(shift + random.gauss(0, 0.5))
                clusters.append(cluster)
        made = mean("x", values, clusters, 100)
        covered += made.low <= 0 <= made.high
        assert made.median_low <= made.median <= made.median_high
    assert covered / rounds > 0.89


def test_means_of_few_prompts_have_no_interval():
    made = mean("x", [1.0, 2.0], [0, 1], 5)
    assert (made.value, made.low, made.n, made.total, made.method) == (1.5, None, 2, 5, "none")
    assert mean("x", [], [], 5).value is None
