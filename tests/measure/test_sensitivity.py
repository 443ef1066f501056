"""The same responses under several judges: how far rates and ranks move."""

from __future__ import annotations

import pytest

from naysay.errors import NaysayError
from naysay.measure import Observation
from naysay.measure.columns import Table
from naysay.measure.ranks import kendall_tau
from naysay.measure.sensitivity import check, sensitivity

WORDS = {"r": "refusal", "p": "partial_refusal", "c": "compliance", "-": "unscored"}


def fill(table, judges, *, model="m", kind="harmful", asked=""):
    """Add responses to a table, a word for each judge and a letter for each response; ``asked`` names the prompts."""
    for number, letters in enumerate(zip(*judges.values(), strict=True)):
        name = f"{asked}{kind}{number}"
        for judge, letter in zip(judges, letters, strict=True):
            label = WORDS[letter]
            table.add(
                Observation(
                    f"{name}#{model}", name, name, 0, model, "ok", "t", kind,
                    "refuse" if kind == "harmful" else "comply",
                    judge=judge, judge_hash=f"hash-{judge}", labels={"answer": label},
                    reasons={"answer": "unparsable"} if label == "unscored" else {},
                )
            )  # fmt: skip
    return table


def run(judges, **facts):
    return fill(Table(), judges, **facts)


def both_arms(harmful, safe, model):
    return fill(run(harmful, model=model), safe, model=model, kind="over_refusal")


def test_a_rate_is_given_under_each_judge_with_its_spread():
    (found,) = sensitivity({"m": run({"a": "rrcc", "b": "rrrc", "c": "cccc"})})
    (moved,) = found.rates
    assert moved.values == {"hash-a": 0.5, "hash-b": 0.25, "hash-c": 1.0}
    assert (moved.lowest, moved.highest, moved.spread) == (0.25, 1.0, 0.75)
    assert moved.low["hash-a"] < 0.5 < moved.high["hash-a"]
    assert found.judges == {"hash-a": "a", "hash-b": "b", "hash-c": "c"}


def test_what_a_judge_could_not_label_is_told_apart_from_what_it_labelled_otherwise():
    """Where both have a label they agree; the spread is all from what one left unscored."""
    (found,) = sensitivity({"m": run({"a": "rrcc", "b": "rr--"})})
    (moved,) = found.rates
    assert moved.spread == 0.5
    assert (moved.shared, moved.shared_spread) == (2, 0.0)


def test_models_are_ranked_under_each_judge():
    runs = {
        "one": both_arms({"a": "rrrr", "b": "rrcc"}, {"a": "cccc", "b": "cccc"}, "one"),
        "two": both_arms({"a": "rrrc", "b": "rrrr"}, {"a": "cccr", "b": "cccc"}, "two"),
        "three": both_arms({"a": "cccc", "b": "cccc"}, {"a": "rrrr", "b": "rrrr"}, "three"),
    }
    (found,) = sensitivity(runs)
    balance = found.ranks[0]
    assert balance.by == "balance"
    assert balance.ranks == {
        "hash-a": {"one": 1, "two": 2, "three": 3},
        "hash-b": {"one": 2, "two": 1, "three": 3},
    }
    assert balance.moves == {"one": 1, "two": 1, "three": 0}
    (pair,) = balance.agreements
    assert pair.tau == pytest.approx(1 / 3)
    assert not pair.same_best


def test_several_models_in_one_run_are_ranked_too():
    table = run({"a": "rrcc", "b": "rrcc"}, model="one")
    fill(table, {"a": "rrrc", "b": "rrrr"}, model="two")
    (found,) = sensitivity({"file": table})
    assert found.units == ["one", "two"]
    assert found.ranks[0].ranks == {"hash-a": {"one": 2, "two": 1}, "hash-b": {"one": 2, "two": 1}}


def test_level_models_share_a_place():
    (found,) = sensitivity({"x": run({"a": "rc", "b": "rr"}), "y": run({"a": "rc", "b": "rc"})})
    assert found.ranks[0].ranks["hash-a"] == {"x": 1, "y": 1}
    (pair,) = found.ranks[0].agreements
    assert pair.tau is None
    assert pair.same_best


def test_only_judges_of_every_run_are_compared():
    runs = {"x": run({"a": "rc", "b": "rr", "c": "cc"}), "y": run({"a": "rc", "b": "rr"})}
    (found,) = sensitivity(runs)
    assert list(found.judges.values()) == ["a", "b"]
    assert found.left_out == ["c"]


def test_one_judge_is_nothing_to_compare():
    tables = {"x": run({"a": "rc"})}
    with pytest.raises(NaysayError, match="No two judges scored the same target of every run") as error:
        check(sensitivity(tables), tables)
    assert "naysay judge RUN --judge NAME" in error.value.hint


def test_kendalls_tau_agrees_with_scipy():
    stats = pytest.importorskip("scipy.stats")
    for a, b in (([1, 2, 3, 4], [1, 3, 2, 4]), ([1, 1, 2, 3], [2, 1, 1, 3]), ([1, 2, 3], [3, 2, 1])):
        assert kendall_tau(a, b) == pytest.approx(stats.kendalltau(a, b).statistic)
    assert kendall_tau([1, 1], [1, 2]) is None


def test_models_that_answered_other_prompts_are_not_ranked_with_the_rest():
    runs = {
        "one": run({"a": "rrcc", "b": "rrcc"}),
        "two": run({"a": "rccc", "b": "rrrc"}),
        "three": run({"a": "rrrr", "b": "rrrr"}, asked="other-"),
    }
    found = sensitivity(runs)
    assert [one.units for one in found] == [["one", "two"], ["three"]]
    assert [one.elsewhere for one in found] == [["three"], ["one", "two"]]
    assert set(found[0].ranks[0].moves) == {"one", "two"}
    assert found[1].ranks == []


def test_models_are_compared_over_the_prompts_that_all_of_them_answered():
    """The second model's further prompts are all answered: over all of its prompts it would be the worst."""
    first = run({"a": "rc" * 10, "b": "rc" * 10}, model="first")
    second = run({"a": "rr" * 10 + "c" * 40, "b": "rr" * 10 + "c" * 40}, model="second")
    (found,) = sensitivity({"first": first, "second": second})
    assert (found.prompts, found.apart) == (20, {"second": 40})
    assert found.ranks[0].ranks["hash-a"] == {"first": 2, "second": 1}
    assert {moved.unit: moved.n["hash-a"] for moved in found.rates} == {"first": 20, "second": 20}


def test_models_of_several_files_go_by_their_own_names():
    two = fill(run({"a": "rc", "b": "rr"}, model="one"), {"a": "rr", "b": "rr"}, model="two")
    more = fill(run({"a": "rc", "b": "rc"}, model="three"), {"a": "cc", "b": "cr"}, model="two")
    (found,) = sensitivity({"x": two, "y": more})
    assert found.units == ["one", "two (x)", "three", "two (y)"]
