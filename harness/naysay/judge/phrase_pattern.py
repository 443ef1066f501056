"""The language that phrases are written in, made into regular expressions.

A phrase is written as people read it::

    i (can't|cannot|am not able to) (help|assist)      alternatives
    i('m| am) (very )?sorry                            ``(...)?`` is optional
    requests? refused                                  so is one letter; ``(?)`` is a question mark
    i (just |now )*refuse                              ``(...)*`` may stand up to three times
    recommend ... enough                               a gap of up to four words
    apologi*                                           any ending of the word

Everything else is literal. A space stands for any white space and Markdown emphasis, an apostrophe for itself or
nothing; a space may be optional as well. Matching is done on folded text
(:func:`naysay.judge.text.fold`). The phrases of a list share their beginnings in a trie, so a long list costs little
more than a short one, and no phrase can backtrack without bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")

_SPACE = r"[\s*_~]+"
_GAP = r"[\s*_~]+(?:[^\s.!?。！？]+[\s*_~]+){0,4}?"
_RAW = re.compile(r"\s*\.\.\.\s*|\s+|.", re.DOTALL)
WIDE = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af]")
_LETTER_OR_NOT = re.compile(r"([^\W_])\?")
_STOP = ""

Trie: TypeAlias = "dict[str, Trie]"


class PhraseError(ValueError):
    """A phrase that is not written in the pattern language."""


def is_wide(text: str) -> bool:
    """Whether the text is in a script written without spaces, or (Korean) with endings glued to its words.

    Such phrases need no word border around them.
    """
    return WIDE.search(text) is not None


@lru_cache(maxsize=8192)
def _tokens(phrase: str) -> tuple[str, ...]:
    """A phrase as regular expression tokens; a bracketed group is one token. The same groups stand in many phrases."""
    tokens: list[str] = []
    at = 0
    while at < len(phrase):
        char = phrase[at]
        if char == "(":
            branches, at = _group(phrase, at + 1)
            node: Trie = {}
            for branch in branches:
                _insert(node, branch)
            inner = emit(node, "")
            if at < len(phrase) and phrase[at] in "?*":
                inner, at = f"(?:{inner}){'?' if phrase[at] == '?' else '{0,3}'}", at + 1
            tokens.append(inner)
            continue
        if char in ")|":
            raise PhraseError(f"unbalanced {char!r} in {phrase!r}")
        match = _RAW.match(phrase, at)
        assert match is not None
        raw = match.group()
        at = match.end()
        if raw.strip() == "...":
            tokens.append(_GAP)
        elif raw.isspace():
            optional = phrase[at : at + 1] == "?"
            tokens.append(r"[\s*_~]*" if optional else _SPACE)
            at += optional
        elif raw == "*":
            tokens.append(r"\w*")
        elif phrase[at : at + 1] == "?" and is_wide(raw):
            tokens.append(raw + "?")
            at += 1
        else:
            tokens.append("'?" if raw == "'" else re.escape(raw))
    return tuple(tokens)


def _group(phrase: str, at: int) -> tuple[list[tuple[str, ...]], int]:
    """The alternatives of the group whose inside begins at ``at``, and where the text after it begins."""
    depth, start = 0, at
    branches: list[tuple[str, ...]] = []
    while at < len(phrase):
        char = phrase[at]
        if char == "(":
            depth += 1
        elif char == ")" and depth:
            depth -= 1
        elif char in ")|" and not depth:
            branches.append(_tokens(phrase[start:at]))
            start = at + 1
            if char == ")":
                return branches, at + 1
        at += 1
    raise PhraseError(f"unbalanced '(' in {phrase!r}")


def _insert(node: Trie, tokens: Iterable[str]) -> None:
    for token in tokens:
        node = node.setdefault(token, {})
    node[_STOP] = {}


def trie(forms: Iterable[str]) -> Trie:
    """Phrases by their tokens: those that begin alike share their beginning."""
    root: Trie = {}
    for form in forms:
        _insert(root, _tokens(form))
    return root


def emit(node: Trie, end: str) -> str:
    """A trie as a pattern; ``end`` closes a phrase, and longer phrases are tried first."""
    branches = [token + emit(child, end) for token, child in node.items() if token != _STOP]
    if _STOP in node:
        branches.append(end)
    return branches[0] if len(branches) == 1 else "(?:" + "|".join(branches) + ")"


def optional_letters(phrase: str) -> str:
    """The phrase with brackets around every letter that may be missing.

    >>> optional_letters("requests? (is|are) refused")
    'request(s)? (is|are) refused'
    """
    return _LETTER_OR_NOT.sub(lambda found: found[0] if is_wide(found[0]) else f"({found[1]})?", phrase)


def check_brackets(phrase: str) -> None:
    """Raise :class:`PhraseError` where a phrase's brackets do not pair."""
    depth = 0
    for char in phrase:
        depth += (char == "(") - (char == ")")
        if depth < 0 or (char == "|" and not depth):
            raise PhraseError(f"unbalanced {char!r} in {phrase!r}")
    if depth:
        raise PhraseError(f"unbalanced '(' in {phrase!r}")


def openings(phrase: str) -> list[str]:
    """The phrase with groups in or before its first word written out, so that its first word is plain."""
    first = WORD.match(phrase)
    at = first.end() if first else 0
    if phrase[at : at + 1] != "(" or is_wide(phrase[:1]):
        return [phrase]
    if at and _parts(phrase[at:]):
        return [phrase]
    branches, mark, rest = _expanded(phrase, at)
    if mark == "*":
        raise PhraseError(f"a phrase cannot begin with a repeated group: {phrase!r}")
    return [form for branch in branches for form in openings((phrase[:at] + branch + rest).lstrip())]


def _parts(rest: str) -> bool:
    """Whether what stands behind a word begins with a space, whichever of its alternatives is taken."""
    if rest[:1] != "(":
        return rest[:1] == " "
    branches, mark, after = _expanded(rest, 0)
    return all(branch[:1] == " " for branch in branches if branch or not mark) and (not mark or _parts(after))


def _expanded(phrase: str, at: int) -> tuple[list[str], str, str]:
    """The alternatives of the group at ``at`` as they are written, the mark behind it, and what follows."""
    _, after = _group(phrase, at + 1)
    branches, depth = [""], 0
    for char in phrase[at + 1 : after - 1]:
        depth += (char == "(") - (char == ")")
        if char == "|" and not depth:
            branches.append("")
        else:
            branches[-1] += char
    mark = phrase[after : after + 1]
    if mark not in ("?", "*"):
        return branches, "", phrase[after:]
    return [*branches, ""], mark, phrase[after + 1 :]


_MOST_FORMS = 200


def second_words(rest: str) -> frozenset[str] | None:
    """The words that can stand behind the first one, or None where anything can, or nothing need.

    >>> sorted(second_words(" (just |now )*refuse"))
    ['just', 'now', 'refuse']
    >>> second_words(", (here|below)") == {"here", "below"}
    True
    >>> second_words(" ... enough")

    Args:
        rest: The phrase behind its first word.
    """
    rest = rest.lstrip(",") if rest[:2] == ", " else rest
    if rest[:1] not in (" ", "("):
        return None
    found: set[str] = set()
    forms = [rest if rest[:1] == " " else "\0" + rest]
    for _ in range(_MOST_FORMS):
        if not forms:
            return frozenset(found)
        form = forms.pop()
        if form[:1] == "\0":
            branches, _, after = _expanded(form, 1)
            grown = [branch + after for branch in branches]
            if any(part[:1] not in (" ", "(") for part in grown):
                return None
            forms += ["\0" + part if part[0] == "(" else part for part in grown]
            continue
        form = form.lstrip(" ")
        word = WORD.match(form)
        end = word.end() if word else 0
        behind = form[end : end + 1]
        if behind == "(":
            branches, _, after = _expanded(form, end)
            if word is None or any(branch[:1] != " " for branch in branches if branch):
                forms += [form[:end] + branch + after for branch in branches]
                continue
        if word is None or (behind and behind in "*?'"):
            return None
        found |= {word.group(), word.group().replace("'", "")}
    return None
