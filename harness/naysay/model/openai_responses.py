"""OpenAI's Responses API: the only one that shows summaries of what o-series and gpt-5 models reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from naysay.model import reasoning
from naysay.model.openai_chat import OpenAIBackend
from naysay.model.remote import finish, with_system
from naysay.model.shapes import ShapeError, check_calls, check_list, check_text
from naysay.model.tools import as_call, tools_of
from naysay.model.trouble import Trouble
from naysay.model.wire import RejectedError
from naysay.schema import Generation, Prompt, Response, Status, response_id


class ResponsesBackend(OpenAIBackend):
    """``openai/NAME`` with ``--model-arg api=responses``.

    ``--model-arg summary=auto|concise|detailed|none`` says how much of the reasoning is asked for (default ``auto``).
    Nothing is stored at the provider.

    Args:
        model: See :class:`~naysay.model.openai_chat.OpenAIBackend`.
        name: As given to ``--model``.
        base_url: The server.
        args: Those of chat completions, and ``summary``.
    """

    path = "/responses"
    extra_arguments = ("summary",)

    def __init__(
        self, model: str, *, name: str, base_url: str | None = None, args: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(model, name=name, base_url=base_url, args=args)
        self._summary = self.args.choice("summary", ("auto", "concise", "detailed", "none"), "auto")
        self._limit_field = "max_output_tokens"

    def identity(self) -> dict[str, Any]:
        """Model, server and request fields; no key."""
        return {**super().identity(), "api": "responses", "summary": self._summary}

    def _request_fields(self, settings: Generation) -> dict[str, Any]:
        fields: dict[str, Any] = {"max_output_tokens": settings.max_tokens, "store": False}
        if settings.temperature is not None:
            fields["temperature"] = settings.temperature
        if settings.top_p is not None:
            fields["top_p"] = settings.top_p
        thinking: dict[str, Any] = {}
        if self._summary != "none":
            thinking["summary"] = self._summary
        if settings.reasoning_effort is not None:
            thinking["effort"] = settings.reasoning_effort
        if thinking:
            fields["reasoning"] = thinking
        return fields

    def _body(self, prompt: Prompt, sample: int, settings: Generation) -> bytes:
        chosen = self._fields(settings)
        messages = with_system(prompt.messages, settings.system)
        tools = tools_of(prompt)
        if not tools:
            return orjson.dumps({"model": self.model, "input": messages, **chosen})
        fields = {
            "model": self.model,
            "input": [item for message in messages for item in _items(message)],
            "tools": [{"type": "function", **tool["function"], "strict": False} for tool in tools],
            "include": ["reasoning.encrypted_content"],
            **chosen,
        }
        return orjson.dumps({key: value for key, value in fields.items() if key not in self._dropped})

    def _read(self, raw: bytes, prompt: Prompt, sample: int) -> Response:
        try:
            data = orjson.loads(raw)
            check_list(data["output"], "output")
            found = _Output(data["output"])
            acting = tools_of(prompt) is not None
            if acting:
                check_calls([item for item in found.calls if item.get("type") == "function_call"], "output")
        except ShapeError as error:
            return self._misshapen(error, raw, prompt, sample)
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return self._unusable(raw, prompt, sample)
        if data.get("error"):
            raise self._error_inside(data["error"])
        incomplete = data.get("incomplete_details")
        why = incomplete.get("reason") if isinstance(incomplete, dict) else None
        ended = finish(why if data.get("status") == "incomplete" else data.get("status"))
        parts = reasoning.split("".join(found.answers), finish_reason=ended)
        answer = parts.answer
        meta: dict[str, Any] = {}
        if found.refusals:
            answer = answer or "\n\n".join(found.refusals)
            meta["refusal_field"] = True
        calls: list[Any] = found.calls
        if acting:
            calls = [
                as_call(item.get("call_id"), item.get("name"), item.get("arguments"))
                for item in found.calls
                if item.get("type") == "function_call"
            ]
        if calls:
            meta["tool_calls"] = calls
        if calls and acting:
            ended = "tool_calls" if ended == "stop" else ended
            meta["private"] = {"items": found.to_return}
        if data.get("model") and data["model"] != self.model:
            meta["served_model"] = data["model"]
        if self._dropped:
            meta["adapted"] = dict(self._dropped)
        trace = "\n\n".join(filter(None, [*found.thoughts, parts.reasoning])) or None
        usage = _usage(data.get("usage"))
        status: Status = "ok"
        if ended == "content_filter":
            raise RejectedError(Trouble("blocked", "incomplete: content_filter"), 200)
        if ended == "length" or parts.unterminated:
            status = "truncated"
        elif not answer.strip() and not (calls and acting):
            status = "empty"
        return Response(
            response_id(prompt.id, sample), prompt.id, sample, self.name, trace, answer, status, ended,
            trace is None and (found.hidden or bool(usage.get("reasoning"))), None, None, usage, meta=meta,
        )  # fmt: skip


class _Output:
    """The output items of one response, sorted by what they are."""

    def __init__(self, items: Any) -> None:
        self.thoughts: list[str] = []
        self.answers: list[str] = []
        self.refusals: list[str] = []
        self.calls: list[Any] = []
        self.hidden = False
        self.to_return: list[Any] = []
        for item in items:
            kind = item.get("type")
            # Nothing is stored at the provider, so that a thought can only come back as the encrypted whole.
            if kind in ("message", "function_call") or (kind == "reasoning" and item.get("encrypted_content")):
                self.to_return.append(item)
            if kind == "reasoning":
                # Open models served through this API give the whole text, OpenAI's own only a summary.
                texts = _texts(item.get("content")) or _texts(item.get("summary"))
                self.thoughts += texts
                self.hidden = self.hidden or not texts
            elif kind == "message":
                parts = item.get("content") or []
                check_list(parts, "content")
                for part in parts:
                    check_text(part)
                    if part.get("type") == "refusal":
                        self.refusals.append(str(part.get("refusal", "")))
                    elif isinstance(part.get("text"), str):
                        self.answers.append(part["text"])
            else:
                self.calls.append(item)


def _items(message: dict[str, Any]) -> list[dict[str, Any]]:
    """A message of an agent's conversation as input items; its own output goes back as it came."""
    if message["role"] == "tool":
        return [{"type": "function_call_output", "call_id": message["tool_call_id"], "output": message["content"]}]
    if "tool_calls" not in message:
        return [message]
    calls = message["tool_calls"]
    made = [call["id"] for call in calls]
    items: list[dict[str, Any]] = message.get("private", {}).get("items") or []
    if [item.get("call_id") for item in items if item["type"] == "function_call"] == made:
        return items
    said = [{"role": "assistant", "content": message["content"]}] if message["content"] else []
    return said + [{"type": "function_call", "call_id": call["id"], **call["function"]} for call in calls]


def _texts(parts: Any) -> list[str]:
    if not isinstance(parts, list):
        return []
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return [text.strip() for text in texts if isinstance(text, str) and text.strip()]


def _usage(given: Any) -> dict[str, int]:
    if not isinstance(given, dict):
        return {}
    usage = {
        name: given[key]
        for name, key in (("input", "input_tokens"), ("output", "output_tokens"))
        if isinstance(given.get(key), int)
    }
    details = given.get("output_tokens_details")
    if isinstance(details, dict) and isinstance(details.get("reasoning_tokens"), int):
        usage["reasoning"] = details["reasoning_tokens"]
    return usage
