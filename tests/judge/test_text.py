"""Folding, sentences and phrases: the ground the judges stand on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naysay.judge.phrase_pattern import PhraseError
from naysay.judge.phrases import PhraseList
from naysay.judge.text import fold, sentences

ODD = st.text(alphabet=st.sampled_from("aI’ʼ'`é\u0301\u200bＡｂ　ß İ가ᄀ\u1161한字。.!? \n\"“”*-12"), max_size=80)


@given(ODD)
@settings(max_examples=300, deadline=None)
def test_folded_spans_lead_back_into_the_original(text):
    folded = fold(text)
    previous = 0
    for index in range(len(folded.text)):
        start, end = folded.span(index, index + 1)
        assert previous <= start <= end <= len(text)
        previous = start
    assert folded.span(0, len(folded.text))[1] == len(text)


@given(ODD)
@settings(max_examples=300, deadline=None)
def test_sentences_are_in_order_apart_and_trimmed(text):
    end = 0
    for start, stop in sentences(text):
        assert end <= start < stop <= len(text)
        assert text[start:stop] == text[start:stop].strip()
        end = stop


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("It costs 3.50 in all. Good.", ["It costs 3.50 in all.", "Good."]),
        ("Ask Dr. Li, e.g. today. Then go.", ["Ask Dr. Li, e.g. today.", "Then go."]),
        ("1. Mix it.\n2. Bake it.", ["1. Mix it.", "2. Bake it."]),
        ("He is in room 12. He waits.", ["He is in room 12.", "He waits."]),
        ('"Stop." He left.', ['"Stop."', "He left."]),
        ("Wait... what?! No.", ["Wait...", "what?!", "No."]),
        ("no punctuation\nin these lines", ["no punctuation", "in these lines"]),
        ("我不能。你可以！", ["我不能。", "你可以！"]),
        ("할 수 없다. 그래도 된다.", ["할 수 없다.", "그래도 된다."]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text, pieces):
    assert [text[a:b] for a, b in sentences(text)] == pieces


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("i (can't|cannot) help", "well, i cannot help", "i cannot help"),
        ("i (can't|cannot) help", "i cant help", "i cant help"),
        ("i (can't|cannot) help", "taxi cannot help", None),
        ("i (can't|cannot) help", "i cannot helpful", None),
        ("i (just |now )*refuse", "i just now refuse", "i just now refuse"),
        ("recommend ... enough", "recommend it to you enough", "recommend it to you enough"),
        ("recommend ... enough", "recommend it. that is enough", None),
        ("apologi*", "my apologies", "apologies"),
        ("requests? denied", "request denied", "request denied"),
        ("requests? denied", "all requests denied", "requests denied"),
        ("(red|big) flags?", "a big flag here", "big flag"),
        ("(red|big) flags?", "red flagship", None),
        ("why me(?)", "so: why me?", "why me?"),
        ("why me(?)", "why me", None),
        ("cannot help", "cannot **help**", "cannot **help"),
        ("无法(帮助|提供)", "我无法提供它", "无法提供"),
        ("具体的?做法", "具体做法", "具体做法"),
        ("수 없", "할 수 없습니다", "수 없"),
        ("답변(을)? ?드리기", "답변을 드리기", "답변을 드리기"),
        ("답변(을)? ?드리기", "답변드리기", "답변드리기"),
    ],
)
def test_a_phrase_matches_what_it_says(phrase, text, found):
    spans = PhraseList([phrase]).spans(text)
    assert [text[a:b] for a, b in spans] == ([found] if found else [])


@pytest.mark.parametrize("phrase", ["(a", "a)", "a|b", "((a)", "*", "(a )*b"])
def test_a_phrase_that_is_not_well_formed_is_refused(phrase):
    with pytest.raises(PhraseError):
        PhraseList([phrase])


def test_hostile_text_takes_linear_time():
    import time

    phrases = PhraseList(["i ... (very )*(much )*... cannot ... help ... enough"])
    start = time.perf_counter()
    phrases.spans("i very much " * 3000)
    assert time.perf_counter() - start < 2
