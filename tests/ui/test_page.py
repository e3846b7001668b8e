"""Drives the page as a person does, in a real browser; no request may leave this machine."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from install_chromium import find_chromium
from made_run import CHANGES, END_S, START_S, make_city, make_run, scenario, write_run
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Route,
    WebSocket,
    expect,
    sync_playwright,
)

pytestmark = pytest.mark.ui

READY_MS = 60_000
SOFTWARE_GL = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]
MOST_SENT = 4_000
"""Bytes of the longest message of a browser."""
LOOPBACK = {"127.0.0.1", "localhost", "[::1]", "::1"}


@dataclass
class Served:
    """A running server and where it looks for runs."""

    address: str
    runs: Path
    city: Path


@dataclass
class Watch:
    """What a page did that it must not do."""

    outside: list[str] = field(default_factory=list)
    large: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        """Block and record every request that leaves this machine, and record every error."""
        page.route("**/*", self._route)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._console)
        page.on("websocket", self._socket)

    def _socket(self, ws: WebSocket) -> None:
        self._check(ws.url)
        ws.on("framesent", lambda sent: self.large.extend([len(sent)] * (len(sent) > MOST_SENT)))

    def _route(self, route: Route) -> None:
        if self._check(route.request.url):
            route.continue_()
        else:
            route.abort()

    def _check(self, url: str) -> bool:
        parts = urlsplit(url)
        inside = parts.scheme in {"data", "blob"} or parts.hostname in LOOPBACK
        if not inside:
            self.outside.append(url)
        return inside

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("page")
    city = make_city(root / "city")
    runs = root / "runs"
    make_run(runs / "compared" / "base-000", city, scenario(root / "city", fidelity="table"))
    works = scenario(root / "city", "toytown-works", fidelity="table", changes=CHANGES)
    make_run(runs / "compared" / "whatif-000", city, works)
    make_run(runs / "evening", city, scenario(root / "city"))
    overall = {
        "difference": -2.0, "low": -2.9, "high": -1.2, "shown": True, "changed": 16,
        "replications": 8, "calls": 1154,
    }  # fmt: skip
    (runs / "compared" / "compare.json").write_text(json.dumps({"overall": overall}), "utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = (
        "from pathlib import Path; from apps.web import serve; "
        f"serve({port}, runs=Path({str(runs)!r}), ready=lambda: print('ready', flush=True))"
    )
    log = (root / "server.log").open("w")
    server = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "TWIN_CACHE": str(root / "cache")},
    )
    address = f"http://127.0.0.1:{port}/"
    try:
        _wait_for(address, server, root / "server.log")
        assert "ready" in (root / "server.log").read_text()
        yield Served(address, runs, root / "city")
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()
    said = (root / "server.log").read_text()
    assert "Warning" not in said
    assert "Traceback" not in said


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if server.poll() is not None:
            pytest.fail(f"the server ended: {log.read_text()}")
        try:
            urllib.request.urlopen(f"{address}static/js/bokeh.min.js", timeout=2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the server did not answer: {log.read_text()}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = find_chromium()
    if chromium is None:
        pytest.fail("Chromium is missing: run `make chromium`")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=SOFTWARE_GL)
        yield running
        running.close()


@pytest.fixture
def watch() -> Iterator[Watch]:
    seen = Watch()
    yield seen
    assert seen.outside == []
    assert seen.errors == []
    assert seen.large == []  # the map is never sent back


CUT_TILES = """() => [...window.__twin.root.querySelectorAll('.kpi')].filter((tile) => {
  const box = tile.getBoundingClientRect();
  const inside = box.left >= 0 && box.right <= window.innerWidth + 0.5;
  const parts = [...tile.querySelectorAll('.label, .value')].filter((each) => each.offsetWidth);
  const cut = (each) => each.clientWidth && each.scrollWidth > each.clientWidth + 1;
  return !inside || parts.some(cut)
    || parts.some((each) => each.getBoundingClientRect().right > box.right + 0.5);
}).map((tile) => tile.textContent)"""
"""Key figures that are cut off, by their text."""
FUTURE_DOTS = """() => {
  const edge = Number(window.__twin.response.cursor.getAttribute('x1'));
  const dots = [...window.__twin.response.plot.querySelectorAll('circle.call')];
  const seen = dots.filter((dot) => getComputedStyle(dot).display !== 'none');
  return [seen.length, seen.filter((dot) => Number(dot.getAttribute('cx')) > edge + 0.5).length];
}"""
"""Calls that the chart shows, and those among them that come after the clock."""


HIDDEN_STREETS = """() => {
  const {streets, camera, foot} = window.__twin;
  const [x0, y0] = streets.bounds;
  return camera.projector()(x0, y0)[1] > foot.offsetTop;
}"""
"""Whether the south end of the city lies under what is written at the bottom of the map."""
AXES = """() => ['response', 'flow'].map((name) => {
  const axis = window.__twin[name].plot.querySelector('.axis');
  return ['x1', 'x2'].map((end) => Number(axis.getAttribute(end)));
})"""
"""Where the axes of time of both charts begin and end, px."""


def _open(browser: Browser, watch: Watch, url: str, width: int = 1280, height: int = 800) -> Page:
    page = browser.new_page(viewport={"width": width, "height": height})
    watch.attach(page)
    page.goto(url)
    return page


def _ready(page: Page) -> None:
    page.wait_for_selector('.twin[data-ready="true"]', timeout=READY_MS)
    expect(page.locator('[data-kpi="calls"]')).to_have_text(re.compile(r"\d"), timeout=READY_MS)


def _time(page: Page) -> float:
    return float(page.locator(".twin").get_attribute("data-time") or "nan")


def _click_on_map(page: Page, key: str) -> None:
    """Click where a thing is drawn, once it is drawn."""
    page.wait_for_function("key => window.__twin.locate(key) !== null", arg=key)
    x, y = page.evaluate("key => window.__twin.locate(key)", key)
    page.mouse.click(x, y)


def _scrub(page: Page, t: float) -> None:
    """Press on the timeline where a moment is."""
    track = page.locator(".track")
    box = track.bounding_box()
    assert box is not None
    share = (t - START_S) / (END_S - START_S)
    page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
    page.wait_for_function(
        "t => Math.abs(Number(window.__twin.root.dataset.time) - t) < 3", arg=t, timeout=READY_MS
    )


def test_a_person_replays_a_run(served: Served, browser: Browser, watch: Watch) -> None:
    page = _open(browser, watch, served.address)
    _ready(page)
    root = page.locator(".twin")
    expect(page.locator(".notice")).to_contain_text("A made-up city for tests")
    assert _time(page) == START_S
    assert int(root.get_attribute("data-vehicles") or 0) > 100

    # Play by the button, pause by the space bar: the clock moves, and then stands.
    page.get_by_role("button", name="Play").click()
    expect(root).to_have_attribute("data-playing", "true")
    page.wait_for_function("t => Number(window.__twin.root.dataset.time) > t + 20", arg=START_S)
    page.locator(".track").focus()
    page.keyboard.press("Space")
    expect(root).to_have_attribute("data-playing", "false")
    stood = _time(page)
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "t => Math.abs(Number(window.__twin.root.dataset.time) - t - 30) < 0.2", arg=stood
    )

    # Scrub forward: more calls have come in, and one of them is open.
    before = page.locator('[data-kpi="calls"]').inner_text()
    _scrub(page, START_S + 330)
    expect(page.locator('[data-kpi="calls"]')).not_to_have_text(before)
    expect(page.locator('[data-kpi="calls"]')).to_have_text("3")
    expect(page.locator(".call-row")).to_have_count(3)

    # Another speed; it and the time stand in the address.
    page.locator(".transport select").select_option("120")
    page.wait_for_function("() => location.search.includes('speed=120')", timeout=READY_MS)
    address = parse_qs(urlsplit(page.url).query)
    assert abs(float(address["t"][0]) - (START_S + 330)) < 3

    # The story of an ambulance, from a click on the map.
    assert page.locator(".story").is_hidden()
    _click_on_map(page, "unit:A2")
    story = page.locator(".story")
    expect(story.locator("h2")).to_have_text("A2")
    expect(story).to_contain_text("On the way to the scene")
    follow = story.get_by_role("button", name="Follow")
    follow.click()
    expect(follow).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(story).to_be_hidden()

    # The story of an incident says why that unit went.
    page.get_by_role("button", name="Whole city").click()
    _click_on_map(page, "call:0003")
    expect(story.locator("h2")).to_have_text("Fire 0003")
    expect(story).to_contain_text("E1 was expected on scene first, in 2 min 20 s.")
    expect(story).to_contain_text("Rule “closest-idle”")
    expect(story.locator("tr.chosen")).to_contain_text("E1")
    expect(story).to_contain_text("Unit dispatched")

    # A moment of the story is a way to that moment.
    story.locator(".rows .when").first.click()
    page.wait_for_function(
        "t => Math.abs(Number(window.__twin.root.dataset.time) - t) < 1", arg=START_S + 300
    )

    # The same in Korean.
    page.get_by_role("button", name="한국어").click()
    expect(page.locator(".kpi .label").first).to_have_text("누적 신고")
    expect(story.locator("h2")).to_have_text("화재 0003")
    expect(page.locator(".notice")).to_contain_text("시험용으로 만든 도시")
    page.wait_for_function("() => location.search.includes('ko')", timeout=READY_MS)
    page.close()


def test_a_comparison_shows_what_was_changed(
    served: Served, browser: Browser, watch: Watch
) -> None:
    page = _open(browser, watch, f"{served.address}?run=compared/whatif-000")
    _ready(page)
    # What the comparison shows stands first in the panel.
    expect(page.locator(".compared .figure")).to_have_text("Mean response: -2.0 s")
    expect(page.locator(".compared .interval")).to_have_text("95% interval -2.9 to -1.2 s")
    expect(page.locator(".compared .verdict")).to_have_text("clear difference")
    # It has no vehicles, says so, and opens when a call was reached.
    expect(page.locator(".calm.long")).to_contain_text("no vehicles")
    assert page.locator('[data-kpi="vehicles"]').count() == 0
    assert _time(page) > START_S
    assert page.locator(".call-row").count() >= 1
    expect(page.locator('[data-kpi="p50"]')).to_contain_text(":")

    # A road is closed for a while: it is marked while it is, and says so under the pointer.
    _scrub(page, START_S + 400)
    mark = "window.__twin.locate('change:1')"
    drawn = "window.__twin.markers.drawn.find((each) => each.key === 'change:1' && 'faint' in each)"
    assert page.evaluate(f"{drawn}.faint") is False
    x, y = page.evaluate(mark)
    page.mouse.move(x, y)
    expect(page.locator(".hint")).to_have_text("A road closed · 17:35-17:40")
    expect(page.locator(".legend")).to_contain_text("Closed road")
    shown, later = page.evaluate(FUTURE_DOTS)
    assert (shown, later) == (1, 0)
    page.locator(".changed summary").click()
    expect(page.locator('[data-change="change:1"]')).not_to_have_class(re.compile("later"))
    _scrub(page, START_S + 700)
    # Open again, it is marked faintly, and says when it was closed.
    expect(page.locator('[data-change="change:1"]')).to_have_class(re.compile("later"))
    assert page.evaluate(f"{drawn}.faint") is True
    assert page.evaluate(FUTURE_DOTS)[1] == 0
    page.locator('[data-change="change:3"]').click()
    expect(page.locator(".story h2")).to_have_text("New station: 신설119안전센터")

    # In Korean, the window's title too.
    page.get_by_role("button", name="한국어").click()
    expect(page.locator(".story h2")).to_have_text("센터 신설: 신설119안전센터")
    page.wait_for_function("() => document.title.endsWith('트윈')")
    expect(page.locator(".legend")).to_contain_text("통제된 도로")
    expect(page.locator(".compared .verdict")).to_have_text("뚜렷한 차이")

    # The other side of the comparison, at the same moment.
    page.get_by_role("combobox").filter(has_text="가정 1").click()
    page.get_by_role("option", name="기준 1").click()
    page.wait_for_function(
        "() => new URLSearchParams(location.search).get('run').includes('compared/base-000')",
        timeout=READY_MS,
    )
    _ready(page)
    assert abs(_time(page) - (START_S + 700)) < 3
    expect(page.locator(".changed")).to_be_hidden()

    # A moment stands at the same place of both charts, and nothing of the city under the notice.
    first, second = page.evaluate(AXES)
    assert first == second
    assert page.evaluate(HIDDEN_STREETS) is False

    # A wall: type that can be read from two metres, in boxes that grow with it.
    page.set_viewport_size({"width": 3840, "height": 2160})
    page.wait_for_function(f"() => !({HIDDEN_STREETS})()")
    page.locator(".legend-toggle").click()
    assert page.evaluate("window.__twin.legend.more.querySelector('input').offsetWidth") >= 36
    # The sources and the legend are not open at once: each would lie over the other.
    page.locator(".notice summary").click()
    expect(page.locator(".more")).to_be_hidden()
    page.locator(".legend-toggle").click()
    expect(page.locator(".notice ul")).to_be_hidden()
    page.locator(".legend-toggle").click()
    size = page.evaluate("parseFloat(getComputedStyle(window.__twin.root).fontSize)")
    assert size >= 36
    page.close()


def test_an_address_opens_the_same_view(served: Served, browser: Browser, watch: Watch) -> None:
    query = f"?run=evening&t={int(START_S) + 600}&lang=ko&speed=60&sel=hospital:H1"
    page = _open(browser, watch, served.address + query, 390, 844)
    _ready(page)
    assert _time(page) == START_S + 600
    expect(page.locator(".transport select")).to_have_value("60")
    expect(page.locator(".story h2")).to_have_text("서울대학교병원")
    # A phone: nothing is wider than the screen, buttons are large enough for a finger.
    for width, height in ((360, 740), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator(".kpi").count() == 7
        assert page.evaluate(CUT_TILES) == []
    play = page.locator(".play").bounding_box()
    assert play is not None
    assert min(play["width"], play["height"]) >= 44
    # The sheet with calls and charts is drawn up and put away.
    height = "() => window.__twin.side.getBoundingClientRect().height"
    page.wait_for_function(f"() => ({height})() > 300")
    page.locator(".grip").click()
    page.wait_for_function(f"() => ({height})() < 60")
    # A legend that is long is closed again: its button is not under the notice.
    page.locator(".legend-toggle").click()
    page.locator(".legend-toggle").click(timeout=5_000)
    expect(page.locator(".more")).to_be_hidden()
    page.close()


def test_a_growing_run_is_followed(served: Served, browser: Browser, watch: Watch) -> None:
    from twin.city.bundle import load_city

    city = load_city(served.city)
    writer = write_run(served.runs / "live", city, scenario(served.city, "live"))
    hidden = {}
    parts = served.runs / "live" / "parts"
    writer.flush()
    # Keep the later parts back: the run has only come so far.
    for part in sorted(parts.glob("*.parquet")):
        if int(part.stem.rsplit("-", 1)[1]) > 4:
            hidden[part] = part.with_suffix(".later")
            part.rename(hidden[part])
    page = _open(browser, watch, f"{served.address}?run=live")
    _ready(page)
    live = page.locator(".live")
    expect(live).to_be_visible()
    live.click()
    expect(live).to_have_attribute("aria-pressed", "true")
    reached = page.evaluate("window.__twin.clock.end")
    assert START_S < reached < END_S
    for part, held in hidden.items():
        held.rename(part)
    page.wait_for_function("t => window.__twin.clock.end >= t", arg=END_S, timeout=READY_MS)
    page.wait_for_function("t => window.__twin.clock.t > t", arg=reached, timeout=READY_MS)
    writer.finish({}, {})
    expect(live).to_be_hidden(timeout=READY_MS)
    page.close()


def test_a_run_that_is_not_there_is_said_in_words(
    served: Served, browser: Browser, watch: Watch
) -> None:
    page = _open(browser, watch, f"{served.address}?run=nowhere")
    note = page.locator('[data-note="broken"]')
    expect(note).to_contain_text("There is no run named “nowhere”", timeout=READY_MS)
    assert page.locator(".twin").count() == 0
    page.close()
