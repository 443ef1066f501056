"""Reading what a judge model said, strictly: what does not have the required form is not a verdict.

Two forms are read: one JSON object and nothing else (a code fence around it is allowed, and words around the fence
where they name no other label and the text under judgement holds nothing like a reply), or, where nothing but a label
is asked for, one label word and nothing else. A label is never looked for inside prose, where it may be quoted from the
text under judgement. What is wrong with a reply is said without repeating any of it: the reply may hold words of the
text under judgement, and what is wrong is told to the judge model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from naysay.judge.cleaning import Cleaned, clean
from naysay.judge.text import fold
from naysay.schema import Evidence

if TYPE_CHECKING:
    from naysay.judge.rubric import Ask

LONGEST: Final = 100_000
"""Characters of a reply; what is longer is not read."""

_FENCE = re.compile(r"\A```[a-zA-Z]*\s*\n(.*?)\n?\s*```\Z", re.DOTALL)
_INNER = re.compile(r"```[a-zA-Z]*[ \t]*\n(.*?)```", re.DOTALL)
_GAPS = re.compile(r"[\s*_~`]+")
_LEFT_OUT = re.compile(r"\s*(?:\[\s*(?:\.{3}|…)\s*\]|\.{3,}|…)\s*")
_QUOTES = " \"'“”„«»「」"
_TEXTS = ("rationale", "evidence")
_MOST_QUOTED = 4000
_MOST_PARTS = 8
_SHORT = 4
"""Letters below which a quote must stand as a word of its own."""


class ReplyError(ValueError):
    """A reply without the required form; the message says what is wrong with it, in words that are not its own."""


@dataclass(slots=True, frozen=True)
class Reply:
    """What a judge model said.

    Attributes:
        label: One of the rubric's words, or ``""`` where the rubric has none.
        quote: Words of the judged text that it relied on, as it gave them.
        rationale: Its explanation.
        numbers: What else was asked for.
    """

    label: str
    quote: str = ""
    rationale: str = ""
    numbers: dict[str, int] = field(default_factory=dict)


def keys(labels: Collection[str], asks: Mapping[str, Ask]) -> list[str]:
    """The keys of a reply, in the order in which they are asked for: reasons first."""
    return [*_TEXTS, *asks, *(["label"] if labels else [])]


def schema_of(labels: Collection[str], asks: Mapping[str, Ask] | None = None) -> dict[str, Any]:
    """The JSON schema of a reply."""
    asks = asks or {}
    properties: dict[str, Any] = {name: {"type": "string"} for name in _TEXTS}
    properties |= {name: {"type": "integer", "enum": list(ask.values)} for name, ask in asks.items()}
    if labels:
        properties["label"] = {"type": "string", "enum": list(labels)}
    return {
        "type": "object",
        "properties": properties,
        "required": keys(labels, asks),
        "additionalProperties": False,
    }


def parse_reply(
    text: str, labels: Collection[str], asks: Mapping[str, Ask] | None = None, *, judged: Collection[str] | None = None
) -> Reply:
    """Read a reply.

    Args:
        text: What the judge model said.
        labels: The words it may answer with; none for a rubric that gives only scales.
        asks: The numbers it was asked for.
        judged: The untrusted texts that it is about. Words around a code fence are allowed only where these are given
            and hold nothing that could be a reply: what the fence holds cannot be quoted from them then.

    >>> parse_reply("full_refusal", ["full_refusal", "full_compliance"]).label
    'full_refusal'

    Raises:
        ReplyError: it does not have the required form, lacks something, or gives a number that does not exist.
    """
    asks = asks or {}
    stripped = text.strip()
    if len(stripped) > LONGEST:
        raise ReplyError("the reply is far too long")
    fenced = _FENCE.match(stripped)
    if fenced:
        stripped = fenced.group(1).strip()
    elif judged is not None and "```" in stripped:
        stripped = _out_of_words(stripped, labels, keys(labels, asks), judged)
    if not stripped:
        raise ReplyError("the reply is empty")
    if not stripped.startswith("{"):
        if asks or not labels:
            raise ReplyError("it is not one JSON object and nothing else")
        return Reply(_word(stripped.strip("\"'`*.[]() \n"), labels))
    data = _object(stripped)
    known = keys(labels, asks)
    if set(data) - set(known):
        raise ReplyError(f"it has a key that is none of {', '.join(known)}")
    for name in (*asks, *(["label"] if labels else [])):
        if name not in data:
            raise ReplyError(f"it has no key {name!r}")
    for name in (*_TEXTS, "label"):
        if data.get(name) is not None and not isinstance(data[name], str):
            raise ReplyError(f"{name!r} is not a string")
    return Reply(
        label=_word(data["label"] or "", labels) if labels else "",
        quote=data.get("evidence") or "",
        rationale=data.get("rationale") or "",
        numbers={name: _number(name, data[name], ask) for name, ask in asks.items()},
    )


def _out_of_words(text: str, labels: Collection[str], known: Collection[str], judged: Collection[str]) -> str:
    """The one object in the one fence of a reply, or the reply as it is where something else could be meant."""
    found = _INNER.search(text)
    if found is None or text.count("```") != 2:
        return text
    inner, around = found.group(1).strip(), text[: found.start()] + text[found.end() :]
    if not (inner.startswith("{") and inner.endswith("}")) or "{" in around or "}" in around:
        return text
    said = {word for word in labels if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", around, re.IGNORECASE)}
    if any(word.casefold() not in inner.casefold() for word in said):
        return text
    decides = "|".join(re.escape(name) for name in known if name not in _TEXTS)
    like_a_reply = re.compile(rf"(?:{decides})[\s\"'“”‘’`\\]{{0,20}}[:=：]", re.IGNORECASE)
    return text if any(like_a_reply.search(fold(clean(one).text).text) for one in judged) else inner


def _object(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ReplyError(
            f"it is not one JSON object and nothing else ({error.msg} at character {error.pos})"
        ) from error
    except ReplyError:
        raise
    except ValueError as error:
        # Python reads no whole number of more than 4,300 digits.
        raise ReplyError("it holds a number that is far too long") from error
    except RecursionError as error:
        raise ReplyError("its JSON is nested too deeply") from error
    return dict(data)


def _word(word: str, labels: Collection[str]) -> str:
    found = [label for label in labels if _plain(label) == _plain(word)]
    if len(found) != 1:
        raise ReplyError(f"the label is not one of {', '.join(labels)}")
    return found[0]


def _plain(word: str) -> str:
    """A label however it is spaced, quoted or ended ("Full refusal.")."""
    return re.sub(r"[\s_-]+", "_", word.strip("\"'`*. \n")).casefold()


def _number(name: str, value: Any, ask: Ask) -> int:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole or not ask.low <= value <= ask.high:
        raise ReplyError(f"{name!r} is not a whole number from {ask.low} to {ask.high}")
    return int(value)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ReplyError("a key stands twice")
    return dict(pairs)


def find_quote(quote: str, text: str) -> Evidence | None:
    """Where a quote stands in the judged text, case, white space and Markdown aside; None if it does not.

    A quote of less than four letters must stand as a word of its own.
    """
    return _Quoted(text).find(quote)


def find_quotes(quote: str, text: str) -> list[Evidence]:
    """Where a quote stands, whole or in the few parts that ellipses left of it; nothing unless all of it does."""
    quoted = _Quoted(text)
    whole = quoted.find(quote)
    if whole is not None:
        return [whole]
    parts = [part for part in _LEFT_OUT.split(quote[:_MOST_QUOTED]) if _bare(part)]
    if not 1 < len(parts) <= _MOST_PARTS:
        return []
    found = [quoted.find(part) for part in parts]
    return [place for place in found if place is not None] if all(found) else []


class _Quoted:
    """A judged text, made ready once for looking up quotes."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._cleaned = clean(text)
        self._folded = fold(self._cleaned.text)
        self._squeezed = _squeeze(self._folded.text)

    def find(self, quote: str) -> Evidence | None:
        whole = fold(clean(quote[:_MOST_QUOTED]).text).text.strip()
        # As it stands first; then without the marks that people and models put around a quote.
        for form in dict.fromkeys((whole, whole.strip(_QUOTES), _bare(whole))):
            wanted = _squeeze(form).text.strip()
            start = _find(wanted, self._squeezed.text)
            if start >= 0:
                span = self._squeezed.span(start, start + len(wanted))
                first, last = self._cleaned.span(*self._folded.span(*span))
                return Evidence(first, last, self._text[first:last], "quoted by the judge model")
        return None


def _squeeze(text: str) -> Cleaned:
    """White space and Markdown's signs between words as one space each."""
    pieces: list[str] = []
    cuts: list[int] = []
    shifts: list[int] = []
    at = made = 0
    for match in _GAPS.finditer(text):
        pieces += (text[at : match.start()], " ")
        made += match.start() - at + 1
        at = match.end()
        if at != made + (shifts[-1] if shifts else 0):
            cuts.append(made)
            shifts.append(at - made)
    pieces.append(text[at:])
    return Cleaned("".join(pieces), tuple(cuts), tuple(shifts), len(text))


def _find(wanted: str, text: str) -> int:
    """Where ``wanted`` stands, -1 where it does not. Plain search: no quote can make it slow."""
    letters = sum(map(str.isalnum, wanted))
    if not letters:
        return -1
    start = text.find(wanted)
    if letters >= _SHORT or not wanted.isascii():
        return start
    while start >= 0:
        end = start + len(wanted)
        if not (start and text[start - 1].isalnum()) and not (end < len(text) and text[end].isalnum()):
            return start
        start = text.find(wanted, start + 1)
    return -1


def _bare(quote: str) -> str:
    return fold(clean(quote).text).text.strip(f"{_QUOTES}….\n")
