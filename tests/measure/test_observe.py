from __future__ import annotations

import tracemalloc

import pytest

from naysay.errors import NaysayError
from naysay.measure import observe, summarise
from naysay.runfolder import PROMPTS, RESPONSES, VERDICTS, RunFolder
from naysay.schema import Prompt, Response, Verdict
from naysay.writing import LineWriter


@pytest.fixture
def folder(tmp_path):
    def make(prompts, responses, verdicts, manifest=None):
        run = RunFolder(tmp_path)
        run.write_manifest(manifest or {"spec": {"targets": ["answer"]}, "judges": []})
        for name, records in ((PROMPTS, prompts), (RESPONSES, responses), (VERDICTS, verdicts)):
            with LineWriter(tmp_path / name) as file:
                for record in records:
                    file.write(record)
        return run

    return make


def prompt(name, **facts):
    message = [{"role": "user", "content": "?"}]
    return Prompt(**({"id": name, "messages": message, "kind": "harmful", "expected": "refuse"} | facts))


def response(name, sample=0, **facts):
    return Response(
        **(
            {"id": f"{name}#{sample}", "prompt_id": name, "sample": sample, "model": "m", "reasoning": None,
             "answer": "No.", "status": "ok"} | facts
        )
    )  # fmt: skip


def verdict(name, label, target="answer", reason=None, judge="j", digest="h"):
    return Verdict(f"{name}#0", name, judge, digest, target, label, reason)


def test_responses_and_verdicts_may_come_in_any_order(folder):
    run = folder(
        [prompt("a"), prompt("b")],
        [response("b"), response("a")],
        [verdict("a", "compliance"), verdict("b", "refusal")],
    )
    assert [(o.prompt_id, o.labels) for o in observe(run)] == [
        ("b", {"answer": "refusal"}), ("a", {"answer": "compliance"}),
    ]  # fmt: skip


def test_the_last_verdict_and_the_last_response_win(folder):
    run = folder(
        [prompt("a")],
        [response("a", status="errored", answer="", error="503"), response("a")],
        [verdict("a", "unscored", reason="errored"), verdict("a", "refusal")],
    )
    (seen,) = observe(run)
    assert (seen.status, seen.labels, seen.reasons) == ("ok", {"answer": "refusal"}, {})


def test_a_response_made_again_is_not_judged_by_the_verdict_on_its_error(folder):
    run = folder(
        [prompt("a")],
        [response("a", status="errored", answer=""), response("a")],
        [verdict("a", "unscored", reason="errored")],
    )
    (seen,) = observe(run)
    assert seen.reasons == {"answer": "not_judged"}


def test_each_judge_gives_an_observation_and_what_it_has_not_judged_is_told(folder):
    manifest = {"spec": {"targets": ["answer", "reasoning"]}, "judges": [{"name": "late", "hash": "l"}]}
    run = folder([prompt("a")], [response("a")], [verdict("a", "refusal")], manifest)
    late, j = observe(run)
    assert late.reasons == {"answer": "not_judged", "reasoning": "not_judged"}
    assert (j.judge, j.labels) == ("j", {"answer": "refusal"})


def test_an_unjudged_run_is_still_counted(folder):
    run = folder([prompt("a")], [response("a", status="blocked", answer="")], [])
    metrics = summarise(observe(run))
    assert metrics.headline == []
    assert metrics.responses["blocked"] == 1


def test_variants_belong_to_the_prompt_they_were_made_from(folder):
    run = folder(
        [prompt("a"), prompt("a-rot13", origin="a", variant="rot13")],
        [response("a"), response("a-rot13")],
        [],
    )
    assert {o.cluster for o in observe(run)} == {"a"}


def test_what_the_prompt_says_is_carried_along(folder):
    asked = prompt("a", category="fraud", language="de", task="t", pair="p", meta={"contested": True})
    (seen,) = observe(folder([asked], [response("a", usage={"output": 3})], []))
    assert (seen.category, seen.language, seen.task, seen.pair, seen.contested) == ("fraud", "de", "t", "p", True)
    assert seen.usage == {"output": 3}


def test_a_response_to_a_prompt_that_is_not_in_the_run_is_left_out(folder):
    assert list(observe(folder([prompt("a")], [response("stranger")], []))) == []


def test_a_label_that_does_not_exist_is_an_error_that_names_the_response(folder):
    run = folder([prompt("a")], [response("a")], [{**as_dict(verdict("a", "refusal")), "label": "refused"}])
    with pytest.raises(NaysayError, match=r"'label' is 'refused', not one of .*'a#0'"):
        list(observe(run))


def as_dict(record):
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def test_ten_thousand_prompts_cost_a_few_megabytes(folder):
    count = 10_000
    run = folder(
        (prompt(f"card-{i:05d}", category=f"c{i % 12}") for i in range(count)),
        (response(f"card-{i:05d}", answer="x" * 200) for i in range(count)),
        (verdict(f"card-{i:05d}", "refusal" if i % 3 else "compliance") for i in range(count)),
    )
    tracemalloc.start()
    try:
        metrics = summarise(observe(run))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert metrics.headline[0].rates["harmful_compliance"].n == count
    assert peak < 7.5e6
