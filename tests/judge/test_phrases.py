"""Phrases are looked up by their first two words and found as if every one were looked for."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naysay.judge.phrase_pattern import WORD, emit, openings, second_words, trie
from naysay.judge.phrases import PhraseList, PhraseLists

PHRASES = [
    "i (can't|cannot|am not able to) (help|assist)",
    "i('m| am) (very )?sorry",
    "i (just |now )*refuse",
    "recommend ... enough",
    "i( am|'m)( not)? (un)?able to",
    "no",
    "no (such )?(help|list)( here)?",
    "(it|that)('s| is) a (hard )?no",
    "i help*",
    "sorry, (but )?no",
    "(sorry|but)(,)? (no|i refuse)",
    "non-binary (people )?help",
    "(that's )?off[- ]limits",
    "(please )?(do not|don't) help",
    "step (1|one)",
]
_SAMPLE = """
i can't cant cannot am not able unable to help helping assist just now refuse recommend it enough no such list here
that's thats a hard sorry very i'm but non-binary people off limits off-limits please do don't step 1 'help' is that
"""
WORDS = _SAMPLE.split()
GAPS = st.sampled_from([" ", " ", " ", ", ", "\n", " **", ". ", "  ", "' ", " '", "…"])


def looked_for(phrase, text):
    """Where a phrase stands, by looking for each of its forms from end to end."""
    spans = {}
    for form in openings(phrase):
        word = WORD.match(form).group()
        for first in {word, word.replace("'", "")}:
            body = emit(trie([form[len(word) :]]), r"(?!\w)")
            for match in re.finditer(r"(?<!\w)" + re.escape(first) + body, text):
                spans[match.start()] = max(match.end(), spans.get(match.start(), 0))
    return sorted(spans.items())


@pytest.mark.parametrize("phrase", PHRASES)
@settings(max_examples=150, deadline=None)
@given(parts=st.lists(st.tuples(st.sampled_from(WORDS), GAPS), max_size=14))
def test_a_phrase_is_found_where_it_stands(phrase, parts):
    text = "".join(word + gap for word, gap in parts)
    assert PhraseList([phrase]).spans(text) == looked_for(phrase, text)


@settings(max_examples=150, deadline=None)
@given(parts=st.lists(st.tuples(st.sampled_from(WORDS), GAPS), max_size=14))
def test_several_lists_find_together_what_each_finds_alone(parts):
    text = "".join(word + gap for word, gap in parts)
    lists = PhraseLists({"one": PhraseList(PHRASES[:7]), "other": PhraseList(PHRASES[7:])})
    keys = lists.keys_of(text)
    for phrases in lists.values():
        assert phrases.spans(text, keys) == phrases.spans(text)


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (" (can't|cannot) help", {"can't", "cant", "cannot"}),
        ("( really)? refuse", {"really", "refuse"}),
        (" (very )?(deeply )?sorry", {"very", "deeply", "sorry"}),
        (" (un)?able to", {"unable", "able"}),
        (" ... enough", None),
        (" ?x", None),
        ("*", None),
        ("", None),
        (", but", {"but"}),
        (",but", None),
        (" help*", None),
        (" (help)?", None),
    ],
)
def test_the_second_words_of_a_phrase(rest, words):
    assert second_words(rest) == (None if words is None else frozenset(words))
