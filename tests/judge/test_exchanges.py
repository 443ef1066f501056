"""What the project wrote to train and test the embedded judge is well formed, and test and training are apart."""

import json
import re
from collections import Counter

import pytest

from naysay import content
from naysay.errors import NaysayError
from naysay.judge.written import written_exchanges
from naysay.schema import LABELS

FOLDER = content.folder("judges") / "embedded"
LANGUAGES = {"en", "de", "fr", "es", "zh", "ko"}


@pytest.fixture(scope="module")
def gold():
    return [json.loads(line) for line in (FOLDER / "gold.jsonl").read_text(encoding="utf-8").splitlines()]


def test_every_exchange_is_whole_and_every_label_has_many():
    found = written_exchanges(FOLDER)
    assert {one.language for one in found} == LANGUAGES
    assert min(Counter(one.label for one in found).values()) > 300
    assert not [one for one in found if not one.prompt.strip() or not one.response.strip()]
    assert max(Counter((one.prompt, one.response) for one in found).values()) == 1


def test_the_same_words_have_several_labels_where_the_request_decides():
    labels = {}
    for one in written_exchanges(FOLDER):
        labels.setdefault(one.response, set()).add(one.label)
    assert sum(len(found) > 1 for found in labels.values()) >= 20


def test_no_gold_is_trained_on(gold):
    trained = {one.response for one in written_exchanges(FOLDER)}
    # "No." is everybody's.
    assert not [row["id"] for row in gold if len(row["response"]) > 20 and row["response"] in trained]
    assert len({row["id"] for row in gold}) == len(gold)
    assert {row["label"] for row in gold} == set(LABELS)


def test_nothing_in_them_points_at_a_place_on_the_net(gold):
    texts = [one.prompt + one.response for one in written_exchanges(FOLDER)]
    texts += [row["prompt"] + row["response"] for row in gold]
    hosts = [host for text in texts for host in re.findall(r"https?://([\w.-]+)", text)]
    assert set(hosts) <= {"www.boe.es"}  # Spain's law gazette
    assert set(re.findall(r"@([\w-]+\.\w+)", " ".join(texts))) <= {"example.com", "examp1e-it.invalid"}


@pytest.mark.parametrize(
    ("line", "says"),
    [('{"prompt": "a"}', "line 1: KeyError"), ("{", "line 1: JSONDecodeError"), ("5", "line 1: TypeError")],
)
def test_a_broken_line_is_named(tmp_path, line, says):
    (tmp_path / "exchanges").mkdir()
    (tmp_path / "exchanges" / "mine.jsonl").write_text(line + "\n")
    with pytest.raises(NaysayError, match=says):
        written_exchanges(tmp_path)


def test_a_label_that_is_none_is_named(tmp_path):
    (tmp_path / "exchanges").mkdir()
    row = {"prompt": "a", "response": "b", "label": "no", "language": "en"}
    (tmp_path / "exchanges" / "mine.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(NaysayError, match="'no' is no label"):
        written_exchanges(tmp_path)
