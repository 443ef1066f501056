"""OpenAI's chat completions, and every server that speaks them: vLLM, SGLang, llama.cpp, Ollama, OpenRouter, Azure."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from naysay.errors import NaysayError
from naysay.model import reasoning, trouble
from naysay.model.remote import RemoteBackend, finish, with_system
from naysay.model.shapes import ShapeError, check_calls, check_content
from naysay.model.tools import calls_of, tools_of
from naysay.model.trouble import Trouble
from naysay.model.wire import Envelope, RejectedError, TransientError, envelope
from naysay.schema import Generation, Prompt, Response, Status, response_id

OPENAI_URL = "https://api.openai.com/v1"

_UNSUPPORTED = re.compile(
    r"(?:unsupported|not support|unrecogni[sz]ed|unknown|unexpected|extra inputs|not permitted|only the default|"
    r"not allowed|invalid)",
    re.IGNORECASE,
)
_LIMIT_FIELDS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_THOUGHTS = ("reasoning_content", "reasoning", "reasoning_details")
"""Fields of a message with calls that come back to the server in the next turn, as it sent them: some servers ask for
their reasoning back, and none is sent a field that it does not know."""
_ADAPTABLE = frozenset({*_LIMIT_FIELDS, "temperature", "top_p", "seed", "reasoning_effort", "reasoning", "include"})


class OpenAIBackend(RemoteBackend):
    """Any server that speaks OpenAI's chat completions.

    Args:
        model: The model as the server calls it; may hold slashes.
        name: As given to ``--model``.
        base_url: The server, up to and with ``/v1``; OpenAI's (or ``OPENAI_BASE_URL``) when None.
        args: ``api_key_env``, ``extra_body``, ``think_opened``, ``azure_api_version`` and what
            :data:`~naysay.model.remote.PATIENCE_ARGUMENTS` lists.
    """

    scheme = "openai"
    path = "/chat/completions"
    extra_arguments: tuple[str, ...] = ()

    def __init__(
        self, model: str, *, name: str, base_url: str | None = None, args: Mapping[str, str] | None = None
    ) -> None:
        known = ("api", "api_key_env", "azure_api_version", "extra_body", "think_opened", *self.extra_arguments)
        super().__init__(model, name=name, base_url=base_url, args=args or {}, known=known)
        self._opened = bool(self.args.flag("think_opened", False))
        self._azure = self.args.text("azure_api_version")
        self._url = self.base_url or os.environ.get("OPENAI_BASE_URL", "").rstrip("/") or OPENAI_URL
        host = urlsplit(self._url).hostname or ""
        self._is_openai = host == "openai.com" or host.endswith(".openai.com")
        self._is_openrouter = host == "openrouter.ai" or host.endswith(".openrouter.ai")
        if self._azure and not self.base_url:
            raise NaysayError(
                f"{name}: azure_api_version needs --base-url.", hint="The resource: https://NAME.openai.azure.com"
            )
        self._limit_field = "max_completion_tokens" if self._is_openai else "max_tokens"

    def identity(self) -> dict[str, Any]:
        """Model, server and request fields; no key."""
        shown = urlsplit(self._url)
        address = urlunsplit((shown.scheme, shown.netloc.rpartition("@")[2], shown.path, "", ""))
        facts: dict[str, Any] = {"backend": self.scheme, "api": "chat", "model": self.model, "base_url": address}
        if self._extra:
            facts["extra_body"] = self._extra
        if self._azure:
            facts["azure_api_version"] = self._azure
        if self._opened:
            facts["think_opened"] = True
        return facts if self.native_tools else {**facts, "tools": "text"}

    # The request.

    def _key_variables(self) -> list[str]:
        named = self.args.text("api_key_env")
        if named:
            return [named]
        if self._azure:
            return ["AZURE_OPENAI_API_KEY", "OPENAI_API_KEY"]
        return ["OPENROUTER_API_KEY", "OPENAI_API_KEY"] if self._is_openrouter else ["OPENAI_API_KEY"]

    def _find_key(self) -> str:
        variables = self._key_variables()
        for variable in variables:
            if os.environ.get(variable):
                return os.environ[variable]
        if self.args.text("api_key_env") or self._is_openai or self._is_openrouter or self._azure:
            raise NaysayError(
                f"{self.name} needs a key, and {' and '.join(variables)} is not set.", hint=self._key_hint()
            )
        return "EMPTY"

    def _key_hint(self) -> str:
        return (
            f"Put the key into the environment variable {self._key_variables()[0]} (for the model of `naysay run`, "
            "--model-arg api_key_env=NAME names another one)."
        )

    def _models_url(self) -> str:
        if self._azure:
            return f"{self._url}/openai/models?api-version={self._azure}"
        return f"{self._url}/models"

    async def _envelope(self) -> Envelope:
        import openai

        key = self._key or self._find_key()

        def make(http: Any) -> Any:
            if self._azure:
                return openai.AsyncAzureOpenAI(
                    api_key=key, azure_endpoint=self._url, api_version=self._azure, http_client=http, max_retries=0
                )
            return openai.AsyncOpenAI(api_key=key, base_url=self._url, http_client=http, max_retries=0)

        return await envelope(make, self.path, {"model": self.model, "messages": []})

    def _request_fields(self, settings: Generation) -> dict[str, Any]:
        fields: dict[str, Any] = {self._limit_field: settings.max_tokens}
        if settings.temperature is not None:
            fields["temperature"] = settings.temperature
        if settings.top_p is not None:
            fields["top_p"] = settings.top_p
        if self._is_openrouter and (settings.reasoning_tokens or settings.reasoning_effort):
            budget = settings.reasoning_tokens
            fields["reasoning"] = {"max_tokens": budget} if budget else {"effort": settings.reasoning_effort}
        elif settings.reasoning_effort is not None:
            fields["reasoning_effort"] = settings.reasoning_effort
        if settings.seed is not None:
            fields["seed"] = settings.seed
        return fields

    def _body(self, prompt: Prompt, sample: int, settings: Generation) -> bytes:
        chosen = self._fields(settings)
        messages = with_system(prompt.messages, settings.system)
        fields = {"model": self.model, "messages": messages, **chosen}
        if tools := tools_of(prompt):
            fields |= {"messages": [_sent(message) for message in messages], "tools": tools}
        if sample and settings.seed is not None and "seed" in fields:
            fields["seed"] = settings.seed + sample
        if shape := prompt.meta.get("response_format"):
            fields["response_format"] = shape  # A judge's; when the server will not have it, the judge asks without.
        return orjson.dumps(fields)

    def _adapt(self, found: Trouble, sent: bytes) -> bool:
        """Leave out or rename a field that this model does not take; for the rest of the run, noted in ``meta``.

        Judged by what this request sent: another one of the same moment may have led to the change already, and then
        this one need only be written anew.
        """
        if not _UNSUPPORTED.search(found.message):
            return False
        fields = orjson.loads(sent).keys() - self._extra.keys()
        words = [(found.param or "").partition(".")[0], *re.findall(r"\w+", found.message)]
        field = next((w for w in words if w in fields and w in _ADAPTABLE), None)
        if field is None:
            return False
        if field not in self._dropped:
            other = _LIMIT_FIELDS.get(field)
            if other in self._dropped:
                return False
            self._dropped[field] = other or "not sent"
            self._limit_field = other or self._limit_field
            self._forget_fields()
        return True

    # The reply.

    def _read(self, raw: bytes, prompt: Prompt, sample: int) -> Response:
        try:
            data = orjson.loads(raw)
            choice = data["choices"][0]
            message = choice["message"]
            said = message.get("content")
            acting = tools_of(prompt) is not None
            check_content(said)
            if acting or not said:
                check_calls(message.get("tool_calls") or [])
                check_calls([message.get("function_call") or {"name": ""}], "function_call")
        except ShapeError as error:
            return self._misshapen(error, raw, prompt, sample)
        except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError):
            return self._unusable(raw, prompt, sample)
        if choice.get("error"):
            raise self._error_inside(choice["error"])
        thought, hidden = thought_in(message)
        answer, parts_thought = (said, None) if isinstance(said, str) else _parts(said)
        ended = finish(choice.get("finish_reason"))
        parts = reasoning.split(answer, opened=self._opened and not thought, finish_reason=ended)
        trace = joined(thought, parts_thought, parts.reasoning)
        answer = parts.answer
        meta: dict[str, Any] = {}
        refusal = message.get("refusal")
        if isinstance(refusal, str) and refusal:
            answer = answer or refusal
            meta["refusal_field"] = True
        usage = usage_in(data.get("usage"))
        if usage.get("reasoning") and trace is None:
            hidden = True
        calls = message.get("tool_calls")
        if acting:
            raw, calls = calls, calls_of(calls or [message.get("function_call")])
        if calls:
            meta["tool_calls"] = calls
        if calls and acting and (private := _private(message, raw)):
            meta["private"] = private
        served = data.get("model")
        if served and served != self.model:
            meta["served_model"] = served
        for key in ("system_fingerprint", "provider"):
            if data.get(key):
                meta[key] = data[key]
        if self._dropped:
            meta["adapted"] = dict(self._dropped)
        status: Status = "ok"
        blocked = None
        if ended == "content_filter":
            status = "blocked"
            blocked = (
                trouble.filtered_by(choice.get("content_filter_results"))
                or trouble.filtered_by(data.get("prompt_filter_results"))
                or f"finish_reason {choice.get('finish_reason')}"
            )
        elif ended == "length" or parts.unterminated:
            status = "truncated"
        elif (not answer or answer.isspace()) and not (calls and acting):
            status = "empty"
        return Response(
            response_id(prompt.id, sample), prompt.id, sample, self.name, trace, answer, status, ended,
            hidden and trace is None, blocked, None, usage, None, False, None, meta,
        )  # fmt: skip

    def _unusable(self, raw: bytes, prompt: Prompt, sample: int) -> Response:
        """A reply with status 200 that is no completion: an error inside it, a filter's verdict, or garbage."""
        try:
            data = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return self.errored(prompt, sample, f"The reply is not JSON: {self._seen(raw)}")
        if isinstance(data, dict):
            if data.get("error"):
                raise self._error_inside(data["error"])
            verdict = data.get("base_resp")
            if isinstance(verdict, dict) and verdict.get("status_code") in (1026, 1027):
                raise RejectedError(Trouble("blocked", str(verdict.get("status_msg", "sensitive content"))), 200)
            filtered = trouble.filtered_by(data.get("prompt_filter_results"))
            if filtered:
                raise RejectedError(Trouble("blocked", filtered), 200)
        return self.errored(prompt, sample, f"The reply has no message in it: {self._seen(raw)}")

    def _misshapen(self, error: ShapeError, raw: bytes, prompt: Prompt, sample: int) -> Response:
        return self.errored(prompt, sample, f"The reply cannot be read: {error}: {self._seen(raw)}")

    def _error_inside(self, error: Any) -> Exception:
        code = error.get("code") if isinstance(error, dict) else None
        if isinstance(code, int) and 400 <= code < 600:
            status = code
        else:
            # A word for a code is a verdict on the request, unless it says that the server is to blame.
            status = 500 if code in (None, "server_error", "rate_limit_exceeded", "timeout") else 400
        found = trouble.describe(status, {"error": error}, self._secrets())
        return TransientError(found.message) if found.kind == "transient" else RejectedError(found, status)

    def _seen(self, raw: bytes) -> str:
        text = raw[:300].decode("utf-8", "replace")
        return trouble.scrub(text, self._secrets()) + ("..." if len(raw) > 300 else "") if text else "an empty body"


def _private(message: Mapping[str, Any], calls: Any) -> dict[str, Any]:
    """What the server is to have back with the calls, as it sent it."""
    thoughts = {key: message[key] for key in _THOUGHTS if message.get(key)}
    signed = {
        str(call["id"]): extra
        for call in (calls if isinstance(calls, list) else [])
        if isinstance(call, Mapping) and call.get("id")
        if (extra := {key: value for key, value in call.items() if key not in ("id", "type", "function", "index")})
    }
    return {**({"thoughts": thoughts} if thoughts else {}), **({"calls": signed} if signed else {})}


def _sent(message: dict[str, Any]) -> dict[str, Any]:
    """A message of an agent's conversation as this API takes it."""
    sent = {key: value for key, value in message.items() if key not in ("private", "failed")}
    private = message.get("private") or {}
    if signed := private.get("calls"):
        sent["tool_calls"] = [{**signed.get(call["id"], {}), **call} for call in message["tool_calls"]]
    return {**sent, **private.get("thoughts", {})}


def thought_in(message: Mapping[str, Any]) -> tuple[str | None, bool]:
    """Reasoning in fields of its own, and whether there was some that is not shown."""
    for key in ("reasoning_content", "reasoning"):
        value = message.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip(), False
    details = message.get("reasoning_details")
    if not isinstance(details, list):
        return None, False
    texts: list[str] = []
    hidden = False
    for detail in details:
        if isinstance(detail, dict):
            text = detail.get("text") or detail.get("summary")
            if isinstance(text, str) and text.strip():
                texts.append(text.strip())
            elif detail.get("data") or detail.get("type") == "reasoning.encrypted":
                hidden = True
    return "\n\n".join(texts) or None, hidden


def _parts(content: Any) -> tuple[str, str | None]:
    """Answer and reasoning from a list of content parts (Mistral, and servers that pass blocks through)."""
    if not isinstance(content, list):
        return "", None
    answers: list[str] = []
    thoughts: list[str] = []
    for part in content:
        if isinstance(part, str):
            answers.append(part)
        elif isinstance(part, dict):
            kind = part.get("type")
            if kind in ("thinking", "reasoning"):
                inner = part.get("thinking") or part.get("reasoning") or part.get("text") or ""
                if isinstance(inner, list):
                    inner = "".join(str(p.get("text", "")) for p in inner if isinstance(p, dict))
                thoughts.append(str(inner).strip())
            elif kind == "refusal":
                answers.append(str(part.get("refusal", "")))
            elif isinstance(part.get("text"), str):
                answers.append(part["text"])
    return "".join(answers), "\n\n".join(filter(None, thoughts)) or None


def joined(*thoughts: str | None) -> str | None:
    """Several reasonings as one, without saying the same twice."""
    kept: list[str] = []
    for thought in thoughts:
        if thought and thought not in kept:
            kept.append(thought)
    return "\n\n".join(kept) or None


def usage_in(given: Any) -> dict[str, int]:
    """Token counts of a completion, where the server gives them."""
    if not isinstance(given, dict):
        return {}
    usage: dict[str, int] = {}
    for name, key in (("input", "prompt_tokens"), ("output", "completion_tokens")):
        if isinstance(given.get(key), int):
            usage[name] = given[key]
    details = given.get("completion_tokens_details")
    if isinstance(details, dict) and isinstance(details.get("reasoning_tokens"), int):
        usage["reasoning"] = details["reasoning_tokens"]
    return usage
