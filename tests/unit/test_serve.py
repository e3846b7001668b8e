"""`twin serve` speaks at once, and tells the address only when the page answers."""

from __future__ import annotations

import asyncio
import gc
from types import SimpleNamespace

import pytest
from tornado.websocket import WebSocketClosedError

from apps.cli.serve import serve
from apps.web.server import let_go
from twin.core.errors import InputError


def test_the_address_is_told_when_the_page_is_ready(tmp_path, monkeypatch, capsys):
    said = []

    def page(port, *, ready, **_):
        assert port == 5123
        said.append(capsys.readouterr().err)
        ready()
        said.append(capsys.readouterr().err)

    monkeypatch.setattr("apps.cli.serve.import_module", lambda _: SimpleNamespace(serve=page))
    serve(port=5123, runs=tmp_path, host="127.0.0.1")
    assert said[0].startswith("Starting")
    assert "http" not in said[0]
    assert "http://127.0.0.1:5123/" in said[1]


def test_a_port_that_no_browser_opens_is_refused(tmp_path):
    with pytest.raises(InputError, match="browsers refuse port 5061"):
        serve(port=5061, runs=tmp_path)


@pytest.mark.parametrize(("error", "told"), [(WebSocketClosedError, False), (OSError, True)])
def test_a_visitor_who_leaves_is_no_error_and_all_else_is(error, told, caplog):
    async def send():
        raise error

    async def drop():
        task = asyncio.ensure_future(send())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(let_go)
    try:
        loop.run_until_complete(drop())
    finally:
        loop.close()
    assert ("never retrieved" in caplog.text) is told
