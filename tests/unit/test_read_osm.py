"""OpenStreetMap files, written by hand and by osmium, and rubbish."""

import gzip

import osmium
import pytest

from twin.core.errors import InputError
from twin.core.units import KMH, MPH
from twin.network.build import build_network
from twin.network.graph import RoadClass
from twin.network.osm import read_osm

# A cross of two primary roads at node 1, a roundabout, and much that is not for cars.
OSM = """<?xml version='1.0' encoding='UTF-8'?>
<osm version="0.6">
  <node id="1" lat="37.5000" lon="127.0000"><tag k="highway" v="traffic_signals"/></node>
  <node id="2" lat="37.5020" lon="127.0000"/>
  <node id="3" lat="37.5000" lon="127.0020"/>
  <node id="4" lat="37.4980" lon="127.0000"/>
  <node id="5" lat="37.5000" lon="126.9980"/>
  <node id="6" lat="37.5000" lon="127.0010"/>
  <node id="7" lat="37.5022" lon="127.0002"/>
  <node id="8" lat="37.5024" lon="127.0000"/>
  <node id="9" lat="37.5022" lon="126.9998"/>
  <way id="100"><nd ref="5"/><nd ref="1"/><nd ref="6"/><nd ref="3"/>
    <tag k="highway" v="primary"/><tag k="lanes" v="5"/><tag k="lanes:forward" v="3"/>
    <tag k="maxspeed" v="60"/><tag k="name" v="동서로"/></way>
  <way id="101"><nd ref="4"/><nd ref="1"/><nd ref="2"/>
    <tag k="highway" v="secondary"/><tag k="maxspeed" v="30 mph"/><tag k="lanes" v="2"/></way>
  <way id="102"><nd ref="2"/><nd ref="7"/><nd ref="8"/><nd ref="9"/><nd ref="2"/>
    <tag k="highway" v="tertiary"/><tag k="junction" v="roundabout"/></way>
  <way id="103"><nd ref="3"/><nd ref="2"/>
    <tag k="highway" v="primary_link"/><tag k="oneway" v="-1"/></way>
  <way id="104"><nd ref="3"/><nd ref="4"/>
    <tag k="highway" v="residential"/><tag k="motor_vehicle" v="no"/></way>
  <way id="105"><nd ref="3"/><nd ref="4"/><tag k="highway" v="footway"/></way>
  <way id="106"><nd ref="5"/><nd ref="4"/>
    <tag k="highway" v="residential"/><tag k="access" v="private"/>
    <tag k="motorcar" v="yes"/></way>
  <way id="107"><nd ref="5"/><nd ref="2"/><tag k="highway" v="service"/></way>
  <way id="108"><nd ref="3"/><nd ref="4"/>
    <tag k="highway" v="residential"/><tag k="access" v="private"/></way>
  <relation id="900"><member type="way" ref="101" role="from"/>
    <member type="node" ref="1" role="via"/><member type="way" ref="100" role="to"/>
    <tag k="type" v="restriction"/><tag k="restriction" v="no_left_turn"/></relation>
  <relation id="901"><member type="way" ref="100" role="from"/>
    <member type="node" ref="1" role="via"/><member type="way" ref="101" role="to"/>
    <tag k="type" v="restriction"/><tag k="restriction" v="no_left_turn"/>
    <tag k="except" v="motorcar;bus"/></relation>
</osm>
"""


ENTITIES = OSM.replace("<osm", '<!DOCTYPE o [<!ENTITY a "b">]><osm', 1)
NO_NUMBER = OSM.replace('lat="37.5020"', 'lat="x"')


@pytest.fixture
def path(tmp_path):
    def write(content=OSM, name="map.osm"):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


def links(raw):
    return {
        (int(a), int(b)): k for k, (a, b) in enumerate(zip(raw.link_from, raw.link_to, strict=True))
    }


def test_ways_are_cut_at_junctions(path):
    raw = read_osm(path())
    assert set(links(raw)) == {
        *{(5, 1), (1, 5), (1, 3), (3, 1), (4, 1), (1, 4), (1, 2), (2, 1)},
        *{(2, 3), (2, 2), (5, 4), (4, 5)},
    }
    # Node 6 only bends the road: it is a vertex of the link from 1 to 3, in both directions.
    at = links(raw)
    row = slice(raw.geom_ptr[at[1, 3]], raw.geom_ptr[at[1, 3] + 1])
    assert raw.geom_lon[row].tolist() == [127.0, 127.001, 127.002]
    row = slice(raw.geom_ptr[at[3, 1]], raw.geom_ptr[at[3, 1] + 1])
    assert raw.geom_lon[row].tolist() == [127.002, 127.001, 127.0]


def test_tags(path):
    raw = read_osm(path())
    at = links(raw)
    assert raw.link_lanes[at[5, 1]] == 3
    assert raw.link_lanes[at[1, 5]] == 2
    assert raw.link_lanes[at[4, 1]] == raw.link_lanes[at[1, 4]] == 1
    assert raw.link_speed[at[5, 1]] == pytest.approx(60 * KMH)
    assert raw.link_speed[at[4, 1]] == pytest.approx(30 * MPH)
    assert raw.link_class[at[5, 1]] == RoadClass.PRIMARY
    assert raw.link_ramp[at[2, 3]]
    assert raw.link_roundabout[at[2, 2]]
    assert raw.names == ("동서로",)
    assert raw.node_signal[raw.node_id == 1].all()
    assert raw.link_id[at[5, 1]] == 1_000_000
    assert raw.link_id[at[1, 5]] == -1_000_000


def test_turn_restriction_reaches_the_network(path):
    raw = read_osm(path())
    at = links(raw)
    banned = set(zip(raw.restriction_from.tolist(), raw.restriction_to.tolist(), strict=True))
    # From both arms of way 101 into both arms of way 100; the other one spares cars.
    assert banned == {(at[a, 1], at[1, b]) for a in (2, 4) for b in (3, 5)}
    network, report = build_network(raw)
    assert report.counts["turn restrictions"] == 4
    assert network.n_signals == 1
    assert not (network.link_from == network.link_to).any()


def test_pbf_holds_the_same_roads(path, tmp_path):
    file = tmp_path / "map.osm.pbf"
    writer = osmium.SimpleWriter(str(file))
    for thing in osmium.FileProcessor(str(path())):
        writer.add(thing)
    writer.close()
    from_xml, from_pbf = read_osm(path()), read_osm(file)
    assert from_xml.link_id.tolist() == from_pbf.link_id.tolist()
    assert from_xml.geom_lon.tolist() == from_pbf.geom_lon.tolist()
    assert from_xml.restriction_to.tolist() == from_pbf.restriction_to.tolist()
    content = file.read_bytes()
    for size in (len(content) - 5, len(content) // 2, 20):
        with pytest.raises(InputError, match=r", block \d at byte \d+: it is not a readable"):
            read_osm(path(content[:size], "cut.osm.pbf"))
    # Bits fall over inside the third block, whose checksum tells.
    damaged = bytearray(content)
    damaged[len(content) // 2] ^= 0xFF
    with pytest.raises(InputError, match=r", block 3 at byte \d+: it is not a readable"):
        read_osm(path(bytes(damaged), "damaged.osm.pbf"))


def test_way_is_cut_at_the_edge_of_an_extract(path):
    raw = read_osm(path(OSM.replace('<node id="6" lat="37.5000" lon="127.0010"/>', "")))
    assert (1, 3) not in links(raw)
    assert (5, 1) in links(raw)


@pytest.mark.parametrize(
    ("old", "new", "row", "field"),
    [
        ('v="5"', 'v="99"', "way 100", "lanes"),
        ('v="5"', 'v="-2"', "way 100", "lanes"),
        ('v="60"', 'v="1000"', "way 100", "maxspeed"),
        ('v="60"', 'v="-60"', "way 100", "maxspeed"),
        ('lat="37.5020"', 'lat="200"', "node 2", "lat"),
        ('lat="37.5020"', 'lat="nan"', 4, "lat"),
        ('lat="37.5020" lon="127.0000"', "", "node 2", "lat"),
        ('node id="2"', 'node id="1"', "node 1", "id"),
        ('node id="2"', 'node id="two"', 4, "id"),
        ('node id="2"', 'node id="99999999999999999999"', 4, "id"),
        ('nd ref="1"', 'nd ref="x"', 12, "ref"),
        ('lon="126.9980"', 'lon="12x"', 7, "lon"),
        ('v="primary"', 'v="&a;"', 13, None),
        ('way id="101"', 'way id="100"', "way 100", "id"),
    ],
)
def test_rubbish_is_named(path, old, new, row, field):
    assert old in OSM
    file = path(OSM.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        read_osm(file)
    assert (caught.value.file, caught.value.row, caught.value.field) == (str(file), row, field)


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "map.osm", "empty"),
        (OSM[:1000], "map.osm", "row 18.*not a readable"),
        (b"\x00\xff" * 300, "map.osm.pbf", ", block 1 at byte 0: .*not a readable"),
        (ENTITIES, "map.osm", "row 2: .*entities"),
        ("<html>\n<p>404</p></html>", "map.osm", "row 1: .*html"),
        (gzip.compress(NO_NUMBER.encode(), mtime=0), "map.osm.gz", "row 4, field 'lat'"),
        (gzip.compress(OSM.encode(), mtime=0)[:-30], "map.osm.gz", "cut short or damaged"),
        ('<osm version="0.6"></osm>', "map.osm", "no roads"),
        (OSM, "map.xyz", "not a readable"),
    ],
)
def test_unreadable_files(path, content, name, says):
    with pytest.raises(InputError, match=says):
        read_osm(path(content, name))


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_osm(tmp_path / "absent.osm.pbf")
