"""Anthropic's Messages API."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from naysay.errors import NaysayError
from naysay.model import reasoning, trouble
from naysay.model.remote import RemoteBackend, finish, with_system
from naysay.model.shapes import ShapeError, check_calls, check_list, check_text
from naysay.model.tools import as_call, tools_of
from naysay.model.trouble import Trouble
from naysay.model.wire import Envelope, envelope
from naysay.schema import Generation, Prompt, Response, Status, response_id

ANTHROPIC_URL = "https://api.anthropic.com"
_LEAST_BUDGET = 1024


class AnthropicBackend(RemoteBackend):
    """``anthropic/NAME``.

    Thinking is off unless the settings ask for it: ``reasoning_tokens`` gives it a budget, ``reasoning_effort`` lets
    the model decide how much (adaptive thinking, summarised). The API takes no temperature while thinking, so none is
    sent then, which ``meta`` notes.

    Args:
        model: The model as the API calls it.
        name: As given to ``--model``.
        base_url: Another server that speaks the protocol.
        args: ``api_key_env``, ``extra_body``, ``thinking`` (``auto``, ``adaptive``) and what
            :data:`~naysay.model.remote.PATIENCE_ARGUMENTS` lists.
    """

    scheme = "anthropic"

    def __init__(
        self, model: str, *, name: str, base_url: str | None = None, args: Mapping[str, str] | None = None
    ) -> None:
        known = ("api_key_env", "extra_body", "thinking")
        super().__init__(model, name=name, base_url=base_url, args=args or {}, known=known)
        self._thinking = self.args.choice("thinking", ("auto", "adaptive"), "auto")
        url = self.base_url or os.environ.get("ANTHROPIC_BASE_URL", "").rstrip("/") or ANTHROPIC_URL
        self._url = url.removesuffix("/v1")
        host = urlsplit(self._url).hostname or ""
        self._is_anthropic = host == "anthropic.com" or host.endswith(".anthropic.com")

    def identity(self) -> dict[str, Any]:
        """Model, server and request fields; no key."""
        shown = urlsplit(self._url)
        address = urlunsplit((shown.scheme, shown.netloc.rpartition("@")[2], shown.path, "", ""))
        facts: dict[str, Any] = {"backend": self.scheme, "model": self.model, "base_url": address}
        if self._extra:
            facts["extra_body"] = self._extra
        if self._thinking != "auto":
            facts["thinking"] = self._thinking
        return facts if self.native_tools else {**facts, "tools": "text"}

    def _find_key(self) -> str:
        variable = self.args.text("api_key_env", "ANTHROPIC_API_KEY")
        assert variable is not None
        key = os.environ.get(variable)
        if not key and (self._is_anthropic or "api_key_env" in self.args):
            raise NaysayError(f"{self.name} needs a key: {variable} is not set.", hint=self._key_hint())
        return key or "EMPTY"

    def _key_hint(self) -> str:
        variable = self.args.text("api_key_env", "ANTHROPIC_API_KEY")
        return (
            f"Put the key into the environment variable {variable} (for the model of `naysay run`, --model-arg "
            "api_key_env=NAME names another one)."
        )

    def _models_url(self) -> str:
        return f"{self._url}/v1/models"

    async def _envelope(self) -> Envelope:
        import anthropic

        key = self._key or self._find_key()

        def make(http: Any) -> Any:
            return anthropic.AsyncAnthropic(api_key=key, base_url=self._url, http_client=http, max_retries=0)

        return await envelope(make, "/v1/messages", {"model": self.model, "messages": []})

    # The request.

    def _request_fields(self, settings: Generation) -> dict[str, Any]:
        fields: dict[str, Any] = {"max_tokens": settings.max_tokens}
        thinking: dict[str, Any] | None = None
        if settings.reasoning_tokens:
            if not _LEAST_BUDGET <= settings.reasoning_tokens < settings.max_tokens:
                raise NaysayError(
                    f"{self.name}: a reasoning budget of {settings.reasoning_tokens} tokens does not go with a limit "
                    f"of {settings.max_tokens}.",
                    hint=f"The budget is at least {_LEAST_BUDGET}, and max_tokens, which counts it in, is larger.",
                )
            thinking = {"type": "enabled", "budget_tokens": settings.reasoning_tokens}
        elif settings.reasoning_effort or self._thinking == "adaptive":
            thinking = {"type": "adaptive", "display": "summarized"}
        if settings.reasoning_effort:
            fields["output_config"] = {"effort": settings.reasoning_effort}
        if thinking:
            fields["thinking"] = thinking
        if settings.temperature is not None:
            if thinking is None or settings.temperature == 1:
                fields["temperature"] = settings.temperature
            else:
                self._dropped["temperature"] = "not sent while thinking"
        if settings.top_p is not None:
            fields["top_p"] = settings.top_p
        return fields

    def _body(self, prompt: Prompt, sample: int, settings: Generation) -> bytes:
        chosen = self._fields(settings)
        messages = with_system(prompt.messages, settings.system)
        system = [m["content"] for m in messages if m["role"] == "system"]
        fields: dict[str, Any] = {"model": self.model, **chosen}
        if system:
            fields["system"] = "\n\n".join(system)
        fields["messages"] = [m for m in messages if m["role"] != "system"]
        if tools := tools_of(prompt):
            fields["messages"] = _blocks(fields["messages"])
            fields["tools"] = [_tool(tool["function"]) for tool in tools]
        return orjson.dumps(fields)

    def _adapt(self, found: Trouble, sent: bytes) -> bool:
        """Newer models take no ``temperature``, or not together with ``top_p``: leave out what the message names."""
        fields = orjson.loads(sent).keys() - self._extra.keys()
        for field in ("temperature", "top_p"):
            if field in fields and field in found.message:
                self._dropped.setdefault(field, "not sent")
                self._forget_fields()
                return True
        return False

    # The reply.

    def _read(self, raw: bytes, prompt: Prompt, sample: int) -> Response:
        try:
            data = orjson.loads(raw)
            check_list(data["content"], "content")
            blocks = [(block["type"], block) for block in data["content"]]
            for _, block in blocks:
                check_text(block)
            check_calls([block for kind, block in blocks if kind == "tool_use"], "content")
        except ShapeError as error:
            seen = trouble.scrub(raw[:300].decode("utf-8", "replace"), self._secrets())
            return self.errored(prompt, sample, f"The reply cannot be read: {error}: {seen}")
        except (orjson.JSONDecodeError, KeyError, TypeError):
            seen = trouble.scrub(raw[:300].decode("utf-8", "replace"), self._secrets())
            return self.errored(prompt, sample, f"The reply is no message: {seen or 'an empty body'}")
        thoughts: list[str] = []
        texts: list[str] = []
        calls: list[Any] = []
        hidden = False
        for kind, block in blocks:
            if kind == "text":
                texts.append(str(block.get("text") or ""))
            elif kind == "thinking":
                thought = str(block.get("thinking") or "").strip()
                hidden = hidden or not thought
                thoughts.append(thought)
            elif kind == "redacted_thinking":
                hidden = True
            else:
                calls.append(block)
        ended = finish(data.get("stop_reason"))
        parts = reasoning.split("".join(texts), finish_reason=ended)
        trace = "\n\n".join(filter(None, [*thoughts, parts.reasoning])) or None
        meta: dict[str, Any] = {}
        acting = tools_of(prompt) is not None
        if acting and calls:
            calls = [as_call(c.get("id"), c.get("name"), c.get("input")) for c in calls if c["type"] == "tool_use"]
            # Thoughts are signed, and must come back with their calls as they were.
            meta["private"] = {"content": [b for kind, b in blocks if kind != "text" or str(b.get("text")).strip()]}
        if calls:
            meta["tool_calls"] = calls
        if data.get("model") and data["model"] != self.model:
            meta["served_model"] = data["model"]
        if self._dropped:
            meta["adapted"] = dict(self._dropped)
        status: Status = "ok"
        blocked = None
        if ended == "content_filter":
            status = "blocked"
            blocked = _refusal(data.get("stop_details"))
        elif ended == "length" or parts.unterminated:
            status = "truncated"
        elif not parts.answer.strip() and not (calls and acting):
            status = "empty"
        return Response(
            response_id(prompt.id, sample), prompt.id, sample, self.name, trace, parts.answer, status, ended,
            hidden, blocked, None, _usage(data.get("usage")), meta=meta,
        )  # fmt: skip


def _tool(function: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": function["name"],
        "description": function.get("description", ""),
        "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
    }


def _blocks(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An agent's conversation in this API's blocks. The results of one turn stand together in one user message."""
    made: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] == "tool":
            result = {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": message["content"]}
            if not results:
                made.append({"role": "user", "content": results})
            results.append({**result, "is_error": True} if message.get("failed") else result)
            continue
        results = []
        made.append({"role": message["role"], "content": _content(message)})
    return made


def _content(message: dict[str, Any]) -> Any:
    calls = message.get("tool_calls")
    if not calls:
        return message["content"]
    kept: list[dict[str, Any]] = message.get("private", {}).get("content") or []
    if [block.get("id") for block in kept if block["type"] == "tool_use"] == [call["id"] for call in calls]:
        return kept
    said = [{"type": "text", "text": message["content"]}] if message["content"].strip() else []
    used = [
        {
            "type": "tool_use",
            "id": call["id"],
            "name": call["function"]["name"],
            "input": orjson.loads(call["function"]["arguments"]),
        }
        for call in calls
    ]
    return said + used


def _refusal(details: Any) -> str:
    if not isinstance(details, dict):
        return "stop_reason refusal"
    words = [str(details[key]) for key in ("category", "explanation") if details.get(key)]
    return ": ".join(words) or "stop_reason refusal"


def _usage(given: Any) -> dict[str, int]:
    if not isinstance(given, dict):
        return {}
    usage: dict[str, int] = {}
    read = [given.get(k) for k in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")]
    if isinstance(read[0], int):
        usage["input"] = sum(n for n in read if isinstance(n, int))
    if isinstance(given.get("output_tokens"), int):
        usage["output"] = given["output_tokens"]
    details = given.get("output_tokens_details")
    thinking = details.get("thinking_tokens") if isinstance(details, dict) else None
    if isinstance(thinking, int):
        usage["reasoning"] = thinking
    return usage
