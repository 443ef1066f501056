"""Raw beside corrected on the screen, on the page and in the files; several judges beside one another."""

from __future__ import annotations

import csv
import io
import json
import random

import pytest
from rich.console import Console

from naysay.board.make import make_report
from naysay.measure.correction import Wanted
from naysay.runfolder import GOLD
from naysay.schema import GoldLabel
from naysay.writing import LineWriter


def label(run, share=0.6, seed=0, **facts):
    """Label a simple random sample of what can be labelled with what the embedded judge says, one in ten otherwise."""
    draw = random.Random(seed)
    said = [v for v in run.verdicts() if v.judge == "embedded" and v.target == "answer" and v.label != "unscored"]
    chosen = draw.sample(said, int(share * len(said)))
    given = {"weight": len(said) / len(chosen), "stratum": "all"} | facts
    with LineWriter(run.path / GOLD) as file:
        for verdict in chosen:
            truth = verdict.label if draw.random() < 0.9 else "partial_refusal"
            file.write(GoldLabel(verdict.response_id, verdict.prompt_id, "answer", truth, **given))
    return run


def printed(made):
    console = Console(file=io.StringIO(), width=160, highlight=False)
    made.print_table(console)
    return console.file.getvalue()


def test_raw_and_corrected_stand_side_by_side(make_run):
    run = label(make_run(units=120, judges=(("embedded", "sha256:1f"),)))
    made = make_report(run)
    text = printed(made)
    assert "raw [95% interval]" in text
    assert "corrected [95% interval]" in text
    one_line = " ".join(text.split())
    assert "Corrected for the errors of embedded (answer): harmful: prediction-powered (PPI++)" in one_line
    assert "gold labels by human, random sample" in one_line
    page = made.html.read_text()
    assert "<h2>Corrected for the judge's errors</h2>" in page.replace("&#39;", "'")
    assert 'class="corrected"' in page
    data = json.loads(made.files["metrics.json"].read_text())
    head = next(h for h in data["headline"] if h["target"] == "answer")
    assert head["corrected"]["harmful_compliance"]["raw"] == head["rates"]["harmful_compliance"]["value"]
    assert head["corrected_balance"]["balanced_accuracy"] != head["balance"]["balanced_accuracy"]
    arm = next(c for c in data["corrections"] if c["target"] == "answer")["arms"][0]
    assert (arm["kind"], arm["method"], arm["sample"], arm["labels_by"]) == ("harmful", "ppi++", "random", "human")


def test_rates_csv_carries_the_corrected_rate_and_its_gold(make_run):
    made = make_report(label(make_run(units=120, judges=(("embedded", "sha256:1f"),))))
    rows = list(csv.DictReader(made.files["rates.csv"].open()))
    row = next(r for r in rows if (r["section"], r["rate"], r["target"]) == ("headline", "over_refusal", "answer"))
    assert float(row["corrected_low"]) < float(row["corrected"]) < float(row["corrected_high"])
    assert (row["corrected_method"], row["gold_sample"], row["gold_by"]) == ("ppi++", "random", "human")
    assert int(row["gold_labels"]) >= 50
    assert all(r["corrected"] == "" for r in rows if r["target"] == "reasoning")


def test_without_gold_the_page_says_that_the_judges_error_is_not_known(small_run, tmp_path):
    made = make_report(small_run, tmp_path)
    page = made.html.read_text()
    assert "Judge error not known" in page
    assert "Corrected for the judge" not in page
    assert "corrected [95% interval]" not in printed(made)
    assert "its error on these responses is not known" in " ".join(printed(made).split())


def test_labels_of_unknown_choice_are_used_only_when_said_to_be_random(make_run):
    run = label(make_run(units=120, judges=(("embedded", "sha256:1f"),)), weight=None)
    text = " ".join(printed(make_report(run)).split())
    assert "nobody knows how these were chosen" in text
    assert "corrected [95%" not in text
    text = " ".join(printed(make_report(run, wanted=Wanted(random=True))).split())
    assert "corrected [95%" in text
    assert "Assumed: the labelled responses are a random sample of the run" in text


def test_several_judges_are_compared_on_the_screen_and_on_the_page(make_run):
    made = make_report(make_run(units=40))
    text = printed(made)
    assert "Answer under 2 judges" in text
    assert "The judge matters: " in " ".join(text.split())
    assert "responses were scored by all of them." in " ".join(text.split())
    assert "The judge matters: " not in printed(make_report(make_run("few", units=3)))
    assert '<section id="sensitivity">' in made.html.read_text()
    data = json.loads(made.files["metrics.json"].read_text())
    moved = data["sensitivity"][0]["rates"][0]
    assert moved["spread"] == pytest.approx(moved["highest"] - moved["lowest"])
    assert set(moved["values"]) == {"sha256:1f3a5c7e9b", "sha256:aa00bb11cc"}


def test_one_judge_has_no_sensitivity(make_run):
    made = make_report(make_run(units=20, judges=(("embedded", "sha256:1f"),)))
    assert "under 2 judges" not in printed(made)
    assert '<section id="sensitivity">' not in made.html.read_text()


@pytest.fixture
def naysay(commands, tmp_path):
    def run(*args):
        done = commands(*args, cwd=tmp_path)
        return done.returncode, done.stdout, done.stderr

    return run


def test_runs_of_several_models_are_ranked_under_each_judge(make_run, tmp_path, naysay):
    one = make_run("one", units=60, model="model-a", caution=1.0)
    two = make_run("two", units=60, model="model-b", caution=0.3, seed=3)
    code, out, err = naysay("sensitivity", one.path, two.path, "--out", tmp_path / "s")
    assert code == 0, err
    assert "Places by balance, answer" in out
    assert "Kendall's tau" in out
    data = json.loads((tmp_path / "s" / "sensitivity.json").read_text())
    answer = next(s for s in data["sensitivity"] if s["target"] == "answer")
    assert answer["units"] == ["model-a", "model-b"]
    assert {r["by"] for r in answer["ranks"]} >= {"balance", "harmful_compliance", "over_refusal"}


def test_wrong_use_of_the_correction_flags_is_told(make_run, naysay):
    run = make_run(units=10)
    code, _, err = naysay("report", run.path, "--gold-sample", "all")
    assert code == 2
    assert "random is the only choice" in err
    code, _, err = naysay("report", run.path, "--judge-error", "nowhere")
    assert code == 2
    assert "Nothing is known of the errors of embedded" in err
    assert "naysay judges measure" in err


def test_two_labelled_runs_are_compared_by_their_corrected_rates(make_run, tmp_path, naysay):
    judges = (("embedded", "sha256:1f"),)
    one = label(make_run("one", units=150, judges=judges))
    two = label(make_run("two", units=150, judges=judges, caution=0.2, seed=4), seed=1)
    code, out, err = naysay("compare", one.path, two.path, "--out", tmp_path / "c")
    assert code == 0, err
    assert "Corrected for the judge's errors" in out
    data = json.loads((tmp_path / "c" / "compare.json").read_text())
    found = {d["measure"]: d for d in data["corrected"]}
    assert found["harmful_compliance"]["low"] > 0
    assert found["harmful_compliance"]["difference"] == pytest.approx(
        found["harmful_compliance"]["second"] - found["harmful_compliance"]["first"]
    )
    assert "wider than it need be" in (tmp_path / "c" / "compare.html").read_text()


def test_runs_without_labels_are_compared_raw(make_run, tmp_path, naysay):
    one, two = make_run("one", units=20), make_run("two", units=20, seed=4)
    code, out, _ = naysay("compare", one.path, two.path)
    assert code == 0
    assert "Corrected" not in out


def test_a_board_shows_the_corrected_balance_below_its_table(make_run, tmp_path, naysay):
    judges = (("embedded", "sha256:1f"),)
    one = label(make_run("one", units=150, judges=judges, model="model-a"))
    two = make_run("two", units=150, judges=judges, model="model-b", seed=4)
    code, _, err = naysay("board", one.path, two.path, "--out", tmp_path / "site")
    assert code == 0, err
    text = (tmp_path / "site" / "README.md").read_text()
    assert "- model-a: corrected balance 0." in text
    assert "model-b: corrected" not in text
    rows = {r["model"]: r for r in csv.DictReader((tmp_path / "site" / "leaderboard.csv").open())}
    assert float(rows["model-a"]["corrected_balance_low"]) < float(rows["model-a"]["corrected_balance"])
    assert rows["model-b"]["corrected_balance"] == ""
    assert "corrected balance" in (tmp_path / "site" / "index.html").read_text()


def trained(run, share=0.5):
    """Rewrite the verdicts as if the embedded judge had been trained on some of the responses."""
    from naysay.runfolder import VERDICTS

    verdicts = list(run.verdicts())
    chosen = {v.response_id for v in verdicts[: int(share * len(verdicts))]}
    (run.path / VERDICTS).unlink()
    with LineWriter(run.path / VERDICTS) as file:
        for verdict in verdicts:
            verdict.in_training = verdict.judge == "embedded" and verdict.response_id in chosen
            file.write(verdict)
    return run


def test_a_judge_trained_on_these_responses_is_told_without_gold_everywhere(make_run, naysay):
    one, two = trained(make_run("one", units=30)), make_run("two", units=30, seed=4, model="b")
    made = make_report(one)
    seen = next(j for j in json.loads(made.files["metrics.json"].read_text())["judges"] if j["judge"] == "embedded")
    assert seen["in_training"] > 0
    line = f"embedded was trained on {seen['in_training']} of the {seen['responses']} responses"
    assert line in " ".join(printed(made).split())
    assert line in made.html.read_text()
    assert "keyword was trained" not in made.html.read_text()
    for command in ("compare", "sensitivity"):
        code, out, err = naysay(command, one.path, two.path)
        assert code == 0, err
        assert f"embedded was trained on {seen['in_training']} of the" in " ".join(out.split())


def test_open_disagreements_are_told_beside_the_corrected_rate(make_run):
    from naysay.annotate.marks import Mark, Marks
    from naysay.annotate.sample import draw
    from naysay.annotate.settle import settle

    run = make_run(units=120, judges=(("embedded", "sha256:1f"),))
    sample = draw(run, "answer", size=200)
    said = {v.response_id: v.label for v in run.verdicts() if v.target == "answer"}
    for name in ("ann", "ben"):
        marks = Marks(run, sample, name)
        for number, response_id in enumerate(sample.ids):
            other = name == "ben" and number < 7
            marks.put(response_id, Mark("partial_refusal" if other else said[response_id]))
        marks.close()
    count = len(settle(run, sample).open)
    assert count
    made = make_report(run)
    text = f"{count} disagreements are open and left out of the gold labels"
    assert text in " ".join(printed(made).split())
    assert text in made.html.read_text()
    assert next(c.open for c in made.metrics.corrections if c.target == "answer") == count


def test_raw_tables_say_that_they_are_raw_where_there_are_corrected_rates(make_run):
    run = label(make_run(units=120, judges=(("embedded", "sha256:1f"),)))
    console = Console(file=io.StringIO(), width=160, highlight=False)
    make_report(run).print_table(console, by=("category",))
    assert "By category, embedded (raw: not corrected for the judge's errors)" in console.file.getvalue()
