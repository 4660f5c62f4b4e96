"""Work that outlives its deadline is ended, and nothing else is."""

import asyncio
import time

import pytest

from recapito_servicekit.deadlines import LOOK_SECONDS, Deadlines


async def work(deadlines: Deadlines, seconds: float, at: float) -> str:
    task = asyncio.current_task()
    assert task is not None
    deadlines.watch(task, at)
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        if deadlines.has_ended(task):
            return "too late"
        raise
    finally:
        deadlines.leave(task)
    return "done"


def test_late_work_is_ended_and_the_rest_is_left_alone() -> None:
    async def play() -> list[str]:
        deadlines, now = Deadlines(), time.monotonic()
        slow = work(deadlines, 30, now + 0.05)
        quick = work(deadlines, 0.01, now + 5)
        patient = work(deadlines, 4 * LOOK_SECONDS, now + 30)
        found = await asyncio.gather(slow, quick, patient)
        return [*found, await work(deadlines, 30, time.monotonic() + 0.05)]  # the timer starts anew after all have left

    assert asyncio.run(play()) == ["too late", "done", "done", "too late"]


def test_somebody_elses_cancellation_stays_one() -> None:
    async def play() -> None:
        deadlines = Deadlines()
        task = asyncio.create_task(work(deadlines, 30, time.monotonic() + 30))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(play())


def test_ended_task_goes_on_as_one_that_nobody_cancelled() -> None:
    async def play() -> int:
        deadlines = Deadlines()
        assert await work(deadlines, 30, time.monotonic()) == "too late"
        task = asyncio.current_task()
        assert task is not None
        await asyncio.sleep(2 * LOOK_SECONDS)
        return task.cancelling()

    assert asyncio.run(play()) == 0
