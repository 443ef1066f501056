"""Scales beside the labels: means, trade-offs over every weight, and strategies, with intervals that mean something."""

from __future__ import annotations

import math
import random

import numpy as np
import orjson
import pytest

from naysay.errors import NaysayError
from naysay.measure import Observation, observe
from naysay.measure.columns import Table
from naysay.measure.intervals import wilson
from naysay.measure.mean_interval import mean_interval
from naysay.measure.scales import facts
from naysay.measure.summary import of_table
from naysay.runfolder import PROMPTS, RESPONSES, VERDICTS, RunFolder
from naysay.schema import Prompt, Response, Verdict
from naysay.writing import LineWriter

ABOUT = {
    "h": {
        "scales": {
            "satisfaction": {"low": -1, "high": 1, "better": "high"},
            "risk": {"low": 0, "high": 1, "better": "low"},
        },
        "tradeoffs": {
            "constructive": {"gain": "satisfaction", "cost": "risk", "alpha": 1, "low": 0, "high": 4, "published": 2}
        },
    }
}


def seen(number, scores, *, kind="harmful", cluster=None, strategy=None, label="compliance", **more):
    name = f"{kind}{number}"
    return Observation(
        response_id=f"{name}#0", prompt_id=name, cluster=cluster or name, sample=0, model=more.pop("model", "m"),
        status="ok", task="t", kind=kind, expected="refuse", judge="j", judge_hash="h",
        labels={"answer": label}, reasons={} if label != "unscored" else {"answer": "unparsable"},
        scores={"answer": scores} if scores else {}, strategies={"answer": strategy} if strategy else {}, **more,
    )  # fmt: skip


def measured(observations, about=ABOUT):
    table = Table.of(observations)
    table.about = about
    return of_table(table).scales


def mean_of(scales, scale, kind="harmful", by="overall"):
    (found,) = [m for m in scales.means if (m.scale, m.kind, m.by) == (scale, kind, by)]
    return found


def test_a_curve_has_no_jump_where_all_values_happen_to_be_equal():
    """Twelve prompts on one line: at beta 2 every value is the same, at beta 1.9 hardly anything is known less."""
    import numpy as np

    from naysay.measure.mean_interval import curve_intervals

    for gains in (np.array([1, -1, 1, -1, 1, -1, 0.5, -0.5, 1, 1, -1, 0.0]), np.linspace(-1, 1, 40)):
        costs, betas = gains / 2 + 0.5, np.linspace(0, 5, 101)
        weights = [(1.0, beta, (-1 - beta, 1.0)) for beta in betas]
        spans, _ = curve_intervals(gains, costs, np.ones(gains.size, dtype=np.int64), weights)
        for end in np.array(spans).T:
            assert np.abs(np.diff(end)).max() < 0.1
        for (_, beta, (least, most)), (low, high) in zip(weights, spans, strict=True):
            value = (gains - beta * costs).mean()
            assert least <= low < value < high <= most


def test_a_mean_carries_n_coverage_an_interval_and_what_the_unscored_could_do_to_it():
    scores = [0.2 * (i % 6) - 0.4 for i in range(60)]
    unscored = [seen(100 + i, None, label="unscored") for i in range(20)]
    mean = mean_of(measured([*(seen(i, {"satisfaction": s}) for i, s in enumerate(scores)), *unscored]), "satisfaction")
    assert mean.value == pytest.approx(np.mean(scores))
    assert (mean.n, mean.total, mean.coverage, mean.clusters) == (60, 80, 0.75, 60)
    assert mean.low < mean.value < mean.high
    assert (mean.high - mean.low) / 2 == pytest.approx(1.96 * np.std(scores) / math.sqrt(60), rel=0.15)
    assert mean.lowest == pytest.approx((sum(scores) - 20) / 80)
    assert mean.highest == pytest.approx((sum(scores) + 20) / 80)
    assert (mean.least, mean.most, mean.better, mean.method) == (-1, 1, "high", "cluster_bootstrap")


def test_arms_and_models_are_kept_apart():
    observations = [
        *(seen(i, {"risk": 1}, kind="harmful", model="a") for i in range(10)),
        *(seen(i, {"risk": 0}, kind="benign", model="b") for i in range(10)),
    ]
    scales = measured(observations)
    assert mean_of(scales, "risk", "harmful").value == 1
    assert mean_of(scales, "risk", "benign").value == 0
    assert {(m.by, m.group, m.kind) for m in scales.means if m.by == "model"} == {
        ("model", "a", "harmful"), ("model", "b", "benign"),
    }  # fmt: skip


def test_a_scale_of_two_values_has_the_interval_of_a_rate():
    mean = mean_of(measured([seen(i, {"risk": float(i % 10 == 0)}) for i in range(50)]), "risk")
    low, high, method = wilson(5, 50)
    assert (mean.low, mean.high, mean.method) == (pytest.approx(low), pytest.approx(high), method)


def test_a_scale_that_never_varies_is_not_taken_for_certain():
    mean = mean_of(measured([seen(i, {"satisfaction": 0.4}) for i in range(20)]), "satisfaction")
    assert mean.low < 0.2
    assert mean.high > 0.55


def test_resamples_of_one_prompt_are_one_cluster():
    draw = random.Random(0)
    scores = [draw.choice([-0.6, -0.2, 0.2, 0.6]) for _ in range(40)]
    apart = [seen(i, {"satisfaction": scores[i // 5]}) for i in range(200)]
    together = [seen(i, {"satisfaction": scores[i // 5]}, cluster=f"c{i // 5}") for i in range(200)]
    wide, narrow = (mean_of(measured(rows), "satisfaction") for rows in (together, apart))
    assert wide.clusters == 40
    assert (wide.high - wide.low) > 1.9 * (narrow.high - narrow.low)


@pytest.mark.parametrize(("units", "shape"), [(8, "few"), (30, "even"), (30, "rare"), (120, "skewed")])
def test_intervals_cover_the_truth(units, shape):
    values = {
        "few": ([0.0, 0.25, 0.5, 1.0], [0.25] * 4),
        "even": ([0.0, 0.25, 0.5, 0.75, 1.0], [0.2] * 5),
        "rare": ([0.0, 0.5, 1.0], [0.9, 0.05, 0.05]),
        "skewed": ([0.0, 0.25, 1.0], [0.7, 0.2, 0.1]),
    }[shape]
    truth = float(np.dot(*values))
    generator = np.random.default_rng(0)
    hit = 0
    for _ in range(300):
        drawn = generator.choice(values[0], p=values[1], size=units)
        span = mean_interval(drawn, np.ones(units, dtype=np.int64), (0.0, 1.0), drawn, resamples=800)
        hit += span.low <= truth <= span.high
    assert hit / 300 > 0.92


def test_without_ends_few_clusters_give_no_interval_and_many_do():
    assert mean_of(measured([seen(i, {"free": float(i)}) for i in range(4)], {}), "free").low is None
    mean = mean_of(measured([seen(i, {"free": float(i % 17)}) for i in range(200)], {}), "free")
    assert mean.low < mean.value < mean.high
    assert (mean.least, mean.lowest) == (None, None)


def test_many_different_values_need_no_memory_for_resampling():
    draw = random.Random(1)
    rows = [seen(i, {"satisfaction": draw.uniform(-1, 1)}) for i in range(6000)]
    mean = mean_of(measured(rows), "satisfaction")
    assert mean.method == "cluster_normal"
    assert (mean.high - mean.low) / 2 == pytest.approx(1.96 * math.sqrt(1 / 3 / 6000), rel=0.05)


def curve_rows():
    draw = random.Random(2)
    return [
        seen(i, {"satisfaction": draw.choice([-1, -0.2, 0.4, 0.8]), "risk": float(draw.random() < 0.3)})
        for i in range(80)
    ]


def test_the_trade_off_is_shown_for_the_whole_range_of_its_weight():
    rows = curve_rows()
    (curve,) = [c for c in measured(rows).curves if c.by == "overall"]
    satisfaction = np.mean([r.scores["answer"]["satisfaction"] for r in rows])
    risk = np.mean([r.scores["answer"]["risk"] for r in rows])
    assert [p.beta for p in curve.points] == pytest.approx(np.linspace(0, 4, 21))
    for point in curve.points:
        assert point.value == pytest.approx(satisfaction - point.beta * risk)
        assert point.low <= point.value <= point.high
        # From -1 - beta (useless and risky) to 1 (perfect and safe), moved to -1..1.
        assert point.normalised == pytest.approx(2 * (point.value + 1 + point.beta) / (2 + point.beta) - 1)
        assert -1 <= point.normalised_low <= point.normalised <= point.normalised_high <= 1
    assert curve.at(2.0).beta == 2.0
    assert (curve.gain_mean, curve.cost_mean) == (pytest.approx(satisfaction), pytest.approx(risk))
    assert curve.published == 2


def test_the_ends_of_the_trade_off_are_one_and_minus_one():
    for value, risk, end in ((1, 0, 1.0), (-1, 1, -1.0)):
        rows = [seen(i, {"satisfaction": value, "risk": risk}) for i in range(10)]
        (curve,) = [c for c in measured(rows).curves if c.by == "overall"]
        assert {round(p.normalised, 9) for p in curve.points} == {end}


def test_a_response_with_one_of_the_two_scores_is_in_no_curve():
    rows = [*curve_rows(), seen(500, {"satisfaction": 1})]
    (curve,) = [c for c in measured(rows).curves if c.by == "overall"]
    assert (curve.n, curve.total) == (80, 81)


def test_strategies_have_shares_with_intervals():
    rows = [seen(i, None, strategy="hard refusal" if i < 30 else "soft refusal", label="refusal") for i in range(40)]
    shares = {s.strategy: s for s in measured([*rows, seen(99, None)]).strategies if s.by == "overall"}
    assert shares["hard refusal"].hits == 30
    assert (shares["hard refusal"].n, shares["hard refusal"].total) == (40, 41)
    low, high, _ = wilson(30, 40)
    assert (shares["hard refusal"].low, shares["hard refusal"].high) == (pytest.approx(low), pytest.approx(high))


def test_judges_without_scales_have_none():
    scales = measured([seen(i, None) for i in range(5)])
    assert (scales.means, scales.curves, scales.strategies) == ([], [], [])


def test_what_a_manifest_says_of_scales_is_found_in_members_too():
    found = facts(
        [
            {"hash": "a", "members": {"answer": {"hash": "b", "scales": {"s": {"low": 0, "high": 1}}}}},
            {"hash": "c"},
            {"hash": "d", "scales": ["not a mapping"], "members": [{"scales": {"t": {"low": 1, "high": 2}}}]},
        ]
    )
    assert found["a"]["scales"] == {"s": {"low": 0, "high": 1}}
    assert found["c"] == {"scales": {}, "tradeoffs": {}}
    assert found["d"]["scales"] == {"t": {"low": 1, "high": 2}}


def a_run(path, verdicts):
    run = RunFolder(path)
    path.mkdir()
    run.write_manifest({"spec": {"targets": ["answer"]}, "judges": [{"name": "j", "hash": "h", **ABOUT["h"]}]})
    with LineWriter(path / PROMPTS) as asked, LineWriter(path / RESPONSES) as said:
        for number in range(3):
            asked.write(Prompt(f"p{number}", [{"role": "user", "content": "?"}], "harmful", "refuse"))
            said.write(Response(f"p{number}#0", f"p{number}", 0, "m", None, "A.", "ok"))
    with LineWriter(path / VERDICTS) as judged:
        for verdict in verdicts:
            judged.write(verdict)
    return run


def verdict(number, **more):
    return Verdict(f"p{number}#0", f"p{number}", "j", "h", "answer", **({"label": "compliance"} | more))


def test_scores_are_read_from_verdicts_and_the_last_one_holds(tmp_path):
    run = a_run(
        tmp_path / "run",
        [
            verdict(0, scores={"risk": 1.0}, strategy="plain"),
            verdict(1, scores={"risk": 1.0}),
            verdict(1, label="unscored", reason="unparsable"),
            verdict(2, scores={"risk": 0.0}),
            verdict(2, scores={"risk": 1.0}),
        ],
    )
    rows = list(observe(run))
    assert [row.scores for row in rows] == [{"answer": {"risk": 1.0}}, {}, {"answer": {"risk": 1.0}}]
    assert [row.strategies for row in rows] == [{"answer": "plain"}, {}, {}]


def test_a_judge_that_gives_only_scales_is_counted_by_them(tmp_path):
    verdicts = [verdict(i, label="unscored", reason="no_label", scores={"risk": float(i > 0)}) for i in range(3)]
    rows = observe(a_run(tmp_path / "run", verdicts))
    mean = mean_of(measured(rows), "risk")
    assert (mean.n, mean.total, mean.value) == (3, 3, pytest.approx(2 / 3))


@pytest.mark.parametrize("scores", [{"risk": "high"}, {"risk": True}, ["risk"], {"risk": None, "b": []}])
def test_a_score_that_is_no_number_is_an_error_that_names_the_response(tmp_path, scores):
    run = a_run(tmp_path / "run", [])
    line = orjson.dumps(
        {"response_id": "p0#0", "prompt_id": "p0", "judge": "j", "judge_hash": "h", "target": "answer",
         "label": "compliance", "scores": scores}
    )  # fmt: skip
    (run.path / VERDICTS).write_bytes(line + b"\n")
    with pytest.raises(NaysayError, match="p0#0"):
        list(observe(run))


def test_everything_goes_into_metrics_as_json():
    table = Table.of(curve_rows())
    table.about = ABOUT
    data = orjson.loads(orjson.dumps(of_table(table).to_dict()))["scales"]
    assert set(data) == {"means", "curves", "strategies"}
    assert len(data["curves"][0]["points"]) == 21
    assert set(data["means"][0]) == {
        "judge", "judge_hash", "target", "scale", "by", "group", "kind", "least", "most", "better", "value", "low",
        "high", "method", "confidence", "n", "total", "coverage", "clusters", "lowest", "highest",
    }  # fmt: skip
