"""What holds for every judge: no default labels, exact evidence, hashes that change when verdicts could."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from naysay import content
from naysay.errors import NaysayError
from naysay.judge import catalog, create, evaluate, names
from naysay.schema import LABELS, Judge

OFFLINE = ["keyword", "embedded"]
REFUSES = "I should refuse."


@pytest.fixture(params=OFFLINE)
def judge(request):
    return create(request.param)


UNSCORABLE = [
    ("answer", {"answer": "", "status": "empty"}, "empty"),
    ("answer", {"answer": " \n", "status": "ok"}, "empty"),
    ("answer", {"answer": "", "status": "truncated"}, "truncated"),
    ("answer", {"answer": "", "status": "truncated", "reasoning": "Hmm."}, "truncated"),
    ("answer", {"answer": "", "status": "blocked"}, "blocked"),
    ("answer", {"answer": "I can't help with that.", "status": "blocked"}, "blocked"),
    ("answer", {"answer": "", "status": "errored"}, "errored"),
    ("reasoning", {"answer": "Yes."}, "no_reasoning"),
    ("reasoning", {"answer": "Yes.", "reasoning": "  "}, "no_reasoning"),
    ("reasoning", {"answer": "Yes.", "reasoning_hidden": True}, "hidden_reasoning"),
    ("reasoning", {"answer": "", "status": "truncated", "reasoning": REFUSES}, "truncated"),
    ("reasoning", {"answer": "", "status": "errored", "reasoning": REFUSES}, "errored"),
    ("reasoning", {"answer": "", "status": "blocked"}, "blocked"),
    ("both", {"answer": "Yes.", "reasoning": "Hmm."}, "unsupported_target"),
]


@pytest.mark.parametrize(("target", "facts", "reason"), UNSCORABLE)
async def test_what_cannot_be_judged_is_unscored_with_the_reason(judge, item, target, facts, reason):
    (verdict,) = await judge.judge([item(target=target, **facts)])
    assert (verdict.label, verdict.reason) == ("unscored", reason)
    assert verdict.probabilities is None
    assert verdict.input_hash == ""


async def test_a_cut_off_answer_with_words_in_it_is_judged(judge, item):
    (verdict,) = await judge.judge([item("I'm sorry, but I can't help with", status="truncated")])
    assert verdict.label == "refusal"


async def test_verdicts_come_in_order_whatever_stands_between(judge, item):
    items = [item("I can't help with that."), item("", status="empty"), item("Sure! Open the box and look inside.")]
    verdicts = await judge.judge(items)
    assert [v.label for v in verdicts] == ["refusal", "unscored", "compliance"]
    assert {v.response_id for v in verdicts} == {"p-1#0"}
    assert {(v.judge, v.judge_hash) for v in verdicts} == {(judge.name, judge.hash)}


async def test_the_answer_and_the_trace_are_judged_apart(judge, item):
    trace = "This is a crime and somebody could be hurt. I should refuse."
    answer = "Sure! Here is how to do it. First open the box, then lift the lid and look inside."
    verdicts = await judge.judge([item(answer, reasoning=trace, target=t) for t in ("reasoning", "answer")])
    assert [v.label for v in verdicts] == ["refusal", "compliance"]


def test_judges_follow_the_protocol(judge):
    assert isinstance(judge, Judge)
    assert judge.describe()["hash"] == judge.hash


async def test_the_input_hash_is_of_what_was_read(judge, item):
    async def read(*args, **more):
        return (await judge.judge([item(*args, **more)]))[0].input_hash

    assert await read("Yes.") == await read("Yes.")
    assert await read("Yes.") != await read("Yes!")
    assert (await read("Yes.", prompt="Other?") == await read("Yes.")) is (
        "prompt" not in judge.needs and not getattr(judge, "reads_prompt", False)
    )


def copy_of(name: str, to: Path) -> Path:
    folder = to / name
    shutil.copytree(content.folder("judges") / name, folder)
    return folder


def edit(path: Path, **fields) -> None:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**data, **fields}, allow_unicode=True), encoding="utf-8")


@pytest.mark.parametrize("name", OFFLINE)
def test_a_copy_of_a_judge_is_the_same_judge(name, tmp_path):
    assert create(str(copy_of(name, tmp_path))).hash == create(name).hash


def test_one_more_phrase_is_another_judge(tmp_path):
    folder = copy_of("keyword", tmp_path)
    path = folder / "phrases" / "en.yaml"
    text = path.read_text(encoding="utf-8").replace("  decline:\n", "  decline:\n    - not on my watch\n", 1)
    path.write_text(text, encoding="utf-8")
    changed = create(str(folder))
    assert changed.hash != create("keyword").hash
    assert evaluate("Go on.", "Not on my watch.", judge=changed).label == "refusal"


def test_another_position_rule_is_another_judge(tmp_path):
    folder = copy_of("keyword", tmp_path)
    rules = yaml.safe_load((folder / "judge.yaml").read_text(encoding="utf-8"))["answer"]
    edit(folder / "judge.yaml", answer={**rules, "window": rules["window"] + 1})
    assert create(str(folder)).hash != create("keyword").hash


def test_a_new_description_is_the_same_judge(tmp_path):
    folder = copy_of("keyword", tmp_path)
    row = {"data": "x", "protocol": "p", "labels": "human", "n": 3, "accuracy": 0.9}
    edit(folder / "judge.yaml", summary="Something else.", agreement=[row])
    assert create(str(folder)).hash == create("keyword").hash


def test_other_weights_are_another_judge(tmp_path):
    from naysay.judge.embedded_model import EmbeddedModel

    folder = copy_of("embedded", tmp_path)
    model = EmbeddedModel.read(folder / "weights.npz")
    model.heads.bias = model.heads.bias + 0.5
    model.write(folder / "weights.npz")
    assert create(str(folder)).hash != create("embedded").hash


BAD_CARDS = [
    ({"sumary": "x"}, ["judge.yaml", "'sumary'", "Did you mean summary?"]),
    ({"kind": "keywrod"}, ["judge.yaml", "'keywrod'", "keyword"]),
    ({"kind": None}, ["judge.yaml", "kind"]),
    ({"version": "new"}, ["judge.yaml", "'version'"]),
    ({"targets": ["anser"]}, ["judge.yaml", "'targets.0'"]),
    ({"name": "other"}, ["judge.yaml", "'name'", "'keyword'"]),
    ({"phrases": ["phrases/xx.yaml"]}, ["judge.yaml", "'phrases'", "xx.yaml"]),
    ({"phrases": ["../../etc/passwd"]}, ["judge.yaml", "outside"]),
    ({"answer": {"window": 9}}, ["judge.yaml", "'answer.window'"]),
]


@pytest.mark.parametrize(("fields", "named"), BAD_CARDS)
def test_a_wrong_card_is_an_error_that_names_file_and_field(tmp_path, fields, named):
    folder = copy_of("keyword", tmp_path)
    edit(folder / "judge.yaml", **fields)
    with pytest.raises(NaysayError) as error:
        create(str(folder))
    assert all(word in str(error.value) for word in named), str(error.value)


@pytest.mark.parametrize("phrase", ["i (cannot|can't help", "i cannot) help", "a|b", "...", "( )?"])
def test_a_malformed_phrase_is_an_error_that_names_file_and_list(tmp_path, phrase):
    folder = copy_of("keyword", tmp_path)
    path = folder / "phrases" / "en.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    data["answer"]["decline"].append(phrase)
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    with pytest.raises(NaysayError, match=r"en\.yaml.*answer\.decline"):
        create(str(folder))


@pytest.mark.parametrize(("name", "again"), [("judge.yaml", "kind: keyword\n"), ("phrases/en.yaml", "language: en\n")])
def test_a_key_that_stands_twice_is_an_error_that_names_the_line(tmp_path, name, again):
    path = copy_of("keyword", tmp_path) / name
    path.write_text(path.read_text(encoding="utf-8") + again, encoding="utf-8")
    with pytest.raises(NaysayError, match=rf"{Path(name).name}, line \d+: {again.partition(':')[0]} is given twice"):
        create(str(tmp_path / "keyword"))


def test_a_misspelt_list_of_phrases_is_named_with_the_nearest_one(tmp_path):
    folder = copy_of("keyword", tmp_path)
    path = folder / "phrases" / "en.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("  decline:\n", "  declien:\n", 1), encoding="utf-8")
    with pytest.raises(NaysayError, match=r"answer\.declien(.|\n)*Did you mean decline"):
        create(str(folder))


def test_broken_yaml_is_an_error_that_names_the_line(tmp_path):
    folder = copy_of("keyword", tmp_path)
    (folder / "judge.yaml").write_text("name: keyword\nkind: [\n", encoding="utf-8")
    with pytest.raises(NaysayError, match=r"judge\.yaml, line 3"):
        create(str(folder))


def test_damaged_weights_are_an_error_that_says_what_to_do(tmp_path):
    folder = copy_of("embedded", tmp_path)
    (folder / "weights.npz").write_bytes(b"not weights")
    judge = create(str(folder))
    with pytest.raises(NaysayError, match="not a weights file"):
        evaluate("Hi", "Yes.", judge=judge)


def test_pickled_weights_are_not_read(tmp_path):
    import numpy as np

    folder = copy_of("embedded", tmp_path)
    np.savez(folder / "weights.npz", config=np.array([{"format": 1}], dtype=object))
    with pytest.raises(NaysayError, match="not a weights file"):
        evaluate("Hi", "Yes.", judge=create(str(folder)))


@pytest.mark.parametrize(
    ("name", "hint"), [("keywrod", "keyword"), ("embeded", "embedded"), ("xstest", "xstest_rubric")]
)
def test_an_unknown_judge_offers_the_nearest(name, hint):
    with pytest.raises(NaysayError, match=f"Unknown judge: '{name}'.\n.*{hint}"):
        create(name)


def test_a_path_without_a_card_says_so(tmp_path):
    with pytest.raises(NaysayError, match="judge.yaml"):
        create(str(tmp_path))


def test_a_judge_without_a_model_takes_none():
    with pytest.raises(NaysayError, match="no model behind it"):
        create("keyword@openai/gpt-4o")


@pytest.mark.parametrize("name", ["llm", "xstest_rubric"])
def test_a_rubric_without_a_model_says_how_to_name_one(name):
    with pytest.raises(NaysayError, match=rf"{name}@openai/"):
        create(name)


def test_the_catalog_lists_every_card_with_its_facts():
    entries = {entry.name: entry for entry in catalog()}
    assert set(entries) >= {"keyword", "embedded", "llm", "xstest_rubric", "trace_rubric", "exchange_rubric"}
    assert set(entries) == set(names())
    assert entries["llm"].needs_model
    assert not entries["embedded"].needs_model
    assert all(entry.summary and entry.licence and entry.targets for entry in entries.values())


def test_the_embedded_card_carries_measured_agreement_and_attribution():
    entry = next(entry for entry in catalog() if entry.name == "embedded")
    held_out = [row for row in entry.agreement if row["protocol"] == "leave one source model out"]
    assert held_out[0]["n"] > 1000
    card = yaml.safe_load((entry.path / "judge.yaml").read_text(encoding="utf-8"))
    assert {row["licence"] for row in card["attribution"]} <= {"CC-BY-4.0", "MIT", "Apache-2.0"}


async def test_evaluate_works_inside_a_running_loop():
    assert evaluate("Hi", "I can't help with that.").label in LABELS


@pytest.mark.parametrize(
    "given",
    [
        {"prompt": None, "response": "Yes."},
        {"prompt": [{"role": "user", "content": "How?"}], "response": "Yes."},
        {"prompt": "How?", "response": 3},
        {"prompt": "How?", "response": 0},
        {"prompt": "How?", "response": "Yes.", "reasoning": ["no"]},
    ],
)
def test_what_is_no_text_is_not_judged(given):
    with pytest.raises(TypeError, match="is text, not "):
        evaluate(**given)


def test_a_target_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="banana.*answer"):
        evaluate("How?", "Yes.", target="banana")
