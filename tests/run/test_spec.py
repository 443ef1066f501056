"""Flags, a YAML file, or both make the same validated spec."""

from pathlib import Path

import pytest

from naysay.errors import NaysayError
from naysay.run.spec import make_spec


def test_a_printed_spec_makes_the_same_spec(tmp_path):
    spec = make_spec({"model": "openai/x", "tasks": "xstest,starter", "limit": 5, "model_arg": {"api": "chat"}})
    (tmp_path / "spec.yaml").write_text(spec.as_yaml())
    assert make_spec({}, tmp_path / "spec.yaml") == spec


def test_a_flag_wins_over_the_file(tmp_path):
    (tmp_path / "spec.yaml").write_text("model: organism\nlimit: 5\nmax-tokens: 100\n")
    spec = make_spec({"limit": 7}, tmp_path / "spec.yaml")
    assert (spec.model, spec.limit, spec.max_tokens) == ("organism", 7, 100)


def test_every_problem_of_a_file_is_listed_with_the_nearest_word(tmp_path):
    (tmp_path / "spec.yaml").write_text("model: organism\ntaks: xstest\nlimit: 0\ntargets: answers\n")
    with pytest.raises(NaysayError) as caught:
        make_spec({}, tmp_path / "spec.yaml")
    message = str(caught.value)
    assert "taks: unknown field. Did you mean tasks" in message
    assert "limit: " in message
    assert "targets" in message


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({}, "No model is named"),
        ({"model": "x", "model_arg": {"api_key": "sk-123"}}, "environment variable"),
        ({"model": "x", "base_url": "localhost:8000"}, "not a URL"),
        ({"model": "x", "base_url": "http://me:pass@host/v1"}, "password"),
        ({"model": "x", "tasks": "a,a"}, "twice"),
    ],
)
def test_wrong_use_is_an_error_that_says_what(flags, says):
    with pytest.raises(NaysayError, match=says):
        make_spec(flags)


def test_a_secret_given_as_an_argument_is_not_repeated_in_the_error():
    with pytest.raises(NaysayError) as caught:
        make_spec({"model": "x", "model_arg": {"api_key": "sk-123"}})
    assert "sk-123" not in str(caught.value)
    with pytest.raises(NaysayError) as caught:
        make_spec({"model": "x", "base_url": "http://me:hunter2@host/v1"})
    assert "hunter2" not in str(caught.value)


def test_one_sample_is_greedy_and_several_are_drawn():
    assert make_spec({"model": "x"}).generation.temperature == 0.0
    assert make_spec({"model": "x", "samples": 3}).generation.temperature is None
    assert make_spec({"model": "x", "samples": 3, "temperature": 0.7}).generation.temperature == 0.7


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(NaysayError, match="There is no spec file"):
        make_spec({}, Path(tmp_path / "no.yaml"))
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(NaysayError, match="cannot be read as YAML"):
        make_spec({}, tmp_path / "bad.yaml")


def test_a_folder_or_a_file_in_another_encoding_is_no_spec(tmp_path):
    with pytest.raises(NaysayError, match=r"is a folder, not a spec file") as caught:
        make_spec({}, tmp_path)
    assert "--print-spec" in str(caught.value)
    (tmp_path / "latin.yaml").write_bytes("model: organism\nsystem: naïve\n".encode("latin-1"))
    with pytest.raises(NaysayError, match=r"latin\.yaml is not UTF-8 text: .* at byte 26") as caught:
        make_spec({}, tmp_path / "latin.yaml")
    assert "save it as UTF-8" in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "field"),
    [
        ({"system": "a\udcff"}, "system"),
        ({"out": Path("bz\udcff")}, "out"),
        ({"tasks": ["starter", "a\udcff"]}, "tasks"),
        ({"model_arg": {"api": "a\udcff"}}, "model_arg"),
    ],
)
def test_what_cannot_be_written_as_utf8_is_refused(flags, field):
    with pytest.raises(NaysayError, match=f"  {field}: .*not UTF-8") as caught:
        make_spec({"model": "x", **flags})
    str(caught.value).encode()


_WHOLE = ("limit", "samples", "max_tokens", "reasoning_tokens", "max_turns", "agent_tokens", "concurrency", "seed")


@pytest.mark.parametrize("field", _WHOLE)
def test_a_whole_number_fits_into_what_a_run_folder_holds(field):
    with pytest.raises(NaysayError, match=f"  {field}: .*less than or equal"):
        make_spec({"model": "x", field: 99999999999999999999999})
    assert getattr(make_spec({"model": "x", field: 7}), field) == 7


def test_a_seed_may_be_negative_and_leaves_room_for_the_number_of_a_sample():
    assert make_spec({"model": "x", "seed": -1}).seed == -1
    for seed in (2**63 - 1, -(2**63)):
        with pytest.raises(NaysayError, match="  seed: "):
            make_spec({"model": "x", "seed": seed})


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
@pytest.mark.parametrize("field", ["temperature", "top_p", "agent_seconds"])
def test_infinity_is_no_setting(field, value):
    with pytest.raises(NaysayError, match=f"  {field}: .*finite"):
        make_spec({"model": "x", field: value})


@pytest.mark.parametrize("field", [*_WHOLE, "temperature", "top_p", "agent_seconds"])
def test_yes_in_a_file_is_no_number(tmp_path, field):
    (tmp_path / "spec.yaml").write_text(f"model: organism\n{field}: yes\n")
    with pytest.raises(NaysayError, match=f"  {field}: .*not a number"):
        make_spec({}, tmp_path / "spec.yaml")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("limit: 1\nlimit: 2\n", r"spec\.yaml, line 3: limit is given twice \(first in line 2\)"),
        ("max-tokens: 1\nmax_tokens: 2\n", "line 3: max_tokens is given twice"),
        ("model_arg:\n  api: chat\n  api: responses\n", "line 4: api is given twice"),
        ("limit: 2025-02-30\n", "cannot be read as YAML: day is out of range"),
    ],
)
def test_a_field_that_stands_twice_or_is_no_value_is_named(tmp_path, lines, says):
    (tmp_path / "spec.yaml").write_text(f"model: organism\n{lines}")
    with pytest.raises(NaysayError, match=says):
        make_spec({}, tmp_path / "spec.yaml")
