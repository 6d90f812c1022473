"""Runs the fault tests side by side: nearly all of their time is waiting for deadlines and time-outs.

A scenario is a function that gets a Stage of its own. Around each one, whatever it does: the gateway starts, and after it
nothing may have leaked, all must be well again, memory must be within bounds, and the gateway must end with status 0
(Stage.check_after, Stage.stop). pytest sees one test a scenario, and reports each one's own failure.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from faults.scenario import Scenario

SIDE_BY_SIDE = 4


class Scenarios:
    """Starts all that were selected when the first is asked for, in their order."""

    def __init__(self, items: list[pytest.Item]):
        self.pool = ThreadPoolExecutor(SIDE_BY_SIDE)
        self.items, self.futures = items, {}

    def result(self, item: pytest.Item) -> None:
        if not self.futures:
            for one in self.items:
                made = getattr(getattr(one, "function", None), "scenario", None)
                if isinstance(made, Scenario):
                    self.futures[one.nodeid] = self.pool.submit(made.run)
        future: Future = self.futures[item.nodeid]
        future.result()

    def stop(self) -> None:
        self.pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def scenarios(request):
    made = Scenarios(request.session.items)
    yield made
    made.stop()
