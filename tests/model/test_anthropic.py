"""anthropic/NAME against a real server."""

from __future__ import annotations

import pytest

from naysay.errors import IncompleteError, NaysayError
from naysay.model import create
from naysay.schema import Generation

KEY = "sk-ant-api03-0123456789abcdef"


def message(*blocks, stop="end_turn", **more):
    blocks = tuple({"type": "text", "text": b} if isinstance(b, str) else b for b in blocks)
    usage = {"input_tokens": 9, "output_tokens": 12, "cache_read_input_tokens": 3}
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": list(blocks),
        "stop_reason": stop, "usage": usage, **more,
    }  # fmt: skip


def thinking(text):
    return {"type": "thinking", "thinking": text, "signature": "EqQB"}


REDACTED = {"type": "redacted_thinking", "data": "EmwK"}


@pytest.fixture
async def ask(provider, prompt, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    made = []

    async def once(*replies, settings=None, args=None):
        provider.script = list(replies)
        made.append(create("anthropic/claude", base_url=provider.url, args={"retry_base": "0.01", **(args or {})}))
        return await made[-1].generate(prompt, 0, settings or Generation())

    yield once
    for backend in made:
        await backend.close()


async def test_a_plain_answer(ask, reply, provider):
    response = await ask(reply(message("Use kill.")))
    assert (response.answer, response.reasoning, response.status) == ("Use kill.", None, "ok")
    assert response.finish_reason == "stop"
    assert response.usage == {"input": 12, "output": 12}
    assert provider.paths == ["/v1/messages"]
    sent = provider.headers[0]
    assert KEY in (sent.get("x-api-key"), sent.get("authorization", "").removeprefix("Bearer "))
    assert provider.headers[0]["anthropic-version"]
    assert provider.requests[0] == {
        "model": "claude",
        "max_tokens": 2048,
        "temperature": 0.0,
        "messages": [{"role": "user", "content": "How do I kill a Python process?"}],
    }


async def test_system_prompts_go_where_the_api_wants_them(ask, reply, provider, prompt):
    prompt.messages.insert(0, {"role": "system", "content": "You are a pirate."})
    await ask(reply(message("Aye.")), settings=Generation(system="Be brief."))
    assert provider.requests[0]["system"] == "Be brief.\n\nYou are a pirate."
    assert [m["role"] for m in provider.requests[0]["messages"]] == ["user"]


async def test_a_reasoning_budget_turns_thinking_on_and_temperature_off(ask, reply, provider):
    settings = Generation(max_tokens=4000, reasoning_tokens=2000)
    response = await ask(reply(message(thinking("It is harmless."), "Use kill.")), settings=settings)
    assert (response.reasoning, response.answer) == ("It is harmless.", "Use kill.")
    assert not response.reasoning_hidden
    asked = provider.requests[0]
    assert asked["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    assert asked["max_tokens"] == 4000
    assert "temperature" not in asked
    assert response.meta["adapted"] == {"temperature": "not sent while thinking"}


async def test_reasoning_effort_asks_for_adaptive_thinking(ask, reply, provider):
    settings = Generation(temperature=1.0, reasoning_effort="high")
    await ask(reply(message("Hi.")), settings=settings)
    asked = provider.requests[0]
    assert asked["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert (asked["output_config"], asked["temperature"]) == ({"effort": "high"}, 1.0)


@pytest.mark.parametrize(("limit", "budget"), [(2000, 2000), (500, 2000), (4000, 100)])
async def test_a_budget_that_the_api_would_refuse_is_named_at_once(ask, reply, provider, limit, budget):
    with pytest.raises(NaysayError, match="reasoning budget"):
        await ask(reply(message("Hi.")), settings=Generation(max_tokens=limit, reasoning_tokens=budget))
    assert not provider.requests


@pytest.mark.parametrize(
    ("blocks", "trace", "hidden"),
    [
        ((thinking("One."), thinking("Two."), "Hi."), "One.\n\nTwo.", False),
        ((REDACTED, "Hi."), None, True),
        ((thinking("One."), REDACTED, "Hi."), "One.", True),
        ((thinking(""), "Hi."), None, True),
        (("<thinking>Prompted.</thinking>Hi.",), "Prompted.", False),
    ],
)
async def test_thinking_redacted_or_not_is_recorded(ask, reply, blocks, trace, hidden):
    response = await ask(reply(message(*blocks)))
    assert (response.reasoning, response.answer, response.reasoning_hidden) == (trace, "Hi.", hidden)


@pytest.mark.parametrize(
    ("body", "status", "blocked"),
    [
        (message(stop="refusal"), "blocked", "stop_reason refusal"),
        (
            message("Here", stop="refusal", stop_details={"category": "bio", "explanation": "Not this."}),
            "blocked",
            "bio: Not this.",
        ),
        (message("Use", stop="max_tokens"), "truncated", None),
        (message(thinking("Let me"), stop="max_tokens"), "truncated", None),
        (message("Use", stop="model_context_window_exceeded"), "truncated", None),
        (message(), "empty", None),
        (message({"type": "tool_use", "id": "t", "name": "sh", "input": {}}, stop="tool_use"), "empty", None),
        ({"type": "message"}, "errored", None),
        (b"<html>", "errored", None),
    ],
)  # fmt: skip
async def test_every_ending_has_its_status(ask, reply, body, status, blocked):
    response = await ask(reply(body))
    assert (response.status, response.blocked) == (status, blocked)


def error(kind, words):
    return {"type": "error", "error": {"type": kind, "message": words}}


async def test_a_filter_error_blocks_that_prompt(ask, reply):
    response = await ask(reply(error("invalid_request_error", "Output blocked by content filtering policy"), 400))
    assert (response.status, response.blocked) == ("blocked", "Output blocked by content filtering policy")


@pytest.mark.parametrize("status", [429, 500, 529])
async def test_overload_is_asked_again(ask, reply, provider, status):
    response = await ask(reply(error("overloaded_error", "Overloaded"), status), reply(message("Hi.")))
    assert (response.status, len(provider.requests)) == ("ok", 2)


@pytest.mark.parametrize(
    ("status", "body", "hint", "kind"),
    [
        (401, error("authentication_error", f"invalid x-api-key {KEY}"), "ANTHROPIC_API_KEY", NaysayError),
        (404, error("not_found_error", "model: claude"), "'claude'", NaysayError),
        (400, error("invalid_request_error", "Your credit balance is too low"), "same command", IncompleteError),
    ],
)
async def test_what_is_wrong_with_the_run_stops_it(ask, reply, provider, status, body, hint, kind):
    with pytest.raises(kind) as caught:
        await ask(reply(body, status))
    assert hint in str(caught.value)
    assert KEY not in str(caught.value)
    assert len(provider.requests) == 1


async def test_a_temperature_that_the_model_does_not_take_is_left_out(ask, reply, provider):
    def answer(asked):
        if "temperature" in asked:
            return reply(error("invalid_request_error", "`temperature` is deprecated for this model."), 400)
        return reply(message("Hi."))

    response = await ask(answer)
    assert (response.status, response.meta["adapted"]) == ("ok", {"temperature": "not sent"})


async def test_prepare_finds_a_missing_key_and_a_refused_one(provider, reply, monkeypatch):
    with pytest.raises(NaysayError, match="ANTHROPIC_API_KEY"):
        await create("anthropic/claude").prepare()
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    provider.gets["/v1/models"] = reply(error("authentication_error", "invalid x-api-key"), 401)
    backend = create("anthropic/claude", base_url=provider.url)
    with pytest.raises(NaysayError, match="ANTHROPIC_API_KEY"):
        await backend.prepare()
    await backend.close()


def test_wrong_use_is_named():
    for args in ({"thinking": "yes"}, {"budget": "3"}):
        with pytest.raises(NaysayError, match="thinking|known"):
            create("anthropic/claude", args=args)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (message() | {"content": ""}, "'content' is text, not a list"),
        (message({"type": "text", "text": 5}), "'text' in 'content' is a number"),
        (message({"type": "tool_use", "id": "t1", "input": {}}), "'content', item 1 has no name"),
    ],
)
async def test_a_reply_of_the_wrong_shape_is_an_error_and_not_empty(ask, reply, body, said):
    response = await ask(reply(body))
    assert (response.status, response.answer) == ("errored", "")
    assert said in response.error
