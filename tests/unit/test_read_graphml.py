"""OSMnx graphs: attributes, lists written as text, and rubbish."""

import numpy as np
import pytest

from twin.core.errors import InputError
from twin.network.build import build_network
from twin.network.graph import RoadClass
from twin.network.graphml import read_graphml

GRAPH = """<?xml version='1.0' encoding='utf-8'?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="d1" for="node" attr.name="x" attr.type="string"/>
<key id="d2" for="node" attr.name="y" attr.type="string"/>
<key id="d3" for="node" attr.name="highway" attr.type="string"/>
<key id="d4" for="edge" attr.name="highway" attr.type="string"/>
<key id="d5" for="edge" attr.name="lanes" attr.type="string"/>
<key id="d6" for="edge" attr.name="maxspeed" attr.type="string"/>
<key id="d7" for="edge" attr.name="length" attr.type="string"/>
<key id="d8" for="edge" attr.name="name" attr.type="string"/>
<key id="d9" for="edge" attr.name="oneway" attr.type="string"/>
<key id="d10" for="edge" attr.name="geometry" attr.type="string"/>
<graph edgedefault="directed">
<node id="11"><data key="d1">127.0</data><data key="d2">37.5</data></node>
<node id="12"><data key="d1">127.002</data><data key="d2">37.5</data>
<data key="d3">traffic_signals</data></node>
<edge source="11" target="12"><data key="d4">['residential', 'primary']</data>
<data key="d5">['6', '4']</data><data key="d6">['60', '50']</data><data key="d7">180.5</data>
<data key="d8">["King's Road", 'B']</data><data key="d9">False</data>
<data key="d10">LINESTRING (127.0 37.5, 127.001 37.5003, 127.002 37.5)</data></edge>
<edge source="12" target="11"><data key="d4">tertiary_link</data><data key="d9">True</data>
<data key="d5">3</data><data key="d6">30 mph</data></edge>
<edge source="12" target="11"><data key="d4">footway</data></edge>
</graph></graphml>
"""


@pytest.fixture
def path(tmp_path):
    def write(text=GRAPH):
        file = tmp_path / "graph.graphml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


def test_attributes(path):
    raw = read_graphml(path())
    assert raw.link_from.tolist() == [11, 12]
    assert raw.link_class.tolist() == [RoadClass.PRIMARY, RoadClass.TERTIARY]
    assert raw.link_ramp.tolist() == [False, True]
    # Four lanes of both directions are two of each; three of a one-way road stay three.
    assert raw.link_lanes.tolist() == [2, 3]
    np.testing.assert_allclose(raw.link_speed, [50 / 3.6, 30 * 0.44704])
    np.testing.assert_allclose(raw.link_length, [180.5, np.nan])
    assert raw.node_signal.tolist() == [False, True]
    assert raw.names == ("King's Road",)
    assert np.diff(raw.geom_ptr).tolist() == [3, 0]


@pytest.mark.parametrize(
    ("old", "new", "row", "field"),
    [
        ("180.5", "-180.5", "edge 11 -> 12", "length"),
        ("180.5", "far", "edge 11 -> 12", "length"),
        ("180.5", "nan", "edge 11 -> 12", "length"),
        (">3<", ">99<", "edge 12 -> 11", "lanes"),
        ("30 mph", "1000", "edge 12 -> 11", "maxspeed"),
        ("30 mph", "-30", "edge 12 -> 11", "maxspeed"),
        ("LINESTRING (127.0", "LINE (127.0", "edge 11 -> 12", "geometry"),
        ("127.001 37.5003", "127.001 375", "edge 11 -> 12", "geometry"),
        ("127.001 37.5003", "127.001 nan", "edge 11 -> 12", "geometry"),
        ('<node id="12"', '<node id="11"', "node 11", "id"),
        ('<node id="12"', '<node id="b"', "node b", "id"),
        (">127.002<", "><", "node 12", "x"),
        (">127.002<", ">nan<", "node 12", "x"),
        (">127.002<", ">200<", "node 12", "x"),
        ('target="12"', 'target="13"', "edge 11 -> 13", "target"),
    ],
)
def test_rubbish_is_named(path, old, new, row, field):
    assert old in GRAPH
    file = path(GRAPH.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        read_graphml(file)
    assert (caught.value.file, caught.value.row, caught.value.field) == (str(file), row, field)


BOMB = """<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GRAPH.replace("<graphml", f"{BOMB}<graphml", 1), "row 2: .*entities, which are refused"),
        (GRAPH.replace("<graphml", "<!DOCTYPE graphml><graphml", 1), "document type"),
        (GRAPH[:700], "row 12.*not well-formed"),
        ("", "empty"),
        ("<html></html>", "no graph"),
        (GRAPH.split("<edge", maxsplit=1)[0] + "</graph></graphml>", "no roads"),
        (b"\x80\x81 binary", "not well-formed"),
    ],
)
def test_unreadable_files(path, text, says):
    with pytest.raises(InputError, match=says):
        read_graphml(path(text))


@pytest.mark.data
def test_downtown_seoul(twin_data):
    raw = read_graphml(twin_data / "seoul/network/seoul_downtown_osm_drive.graphml.gz")
    assert (len(raw.node_id), len(raw.link_id)) == (3384, 8830)
    network, report = build_network(raw)
    # PROVENANCE.md gives 8 % of the edges with lanes.
    assert 0.08 < 1.0 - report.imputed["lanes"] < 0.15
    assert 8_000 < network.n_links < 8_830
    assert network.link_length.min() >= 10.0
    dropped = report.counts["metres not connected both ways dropped"]
    assert dropped < 0.03 * np.nansum(raw.link_length)
    assert "세종대로" in raw.names
