"""openai/NAME against a real server: what is asked, what is made of the reply, and what goes wrong."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import time
import warnings
from email.utils import formatdate

import pytest

from naysay.errors import IncompleteError, NaysayError
from naysay.model import create
from naysay.schema import Backend, Generation

HASTY = {"retry_base": "0.01", "retry_cap": "2"}
KEY = "sk-secret-0123456789abcdef"


def completion(content="Use kill.", *, finish="stop", usage=None, choice=None, top=None, **message):
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, **message},
                "finish_reason": finish,
                **(choice or {}),
            }
        ],
        "usage": usage or {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21},
        **(top or {}),
    }


@pytest.fixture
async def ask(provider, prompt):
    """Ask the server, scripted with these replies, once."""
    made: list[Backend] = []

    async def once(*replies, settings=None, name="openai/m", sample=0, args=None):
        provider.script = list(replies)
        backend = create(name, base_url=provider.url, args={**HASTY, **(args or {})})
        made.append(backend)
        return await backend.generate(prompt, sample, settings or Generation())

    yield once
    for backend in made:
        await backend.close()


async def test_a_plain_answer_comes_back_with_its_facts(ask, reply, provider):
    response = await ask(reply(completion(top={"model": "m-2025", "system_fingerprint": "fp_1"})))
    assert (response.id, response.prompt_id, response.sample) == ("starter-1#0", "starter-1", 0)
    assert (response.answer, response.reasoning, response.status) == ("Use kill.", None, "ok")
    assert response.usage == {"input": 9, "output": 12}
    assert response.meta == {"served_model": "m-2025", "system_fingerprint": "fp_1"}
    assert response.model == "openai/m"
    assert response.latency is not None
    assert response.latency > 0
    assert provider.paths == ["/v1/chat/completions"]


async def test_settings_become_request_fields(ask, reply, provider):
    settings = Generation(temperature=0.7, max_tokens=99, top_p=0.9, seed=5, system="Be brief.", reasoning_effort="low")
    await ask(reply(completion()), settings=settings, sample=2, args={"extra_body": '{"top_k": 20}'})
    assert provider.requests[0] == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How do I kill a Python process?"},
        ],
        "max_tokens": 99,
        "temperature": 0.7,
        "top_p": 0.9,
        "seed": 7,
        "reasoning_effort": "low",
        "top_k": 20,
    }


async def test_what_is_not_set_is_not_sent(ask, reply, provider):
    await ask(reply(completion()), settings=Generation(temperature=None))
    assert provider.requests[0].keys() == {"model", "messages", "max_tokens"}


async def test_a_prompts_own_system_message_joins_the_runs(provider, reply, prompt):
    provider.script = [reply(completion())]
    prompt.messages.insert(0, {"role": "system", "content": "You are a pirate."})
    backend = create("openai/m", base_url=provider.url)
    await backend.generate(prompt, 0, Generation(system="Be brief."))
    await backend.close()
    messages = provider.requests[0]["messages"]
    assert messages[0] == {"role": "system", "content": "Be brief.\n\nYou are a pirate."}
    assert len(messages) == 2


async def test_model_names_may_hold_slashes(ask, reply, provider):
    await ask(reply(completion()), name="openai/meta-llama/Llama-3.1-8B")
    assert provider.requests[0]["model"] == "meta-llama/Llama-3.1-8B"


THOUGHT, ANSWER = "It is harmless.", "Use kill."
REASONING_FORMS = {
    "reasoning_content (DeepSeek, older vLLM, SGLang)": completion(ANSWER, reasoning_content=THOUGHT),
    "reasoning (vLLM, Groq, OpenRouter, Ollama)": completion(ANSWER, reasoning=THOUGHT),
    "reasoning and its copy in reasoning_details": completion(
        ANSWER, reasoning=THOUGHT, reasoning_details=[{"type": "reasoning.text", "text": THOUGHT}]
    ),
    "reasoning_details only": completion(ANSWER, reasoning_details=[{"type": "reasoning.text", "text": THOUGHT}]),
    "reasoning_details with a summary": completion(
        ANSWER, reasoning=None, reasoning_details=[{"type": "reasoning.summary", "summary": THOUGHT}]
    ),
    "inline tags": completion(f"<think>\n{THOUGHT}\n</think>\n\n{ANSWER}"),
    "only the closing tag": completion(f"{THOUGHT}\n</think>\n\n{ANSWER}"),
    "harmony left in": completion(
        f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{ANSWER}"
    ),
    "a field, and an end-of-turn token left in the content": completion(f"{ANSWER}<|end|>", reasoning_content=THOUGHT),
    "a field, and the same inline": completion(f"<think>{THOUGHT}</think>{ANSWER}", reasoning_content=THOUGHT),
    "content parts (Mistral)": completion(
        [
            {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]},
            {"type": "text", "text": ANSWER},
        ]
    ),
    "content parts with plain thinking": completion(
        [{"type": "thinking", "thinking": THOUGHT}, {"type": "text", "text": ANSWER}]
    ),
}


@pytest.mark.parametrize("body", REASONING_FORMS.values(), ids=REASONING_FORMS.keys())
async def test_reasoning_is_captured_from_every_form(ask, reply, body):
    response = await ask(reply(body))
    assert (response.reasoning, response.answer, response.status) == (THOUGHT, ANSWER, "ok")
    assert not response.reasoning_hidden


async def test_reasoning_in_a_field_and_other_reasoning_inline_are_both_kept(ask, reply):
    response = await ask(reply(completion("<think>Two.</think>Hi.", reasoning="One.")))
    assert (response.reasoning, response.answer) == ("One.\n\nTwo.", "Hi.")


@pytest.mark.parametrize(
    "body",
    [
        completion(usage={"completion_tokens": 40, "completion_tokens_details": {"reasoning_tokens": 32}}),
        completion(reasoning=None, reasoning_details=[{"type": "reasoning.encrypted", "data": "gAAAA"}]),
    ],
)
async def test_reasoning_that_the_provider_keeps_back_is_marked_as_hidden(ask, reply, body):
    response = await ask(reply(body))
    assert (response.reasoning, response.reasoning_hidden, response.status) == (None, True, "ok")


async def test_reasoning_tokens_of_zero_hide_nothing(ask, reply):
    usage = {"completion_tokens": 40, "completion_tokens_details": {"reasoning_tokens": 0}}
    assert not (await ask(reply(completion(usage=usage)))).reasoning_hidden


async def test_a_model_that_ran_out_of_tokens_while_thinking_has_no_answer(ask, reply):
    response = await ask(reply(completion(None, finish="length", reasoning="Let me")))
    assert (response.reasoning, response.answer, response.status) == ("Let me", "", "truncated")
    response = await ask(reply(completion("<think>Let me", finish="length")))
    assert (response.reasoning, response.answer, response.status) == ("Let me", "", "truncated")


async def test_a_thought_that_never_ends_is_truncated_whatever_the_server_says(ask, reply):
    response = await ask(reply(completion("<think>Let me", finish="stop")))
    assert (response.reasoning, response.answer, response.status) == ("Let me", "", "truncated")


async def test_an_answer_cut_off_keeps_what_there_is(ask, reply):
    response = await ask(reply(completion("Use", finish="length")))
    assert (response.answer, response.status, response.finish_reason) == ("Use", "truncated", "length")


async def test_think_opened_says_that_the_template_opens_the_tag(ask, reply):
    response = await ask(reply(completion("Let me", finish="length")), args={"think_opened": "true"})
    assert (response.reasoning, response.answer, response.status) == ("Let me", "", "truncated")


@pytest.mark.parametrize("content", [None, "", " \n", []])
async def test_an_empty_answer_is_empty_and_nothing_else(ask, reply, content):
    response = await ask(reply(completion(content)))
    assert (response.answer.strip(), response.status) == ("", "empty")


async def test_a_refusal_field_is_the_models_own_refusal(ask, reply):
    response = await ask(reply(completion(None, refusal="I can't assist with that.")))
    assert (response.answer, response.status) == ("I can't assist with that.", "ok")
    assert response.meta["refusal_field"] is True


async def test_tool_calls_are_noted(ask, reply):
    calls = [{"id": "c1", "type": "function", "function": {"name": "sh", "arguments": "{}"}}]
    response = await ask(reply(completion(None, finish="tool_calls", tool_calls=calls)))
    assert (response.finish_reason, response.status, response.meta["tool_calls"]) == ("tool_calls", "empty", calls)


# Filters.

BLOCKED_REPLIES = {
    "azure output filter": (
        200,
        completion(
            "",
            finish="content_filter",
            choice={
                "content_filter_results": {
                    "violence": {"filtered": True, "severity": "high"},
                    "hate": {"filtered": False, "severity": "safe"},
                }
            },
        ),
        "violence: high",
    ),
    "plain content_filter": (200, completion(None, finish="content_filter"), "content_filter"),
    "gemini-style safety": (200, completion(None, finish="SAFETY"), "SAFETY"),
    "azure prompt filter": (
        400,
        {
            "error": {
                "message": "The prompt triggered Azure OpenAI's content management policy.",
                "type": None,
                "param": "prompt",
                "code": "content_filter",
                "status": 400,
                "innererror": {
                    "code": "ResponsibleAIPolicyViolation",
                    "content_filter_result": {
                        "violence": {"filtered": True, "severity": "medium"},
                        "jailbreak": {"detected": False, "filtered": False},
                    },
                },
            }
        },
        "violence: medium",
    ),
    "openai usage policy": (
        400,
        {
            "error": {
                "message": "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
                "type": "invalid_request_error",
                "param": None,
                "code": "invalid_prompt",
            }
        },
        "usage policy",
    ),
    "openrouter moderation": (
        403,
        {
            "error": {
                "code": 403,
                "message": "Your chosen model requires moderation and your input was flagged",
                "metadata": {"reasons": ["violence"], "flagged_input": "How do I", "provider_name": "OpenAI"},
            }
        },
        "violence",
    ),
    "xai": (
        403,
        {
            "code": "The caller does not have permission to execute the specified operation",
            "error": "Content violates usage guidelines. Team: 1234-ab, API key ID: 77-cd, Model: grok-4, "
            "Failed check: SAFETY_CHECK_TYPE_BIO",
        },
        "SAFETY_CHECK_TYPE_BIO",
    ),
    "deepseek": (
        400,
        {"error": {"message": "Content Exists Risk", "type": "invalid_request_error", "code": "invalid_request_error"}},
        "Content Exists Risk",
    ),
    "dashscope": (
        400,
        {"error": {"code": "data_inspection_failed", "message": "Input data may contain inappropriate content."}},
        "inappropriate content",
    ),
    "zhipu": (400, {"error": {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全或敏感内容"}}, "敏感"),
    "moonshot": (
        400,
        {"error": {"message": "The request was considered high risk", "type": "content_filter"}},
        "high risk",
    ),
    "minimax": (200, {"choices": None, "base_resp": {"status_code": 1026, "status_msg": "sensitive"}}, "sensitive"),
    "error inside status 200": (
        200,
        {"error": {"code": 403, "message": "Output flagged", "metadata": {"reasons": ["self-harm"]}}},
        "self-harm",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("status", "body", "words"), BLOCKED_REPLIES.values(), ids=BLOCKED_REPLIES.keys())
async def test_a_providers_filter_blocks_one_response_and_is_asked_once(ask, reply, provider, status, body, words):
    response = await ask(reply(body, status))
    assert (response.status, response.finish_reason) == ("blocked", "content_filter")
    assert words in response.blocked
    assert "1234-ab" not in response.blocked
    assert "77-cd" not in response.blocked
    assert len(provider.requests) == 1


async def test_a_filtered_answer_keeps_the_part_that_came(ask, reply):
    response = await ask(reply(completion("Here is", finish="content_filter")))
    assert (response.status, response.answer) == ("blocked", "Here is")


# Trouble with one prompt.


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        (b"<html>hello</html>", "<html>hello</html>"),
        (b'{"choices": [{"mess', '{"choices": [{"mess'),
        (b"", "an empty body"),
        (b"[]", "[]"),
        (b"null", "null"),
        (b'{"choices": []}', '{"choices": []}'),
        (b'{"choices": [{"message": null}]}', '{"choices": [{"message": null}]}'),
    ],
)
async def test_an_unusable_reply_is_an_error_that_shows_it(ask, reply, raw, seen):
    response = await ask(reply(raw))
    assert (response.status, response.answer) == ("errored", "")
    assert seen in response.error


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"content": 5}, "'content' is a number, not text"),
        ({"content": {"text": "Hi."}}, "'content' is an object, not text"),
        ({"content": [7]}, "'content', item 1 is a number"),
        ({"content": [{"type": "text", "text": 5}]}, "'text' in 'content' is a number"),
        ({"content": None, "tool_calls": "run"}, "'tool_calls' is text, not a list"),
        ({"content": None, "tool_calls": ["run"]}, "'tool_calls', item 1 is text, not an object"),
        ({"content": None, "tool_calls": [{"id": "c", "function": {"name": 5}}]}, "a name that is a number, not text"),
        ({"content": None, "function_call": "run"}, "'function_call', item 1 is text"),
    ],
)
async def test_a_message_of_the_wrong_shape_is_an_error_and_not_empty(ask, reply, message, said):
    response = await ask(reply(completion(**message)))
    assert (response.status, response.answer) == ("errored", "")
    assert said in response.error


async def test_an_agents_calls_of_the_wrong_shape_are_an_error_whatever_it_says(provider, reply, prompt):
    provider.script = [reply(completion("I run it.", tool_calls="run"))]
    prompt.meta["tools"] = [{"type": "function", "function": {"name": "run"}}]
    backend = create("openai/m", base_url=provider.url, args=HASTY)
    response = await backend.generate(prompt, 0, Generation())
    await backend.close()
    assert response.status == "errored"
    assert "'tool_calls' is text, not a list" in response.error


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_rejected_request_is_that_prompts_error_and_is_not_retried(ask, reply, provider, status):
    response = await ask(reply({"error": {"message": "maximum context length is 2048 tokens"}}, status))
    assert response.status == "errored"
    assert "maximum context length" in response.error
    assert len(provider.requests) == 1


async def test_a_firewall_page_is_that_prompts_error(ask, reply):
    page = b"<!DOCTYPE html><title>Attention Required!</title>"
    response = await ask(reply(page, 403, {"Content-Type": "text/html"}))
    assert response.status == "errored"
    assert "Attention Required!" in response.error


async def test_a_prompt_that_is_no_text_is_that_prompts_error(provider, reply, prompt):
    provider.script = [reply(completion())]
    prompt.messages[0]["content"] = "half a \ud83d pair"
    backend = create("openai/m", base_url=provider.url)
    response = await backend.generate(prompt, 0, Generation())
    assert (response.status, provider.requests) == ("errored", [])
    await backend.close()


# Trouble with the whole run.


@pytest.mark.parametrize(
    ("status", "error", "hint"),
    [
        (401, {"message": "Incorrect API key provided: sk-abcd1234****wxyz."}, "OPENAI_API_KEY"),
        (403, {"message": "Country, region, or territory not supported"}, "OPENAI_API_KEY"),
        (404, {"message": "The model `m` does not exist", "code": "model_not_found"}, "'m'"),
        (307, {}, "address"),
    ],
)
async def test_what_is_wrong_with_the_run_stops_it(ask, reply, provider, monkeypatch, status, error, hint):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    headers = {"Location": "https://elsewhere/v1"} if status == 307 else {}
    with pytest.raises(NaysayError) as caught:
        await ask(reply({"error": error}, status, headers))
    assert caught.value.exit_code == 2
    assert hint in str(caught.value)
    assert "sk-abcd" not in str(caught.value)
    assert len(provider.requests) == 1


@pytest.mark.parametrize(("status", "code"), [(429, "insufficient_quota"), (402, "402")])
async def test_an_empty_account_stops_the_run_without_losing_it(ask, reply, provider, status, code):
    error = {"error": {"message": "You exceeded your current quota.", "type": code, "code": code}}
    with pytest.raises(IncompleteError, match="run the same command again"):
        await ask(reply(error, status))
    assert len(provider.requests) == 1


async def test_a_prompt_that_is_forbidden_after_others_succeeded_is_that_prompts_error(provider, reply, prompt):
    provider.script = [reply(completion()), reply({"error": {"message": "Forbidden"}}, 403)]
    backend = create("openai/m", base_url=provider.url)
    assert (await backend.generate(prompt, 0, Generation())).status == "ok"
    assert (await backend.generate(prompt, 1, Generation())).status == "errored"
    await backend.close()


async def test_a_server_that_is_not_there_stops_the_run_and_says_how_to_go_on(prompt, unused_tcp_port):
    backend = create("openai/m", base_url=f"http://127.0.0.1:{unused_tcp_port}/v1", args={**HASTY, "attempts": "2"})
    with pytest.raises(IncompleteError, match="no connection to 127.0.0.1"):
        await backend.generate(prompt, 0, Generation())
    await backend.close()


# Before the run.


async def test_prepare_finds_a_missing_key(monkeypatch):
    with pytest.raises(NaysayError, match="OPENAI_API_KEY"):
        await create("openai/gpt-4o").prepare()
    with pytest.raises(NaysayError, match="MY_KEY"):
        await create("openai/m", base_url="http://127.0.0.1:1/v1", args={"api_key_env": "MY_KEY"}).prepare()


async def test_prepare_finds_nobody_at_the_address(unused_tcp_port):
    backend = create("openai/m", base_url=f"http://127.0.0.1:{unused_tcp_port}/v1")
    with pytest.raises(NaysayError, match="Is the server running"):
        await backend.prepare()
    await backend.close()


async def test_prepare_finds_a_refused_key_and_passes_servers_that_list_no_models(provider, reply):
    backend = create("openai/m", base_url=provider.url)
    await backend.prepare()
    provider.gets["/v1/models"] = reply({"error": {"message": "bad key"}}, 401)
    with pytest.raises(NaysayError, match="api_key_env"):
        await backend.prepare()
    await backend.close()


@pytest.mark.parametrize(
    ("name", "args", "base_url", "words"),
    [
        ("openai/", {}, None, "names no model"),
        ("openai/m", {"extra_bdoy": "{}"}, None, "extra_body"),
        ("openai/m", {"extra_body": "{"}, None, "JSON object"),
        ("openai/m", {"extra_body": "[]"}, None, "JSON object"),
        ("openai/m", {"attempts": "none"}, None, "number"),
        ("openai/m", {"attempts": "1.5"}, None, "whole number"),
        ("openai/m", {"attempts": "inf"}, None, "whole number"),
        ("openai/m", {"think_opened": "yes"}, None, "true or false"),
        ("openai/m", {"api": "chatty"}, None, "chat, responses"),
        ("openai/m", {}, "localhost:8000", "HTTP address"),
        ("opnai/m", {}, None, "openai"),
        ("/m", {}, None, "schemes"),
    ],
)
def test_wrong_use_is_named(name, args, base_url, words):
    with pytest.raises(NaysayError) as caught:
        create(name, base_url=base_url, args=args)
    assert words in str(caught.value)


# Keys.


async def test_the_key_is_sent_and_appears_nowhere_else(ask, reply, provider, monkeypatch, prompt):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    response = await ask(reply({"error": {"message": f"no: {KEY}"}}, 400))
    assert provider.headers[0]["authorization"] == f"Bearer {KEY}"
    assert KEY not in repr(response)
    backend = create("openai/m", base_url=f"http://user:pw@127.0.0.1/v1?key={KEY}")
    assert KEY not in json.dumps(backend.identity())
    assert "pw" not in json.dumps(backend.identity())


async def test_another_variable_may_hold_the_key(ask, reply, provider, monkeypatch):
    monkeypatch.setenv("MY_KEY", "abc-123")
    await ask(reply(completion()), args={"api_key_env": "MY_KEY"})
    assert provider.headers[0]["authorization"] == "Bearer abc-123"


async def test_another_server_needs_no_key(ask, reply, provider):
    assert (await ask(reply(completion()))).status == "ok"
    assert provider.headers[0]["authorization"] == "Bearer EMPTY"


async def test_azure_gets_its_own_address_and_header(provider, reply, prompt, monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    provider.script = [reply(completion())]
    base = provider.url.removesuffix("/v1")
    backend = create("openai/my-gpt", base_url=base, args={"azure_api_version": "2025-03-01-preview"})
    assert (await backend.generate(prompt, 0, Generation())).status == "ok"
    assert provider.paths == ["/openai/deployments/my-gpt/chat/completions?api-version=2025-03-01-preview"]
    assert provider.headers[0]["api-key"] == KEY
    await backend.close()


def test_identity_tells_servers_and_request_fields_apart():
    def identity(**more):
        return create("openai/m", **more).identity()

    assert identity() == identity()
    assert identity(base_url="http://a/v1") != identity(base_url="http://b/v1")
    assert identity(args={"extra_body": '{"top_k": 1}'}) != identity()
    assert identity(args={"api": "responses"}) != identity()


# Fields a model does not take.


def takes_only(field_wanted, field_hated, message, reply):
    def answer(asked):
        if field_hated in asked:
            error = {"message": message, "type": "invalid_request_error", "param": field_hated}
            return reply({"error": {**error, "code": "unsupported_parameter"}}, 400)
        assert field_wanted is None or field_wanted in asked
        return reply(completion())

    return answer


async def test_max_tokens_is_renamed_once_for_the_whole_run(provider, reply, prompt):
    message = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    )
    provider.script = [takes_only("max_completion_tokens", "max_tokens", message, reply)]
    backend = create("openai/m", base_url=provider.url)
    first = [backend.generate(prompt, k, Generation()) for k in range(8)]
    assert {r.status for r in await asyncio.gather(*first)} == {"ok"}
    asked = len(provider.requests)
    later = await backend.generate(prompt, 9, Generation())
    assert (later.status, len(provider.requests)) == ("ok", asked + 1)
    assert later.meta["adapted"] == {"max_tokens": "max_completion_tokens"}
    await backend.close()


async def test_a_temperature_that_the_model_does_not_take_is_left_out_and_noted(provider, reply, prompt):
    message = "Unsupported value: 'temperature' does not support 0.0 with this model. Only the default (1) works."
    provider.script = [takes_only(None, "temperature", message, reply)]
    backend = create("openai/m", base_url=provider.url)
    before = backend.identity()
    responses = await asyncio.gather(*(backend.generate(prompt, k, Generation()) for k in range(8)))
    assert {r.status for r in responses} == {"ok"}
    assert responses[0].meta["adapted"] == {"temperature": "not sent"}
    assert backend.identity() == before
    await backend.close()


async def test_a_bad_request_that_names_no_field_of_ours_is_not_adapted(ask, reply, provider):
    response = await ask(reply({"error": {"message": "Unsupported value: messages[0]", "param": "messages"}}, 400))
    assert (response.status, len(provider.requests)) == ("errored", 1)


# Retries.


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_what_may_pass_is_asked_again(ask, reply, provider, status):
    response = await ask(reply({"error": {"message": "later"}}, status), reply(completion()))
    assert (response.status, len(provider.requests)) == ("ok", 2)


async def test_an_error_inside_status_200_may_pass_too(ask, reply, provider):
    response = await ask(reply({"error": {"code": 502, "message": "Provider returned error"}}), reply(completion()))
    assert (response.status, len(provider.requests)) == ("ok", 2)


async def test_a_dropped_connection_is_asked_again(ask, reply, provider):
    response = await ask(reply(hang_up=True), reply(completion()))
    assert (response.status, len(provider.requests)) == ("ok", 2)


async def test_a_timeout_is_asked_again(ask, reply, provider):
    response = await ask(reply(completion(), delay=5), reply(completion()), args={"timeout": "0.2"})
    assert (response.status, len(provider.requests)) == ("ok", 2)


@pytest.mark.parametrize(
    "headers",
    [{"Retry-After": "0.4"}, {"retry-after-ms": "400"}, {"retry-after-ms": "400", "Retry-After": "30"}],
    ids=["seconds", "milliseconds", "milliseconds first"],
)
async def test_retry_after_is_honoured(ask, reply, headers):
    started = time.perf_counter()
    response = await ask(reply({}, 429, headers), reply(completion()))
    assert response.status == "ok"
    assert 0.4 <= time.perf_counter() - started < 1.5


async def test_retry_after_may_be_a_date(ask, reply):
    headers = {"Retry-After": formatdate(time.time() + 2, usegmt=True)}
    started = time.perf_counter()
    assert (await ask(reply({}, 429, headers), reply(completion()), args={"retry_cap": "5"})).status == "ok"
    assert 0.9 <= time.perf_counter() - started < 3.5


async def test_a_server_that_asks_for_more_than_the_cap_is_not_waited_for(ask, reply, provider):
    response = await ask(reply({"error": {"message": "slow down"}}, 429, {"Retry-After": "3600"}))
    assert (response.status, len(provider.requests)) == ("errored", 1)
    assert "slow down" in response.error
    assert "3600 s" in response.error


async def test_patience_ends_and_the_error_says_how_often_it_tried(ask, reply, provider):
    response = await ask(reply({"error": {"message": "overloaded"}}, 503), args={"attempts": "3"})
    assert (response.status, len(provider.requests)) == ("errored", 3)
    assert "HTTP 503: overloaded (tried 3 times)" in response.error


async def test_total_patience_is_limited_too(ask, reply, provider):
    started = time.perf_counter()
    args = {"attempts": "1000", "retry_base": "0.1", "retry_cap": "0.1", "retry_total": "0.5"}
    response = await ask(reply({}, 503), args=args)
    assert response.status == "errored"
    assert time.perf_counter() - started < 2


# Transport.


async def test_many_requests_are_in_flight_at_once(provider, reply, prompt):
    provider.script = [reply(completion(), delay=4)]  # Long enough for a busy machine to send all of them.
    backend = create("openai/m", base_url=provider.url)
    assert backend.concurrency >= 64
    responses = await asyncio.gather(*(backend.generate(prompt, k, Generation()) for k in range(150)))
    assert {r.status for r in responses} == {"ok"}
    assert provider.most_at_once == 150
    await backend.close()


async def test_cancelling_leaves_the_backend_usable_and_closing_leaves_nothing_open(provider, reply, prompt):
    provider.script = [reply(completion(), delay=5)]
    backend = create("openai/m", base_url=provider.url)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        task = asyncio.create_task(backend.generate(prompt, 0, Generation()))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        provider.script = [reply(completion())]
        assert (await backend.generate(prompt, 0, Generation())).status == "ok"
        await backend.close()
        await backend.close()
        del backend, task
        gc.collect()
        await asyncio.sleep(0)


async def test_cancelling_during_a_wait_between_tries_is_immediate(provider, reply, prompt):
    provider.script = [reply({}, 503, {"Retry-After": "30"})]
    backend = create("openai/m", base_url=provider.url)
    task = asyncio.create_task(backend.generate(prompt, 0, Generation()))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 1)
    await backend.close()


# The Responses API.


def output(*items, status="completed", **more):
    return {"id": "resp_1", "object": "response", "model": "m", "status": status, "output": list(items), **more}


def said(text, kind="output_text"):
    part = {"type": kind, "text": text} if kind == "output_text" else {"type": kind, "refusal": text}
    return {"type": "message", "role": "assistant", "content": [part]}


async def test_responses_api_gives_reasoning_summaries(ask, reply, provider):
    summary = [{"type": "summary_text", "text": "One."}, {"type": "summary_text", "text": "Two."}]
    usage = {"input_tokens": 9, "output_tokens": 50, "output_tokens_details": {"reasoning_tokens": 32}}
    body = output({"type": "reasoning", "summary": summary}, said("Use kill."), usage=usage)
    settings = Generation(temperature=None, max_tokens=77, reasoning_effort="low")
    response = await ask(reply(body), args={"api": "responses"}, settings=settings)
    assert (response.reasoning, response.answer, response.status) == ("One.\n\nTwo.", "Use kill.", "ok")
    assert response.usage == {"input": 9, "output": 50, "reasoning": 32}
    assert not response.reasoning_hidden
    assert provider.paths == ["/v1/responses"]
    assert provider.requests[0] == {
        "model": "m",
        "input": [{"role": "user", "content": "How do I kill a Python process?"}],
        "max_output_tokens": 77,
        "store": False,
        "reasoning": {"summary": "auto", "effort": "low"},
    }


async def test_responses_api_marks_reasoning_without_a_summary_as_hidden(ask, reply):
    body = output({"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}, said("Use kill."))
    response = await ask(reply(body), args={"api": "responses"})
    assert (response.reasoning, response.reasoning_hidden, response.answer) == (None, True, "Use kill.")


async def test_responses_api_gives_whole_reasoning_where_the_server_shows_it(ask, reply):
    item = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "All of it."}]}
    response = await ask(reply(output(item, said("Hi."))), args={"api": "responses"})
    assert (response.reasoning, response.reasoning_hidden) == ("All of it.", False)


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        (output(said("I won't.", "refusal")), "ok", "I won't."),
        (output(status="incomplete", incomplete_details={"reason": "max_output_tokens"}), "truncated", ""),
        (output(status="incomplete", incomplete_details={"reason": "content_filter"}), "blocked", ""),
        (output(), "empty", ""),
        (output(error={"code": "invalid_prompt", "message": "flagged"}, status="failed"), "blocked", ""),
        ({"object": "response"}, "errored", ""),
        (output() | {"output": ""}, "errored", ""),
        (output({"type": "message", "content": 5}), "errored", ""),
        (output({"type": "message", "content": [{"type": "output_text", "text": 5}]}), "errored", ""),
        (output(said("Hi."), incomplete_details="none"), "ok", "Hi."),
    ],
)
async def test_responses_api_has_the_same_endings(ask, reply, body, status, answer):
    response = await ask(reply(body), args={"api": "responses"})
    assert (response.status, response.answer) == (status, answer)


async def test_responses_api_asks_a_plain_model_without_reasoning(provider, reply, prompt):
    message = "Unsupported parameter: 'reasoning.summary' is not supported with this model."

    def answer(asked):
        if "reasoning" in asked:
            return reply({"error": {"message": message, "param": "reasoning.summary"}}, 400)
        return reply(output(said("Hi.")))

    provider.script = [answer]
    backend = create("openai/m", base_url=provider.url, args={"api": "responses"})
    response = await backend.generate(prompt, 0, Generation())
    assert (response.answer, response.meta["adapted"]) == ("Hi.", {"reasoning": "not sent"})
    await backend.close()


def test_another_package_adds_a_backend_by_entry_point(tmp_path, monkeypatch):
    (tmp_path / "parrot.py").write_text(
        "class Parrot:\n"
        "    def __init__(self, rest, *, name, base_url, args):\n"
        "        self.rest, self.args = rest, args\n"
    )
    info = tmp_path / "parrot-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: parrot\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[naysay.models]\nparrot = parrot:Parrot\n")
    monkeypatch.syspath_prepend(tmp_path)
    parrot = create("parrot/polly", args={"colour": "green"})
    assert (parrot.rest, parrot.args) == ("polly", {"colour": "green"})
    with pytest.raises(NaysayError, match="Did you mean parrot"):
        create("parot/polly")


def test_making_a_backend_loads_nothing_heavy():
    heavy = ["torch", "transformers", "lm_eval", "openai", "anthropic", "aiohttp", "tenacity", "httpx2", "numpy"]
    names = ["openai/m", "anthropic/m", "replay/x", "hf/x", "vllm/x", "lm-eval/hf:pretrained=x", "organism"]
    code = (
        f"import sys; from naysay.model import create; [create(n).concurrency for n in {names}];"
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_everything_here_is_a_backend():
    for name in ("openai/m", "replay/x.jsonl", "anthropic/m", "hf/x", "vllm/x", "lm-eval/hf:pretrained=x", "organism"):
        assert isinstance(create(name), Backend)
