"""`naysay annotate` where the judge knows the responses, where there are several judges, and where several models."""

from dataclasses import replace

import pytest

from naysay.annotate import sample as samples
from naysay.runfolder import RESPONSES, VERDICTS
from naysay.schema import Response
from naysay.writing import LineWriter


def rewrite(run, change):
    """Write the verdicts again; ``change`` gives the lines that stand for one."""
    verdicts = list(run.verdicts())
    (run.path / VERDICTS).unlink()
    with LineWriter(run.path / VERDICTS) as file:
        for verdict in verdicts:
            for line in change(verdict):
                file.write(line)
    return run


def trained_on(run, chosen):
    def change(verdict):
        verdict.in_training = chosen(verdict.response_id)
        if verdict.in_training and verdict.probabilities:
            verdict.probabilities = dict.fromkeys(verdict.probabilities, 0.0) | {verdict.label: 1.0}
        return [verdict]

    return rewrite(run, change)


def second_judge(run, name="words", **facts):
    """Another judge, first in the manifest, that says the same without probabilities."""
    manifest = run.manifest
    mine = {"name": name, "hash": "f00", "targets": ["answer"]}
    run.write_manifest({**manifest, "judges": [mine, *manifest["judges"]]})

    def change(verdict):
        mine = replace(verdict, judge=name, judge_hash="f00", probabilities=None, **facts)
        return [verdict, mine] if verdict.target == "answer" else [verdict]

    return rewrite(run, change)


def test_a_judge_trained_on_all_of_it_is_told_before_the_first_label(make_run, naysay):
    run = trained_on(make_run(), lambda name: True)
    done = naysay("annotate", run.path, "--size", 30, "--html", "page.html")
    said = " ".join(done.out.split())
    assert "Warning: embedded was trained on all of these 119 responses" in said
    assert "their labels correct nothing under embedded" in said
    assert "Expected from these labels" not in said


def test_what_the_judge_was_trained_on_is_drawn_apart_and_its_probabilities_are_not_believed(make_run, naysay):
    run = trained_on(make_run(harmful=200, safe=200), lambda name: int(name.split("-")[1].split("#")[0]) < 100)
    done = naysay("annotate", run.path, "--size", 120, "--html", "page.html")
    sample = samples.load(run, "answer")
    trained = [stratum for stratum in sample.strata if stratum.trained]
    assert sum(stratum.size for stratum in trained) == sample.trained == 199
    assert all(stratum.error == 0.15 and not stratum.banded for stratum in trained)
    assert all(stratum.error != 0.15 for stratum in sample.strata if not stratum.trained)
    assert "trained on 199 of these 399 responses" in " ".join(done.out.split())
    assert "and for what it was trained on from nothing" in " ".join(done.out.split())


def test_of_several_judges_one_with_probabilities_is_taken_and_named(make_run, naysay):
    run = second_judge(make_run())
    done = naysay("annotate", run.path, "--size", 30, "--html", "page.html")
    assert samples.load(run, "answer").judge == "embedded"
    assert "Strata by the verdicts of embedded; the run has others (--judge NAME): words." in " ".join(done.out.split())


def test_a_judge_that_knows_all_of_it_comes_after_one_that_does_not(make_run, naysay):
    run = trained_on(make_run(), lambda name: True)
    second_judge(run, in_training=False)
    naysay("annotate", run.path, "--size", 30, "--html", "page.html")
    assert samples.load(run, "answer").judge == "words"


def test_nothing_to_settle_is_said_without_a_terminal(make_run, naysay, monkeypatch):
    def none():
        raise AssertionError("a terminal was asked for")

    run = make_run()
    naysay("annotate", run.path, "--size", 30, "--html", "page.html")
    monkeypatch.setattr("naysay.annotate.keys.check_terminal", none)
    done = naysay("annotate", run.path, "--resolve", code=2)
    assert done.error.message == "There is nothing to settle: fewer than two people have labelled."


@pytest.mark.parametrize(("size", "apart"), [(160, True), (16, False)])
def test_models_are_drawn_apart_where_the_sample_is_large_enough(make_run, naysay, size, apart):
    run = make_run(harmful=200, safe=200, probabilities=False)
    responses = list(run.responses())
    (run.path / RESPONSES).unlink()
    with LineWriter(run.path / RESPONSES) as file:
        for number, response in enumerate(responses):
            assert isinstance(response, Response)
            response.model = f"org/model-{number % 4 == 0}"
            file.write(response)
    naysay("annotate", run.path, "--size", size, "--html", "page.html")
    sample = samples.load(run, "answer")
    assert ({stratum.model for stratum in sample.strata} != {""}) == apart
    done = naysay("annotate", run.path, "--size", size + 20, "--html", "page.html")
    assert "Drawn: 20 more" in done.out
