"""The last minutes in memory, where the texts alone are larger than a piece of them."""

import random
from string import ascii_letters

from pgscope.capture.recording.ring import Ring
from pgscope.sample import Poll, StatementTexts
from tests.recording.streams import later, shop


def test_texts_larger_than_a_piece_are_not_carried_over_at_each_sample() -> None:
    letters = random.Random(0)
    texts = {(1, n): "".join(letters.choices(ascii_letters, k=4_000)) for n in range(1_000)}
    first, *rest = shop()
    samples = [first, StatementTexts(first.at, first.mono, texts), *rest, *later(shop(), 100)]
    ring = Ring(most=3 * 500_000)
    begun: list[float] = []
    for sample in samples:
        ring.write(sample)
        if not begun or begun[-1] != ring._began:
            begun.append(ring._began)
    assert len(begun) <= 3
    recording = ring.recording()
    assert recording is not None
    read = [*recording.samples()]
    assert any(isinstance(one, Poll) for one in read)
    told = next(one.texts for one in read if isinstance(one, StatementTexts))
    assert dict(told) == texts
