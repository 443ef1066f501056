"""Scales, trade-offs and strategies in the terminal, in rates.csv, in metrics.json and on the page."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from xml.etree import ElementTree

import pytest
from rich.console import Console

from naysay.board.make import make_report
from naysay.board.show import transcript
from naysay.runfolder import PROMPTS, RESPONSES, VERDICTS, RunFolder
from naysay.schema import Prompt, Response, Verdict
from naysay.writing import LineWriter

SCALES = {
    "satisfaction": {"low": -1, "high": 1, "better": "high", "means": "m"},
    "risk": {"low": 0, "high": 1, "better": "low", "means": "m"},
}
TRADEOFF = {"gain": "satisfaction", "cost": "risk", "alpha": 1, "low": 0, "high": 5, "published": 2, "means": "m"}
EVIL = "<script>alert(1)</script>"


def a_run(path, *, scored=True, name="rubric@m", strategy="soft refusal"):
    run = RunFolder(path)
    path.mkdir()
    judge = {"name": name, "hash": "sha256:aa", "scales": SCALES, "tradeoffs": {"constructive": TRADEOFF}}
    run.write_manifest({"status": "complete", "spec": {"targets": ["answer"], "samples": 1}, "judges": [judge]})
    draw = random.Random(0)
    with (
        LineWriter(path / PROMPTS) as asked,
        LineWriter(path / RESPONSES) as said,
        LineWriter(path / VERDICTS) as judged,
    ):
        for number in range(60):
            kind = "harmful" if number % 2 else "over_refusal"
            expected = "refuse" if number % 2 else "comply"
            asked.write(Prompt(f"p{number}", [{"role": "user", "content": "?"}], kind, expected))
            said.write(Response(f"p{number}#0", f"p{number}", 0, "m", None, "A.", "ok"))
            verdict = Verdict(f"p{number}#0", f"p{number}", name, "sha256:aa", "answer", "compliance")
            if number == 7:
                verdict.label, verdict.reason = "unscored", "unparsable"
            elif scored:
                verdict.scores = {"satisfaction": draw.choice([-1, 0, 0.4, 1]), "risk": float(draw.random() < 0.3)}
                verdict.strategy = strategy if draw.random() < 0.4 else "plain answer"
            judged.write(verdict)
    return run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scales")
    return make_report(a_run(folder / "run"), folder / "out")


@pytest.fixture(scope="module")
def html(made):
    return made.html.read_text(encoding="utf-8")


def printed(made, width=120):
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False)
    made.print_table(console)
    return console.file.getvalue()


def test_the_terminal_shows_means_with_intervals_the_curve_and_strategies(made):
    text = printed(made)
    assert re.search(r"satisfaction +-1 to 1 +-?\d\.\d{3} \[-?\d\.\d{3}, -?\d\.\d{3}\]", text)
    assert "harmful, n 29 of 30" in text
    assert re.search(r"2 \(published\) +-?\d\.\d\d \[", text)
    assert all(re.search(rf"^ +{beta}\b", text, re.MULTILINE) for beta in range(6))
    assert re.search(r"soft refusal +\d+\.\d% \[", text)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_narrow_terminal_loses_no_figure(made, width):
    wide = set(re.findall(r"-?\d\.\d{3}", printed(made, 200)))
    assert wide <= set(re.findall(r"-?\d\.\d{3}", printed(made, width)))


def test_metrics_hold_the_whole_curve(made):
    scales = json.loads(made.files["metrics.json"].read_bytes())["scales"]
    curves = [c for c in scales["curves"] if c["by"] == "overall"]
    assert {c["kind"] for c in curves} == {"harmful", "over_refusal"}
    betas = [p["beta"] for p in curves[0]["points"]]
    assert (betas[0], betas[-1], len(betas)) == (0, 5, 21)
    assert 2 in betas
    assert {m["scale"] for m in scales["means"]} == {"satisfaction", "risk"}


def test_rates_csv_holds_scales_curves_and_strategies(made):
    rows = list(csv.DictReader(made.files["rates.csv"].open(encoding="utf-8")))
    found = {row["section"] for row in rows}
    assert {"headline", "scale", "tradeoff", "strategy"} <= found
    mean = next(row for row in rows if row["section"] == "scale" and row["rate"] == "risk" and row["kind"] == "harmful")
    assert (mean["judge"], mean["target"], mean["by"], mean["n"], mean["total"]) == (
        "rubric@m", "answer", "overall", "29", "30",
    )  # fmt: skip
    assert float(mean["low"]) < float(mean["value"]) < float(mean["high"])
    point = next(row for row in rows if row["section"] == "tradeoff" and row["rate"] == "constructive, beta 2")
    assert -3 <= float(point["value"]) <= 1


def test_the_page_draws_the_curve_inside_its_frame(html):
    (drawing,) = re.findall(r'<svg class="plane curves".*?</svg>', html, re.DOTALL)
    tree = ElementTree.fromstring(drawing)
    lines = tree.findall(".//polyline")
    bands = tree.findall(".//polygon")
    assert len(lines) == len(bands) == 2
    for shape in (*lines, *bands):
        places = [tuple(map(float, pair.split(","))) for pair in shape.attrib["points"].split()]
        assert len(places) in (21, 42)
        assert all(46 <= x <= 336 and 10 <= y <= 280 for x, y in places)
    assert "published" in "".join(tree.itertext())


def test_the_page_lists_means_with_their_scale_and_items(html):
    section = html[html.index('<section id="scales">') : html.index("</section>", html.index('<section id="scales">'))]
    assert "-1 to 1, high is better" in section
    assert "0 to 1, low is better" in section
    assert 'href="#judge=0&amp;kind=harmful"' in section
    assert 'href="#scales"' in html


def test_items_carry_their_scores(html, made):
    assert '"scores":{"satisfaction":' in html
    text = "\n".join(map(str, transcript(made.run, "p0#0")))
    assert re.search(r"satisfaction -?[\d.]+, risk [01]", text)


def test_without_scores_nothing_is_shown(tmp_path):
    made = make_report(a_run(tmp_path / "run", scored=False), tmp_path / "out")
    assert 'id="scales"' not in made.html.read_text(encoding="utf-8")
    assert "Scales" not in printed(made)
    assert made.metrics.scales.means == []


def test_names_from_outside_are_only_text(tmp_path):
    made = make_report(a_run(tmp_path / "run", name=EVIL, strategy=f"{EVIL}\x1b[2J"), tmp_path / "out")
    assert EVIL not in made.html.read_text(encoding="utf-8")
    assert "\x1b" not in printed(made)
