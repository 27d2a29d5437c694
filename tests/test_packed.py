"""Texts in little memory are the texts they were."""

import pytest

from pgscope.analysis.fingerprints import FingerprintBook, fingerprint
from pgscope.packed import SHORT, Texts, pack, remembered, start_of, unpack
from pgscope.sample import StatementKey
from pgscope.spill import Spilled

LONG = "select " + ", ".join(f"column_{n}" for n in range(2_000)) + " from t where id = $1"


@pytest.mark.parametrize(
    "text", ["", "select 1", LONG, "ж" * 5_000, "\ud800" * 1_000, "a" * SHORT, "a" * (SHORT + 1)]
)
def test_a_text_is_what_it_was(text: str) -> None:
    assert unpack(pack(text)) == text
    assert pack(text) == pack(str(text))


@pytest.mark.parametrize("text", [LONG, "ж" * 5_000, "a€" * 3_000])
def test_the_start_is_that_of_the_text(text: str) -> None:
    start = start_of(pack(text), 1_000)
    assert len(start) >= 1_000
    assert text.startswith(start)


def test_long_texts_take_less_and_are_shared() -> None:
    texts = Texts({(1, 2): LONG})
    other = Texts()
    other.take(texts)
    assert other[(1, 2)] == LONG
    kept = other.packed[(1, 2)]
    assert kept is texts.packed[(1, 2)]
    assert not isinstance(kept, str)
    assert (kept.size if isinstance(kept, Spilled) else len(kept)) < len(LONG) / 2


def test_a_book_gives_whole_texts_and_forgets() -> None:
    book = FingerprintBook()
    book.learn(Texts({(1, 2): LONG, (1, 3): "select 2"}))
    key = StatementKey(10, 1, 2, True)
    assert book.text(key) == LONG
    assert book.fingerprint(key) == fingerprint(LONG)
    book.learn({(1, 2): "select 3"})
    assert book.text(key) == "select 3"
    assert book.fingerprint(key) == fingerprint("select 3")
    book.forget_all_but({(1, 3)})
    assert book.text(key) == ""
    assert len(book) == 1


def test_a_function_of_a_long_text_is_remembered_for_so_many() -> None:
    calls = []

    @remembered(2)
    def size(text: str) -> int:
        calls.append(len(text))
        return len(text)

    for length in (600, 601, 600, 602, 601, 600):
        assert size("x" * length) == length
    assert calls == [600, 601, 602, 600]
