"""A fault test as data: the function and the stage that it wants (see conftest.py for what happens around it)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from support.stage import Stage


@dataclass
class Scenario:
    play: Callable[..., None]
    settings: dict[str, Any] | None  # None: it makes its own stage and sees to the checks

    def run(self) -> None:
        if self.settings is None:
            self.play()
            return
        Stage(**self.settings).play(self.play)


def scenario(own_stage: bool = False, **settings: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Makes a test of a function of a stage. `settings` are the stage's; with `own_stage` the function makes it itself."""

    def decorate(play: Callable[..., None]) -> Callable[..., None]:
        def test(scenarios, request):
            scenarios.result(request.node)

        test.__name__, test.__doc__ = play.__name__, play.__doc__
        test.scenario = Scenario(play, None if own_stage else settings)  # type: ignore[attr-defined]
        return test

    return decorate
