"""Replies that are JSON and yet not what the API says: taken for an empty answer, they hide a server's fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from naysay.records import named


class ShapeError(Exception):
    """A part of a reply has the wrong type; the message says which, as a half sentence."""


def check_list(value: Any, name: str) -> None:
    """Find what should be a list of objects and is not.

    Raises:
        ShapeError: it is none.
    """
    if not isinstance(value, list):
        raise ShapeError(f"{name!r} is {named(value)}, not a list")
    for number, item in enumerate(value, start=1):
        if not isinstance(item, Mapping):
            raise ShapeError(f"{name!r}, item {number} is {named(item)}, not an object")


def check_content(content: Any) -> None:
    """Find what a chat completion's content can be neither as text nor as a list of parts.

    Raises:
        ShapeError: it is something else.
    """
    if content is None or isinstance(content, str):
        return
    if not isinstance(content, list):
        raise ShapeError(f"'content' is {named(content)}, not text")
    check_list([part for part in content if not isinstance(part, str)], "content")
    for part in content:
        if not isinstance(part, str):
            check_text(part)


def check_text(part: Mapping[str, Any]) -> None:
    """Find text in a part of a message that is no text.

    Raises:
        ShapeError: it is none.
    """
    text = part.get("text")
    if part.get("type") in ("text", "output_text") and text is not None and not isinstance(text, str):
        raise ShapeError(f"'text' in 'content' is {named(text)}, not text")


def check_calls(calls: Any, name: str = "tool_calls") -> None:
    """Find calls of tools that call nothing. What the arguments are is for the tool to say.

    Raises:
        ShapeError: there are such calls.
    """
    check_list(calls, name)
    for number, call in enumerate(calls, start=1):
        inner = call.get("function")
        tool = inner.get("name") if isinstance(inner, Mapping) else call.get("name")
        if not isinstance(tool, str):
            lacks = "has no name" if tool is None else f"has a name that is {named(tool)}, not text"
            raise ShapeError(f"{name!r}, item {number} {lacks}")
