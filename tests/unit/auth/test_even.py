"""Answers at even times."""

import pytest

from recapito_auth.servicers.even import even_answer


class Watch:
    """A clock that moves when somebody works or sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(("works", "answered"), [(0.0, 0.02), (0.005, 0.02), (0.0199, 0.02), (0.021, 0.04), (0.305, 0.32)])
def test_answer_comes_on_a_tick_whatever_was_done(works: float, answered: float) -> None:
    watch = Watch()
    with even_answer(20, watch, watch.sleep):
        watch.sleep(works)
    assert watch.now - 100 == pytest.approx(answered)


def test_refusal_comes_on_a_tick_too() -> None:
    watch = Watch()
    with pytest.raises(ValueError, match="no"), even_answer(20, watch, watch.sleep):
        raise ValueError("no")
    assert watch.now - 100 == pytest.approx(0.02)
