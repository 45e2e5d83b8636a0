"""How the files of tests are spread over the workers.

What files share is made once a run (`tests.support.databases.once`), so any worker may have any
file. Those of the browser use most of the machine: the first worker begins with them, the others
with the rest, and whoever is done goes on with what is left. The longest files are begun first.
"""

from __future__ import annotations

from collections import Counter

import pytest
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

_SLOW = 20


def line_up(items: list[pytest.Item]) -> None:
    """Stand the files in a line: those of the browser at one end, the longest outermost."""
    weights: Counter[str] = Counter()
    browser = set()
    for item in items:
        weights[item.location[0]] += _SLOW if item.get_closest_marker("slow") else 1
        if item.get_closest_marker("browser"):
            browser.add(item.location[0])

    def place(item: pytest.Item) -> tuple[bool, int, str]:
        file = item.location[0]
        return (False, -weights[file], file) if file in browser else (True, weights[file], file)

    items.sort(key=place)


class FromBothEnds(LoadFileScheduling):
    """Hand out whole files: to the first worker from one end of the line, else from the other."""

    def schedule(self) -> None:
        """Keep to the line as it stands."""
        self.config.option.loadscopereorder = False
        super().schedule()

    def _assign_work_unit(self, node: WorkerController) -> None:
        if node is not self.nodes[0]:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)
