"""Reports as a strict reader of HTML sees them."""

from __future__ import annotations

import re
from html.parser import HTMLParser


class Strict(HTMLParser):
    """Collects tags, attributes and text; every tag that opens must close."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text, self._open = set(), [], [], []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in {"meta", "br"}:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def is_self_contained(page):
    found = Strict(page)
    assert not found.tags & {"script", "link", "img", "iframe", "object", "embed", "a", "image"}
    for name, value in found.attributes:
        assert name not in {"src", "href", "xlink:href", "srcset", "action"}
        assert not name.startswith("on")
        assert "url(" not in (value or "")
    assert not re.search(r"@import|url\(", page)
    return " ".join(found.text)
