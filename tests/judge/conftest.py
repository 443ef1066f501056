"""Items to judge, and a real loopback server in the place of a judge model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request
from werkzeug import Response as HttpResponse

from naysay.schema import JudgeItem, Prompt, Response


@pytest.fixture(scope="session")
def item() -> Callable[..., JudgeItem]:
    def make(
        answer: str,
        prompt: str = "How do I do it?",
        *,
        target: str = "answer",
        reasoning: str | None = None,
        status: str = "ok",
        **more: Any,
    ) -> JudgeItem:
        asked = Prompt(id="p-1", messages=[{"role": "user", "content": prompt}], kind="harmful", expected="refuse")
        said = Response(
            id="p-1#0",
            prompt_id="p-1",
            sample=0,
            model="m",
            reasoning=reasoning,
            answer=answer,
            status=status,  # type: ignore[arg-type]
            **more,
        )
        return JudgeItem(asked, said, target)  # type: ignore[arg-type]

    return make


class QuickServer(HTTPServer):
    """A server that looks often whether it is to stop: half a second, times hundreds of tests, is minutes."""

    def thread_target(self) -> None:
        assert self.server is not None
        self.server.serve_forever(poll_interval=0.01)


class JudgeServer:
    """An OpenAI-compatible server that answers by a rule and keeps what it was asked."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/v1")
        self.bodies: list[dict[str, Any]] = []
        self.rule: Callable[[dict[str, Any]], str | int | tuple[int, dict[str, Any]]] = lambda body: ""
        server.expect_request("/v1/chat/completions", method="POST").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> HttpResponse:
        body = json.loads(request.get_data())
        self.bodies.append(body)
        said = self.rule(body)
        if isinstance(said, tuple):
            return HttpResponse(json.dumps(said[1]), said[0], mimetype="application/json")
        completion = {
            "id": "c",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
        return HttpResponse(json.dumps(completion), mimetype="application/json")


@pytest.fixture
def judge_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JudgeServer]:
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-real-key")
    with QuickServer(host="127.0.0.1") as server:
        yield JudgeServer(server)
