"""The labelling page: blind, self-contained, safe with hostile text; in a real browser, from keys to gold.jsonl."""

import json
import re
from collections import Counter
from itertools import pairwise

from naysay.annotate import sample as samples
from naysay.runfolder import RESPONSES
from naysay.writing import LineWriter

LABEL_KEYS = {"compliance": "1", "partial_refusal": "2", "refusal": "3"}


def page_data(path):
    text = path.read_text()
    return json.loads(re.search(r'<script type="application/json" id="page-data">(.*?)</script>', text, re.DOTALL)[1])


def test_a_page_holds_nothing_that_the_judge_said(make_run, naysay, tmp_path):
    run = make_run()
    naysay("annotate", run.path, "--size", 40, "--html", "label.html")
    source = (tmp_path / "label.html").read_text()
    sample = samples.load(run, "answer")
    assert "wombat" not in source
    assert "embedded" not in source
    assert "a1b2c3" not in source
    for item in page_data(tmp_path / "label.html")["items"]:
        assert set(item) == {"id", "messages", "text", "other"}
    for name in sample.ids:
        assert name not in source
    for stratum in sample.strata:
        assert stratum.name not in source
    for number in {v.probabilities["refusal"] for v in run.verdicts() if v.probabilities}:
        assert str(number) not in source


def test_neither_order_nor_ids_tell_the_strata_apart(make_run, naysay, tmp_path):
    run = make_run(harmful=200, safe=200)
    naysay("annotate", run.path, "--size", 120, "--html", "label.html")
    sample = samples.load(run, "answer")
    item_of = {sample.item_id(name): name for name in sample.ids}
    order = [item_of[item["id"]] for item in page_data(tmp_path / "label.html")["items"]]
    assert order == sample.ids
    strata = [sample.stratum_of[name] for name in order]
    runs = 1 + sum(a != b for a, b in pairwise(strata))
    assert runs > 60  # sorted by stratum there would be as many runs as strata
    by_id = [sample.stratum_of[item_of[item]] for item in sorted(item_of)]
    assert 1 + sum(a != b for a, b in pairwise(by_id)) > 60
    assert len({len(item) for item in item_of}) == 1


def test_the_page_needs_nothing_from_outside(make_run, naysay, tmp_path):
    naysay("annotate", make_run().path, "--size", 30, "--html", "label.html")
    source = (tmp_path / "label.html").read_text()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', source)[1]
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]', source)


def test_keys_to_gold(make_run, naysay, browser, truth_of, tmp_path):
    run = make_run()
    naysay("annotate", run.path, "--size", 32, "--html", "label.html", "--annotator", "ann")
    truth, sample = truth_of(run), samples.load(run, "answer")

    async def steps(page):
        await page.go(tmp_path / "label.html")
        assert "Response 1 of 32" in await page.value("document.getElementById('where').textContent")
        for name in sample.ids[:3]:
            await page.press(LABEL_KEYS[truth[name]])
        await page.press("u")
        assert await page.done() == 2
        await page.press(LABEL_KEYS[truth[sample.ids[2]]])
        await page.press("s")  # the fourth is skipped
        await page.press("n")
        await page.press(*"hard")
        await page.press("Escape")
        for name in sample.ids[4:20]:
            await page.press(LABEL_KEYS[truth[name]])
        # Closed and opened again: nothing is lost, and it goes on at the first without a label.
        await page.go(tmp_path / "label.html")
        assert await page.done() == 20
        assert "Response 21 of 32" in await page.value("document.getElementById('where').textContent")
        for name in sample.ids[20:]:
            await page.press(LABEL_KEYS[truth[name]])
        assert await page.done() == 32
        await page.press("e")
        found = await page.downloaded(browser.downloads)
        assert page.complaints == []
        return found

    exported = browser.session(steps)
    assert exported.name.startswith("labels-ann-")
    done = naysay("annotate", run.path, "--read", exported)
    assert "Read 31 labels of ann (1 skipped)" in done.out
    assert "naysay report" in done.out
    gold = {label.response_id: label for label in run.gold()}
    assert set(gold) == set(sample.ids) - {sample.ids[3]}
    assert all(truth[name] == label.label for name, label in gold.items())
    assert all(label.annotators == {"ann": label.label} for label in gold.values())
    lines = [json.loads(line) for line in exported.read_text().splitlines()]
    assert lines[4]["note"] == "hard"
    # Each label stands for its stratum's size over the labels in it.
    sizes = Counter(label.stratum for label in gold.values())
    for stratum in sample.strata:
        weights = {label.weight for label in gold.values() if label.stratum == stratum.name}
        assert weights <= {stratum.size / sizes[stratum.name]} if sizes[stratum.name] else not weights
    assert abs(sum(label.weight for label in gold.values()) - sample.population) < 1e-6


def test_a_page_without_a_name_asks_for_one_and_reads_its_own_export(make_run, naysay, browser, tmp_path):
    run = make_run()
    naysay("annotate", run.path, "--size", 30, "--html", "label.html")

    async def steps(page):
        await page.go(tmp_path / "label.html")
        await page.press("1", "2", "e")
        assert "name first" in await page.value("document.getElementById('problem').textContent")
        await page.press(*"bob", "Enter")
        await page.press("e")
        found = await page.downloaded(browser.downloads)
        # Another browser, where nothing is kept: the export is read back in.
        await page.value("localStorage.clear()")
        await page.go(tmp_path / "label.html")
        assert await page.done() == 0
        text = json.dumps(found.read_text())
        await page.value(
            f"""(() => {{ const moved = new DataTransfer(); moved.items.add(new File([{text}], "a.jsonl"));
            const place = document.getElementById("file"); place.files = moved.files;
            place.dispatchEvent(new Event("change")); }})()"""
        )
        for _ in range(100):
            if await page.done() == 2:
                break
        assert await page.done() == 2
        assert page.complaints == []
        return found

    exported = browser.session(steps)
    assert "Read 2 labels of bob" in naysay("annotate", run.path, "--read", exported).out


def test_hostile_text_is_shown_and_does_not_run(make_run, naysay, browser, tmp_path):
    run = make_run(harmful=8, safe=8)
    hostile = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\x1b\u202e"
    with LineWriter(run.path / RESPONSES) as file:
        for response in list(run.responses()):
            response.answer = hostile
            file.write(response)
    naysay("annotate", run.path, "--size", 15, "--html", "label.html")

    async def steps(page):
        await page.go(tmp_path / "label.html")
        shown = await page.value("document.querySelector('#item .turn.answer .text').textContent")
        assert await page.value("document.title") == "Labelling · naysay"
        assert page.complaints == []
        return shown

    shown = browser.session(steps)
    assert shown == hostile.replace("\x1b", "␛").replace("\u202e", "⟨U+202E⟩")


def test_the_other_part_is_folded_away(make_run, naysay, browser, tmp_path):
    run = make_run(harmful=8, safe=8)
    naysay("annotate", run.path, "--target", "reasoning", "--size", 16, "--html", "label.html")

    async def steps(page):
        await page.go(tmp_path / "label.html")
        assert await page.value("document.querySelector('#item details').open") is False
        await page.press("t")
        assert await page.value("document.querySelector('#item details').open") is True
        assert await page.value("document.querySelector('#item .turn.answer .who').textContent") == "reasoning"

    browser.session(steps)
