"""The page in a real browser, where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from naysay.board.leaderboard import write_board
from naysay.board.make import make_report
from naysay.runfolder import RESPONSES
from naysay.writing import LineWriter

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


@pytest.fixture
def opened(tmp_path):
    def open_page(path, fragment="", width=1280):
        command = [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--enable-logging=stderr", f"--window-size={width},1300",
            f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=2000", "--dump-dom",
            f"{path.resolve().as_uri()}{fragment}",
        ]  # fmt: skip
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        complaints = [line for line in result.stderr.splitlines() if "CONSOLE" in line]
        assert complaints == []
        return result.stdout

    return open_page


def test_a_number_opens_exactly_the_items_behind_it(make_run, opened):
    run = make_run(units=30)
    made = make_report(run)
    rate = made.metrics.headline[0].rates["over_refusal"]
    dom = opened(made.html, "#judge=0&kind=over_refusal&expected=comply&answer=refusal%2Cpartial_refusal")
    assert f"{rate.hits} of the {made.metrics.responses['total']} items on this page" in dom
    assert len(re.findall(r'class="row[ "]', dom)) == rate.hits
    cell = made.metrics.find("overall", "", "harmful", rate.judge_hash, "answer").rates["refusal"]
    assert f"{cell.total - cell.n} of the" in opened(made.html, "#judge=0&kind=harmful&answer=unscored")
    twins = made.metrics.twins[0]
    dom = opened(made.html, "#judge=0&twin=by_words&twintarget=answer")
    assert f"{2 * twins.counts['by_words']} of the" in dom


def test_a_permalink_opens_its_item_with_harmful_text_masked(make_run, opened):
    made = make_report(make_run(units=4))
    dom = opened(made.html, "#item=starter-h2%230")
    pane = dom.split('id="pane"')[1]
    assert ">starter-h2#0</h3>" in pane
    assert '<div class="masked">' in pane
    assert '<div class="masked">' not in opened(made.html, "#item=starter-o2%230").split('id="pane"')[1]


def test_hostile_text_is_shown_and_does_not_run(make_run, opened):
    run = make_run(units=2)
    response = next(r for r in run.responses() if r.prompt_id == "starter-o0")
    response.answer = (
        "😀 <img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>\x1b\u202e"
    )
    with LineWriter(run.path / RESPONSES) as file:
        file.write(response)
    dom = opened(make_report(run).html, "#item=starter-o0%230")
    assert "<title>owned" not in dom
    pane = dom.split('id="pane"')[1]
    assert "&lt;img src=x onerror=" in pane
    assert "␛⟨U+202E⟩" in pane


MEASURE = """<script>document.body.dataset.cut = [...document.querySelectorAll(".headline .scroll, .board .scroll")]
.map((box) => box.scrollWidth - box.clientWidth).join(" ");</script></body>"""


def cut(page, opened, width):
    """By how many pixels each headline or board table is wider than its place."""
    copy = page.with_name(f"measured-{width}.html")
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    copy.write_text(text.replace("</body>", MEASURE), encoding="utf-8")
    return [int(x) for x in re.search(r'data-cut="([^"]+)"', opened(copy, width=width))[1].split()]


@pytest.mark.parametrize("width", [1000, 1225])
def test_headline_tables_fit_beside_or_below_the_chart(make_run, opened, width):
    assert cut(make_report(make_run(units=30)).html, opened, width) == [0, 0]


def test_the_board_fits_a_page_of_1000_pixels(make_run, opened, tmp_path):
    write_board([make_run(units=30, model="lab/a-model-with-quite-a-long-name-70b-instruct")], tmp_path / "b", items=5)
    assert cut(tmp_path / "b" / "index.html", opened, 1000) == [0, 0]
