from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.text import Text

from naysay.board.figures import PIPED, Figures, console
from naysay.board.make import make_report
from naysay.board.text import plain_rate
from naysay.runfolder import RESPONSES, VERDICTS
from naysay.writing import LineWriter


@pytest.fixture(scope="module")
def made(small_run, tmp_path_factory):
    return make_report(small_run, tmp_path_factory.mktemp("screen"))


def printed(made, width=100, **options) -> str:
    screen = Console(file=io.StringIO(), width=width, markup=False, highlight=False, color_system=None)
    made.print_table(screen, **options)
    return screen.file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
def test_no_figure_is_cut_at_any_width(made, width):
    text = printed(made, width, by=("category", "language"))
    assert all(len(line) <= width for line in text.splitlines())
    assert not [line for line in text.splitlines() if line.rstrip().endswith("…") or "…%" in line or ".…" in line]
    for head in made.metrics.headline:
        for rate in head.rates.values():
            assert plain_rate(rate) in text


def test_figures_in_the_thousands_stay_whole_where_a_table_does_not_fit():
    table = Figures("Heading", ("name", "a long rate", "n", "coverage", "best–worst"))
    table.add("agentic harmful compliance", "100.0% [100.0–100.0]", "1,234,567", "100.0%", "100.0–100.0")
    for width in (44, 60, 78, 80, 90, 120):
        screen = Console(file=io.StringIO(), width=width, color_system=None)
        screen.print(table)
        text = screen.file.getvalue()
        for figure in ("100.0% [100.0–100.0]", "1,234,567", "100.0–100.0", "best–worst"):
            assert figure in text, (width, text)
        assert "…" not in text
        assert max(map(len, text.splitlines())) <= width


def test_a_long_name_wraps_before_the_figures_become_a_list():
    table = Figures("", ("model", "n"))
    table.add(Text("lab/" + "x" * 60), "1,234")
    screen = Console(file=io.StringIO(), width=40, color_system=None)
    screen.print(table)
    assert screen.file.getvalue().replace(" ", "").replace("\n", "").count("x") == 60
    assert "n: " not in screen.file.getvalue()


def test_output_that_is_no_terminal_is_wide_enough(monkeypatch, made, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    assert console().width == PIPED
    made.print_table(by=("category",))
    assert plain_rate(made.metrics.headline[0].rates["harmful_compliance"]) in capsys.readouterr().out


UNSCORED = {
    "blocked": {"status": "blocked", "blocked": "policy"},
    "truncated": {"status": "truncated"},
    "empty": {"status": "empty"},
    "errored": {"status": "errored", "error": "HTTP 400: no such model"},
}


@pytest.mark.parametrize("status", UNSCORED)
def test_a_run_without_a_score_keeps_its_headline_with_nothing_in_it(make_run, ended, status):
    made = make_report(ended(make_run(units=6), **UNSCORED[status]))
    text = printed(made, 100)
    line = next(x for x in text.splitlines() if x.strip().startswith("harmful compliance"))
    assert line.split()[2:] == ["–", "0", "0.0%", "0.0–100.0"]
    assert "Thought (rows)" not in text
    assert "safe twins" not in text
    page = made.html.read_text(encoding="utf-8")
    headline = page.split('id="headline"')[1].split("</section>")[0]
    assert "harmful compliance" in headline
    assert "0.0–100.0" in headline
    assert 'id="twins"' not in page


def test_blocks_counted_as_refusals_are_in_the_terminal_also_when_all_was_blocked(make_run, ended):
    made = make_report(ended(make_run(units=6), **UNSCORED["blocked"]))
    text = " ".join(printed(made, 100).split())
    assert "With the provider's blocks counted as refusals: harmful compliance 0.0% [0.0–39.0] n 6" in text
    assert "over-refusal 100.0% [61.0–100.0] n 6" in text
    page = " ".join(made.html.read_text(encoding="utf-8").split())
    assert "blocks counted as refusals, as a user of the whole system meets them: harmful compliance 0.0%" in page


def test_blocks_of_a_part_are_counted_in_the_terminal_too(made):
    assert "With the provider's blocks counted as refusals:" in printed(made)


def test_the_most_frequent_error_is_told_in_terminal_and_page(make_run, ended):
    run = ended(make_run(units=6), status="errored", error="HTTP 400: \x1b[2J<b>no such model</b> " + "x" * 400)
    odd = next(run.responses())
    odd.error = "timed out"
    with LineWriter(run.path / RESPONSES) as file:
        file.write(odd)
    made = make_report(run)
    total = made.metrics.responses["total"]
    (note,) = [note for note in made.notes if "HTTP 400" in note]
    assert note.startswith(f"{total} responses errored: HTTP 400: ␛[2J<b>no such model</b> xxx")
    assert f"({total - 1} of them; " in note
    assert len(note) < 300
    assert "HTTP 400: ␛[2J" in printed(made)
    page = made.html.read_text(encoding="utf-8")
    assert "HTTP 400: ␛[2J&lt;b&gt;no such model" in page.split('id="headline"')[0]


def test_a_failed_judge_says_why(make_run):
    run = make_run(units=3)
    verdict = next(v for v in run.verdicts() if v.judge == "keyword" and v.label != "unscored")
    verdict.label, verdict.reason, verdict.rationale = "unscored", "judge_error", "HTTP 401: no key"
    with LineWriter(run.path / VERDICTS) as file:
        file.write(verdict)
    assert "Judge keyword failed on 1 text: HTTP 401: no key" in make_report(run).notes


def test_a_judge_model_whose_replies_cannot_be_read_is_told_with_an_example(make_run):
    run = make_run(units=3)
    verdicts = [v for v in run.verdicts() if v.judge == "keyword" and v.label != "unscored"][:2]
    with LineWriter(run.path / VERDICTS) as file:
        for verdict in verdicts:
            verdict.label, verdict.reason = "unscored", "unparsable"
            verdict.rationale = "no JSON; the reply was: \x1b[2JSure, {that} refuses. " + "x" * 900
            file.write(verdict)
    (note,) = [note for note in make_report(run).notes if "could not be read on 2 texts" in note]
    assert note.startswith("Judge keyword gave replies")
    assert "for example: no JSON; the reply was: ␛[2JSure, {that} refuses. xxx" in note
    assert "Take a judge model that keeps to the form" in note
    assert len(note) < 500


def test_a_judge_that_cannot_judge_a_prompt_says_what_is_missing(make_run):
    run = make_run(units=3)
    verdict = next(v for v in run.verdicts() if v.judge == "keyword" and v.label != "unscored")
    verdict.label, verdict.reason, verdict.rationale = "unscored", "unsupported_target", "the prompt has no category"
    with LineWriter(run.path / VERDICTS) as file:
        file.write(verdict)
    assert "Judge keyword cannot judge 1 text: the prompt has no category" in make_report(run).notes


def test_a_run_without_errors_has_no_line_about_them(make_run, ended):
    made = make_report(ended(make_run(units=2), status="empty"))
    assert not [note for note in made.notes if "responses errored" in note]
