"""Building what a judge model is shown, out of text that nobody can trust.

Templates are sandboxed Jinja. The request, the answer, the trace and the transcript never reach a template raw: each
stands between two marks that hold a digest of everything untrusted in the message, so no text can contain its own
closing mark, and the same item always gives the same message. Inside its marks a text is cleaned
(:mod:`naysay.judge.cleaning`), and control tokens of chat formats are broken up with an invisible character, since some
servers read them inside a message's content.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from naysay.errors import NaysayError, did_you_mean
from naysay.judge.base import hash_input
from naysay.judge.cleaning import clean, defuse

if TYPE_CHECKING:
    from jinja2 import Template

_UNKNOWN = re.compile(r"'(\w+)' is undefined$")

__all__ = ["compile_template", "defuse", "delimit", "render_messages", "shorten"]


def compile_template(source: str, where: str) -> Template:
    """A card's template.

    Raises:
        NaysayError: it is not valid Jinja; ``where`` says which.
    """
    from jinja2 import TemplateSyntaxError

    try:
        template: Template = _environment().from_string(source)
    except TemplateSyntaxError as error:
        raise NaysayError(f"{where}, line {error.lineno}: {error.message}.") from error
    return template


def render_messages(
    templates: Sequence[tuple[str, Template]], context: Mapping[str, Any], judge: str
) -> list[dict[str, str]]:
    """The messages of a judge's card, filled in.

    Raises:
        NaysayError: a template asks for what is not there; ``judge`` and the message's number are named.
    """
    from jinja2 import TemplateError

    messages = []
    for number, (role, template) in enumerate(templates):
        try:
            messages.append({"role": role, "content": template.render(context).strip()})
        except TemplateError as error:
            word = _UNKNOWN.match(str(error))
            raise NaysayError(
                f"{judge}: messages.{number}.content: {error}.",
                hint=did_you_mean(word[1], context) if word else None,
            ) from error
    return messages


@lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=False
    )


def shorten(text: str, limit: int) -> str:
    """The text, or its first two thirds and its last third with a note of how much is left out between them."""
    if len(text) <= limit:
        return text
    head = limit * 2 // 3
    tail = limit - head
    return f"{text[:head]}\n[... {len(text) - limit} characters left out ...]\n{text[-tail:]}"


def delimit(texts: Mapping[str, str], limit: int) -> tuple[dict[str, str], str]:
    """Each text between its marks, and the digest in them.

    Args:
        texts: Name (``request``, ``response``, ``reasoning``, ``transcript``) to untrusted text.
        limit: See :func:`shorten`. A transcript was shortened by whole steps when it was rendered, and a cut through
            one could make its words look like a heading.
    """
    shown = {
        name: defuse(text if name == "transcript" else shorten(text, limit))
        for name, text in ((name, clean(text).text) for name, text in texts.items())
    }
    number = 0
    while True:
        digest = hash_input(str(number), *texts.values())[:16]
        if not any(digest in text.casefold() for text in shown.values()):
            break
        number += 1
    return {
        name: f"<<<{name.upper()} {digest}>>>\n{text}\n<<<END {name.upper()} {digest}>>>"
        for name, text in shown.items()
    }, digest
