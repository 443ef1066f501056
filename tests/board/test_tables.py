from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from naysay.board.make import make_report
from naysay.board.show import transcript
from naysay.board.text import csv_cell, one_line, visible
from naysay.errors import NaysayError
from naysay.runfolder import PROMPTS, RESPONSES
from naysay.writing import LineWriter


@pytest.fixture(scope="module")
def made(small_run, tmp_path_factory):
    return make_report(small_run, tmp_path_factory.mktemp("tables"))


def printed(made, width=100, **options) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, color_system=None)
    made.print_table(console, **options)
    return console.file.getvalue()


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_terminal_shows_each_rate_with_interval_n_coverage_and_judge(made):
    rate = made.metrics.headline[0].rates["over_refusal"]
    line = next(line for line in printed(made).splitlines() if line.strip().startswith("over-refusal"))
    assert f"{100 * rate.value:.1f}% [{100 * rate.low:.1f}–{100 * rate.high:.1f}]" in line
    assert str(rate.n) in line
    assert f"{100 * rate.coverage:.1f}%" in line
    assert "judged by embedded (1f3a5c7e9b)" in printed(made)


def test_the_terminal_never_shows_one_axis_without_saying_what_always_refusing_gives(made):
    assert "always refusing, or always complying, gives 0.500" in printed(made)


def test_the_table_fits_eighty_columns(made):
    assert all(len(line) <= 80 for line in printed(made, width=80).splitlines())
    assert "harmful compliance " in printed(made, width=80)


def test_prompts_of_no_stated_kind_get_their_labels_and_no_headline(make_run, many_prompts):
    prompts = many_prompts(6)
    for prompt in prompts:
        prompt.kind, prompt.expected = "unspecified", None
    made = make_report(make_run(prompts=prompts))
    text = " ".join(printed(made).split())
    assert "Labels outside every headline: answer, judged by embedded" in text
    assert "give the file a column `kind`" in text
    assert "lower is better" not in text
    assert "There is no headline rate here" in made.html.read_text(encoding="utf-8")


def test_breakdowns_put_both_axes_side_by_side(made):
    text = printed(made, by=("language",))
    assert "By language, embedded" in text
    assert "harmful: complied" in text


def test_rates_csv_holds_every_rate_with_its_interval_and_judge(made):
    rows = rows_of(made.files["rates.csv"])
    head = next(r for r in rows if r["section"] == "headline" and r["rate"] == "harmful_compliance")
    rate = made.metrics.headline[0].rates["harmful_compliance"]
    assert float(head["value"]) == pytest.approx(rate.value)
    assert (int(head["n"]), head["judge"], head["method"]) == (rate.n, "embedded", rate.method)
    assert {r["section"] for r in rows} >= {"headline", "cell", "trace_by_answer", "twins"}
    for row in rows:
        assert row["n"]
        assert row["judge_hash"]
        assert row["low"]


def test_items_csv_has_a_line_for_each_response_and_judge(made, small_run):
    rows = rows_of(made.files["items.csv"])
    assert len(rows) == 2 * len(list(small_run.responses()))
    assert {row["answer"] for row in rows} == {"refusal", "partial_refusal", "compliance", "unscored"}
    assert all(row["answer_reason"] for row in rows if row["answer"] == "unscored")


def test_counts_in_items_csv_add_up_to_the_rates(made):
    rows = [r for r in rows_of(made.files["items.csv"]) if r["judge"] == "embedded" and r["kind"] == "harmful"]
    rate = made.metrics.headline[0].rates["harmful_compliance"]
    assert sum(r["answer"] == "compliance" for r in rows) == rate.hits
    assert sum(r["answer"] != "unscored" for r in rows) == rate.n


def test_metrics_json_can_be_read_and_names_the_run(made):
    data = json.loads(made.files["metrics.json"].read_bytes())
    assert data["run"]["identity"] == "sha256:00000000"
    assert data["headline"][0]["rates"]["harmful_compliance"]["judge"] == "embedded"


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_begins_a_formula(cell):
    assert not str(csv_cell(cell)).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_numbers_stay_numbers():
    assert csv_cell(-0.25) == -0.25


@given(st.text(st.characters(exclude_categories=())))
def test_what_is_shown_holds_no_character_that_acts(text):
    shown = visible(text)
    for character in shown:
        assert character in "\n\t" or character.isprintable() or character not in "\x00\x07\x08\x1b\x7f\x9b\u202e"
    assert visible(shown) == shown
    shown.encode("utf-8")
    assert "\n" not in one_line(text)


def hostile_run(make_run, text):
    run = make_run(units=1)
    prompts = list(run.prompts())
    prompts[0].messages[0]["content"] = prompts[0].category = text
    (run.path / PROMPTS).unlink()
    with LineWriter(run.path / PROMPTS) as file:
        for prompt in prompts:
            file.write(prompt)
    response = next(run.responses())
    response.answer = response.reasoning = response.model = text
    with LineWriter(run.path / RESPONSES) as file:
        file.write(response)
    return run, response.id


HOSTILE = "[bold red]x[/] \x1b[2J\x1b]0;owned\x07 \x9b31m \x00 \u202egnp.exe [link=https://e.example]y[/link]"


def test_model_output_cannot_drive_the_terminal(make_run):
    run, name = hostile_run(make_run, HOSTILE)
    console = Console(
        file=io.StringIO(), width=200, force_terminal=True, color_system="truecolor", legacy_windows=False
    )
    plain = Console(file=io.StringIO(), width=200, color_system=None)
    for part in transcript(run, name):
        console.print(part)
        plain.print(part)
    text = console.file.getvalue()
    assert "\x1b[2J" not in text
    assert "\x1b]0;" not in text
    for character in ("\x00", "\x07", "\x9b", "\u202e"):
        assert character not in text
    assert "[bold red]x[/]" in plain.file.getvalue()
    assert "␛[2J" in plain.file.getvalue()
    assert "[link=https://e.example]y[/link]" in plain.file.getvalue()


def test_a_hostile_model_name_cannot_drive_the_terminal(make_run):
    run, _ = hostile_run(make_run, HOSTILE)
    assert not set(printed(make_report(run), width=300)) & {"\x1b", "\x00", "\x07", "\x9b", "\u202e"}


def test_show_prints_prompt_trace_answer_and_each_verdict(small_run):
    console = Console(file=io.StringIO(), width=100, color_system=None)
    for part in transcript(small_run, "starter-h1#0"):
        console.print(part)
    text = console.file.getvalue()
    response = next(r for r in small_run.responses() if r.id == "starter-h1#0")
    assert response.answer.splitlines()[0][:40] in text
    assert "embedded (1f3a5c7e9b) on the answer" in text
    assert "How do I build a forbidden fraud thing number 1?" in text


def test_show_highlights_the_evidence(small_run):
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system="standard")
    for part in transcript(small_run, "starter-h1#0"):
        console.print(part)
    assert "\x1b[7" in console.file.getvalue()


def test_show_takes_a_prompt_for_all_its_samples(make_run):
    run = make_run(units=2, samples=3)
    text = "".join(str(part) for part in transcript(run, "starter-h0") if hasattr(part, "plain"))
    assert text.count("How do I build") == 3


def test_show_offers_the_nearest_id(small_run):
    with pytest.raises(NaysayError, match="Did you mean starter-h1#0"):
        list(transcript(small_run, "starter-hh1#0"))


def test_an_unwritable_place_is_named(small_run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NaysayError, match="Cannot write"):
        make_report(small_run, tmp_path / "file" / "report")
