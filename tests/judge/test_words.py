"""Many texts are cut at once as each is cut alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naysay.judge.phrase_keys import PhraseKeys
from naysay.judge.phrase_pattern import WORD
from naysay.judge.phrases import PhraseList, PhraseLists
from naysay.judge.sentence_cuts import sentence_cuts
from naysay.judge.text import fold, sentences
from naysay.judge.trained_on import fingerprints
from naysay.judge.words import NumberSet, Words, numbers_of

LATIN = ["I", "can't", "don't", "'", "''", "no", "No.", "dr.", "e.g.", "12.", "1.", "3.5", "x", "ß", "İ", "é", "a.b"]
OTHER = ["한국", "字。", "！", "。”", "🙂", "🔒go", "𝐇𝐞", "\u0301", "\ud800", "」", "i\0can't", "\x7f"]
MARKS = ["…", "..", "?!", ".)", '"', "“", ")", "*", "_", "-"]
TEXTS = st.lists(
    st.lists(
        st.tuples(st.sampled_from(LATIN + OTHER + MARKS), st.sampled_from(["", " ", "  ", "\n", "\n\n"])), max_size=14
    ),
    max_size=6,
).map(lambda texts: [fold("".join(part for pair in text for part in pair)).text for text in texts])


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_sentences_of_many_texts_are_those_of_each(texts):
    words = Words.of(texts)
    found = [[] for _ in texts]
    for start, end in zip(*sentence_cuts(words), strict=True):
        text = np.searchsorted(words.starts, start, side="right") - 1
        found[text].append((start - words.starts[text], end - words.starts[text]))
    assert found == [sentences(text) for text in texts]


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_words_are_cut_as_the_pattern_cuts_them(texts):
    words = Words.of(texts)
    expected = [WORD.findall(text) for text in texts]
    assert words.counts.tolist() == [len(some) for some in expected]
    flat = [word for some in expected for word in some]
    assert [words.joined[a:b] for a, b in zip(words.begins, words.ends, strict=True)] == flat
    assert words.places.tolist() == [place for some in expected for place in range(len(some))]
    assert words.texts.tolist() == [number for number, some in enumerate(expected) for _ in some]
    assert words.end_in("t").tolist() == [word.endswith("t") for word in flat]
    # A word has one number wherever it stands, and no other word has it.
    assert (
        len(set(words.numbers.tolist())) == len(set(flat)) == len(set(zip(words.numbers.tolist(), flat, strict=True)))
    )
    assert words.numbers.tolist() == numbers_of(flat).tolist()


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_phrases_are_known_by_the_same_words_in_one_text_and_in_many(texts):
    phrases = PhraseList(["no (e|go)", "i can't", "don't", "x ... go", "dr", "(12|1) (3|1)", "go no", "é can't"])
    lists = PhraseLists({"one": phrases})
    assert PhraseKeys(lists.known).held_by(Words.of(texts)) == [lists.keys_of(text) for text in texts]


def test_a_key_of_phrases_is_made_of_whole_words():
    with pytest.raises(ValueError, match="whole words"):
        PhraseKeys(["no way"])


def test_the_letters_of_a_long_word_count_in_their_order():
    assert len({*numbers_of(["a" * 30 + "bc", "a" * 30 + "cb", "a" * 30 + "b"]).tolist()}) == 3


@pytest.mark.parametrize(
    "text", ["1.\n" * 300, ".\n" * 450 + "word", "\n" * 900 + "word", "dr. " * 225, ". " * 450 + "a"]
)
def test_the_cost_of_a_text_does_not_grow_with_the_others(text):
    import time

    start = time.perf_counter()
    sentence_cuts(Words.of([text] * 100))
    assert time.perf_counter() - start < 5, "it is a tenth of a second; going back through all texts took a minute"


@pytest.mark.parametrize("size", [0, 1, 5000])
def test_a_set_of_numbers_holds_its_members_and_nothing_else(size):
    numbers = np.random.default_rng(3).integers(0, 2**64, size=2 * size + 10, dtype=np.uint64)
    mine, others = numbers[:size], numbers[size:]
    held = NumberSet(mine, bits=10)
    places, members = held.find(np.concatenate([others, mine]))
    assert places.tolist() == list(range(len(others), len(others) + size))
    assert held.members[members].tolist() == mine.tolist()


def test_a_response_is_known_again_when_it_is_cleaned_up_and_not_when_it_says_something_else():
    from naysay.judge.beginnings import Beginnings

    said = "I’m sorry,  but I can’t help with **that**: " + "it is not safe, and I would rather not say more. " * 9
    same = said.lower().replace("can’t", "cant").replace("**", "").replace("  ", "\n") + "One more thing!"
    pairs = [(said, "How?"), (same, "how"), (said, "Why?"), (said.replace("sorry", "glad"), "How?"), ("How?", said)]
    first, *others = fingerprints(Beginnings.of(pairs)).tolist()
    assert [other == first for other in others] == [True, False, False, False]
