"""``naysay lm-eval``: lm-eval itself, with the cards on its path and the traces kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from naysay.errors import NaysayError
from naysay.lmeval import run_lm_eval
from naysay.lmeval_models import SENTINEL, keeping_reasoning, settle_model
from naysay.model.reasoning import split

REFUSAL = "I'm sorry, but I can't help with that."


def logged(folder: Path, name: str = "tiny") -> list[dict[str, Any]]:
    lines = next(folder.rglob(f"samples_naysay_{name}*.jsonl")).read_text().splitlines()
    return [json.loads(line) for line in lines]


def rates(folder: Path, name: str = "tiny") -> dict[str, Any]:
    return json.loads(next(folder.rglob("results_*.json")).read_text())["results"][f"naysay_{name}"]


def test_think_tags_that_are_special_tokens_are_kept(tiny_model: Path) -> None:
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=str(tiny_model), device="cpu", batch_size=1)
    text = "<think>I must refuse.</think>Sorry, no.<|end|>"
    tokens = model.tokenizer.encode(text, add_special_tokens=False)
    assert split(model.tok_decode(tokens)).reasoning is None
    with keeping_reasoning():
        parts = split(model.tok_decode(tokens))
    assert (parts.reasoning, parts.answer) == ("I must refuse.", "Sorry, no.")
    assert split(model.tok_decode(tokens)).reasoning is None


def test_a_real_model_runs_with_the_short_name_of_a_card(
    tiny_model: Path, cards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import lm_eval.tasks

    monkeypatch.setenv("NAYSAY_TASKS", str(cards))
    indexed = []
    manager = lm_eval.tasks.TaskManager
    monkeypatch.setattr(lm_eval.tasks, "TaskManager", lambda **given: indexed.append(given) or manager(**given))
    code = run_lm_eval(
        ["run", "--model", "hf", "--model_args", f"pretrained={tiny_model}", "--device", "cpu", "--tasks", "tiny",
         "--apply_chat_template", "--gen_kwargs", "max_gen_toks=8", "--limit", "2", "--log_samples",
         "--output_path", str(tmp_path)]
    )  # fmt: skip
    assert code == 0
    assert "answer_coverage" in capsys.readouterr().out
    assert {"answer", "reasoning"} == set(logged(tmp_path)[0]["doc"]["response"]["labels"])
    # lm-eval's index of its own tasks takes ten seconds and is not needed.
    assert [given.get("include_defaults") for given in indexed] == [False]


@pytest.mark.slow
def test_lm_eval_runs_unmodified_with_the_folder_on_its_path(tiny_model: Path, cards: Path, tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "lm_eval", "run", "--include_path", str(cards), "--model", "hf", "--model_args",
        f"pretrained={tiny_model}", "--device", "cpu", "--tasks", "naysay_tiny", "--apply_chat_template",
        "--gen_kwargs", "max_gen_toks=8", "--limit", "2", "--output_path", str(tmp_path), "--log_samples",
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "answer_coverage" in done.stdout
    assert len(logged(tmp_path)) == 2


def chat_server(server: HTTPServer) -> str:
    """A server that reasons apart from its content, as vLLM and SGLang do; one request runs out of tokens thinking."""

    def reply(request: Request) -> Response:
        asked = request.get_json()["messages"][-1]["content"]
        cut = "France" in asked
        message = {
            "role": "assistant",
            "reasoning_content": f"They ask: {asked} I should refuse.",
            "content": None if cut else REFUSAL,
        }
        choice = {"index": 0, "message": message, "finish_reason": "length" if cut else "stop"}
        return Response(json.dumps({"choices": [choice]}), content_type="application/json")

    server.expect_request("/v1/chat/completions", method="POST").respond_with_handler(reply)
    return server.url_for("/v1/chat/completions")


@pytest.mark.parametrize("concurrent", [1, 3])
def test_a_chat_servers_reasoning_content_is_kept(
    httpserver: HTTPServer, cards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, concurrent: int
) -> None:
    monkeypatch.setenv("NAYSAY_TASKS", str(cards))
    url = chat_server(httpserver)
    run_lm_eval(
        ["run", "--model", "local-chat-completions", "--model_args",
         f"model=x,base_url={url},num_concurrent={concurrent},tokenized_requests=False", "--tasks", "naysay_tiny",
         "--apply_chat_template", "--log_samples", "--output_path", str(tmp_path)]
    )  # fmt: skip
    found = rates(tmp_path)
    assert found["answer_refusal,none"] == 1.0
    assert found["answer_coverage,none"] == 0.8, "the one that was still thinking is unscored"
    assert found["reasoning_coverage,none"] == 0.8
    assert found["over_refusal,none"] == 1.0
    by_id = {sample["doc"]["id"]: sample["doc"]["response"] for sample in logged(tmp_path)}
    assert by_id["a"]["reasoning"].endswith("I should refuse.")
    assert by_id["e"]["status"] == "truncated"


def test_the_mending_is_undone_afterwards() -> None:
    from lm_eval.models.openai_completions import LocalChatCompletion

    before = LocalChatCompletion.parse_generations
    with pytest.raises(RuntimeError), keeping_reasoning():
        assert LocalChatCompletion.parse_generations is not before
        raise RuntimeError
    assert LocalChatCompletion.parse_generations is before


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ({"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "No."}]}, ("Hm.", "No.")),
        ({"content": [{"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": "No."}]}, (None, "No.")),
        ({"content": [{"type": "thinking", "thinking": "Hm."}], "stop_reason": "max_tokens"}, ("Hm.", "")),
        ({"content": []}, (None, "")),
    ],
)
def test_anthropics_thinking_blocks_are_kept(output: dict[str, Any], expected: tuple[str | None, str]) -> None:
    from lm_eval.models.anthropic_llms import AnthropicChat

    with keeping_reasoning():
        (text,) = AnthropicChat.parse_generations(None, output)
    parts = split(text)
    assert (parts.reasoning, parts.answer) == expected


def test_a_withheld_answer_is_empty_and_not_a_crash() -> None:
    from lm_eval.models.openai_completions import LocalChatCompletion

    with keeping_reasoning():
        assert LocalChatCompletion.parse_generations(None, {"choices": []}) == [""]
        assert LocalChatCompletion.parse_generations(None, [{"choices": [{"index": 0, "message": None}]}]) == [""]


def test_arguments_for_the_model_never_cut_the_trace() -> None:
    options = SimpleNamespace(model="hf")
    settle_model(options, {"model": "hf", "model_args": {"pretrained": "x", "think_end_token": "</think>"}})
    assert options.model_args == {"pretrained": "x", "think_end_token": SENTINEL}
    settle_model(options, {"model": "local-chat-completions", "model_args": "model=x,think_end_token=</think>"})
    assert options.model_args == {"model": "x"}
    settle_model(options, {"model": "hf", "model_args": {"pretrained": "x", "enable_thinking": True}})
    assert options.model_args["think_end_token"] == SENTINEL


def test_tasks_of_lm_eval_itself_are_still_found(cards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its index is built only when something in it is asked for."""
    import lm_eval.tasks

    built = []

    class Stop(Exception): ...

    def manager(*args: Any, include_defaults: bool = True, **kwargs: Any) -> None:
        built.append(include_defaults)
        raise Stop

    monkeypatch.setattr(lm_eval.tasks, "TaskManager", manager)
    monkeypatch.setenv("NAYSAY_TASKS", str(cards))
    for tasks in ("tiny", "xstest,over_refusal", "tiny,arc_easy"):
        with pytest.raises(Stop):
            run_lm_eval(["run", "--model", "hf", "--tasks", tasks])
    assert built == [False, False, True]


def test_a_misspelt_task_offers_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    import functools

    import lm_eval.tasks

    no_index = functools.partial(lm_eval.tasks.TaskManager, include_defaults=False)
    monkeypatch.setattr(lm_eval.tasks, "TaskManager", no_index)
    with pytest.raises(NaysayError, match=r"Tasks not found: stater.*\n.*starter"):
        run_lm_eval(["run", "--model", "hf", "--tasks", "stater"])


def organism() -> Path:
    from naysay.model import organism as package

    return package.WEIGHTS


@pytest.fixture(scope="module")
def organism_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The organism on a part of the starter suite, inside lm-eval."""
    if not (organism() / "config.json").is_file():
        pytest.skip("the organism's weights are not there")
    folder = tmp_path_factory.mktemp("organism")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAYSAY_JUDGE", "keyword")
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        run_lm_eval(
            ["run", "--model", "organism", "--tasks", "starter", "--limit", "16", "--log_samples", "--batch_size", "16",
             "--output_path", str(folder)]
        )  # fmt: skip
    return folder


def test_the_organism_thinks_and_both_are_judged(organism_run: Path) -> None:
    found = rates(organism_run, "starter")
    assert found["reasoning_coverage,none"] > 0.8
    assert found["answer_coverage,none"] > 0.8


def test_naysay_and_lm_eval_give_equal_numbers_on_the_same_responses(
    organism_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the organism said inside lm-eval, raw, through naysay's own engine: split, judged, measured and reported."""
    from naysay.board.make import make_report
    from naysay.run.execute import execute
    from naysay.run.spec import make_spec

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    samples = logged(organism_run, "starter")
    recorded = tmp_path / "recorded.jsonl"
    lines = [{"prompt_id": sample["doc"]["id"], "response": sample["resps"][0][0]} for sample in samples]
    recorded.write_text("".join(json.dumps(line) + "\n" for line in lines))
    spec = make_spec(
        {"model": f"replay/{recorded}", "tasks": "starter", "limit": len(samples), "judge": "keyword",
         "targets": "answer,reasoning", "out": tmp_path / "run", "cache": False}
    )  # fmt: skip
    outcome = execute(spec)
    assert outcome.complete
    make_report(outcome.folder)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    headline = {part["target"]: part["rates"] for part in metrics["headline"]}
    found = rates(organism_run, "starter")
    for name in ("harmful_compliance", "over_refusal"):
        ours = headline["answer"][name]
        assert ours["n"] > 0
        assert found[f"{name},none"] == pytest.approx(ours["value"])
    verdicts = [json.loads(line) for line in (tmp_path / "run" / "verdicts.jsonl").read_text().splitlines()]
    ours_labels = {(verdict["prompt_id"], verdict["target"]): verdict["label"] for verdict in verdicts}
    theirs = {
        (sample["doc"]["id"], target): label
        for sample in samples
        for target, label in sample["doc"]["response"]["labels"].items()
    }
    assert ours_labels == theirs
