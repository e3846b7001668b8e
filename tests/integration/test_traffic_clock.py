"""What `twin traffic` measures is driving: nothing is compiled while its clock runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.support.sumo_files import NET, ROUTES

# Loads from numba's cache are counted as well, so that a warm cache shows what a cold one compiles.
COUNTING = """
import json, sys, time
from types import SimpleNamespace
from numba.core.dispatcher import Dispatcher
from twin.recording import trip_run

counts, own = [0], Dispatcher.compile

def compile(kernel, signature):
    counts[-1] += 1
    return own(kernel, signature)

def process_time():
    counts.append(0)
    return time.process_time()

Dispatcher.compile = compile
trip_run.time = SimpleNamespace(process_time=process_time, perf_counter=time.perf_counter)
from apps.cli.main import main
status = main(sys.argv[1:])
assert status == 0
print(json.dumps(counts))
"""
STOP = """<vehicle id="late" depart="{}"><route edges="in out"/>
<stop lane="out_0" endPos="100" duration="5"/></vehicle></routes>"""
PLAIN = re.sub('<vehicle id="stops".*', "", ROUTES)


@pytest.mark.parametrize(
    ("fidelity", "routes"),
    [
        ("micro", PLAIN),
        ("micro", PLAIN.replace("</routes>", STOP.format(5))),
        ("micro", PLAIN.replace("</routes>", STOP.format(310))),
        ("meso", PLAIN.replace("</routes>", STOP.format(310))),
    ],
    ids=["micro", "micro with stops", "micro with late stops", "meso with late stops"],
)
def test_nothing_is_compiled_by_the_clock(answer, tmp_path, fidelity, routes) -> None:
    # Signals run by a method take other kernels than those that follow plans.
    assert 'type="static"' in NET
    (tmp_path / "made.net.xml").write_text(NET.replace('type="static"', 'type="actuated"'))
    assert PLAIN != ROUTES
    (tmp_path / "made.rou.xml").write_text(routes)
    answer("city", "import", "sumo", tmp_path / "made.net.xml", "--out", "city")
    words = [sys.executable, "-c", COUNTING, "traffic", "city", "--routes", "made.rou.xml"]
    words += ["--end", "330", "--fidelity", fidelity, "--fcd", "f.xml", "--tripinfo", "t.xml"]
    words += ["--edgedata", "e.xml", "--interval", "100", "--json"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *_, totals, counts = (json.loads(line) for line in done.stdout.splitlines())
    assert totals["finished"] > 20
    # The preparation loads them; the last readings are of the run's clock.
    assert sum(counts[:-2]) > 3
    assert counts[-2:] == [0, 0]
