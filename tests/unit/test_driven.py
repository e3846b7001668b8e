"""What was driven in a run: each row counts for the interval that it is the mean of."""

from __future__ import annotations

import pytest

from tests.support.runs import small_run, small_scenario
from tests.unit.test_street_differences import HOUR, put
from twin.metrics.driven import driven
from twin.recording.reader import RunReader


@pytest.mark.parametrize(
    ("every", "ends", "seconds"),
    [
        (300.0, [300.0, 3600.0], 600.0),
        # The last is of 100 s, whether or not anybody drove before it.
        (500.0, [500.0, 3000.0, 3500.0, 3600.0], 1600.0),
        (500.0, [500.0, 3000.0, 3600.0], 1100.0),
        (500.0, [3600.0], 100.0),
        # Ticks of a second: due at 700.5, 1401, 2101.5, 2802 and 3502.5.
        (700.5, [701.0, 1401.0, 2102.0, 2802.0, 3503.0, 3600.0], 3600.0),
        (700.5, [701.0, 3600.0], 798.5),
    ],
)
def test_an_interval_is_as_long_as_it_was(tmp_path, every, ends, seconds) -> None:
    hour = {**HOUR, "record": {"links_every_s": every}}
    run = small_run(tmp_path / "run", **hour)
    start = small_scenario(**hour).period.start_s
    row = {"link": 1, "vehicles": 1.0, "speed_mps": 10.0, "left": 1}
    put(run, "links", [{"t": start + end, **row} for end in ends])
    found = driven(RunReader(run))
    assert found is not None
    assert found.seconds.tolist() == pytest.approx([0.0, seconds])
    assert found.metres.tolist() == pytest.approx([0.0, 10.0 * seconds])
    assert found.hours == 1.0
