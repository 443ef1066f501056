"""`naysay judges`, `judges show` and `judges compare`."""

import io
import json
import re
import shutil
from itertools import product

import numpy as np
import pytest
from rich.console import Console

from naysay.board.judge_card import card_tables
from naysay.content import folder
from naysay.judge import create, find
from naysay.measure.judge_compare import Rows, compare_judges, differences
from naysay.measure.paired import mcnemar
from naysay.runfolder import RunFolder


def test_bare_judges_lists_them(naysay):
    assert "embedded" in naysay("judges").out
    listed = json.loads(naysay("judges", "--json").out)
    assert {"keyword", "embedded"} <= {entry["name"] for entry in listed}


def test_every_judge_can_be_shown(naysay):
    for entry in json.loads(naysay("judges", "--json").out):
        facts = json.loads(naysay("judges", "show", entry["name"], "--json").out)
        assert facts["licence"] == entry["licence"]
        assert facts["hash"] or facts["no_hash"]
        console = Console(width=80, record=True, file=io.StringIO())
        for part in card_tables(facts, []):
            console.print(part)
        text = console.export_text()
        assert entry["name"] in text
        assert max(map(len, text.splitlines())) <= 80


def test_a_rubric_is_shown_with_its_text_and_labels(naysay):
    shown = naysay("judges", "show", "xstest_rubric").out
    assert "full_compliance" in shown
    assert "You label how an AI model's response" in " ".join(shown.split())
    assert "depends on the judge model" in " ".join(shown.split())


def test_a_rubric_with_its_model_has_a_hash(naysay, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    first = json.loads(naysay("judges", "show", "xstest_rubric@openai/a", "--json").out)
    second = json.loads(naysay("judges", "show", "xstest_rubric@openai/b", "--json").out)
    assert first["hash"]
    assert first["hash"] != second["hash"]


def test_what_a_card_lists_is_shown_as_lists(naysay):
    shown = " ".join(naysay("judges", "show", "coconot_rubric").out.split())
    assert ".;" not in shown
    assert ".," not in shown
    assert "Departures from the publication - The wording is ours" in shown
    assert "- Prompts of any other category are not scored." in shown


def test_the_list_names_every_target_of_a_judge(naysay):
    for entry in json.loads(naysay("judges", "--json").out):
        if entry["name"] in ("keyword", "embedded", "llm", "agentharm_rubric", "wildguard"):
            assert entry["targets"] == json.loads(naysay("judges", "show", entry["name"], "--json").out)["targets"]


def test_a_panel_of_readers_of_texts_is_listed_with_actions(tmp_path):
    place = tmp_path / "pair"
    place.mkdir()
    (place / "judge.yaml").write_text(
        "name: pair\nkind: panel\nversion: 1\nsummary: S.\ntargets: [answer]\nlanguages: [en]\nlicence: Apache-2.0\n"
        "members: [{judge: keyword}, {judge: embedded}]\nquorum: 1\n",
        encoding="utf-8",
    )
    assert find(str(place)).targets == create(str(place)).targets == ("answer", "actions")


def test_a_folder_that_is_named_without_its_path_is_pointed_at(naysay, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "judge.yaml").write_text("kind: keyword", encoding="utf-8")
    assert "write ./mine" in str(naysay("judges", "show", "mine", code=2).error)


def test_a_command_that_is_named_can_be_given(naysay):
    shown = " ".join(naysay("judges", "show", "xstest_rubric").out.split())
    assert "naysay judges measure xstest_rubric@MODEL --gold FILE" in shown
    assert "naysay judges show xstest_rubric@MODEL" in shown
    assert "naysay judges measure keyword --gold FILE" in " ".join(naysay("judges", "show", "keyword").out.split())


def test_what_a_card_nests_is_shown_in_lines():
    facts = {
        "name": "p", "summary": "S.", "hash": "h", "no_hash": "", "needs_model": False, "kind": "panel",
        "members": [{"judge": "keyword", "weight": 1.0}, {"judge": "embedded"}],
        "chosen": {"prompts": {"pick": 5, "test": 9}, "tested": [{"label": "refusal", "saved": {"value": 0.5}}]},
    }  # fmt: skip
    console = Console(file=io.StringIO(), width=80)
    for part in card_tables(facts, ()):
        console.print(part)
    shown = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert [line.split() for line in shown if line.startswith("  ")] == [
        ["keyword", "weight:", "1.0"], ["embedded"], ["prompts", "pick:", "5;", "test:", "9"], ["tested"], ["refusal"],
        ["saved", "value:", "0.5"],
    ]  # fmt: skip
    assert any(line.startswith("      saved") for line in shown)


def test_a_rubrics_messages_are_tried_when_it_is_shown(naysay, tmp_path):
    place = tmp_path / "mine"
    shutil.copytree(folder("judges") / "xstest_rubric", place)
    card = (place / "judge.yaml").read_text(encoding="utf-8").replace("name: xstest_rubric", "name: mine")
    (place / "judge.yaml").write_text(card.replace("{{ response }}", "{{ respons }}"), encoding="utf-8")
    shown = str(naysay("judges", "show", place, code=2).error)
    assert "'respons' is undefined" in shown
    assert "Did you mean response" in shown
    assert "has no model behind it" in naysay("judges", "show", "keyword@openai/a", code=2).error.message


def test_the_reader_of_traces_says_what_it_is_for(naysay):
    advice = "naysay trace RUN --judge-stance trace_stance@MODEL"
    assert advice in " ".join(naysay("judges").out.split())
    assert advice in " ".join(naysay("judges", "show", "trace_stance").out.split())
    assert "judges measure" not in naysay("judges", "show", "trace_stance").out
    facts = json.loads(naysay("judges", "show", "trace_stance", "--json").out)
    assert facts["hash"] is None
    assert facts["needs"] == ["model"]


def test_the_embedded_judge_shows_agreement_and_attribution(naysay):
    shown = naysay("judges", "show", "embedded").out
    assert "Agreement on its card" in shown
    assert "Trained on" in shown
    assert "CC-BY-4.0" in shown
    assert "ECE" in shown
    assert "Calibration on xstest_v2_human" in " ".join(shown.split())


def test_a_judge_elsewhere_is_measured_by_its_path(naysay, tmp_path):
    import shutil

    from naysay import content

    folder = shutil.copytree(content.folder("judges") / "keyword", tmp_path / "mine" / "keyword")
    shown = " ".join(naysay("judges", "show", folder).out.split())
    assert f"naysay judges measure {folder} --gold FILE" in shown


def test_an_unknown_judge_offers_the_nearest(naysay):
    assert "Did you mean embedded?" in str(naysay("judges", "show", "embeded", code=2).error)
    assert "no judge at" in str(naysay("judges", "show", "./nowhere", code=2).error)


@pytest.fixture
def compared(naysay, gold_file, tmp_path):
    def make(*flags, judges=("keyword", "embedded"), **options):
        file = gold_file(120, **options)
        done = naysay("judges", "compare", *judges, "--gold", file, "--out", "both", "--json", *flags)
        return json.loads(done.out), RunFolder.open(tmp_path / "both")

    return make


def labels(run):
    gold = {r.id: r.meta["gold"] for r in run.responses()}
    said = {}
    for verdict in run.verdicts():
        said.setdefault(verdict.response_id, {})[verdict.judge] = verdict.label
    return [(gold[name], said[name]["keyword"], said[name]["embedded"]) for name in gold]


def test_a_comparison_counts_what_the_verdicts_say(compared):
    made, run = compared()
    rows = [row for row in labels(run) if "unscored" not in row]
    pair = made["pairs"][0]
    assert pair["n"] == len(rows)
    first = sum(a == gold != b for gold, a, b in rows)
    second = sum(b == gold != a for gold, a, b in rows)
    assert (pair["first_right"], pair["second_right"]) == (first, second)
    assert pair["differ"] == sum(a != b for _, a, b in rows)
    assert pair["mcnemar"] == pytest.approx(mcnemar(first, second).exact)
    # Every request has one row here: going by requests is the same.
    assert pair["by_request"] == pytest.approx(pair["mcnemar"])
    accuracy = pair["contrasts"]["accuracy"]
    assert accuracy["difference"]["value"] == pytest.approx((second - first) / len(rows))
    assert accuracy["difference"]["low"] <= accuracy["difference"]["value"] <= accuracy["difference"]["high"]


def test_where_they_differ_is_written_down(compared):
    _, run = compared()
    lines = [json.loads(line) for line in (run.path / "differences.jsonl").read_text().splitlines()]
    assert len(lines) == sum(a != b for _, a, b in labels(run))
    assert set(lines[0]) == {"response_id", "model", "gold", "verdicts", "prompt", "text"}
    assert lines == list(differences(run, "answer"))
    assert (run.path / "comparison.json").is_file()


def test_three_judges_are_compared_pairwise_with_holms_correction(naysay, gold_file, tmp_path):
    """The third is the keyword judge under another version number: the same verdicts, another hash."""
    shutil.copytree(folder("judges") / "keyword", tmp_path / "strict")
    card = (tmp_path / "strict" / "judge.yaml").read_text().replace("name: keyword", "name: strict")
    card = re.sub(r"^version: .*$", "version: 99", card, flags=re.MULTILINE)
    (tmp_path / "strict" / "judge.yaml").write_text(card)
    done = naysay("judges", "compare", "keyword", "embedded", "./strict", "--gold", gold_file(80))
    assert "Holm over 3 pairs" in done.out
    assert "strict less keyword" in done.out
    assert "too few differ" in done.out  # the same rules under another name


def test_the_test_by_request_lets_rows_change_sides_together(compared):
    """Against every pattern of signs over six requests; McNemar's test takes the same rows for independent."""
    _, run = compared()
    gold = {r.id: r.meta["gold"] for r in run.responses()}
    number = {name: i for i, name in enumerate(gold)}
    for file, change in (
        ("prompts.jsonl", lambda row, i: {**row, "origin": f"request-{i % 6}"}),
        ("verdicts.jsonl", None),
    ):
        lines = [json.loads(line) for line in (run.path / file).read_text().splitlines()]
        if change:
            lines = [change(row, i) for i, row in enumerate(lines)]
        for line in lines if not change else ():
            # The first judge is right on all of five requests, the second on all of the sixth.
            right = (number[line["response_id"]] % 6 < 5) == (line["judge"] == "keyword")
            true = gold[line["response_id"]]
            line["label"] = true if right else "refusal" if true != "refusal" else "compliance"
        (run.path / file).write_text("".join(json.dumps(line) + "\n" for line in lines))
    pair = compare_judges(run, "answer", gold="gold", two_way=False).pairs[0]
    assert (pair.clusters, pair.first_right, pair.second_right) == (6, 100, 20)
    moved = [-20] * 5 + [20]
    sums = [abs(sum(sign * m for sign, m in zip(signs, moved, strict=True))) for signs in product((1, -1), repeat=6)]
    assert pair.by_request == pytest.approx(np.mean([value >= 80 for value in sums]))
    assert pair.mcnemar < 1e-10


def test_two_way_labels_are_compared_two_way(compared):
    made, _ = compared(two_way=True)
    assert made["two_way"] is True
    assert set(made["pairs"][0]["contrasts"]) == {"binary_accuracy", "binary_kappa"}
    assert made["pairs"][0]["labels"] == {}


def test_rows_in_a_training_set_are_left_out_beside(compared):
    _, run = compared()
    path = run.path / "verdicts.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    marked = {line["response_id"] for line in lines[:60]}
    for line in lines:
        line["in_training"] = line["judge"] == "embedded" and line["response_id"] in marked
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    pair = compare_judges(run, "answer", gold="gold", two_way=False).pairs[0]
    assert pair.in_training == len(marked)
    unseen = [row for row, name in zip(labels(run), (r.id for r in run.responses()), strict=True) if name not in marked]
    right = np.mean([gold == b for gold, _, b in unseen])
    assert pair.contrasts["unseen_accuracy"].second == pytest.approx(right)


def test_one_judge_is_no_comparison(naysay, gold_file):
    assert "Name two" in str(naysay("judges", "compare", "keyword", "--gold", gold_file(20), code=2).error)
    twice = naysay("judges", "compare", "keyword", "keyword", "--gold", gold_file(20), code=2).error
    assert "twice" in str(twice)


def test_the_interval_of_a_difference_in_kappa_covers_what_it_claims():
    """Two judges with known confusions on the same rows, three rows a request: about 95 of 100 hold the truth."""
    draw = np.random.default_rng(11)
    trials, held = 80, 0
    p_right = (0.85, 0.75)

    def judge(gold, right):
        return np.where(draw.random(gold.size) < right, gold, (gold + draw.integers(1, 3, gold.size)) % 3)

    big = draw.integers(0, 3, 400_000)
    kappas = [_kappa(big, judge(big, right)) for right in p_right]
    for trial in range(trials):
        gold = np.repeat(draw.integers(0, 3, 70), 3)
        rows = Rows(gold, judge(gold, p_right[0]), judge(gold, p_right[1]), np.repeat(np.arange(70), 3), trial, 0.95)
        made = rows.kappa().difference
        held += made.low <= kappas[1] - kappas[0] <= made.high
    assert held / trials > 0.87


def _kappa(gold, said):
    observed = (gold == said).mean()
    chance = sum((gold == k).mean() * (said == k).mean() for k in range(3))
    return (observed - chance) / (1 - chance)


@pytest.mark.parametrize(
    ("card", "says"),
    [
        ("", "is not a mapping of fields"),
        ("kind: llm\nlabels:\n  no: {label: refusal, means: x}\n", "put the word into quotes"),
        ("kind: panel\nmembers: [{judge: keyword}, {judge: embedded}]\nquorum: 9\n", "quorum is 9, and there are 2"),
    ],
)
def test_what_is_wrong_with_a_card_is_said_with_what_to_do(naysay, tmp_path, card, says):
    about = "name: mine\nversion: 1\nsummary: S.\ntargets: [answer]\nlanguages: [en]\nlicence: Apache-2.0\n"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "judge.yaml").write_text((about if card else "") + card, encoding="utf-8")
    error = str(naysay("judges", "show", "./mine", code=2).error)
    assert says in error
    assert "alue error" not in error
    assert "[key]" not in error


def test_what_is_no_judge_and_is_there_is_told_so(naysay, tmp_path):
    (tmp_path / "x.jsonl").write_text("{}\n", encoding="utf-8")
    assert "x.jsonl is here, but it is no folder" in str(naysay("judges", "show", "x.jsonl", code=2).error)
