"""Files of several models: corrected rates by model, and which models stand in one table of judges."""

import csv
import io
import json
import random

import pytest
from rich.console import Console

from naysay.board.make import make_report
from naysay.board.sensitivity import of_runs, terminal
from naysay.runfolder import GOLD, RESPONSES, VERDICTS
from naysay.schema import GoldLabel
from naysay.writing import LineWriter

JUDGES = (("embedded", "sha256:1f"),)


@pytest.fixture
def two_models(make_run):
    """A run whose responses are of two models, with labels of a sample."""
    run = make_run(units=200, judges=JUDGES)
    responses = list(run.responses())
    (run.path / RESPONSES).unlink()
    with LineWriter(run.path / RESPONSES) as file:
        for number, response in enumerate(responses):
            response.model = f"model-{'ab'[number % 2]}"
            file.write(response)
    said = [v for v in run.verdicts() if v.target == "answer" and v.label != "unscored"]
    chosen = random.Random(0).sample(said, 400)
    with LineWriter(run.path / GOLD) as file:
        for verdict in chosen:
            label = GoldLabel(verdict.response_id, verdict.prompt_id, "answer", verdict.label, stratum="all",
                              weight=len(said) / len(chosen))  # fmt: skip
            file.write(label)
    return run


def printed(parts):
    console = Console(file=io.StringIO(), width=180, highlight=False)
    for part in parts:
        console.print(part)
    return " ".join(console.file.getvalue().split())


def test_each_model_has_its_corrected_rate_in_every_file_and_on_the_screen(two_models):
    made = make_report(two_models)
    data = json.loads(made.files["metrics.json"].read_text())
    found = {c["model"]: c["arms"][0]["shares"]["compliance"] for c in data["corrections_by_model"]
             if c["target"] == "answer"}  # fmt: skip
    assert set(found) == {"model-a", "model-b"}
    assert all(share["low"] < share["value"] < share["high"] for share in found.values())
    wanted = ("model", "harmful", "compliance", "answer")
    rows = [
        row
        for row in csv.DictReader(made.files["rates.csv"].open())
        if (row["by"], row["kind"], row["rate"], row["target"]) == wanted
    ]
    assert {r["group"]: float(r["corrected"]) for r in rows} == {m: s["value"] for m, s in found.items()}
    console = Console(file=io.StringIO(), width=180, highlight=False)
    made.print_table(console, by=("model",))
    text = " ".join(console.file.getvalue().split())
    assert "By model, embedded (raw beside corrected)" in text
    assert "• model-a: harmful: prediction-powered (PPI++)" in text
    page = made.html.read_text()
    assert "<h3>By model</h3>" in page


def test_judging_that_stopped_half_way_is_told_first(two_models):
    path = two_models.path / VERDICTS
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:600]))
    made = make_report(two_models)
    judged = sum(v.target == "answer" for v in two_models.verdicts())
    total = made.metrics.responses["total"]
    assert made.notes[0].startswith(f"Judging by embedded is incomplete: {judged} of {total} (answer)")
    assert made.metrics.headline[0].corrected == {}
    assert "Not corrected for the errors of embedded (answer): harmful: embedded has not judged everything" in " ".join(
        printed([*made.notes]).split()
    )


def test_runs_of_other_prompts_are_not_ranked_together(make_run, many_prompts):
    prompts = many_prompts(60)
    one = make_run("one", model="model-a", prompts=prompts)
    two = make_run("two", model="model-b", prompts=prompts[:100], seed=3)
    (found,) = (f for f in of_runs([one, two]) if f.target == "answer")
    assert found.apart == {"model-a": len(prompts) - 100}
    assert "Only the 100 prompts that all 2 models answered are compared" in printed(terminal([found]))
    for prompt in prompts:
        prompt.messages = [{"role": "user", "content": f"Quite another thing, {prompt.id}?"}]
    three = make_run("three", model="model-c", prompts=prompts, seed=4)
    found = [f for f in of_runs([one, three]) if f.target == "answer"]
    assert [f.units for f in found] == [["model-a"], ["model-c"]]
    assert all(f.ranks == [] for f in found)
    assert "since they answered other prompts" in printed(terminal(found))
