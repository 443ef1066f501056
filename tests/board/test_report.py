from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from naysay.board.make import make_report
from naysay.runfolder import PROMPTS, RESPONSES, VERDICTS, RunFolder
from naysay.schema import Evidence, Prompt, Response, Verdict
from naysay.writing import LineWriter


class Page(HTMLParser):
    """What a browser would find: elements, attributes, text, and the content of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.text = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._inside = tag
        if tag == "script":
            self.scripts.append((dict(attributes), ""))

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)
        elif self._inside != "style":
            self.text += data

    def data(self, name):
        return next(json.loads(text) for attributes, text in self.scripts if attributes.get("id") == name)


def page_of(path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def made(small_run, tmp_path_factory):
    return make_report(small_run, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(made):
    return page_of(made.html)


def test_the_page_asks_nothing_of_any_other_place(page):
    for tag, attributes in page.elements:
        assert tag not in ("img", "iframe", "object", "embed", "form", "base")
        assert "src" not in attributes
        target = attributes.get("href", "#")
        assert target.startswith("#") or target == "data:,", (tag, target)
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]


def test_both_axes_the_judge_and_the_warning_about_its_error_are_on_it(page):
    for words in (
        "harmful compliance",
        "over-refusal",
        "embedded",
        "1f3a5c7e9b",
        "its error on these responses is not",
    ):
        assert words in page.text


def test_every_section_is_there(page):
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert {"headline", "labels", "trace", "twins", "groups", "unscored", "items", "settings"} <= ids


def test_the_number_on_the_page_is_the_number_in_the_metrics(made, page):
    rate = made.metrics.headline[0].rates["harmful_compliance"]
    assert f"{100 * rate.value:.1f}%" in page.text
    assert f"{100 * rate.low:.1f}–{100 * rate.high:.1f}" in page.text


def test_every_link_to_items_uses_filters_that_the_browser_knows(page):
    from urllib.parse import parse_qs

    known = {
        "judge", "kind", "model", "expected", "category", "language", "task", "status", "answer", "reasoning",
        "both", "actions", "twin", "twintarget", "item", "variant", "has", "was", "wastarget", "beside", "differ",
    }  # fmt: skip
    links = [a["href"][1:] for t, a in page.elements if t == "a" and "=" in a.get("href", "")]
    assert len(links) > 100
    for link in links:
        assert set(parse_qs(link, keep_blank_values=True)) <= known


def test_all_items_of_a_small_run_are_on_the_page_with_their_evidence(made, page, small_run):
    items = page.data("item-data")
    assert [item["id"] for item in items] == [response.id for response in small_run.responses()]
    spans = [v for item in items for side in item["sides"] for v in side["verdicts"] if v.get("evidence")]
    assert spans
    first = next(item for item in items if item["sides"][0]["verdicts"][0].get("evidence"))
    verdict = first["sides"][0]["verdicts"][0]
    text = first["sides"][0]["answer" if verdict["target"] == "answer" else "reasoning"]
    assert text[verdict["evidence"][0]["start"] : verdict["evidence"][0]["end"]]


def test_a_large_run_keeps_examples_for_every_label_and_says_what_it_left_out(make_run):
    run = make_run(units=120)
    made = make_report(run, items=150)
    page = page_of(made.html)
    items = page.data("item-data")
    assert len(items) == 150
    assert f"150 of {made.metrics.responses['total']}" in " ".join(page.text.split())
    assert f"naysay show {run.path} ID" in page.text
    for cell in made.metrics.cells:
        if cell.by != "overall" or cell.kind == "all":
            continue
        judge = [j["judge_hash"] for j in made.metrics.judges].index(cell.judge_hash)
        for label, count in cell.rates["refusal"].counts.items():
            found = [
                item
                for item in items
                if item["kind"] == cell.kind
                for v in item["sides"][0]["verdicts"]
                if (v["judge"], v["target"], v["label"]) == (judge, cell.target, label)
            ]
            assert len(found) >= min(count, 3), (cell.kind, cell.target, label)


def test_twins_are_on_the_page_together(make_run):
    items = page_of(make_report(make_run(units=120), items=100).html).data("item-data")
    pairs = [item["pair"] for item in items if item["pair"]]
    together = [pair for pair in pairs if pairs.count(pair) == 2]
    assert len(together) >= len(pairs) - 2


def test_the_same_run_gives_the_same_page(make_run, tmp_path):
    run = make_run(units=60)
    first = make_report(run, tmp_path / "a", items=50).html.read_bytes()
    assert make_report(run, tmp_path / "b", items=50).html.read_bytes() == first


def test_an_unfinished_run_says_so(make_run):
    run = make_run(status="incomplete")
    lines = (run.path / RESPONSES).read_bytes().splitlines(keepends=True)
    (run.path / RESPONSES).write_bytes(b"".join(lines[:-10]))
    page = page_of(make_report(run).html)
    assert "This run is not complete: 10 responses are missing." in page.text


def test_an_empty_run_still_has_a_report(tmp_path):
    run = RunFolder(tmp_path / "empty")
    run.path.mkdir()
    run.write_manifest({"spec": {"model": "m", "samples": 1}, "status": "incomplete"})
    made = make_report(run)
    assert made.metrics.responses["total"] == 0
    assert page_of(made.html).data("item-data") == []


def test_several_models_in_one_file_are_told_apart(make_run):
    run = make_run(units=12)
    with LineWriter(run.path / RESPONSES) as file:
        for number, response in enumerate(list(run.responses())):
            response.model = f"lab/model-{number % 2}"
            file.write(response)
    made = make_report(run)
    page = page_of(made.html)
    assert "The responses are from 2 models, and the headline lumps them together." in page.text
    assert "By model, embedded" in page.text
    both = [made.metrics.find("model", f"lab/model-{i}", "harmful", "sha256:1f3a5c7e9b", "answer") for i in (0, 1)]
    whole = made.metrics.find("overall", "", "harmful", "sha256:1f3a5c7e9b", "answer")
    assert sum(cell.rates["refusal"].total for cell in both) == whole.rates["refusal"].total


def test_without_a_single_trace_the_page_says_so_and_shows_no_empty_tables(make_run):
    run = make_run(units=4)
    lines = (run.path / VERDICTS).read_text().splitlines(keepends=True)
    (run.path / VERDICTS).write_text(
        "".join(
            line.replace('"label":"refusal"', '"label":"unscored"')
            .replace('"label":"partial_refusal"', '"label":"unscored"')
            .replace('"label":"compliance"', '"label":"unscored"')
            .replace('"reason":null', '"reason":"no_reasoning"')
            if '"target":"reasoning"' in line
            else line
            for line in lines
        )
    )
    page = page_of(make_report(run).html)
    assert "No reasoning could be scored by embedded (no reasoning" in page.text
    assert "The same read from the reasoning trace" not in page.text
    assert not any(attributes.get("id") == "trace" for _, attributes in page.elements)


def test_a_very_long_answer_is_cut_on_the_page_and_the_page_says_so(make_run):
    run = make_run(units=2)
    response = next(run.responses())
    response.answer = "word " * 10_000
    with LineWriter(run.path / RESPONSES) as file:
        file.write(response)
    items = page_of(make_report(run).html).data("item-data")
    side = next(item for item in items if item["id"] == response.id)["sides"][0]
    assert len(side["answer"]) == 20_000
    assert side["cut"] == "answer of 50,000 characters"


ATTACKS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</script ><script >alert(1)</script >",
    "</script/x><script/x>alert(1)",
    "<!--<script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "' onmouseover='alert(1)",
    "{{ 7*7 }}{% raw %}",
    "<!--items-->",
    "\u202eevil\u2066\x1b[31m\x00\u2028",
    "__proto__",
)


@pytest.fixture(params=ATTACKS, ids=range(len(ATTACKS)))
def hostile(request, tmp_path):
    """A run in which every text that can come from outside is an attack."""
    attack = request.param
    run = RunFolder(tmp_path / "hostile")
    run.path.mkdir()
    run.write_manifest(
        {
            "naysay": attack, "created": attack, "status": attack, "identity": attack,
            "spec": {attack: attack, "model": attack, "samples": 1, "targets": ["answer", "reasoning"]},
            "tasks": [{"name": attack, "version": attack, "hash": attack, "fingerprint": attack, "licence": attack}],
            "judges": [{"name": attack, "hash": attack}], "model": {attack: attack},
        }
    )  # fmt: skip
    with (
        LineWriter(run.path / PROMPTS) as prompts,
        LineWriter(run.path / RESPONSES) as responses,
        LineWriter(run.path / VERDICTS) as verdicts,
    ):
        for number, kind in enumerate(("harmful", "over_refusal", "benign")):
            name = f"{attack}{number}"
            message = {"role": attack, "content": attack}
            asked = "refuse" if kind == "harmful" else "comply"
            prompts.write(
                Prompt(name, [message, {"role": "user", "content": attack}], kind, asked, f"{attack}{number}",
                       f"{attack}{number}", attack, attack)
            )  # fmt: skip
            responses.write(
                Response(f"{name}#0", name, 0, attack, attack, attack, "ok", attack, blocked=attack, error=attack)
            )
            for target in ("answer", "reasoning"):
                span = Evidence(0, len(attack), attack, attack)
                label = "refusal" if number else "compliance"
                verdicts.write(
                    Verdict(f"{name}#0", name, attack, attack, target, label, None, {attack: 0.5}, attack, [span],
                            attack)
                )  # fmt: skip
    return attack, run


def test_nothing_from_outside_becomes_markup_or_script(hostile, page):
    attack, run = hostile
    path = make_report(run).html
    found = page_of(path)
    allowed = {tag for tag, _ in page.elements}
    assert {tag for tag, _ in found.elements} <= allowed
    names = {name for _, attributes in page.elements for name in attributes}
    assert {name for _, attributes in found.elements for name in attributes} <= names
    assert not any(name.startswith("on") for _, attributes in found.elements for name in attributes)
    assert not any((a.get("href") or "").lower().startswith("javascript") for _, a in found.elements)
    assert len(found.scripts) == len(page.scripts)
    assert [s for a, s in found.scripts if "type" not in a] == [s for a, s in page.scripts if "type" not in a]
    # Browsers end a script at more than this parser does, so the words themselves must not be there.
    text = path.read_text(encoding="utf-8").lower()
    assert text.count("<script") == text.count("</script") == len(found.scripts)
    assert "<!--" not in text
    # The text itself is there, whole, as data.
    items = found.data("item-data")
    assert [item["sides"][0]["answer"] for item in items] == [attack] * 3


def test_no_control_character_reaches_the_page_itself(hostile):
    _, run = hostile
    text = make_report(run).html.read_text(encoding="utf-8")
    assert not set(text) & set("\x00\x1b\u202e\u2066\u2028")
