"""Node and link tables: GMNS names, other names, and rubbish named by row and field."""

import gzip

import numpy as np
import pytest

from twin.core.errors import InputError
from twin.core.units import MPH
from twin.network.graph import RoadClass
from twin.network.tables import read_tables

NODES = """node_id,x_coord,y_coord,ctrl_type
1,127.0,37.5,
2,127.001,37.5,signal
3,127.001,37.501,
"""
LINKS = """link_id,from_node_id,to_node_id,directed,length,free_speed,lanes,facility_type,\
name,geometry
7,1,2,false,88.5,50,2,primary,Main,"LINESTRING (127.0 37.5, 127.0005 37.5001, 127.001 37.5)"
8,2,3,true,,,,residential,,
"""
MAPPING = """
delimiter = ";"
[nodes]
id = "osmid"
lon = "x"
lat = "y"
signal = "highway"
signal_values = ["traffic_signals"]
[links]
id = "uniqueid"
from = "u"
to = "v"
length = "miles"
length_unit = "mi"
speed = "limit"
speed_unit = "mph"
class = "kind"
class_values = { big = "motorway_link" }
default_class = "tertiary"
"""


@pytest.fixture
def files(tmp_path):
    def write(nodes=NODES, links=LINKS):
        for name, text in (("nodes.csv", nodes), ("links.csv", links)):
            (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path / "nodes.csv", tmp_path / "links.csv"

    return write


def test_gmns_names(files):
    raw = read_tables(*files())
    assert raw.link_id.tolist() == [7, 8, -7]
    assert raw.link_from.tolist() == [1, 2, 2]
    assert raw.link_to.tolist() == [2, 3, 1]
    assert raw.node_signal.tolist() == [False, True, False]
    assert raw.link_lanes.tolist() == [2, 0, 2]
    np.testing.assert_allclose(raw.link_length, [88.5, np.nan, 88.5])
    np.testing.assert_allclose(raw.link_speed, [50 / 3.6, np.nan, 50 / 3.6])
    assert raw.link_class.tolist() == [RoadClass.PRIMARY, RoadClass.RESIDENTIAL, RoadClass.PRIMARY]
    assert raw.names == ("Main",)
    assert raw.geom_ptr.tolist() == [0, 3, 3, 6]
    assert raw.geom_lat[[1, 4]].tolist() == [37.5001, 37.5001]
    assert raw.geom_lon[3] == 127.001


def test_other_names_and_units_through_a_mapping(tmp_path):
    (tmp_path / "map.toml").write_text(MAPPING)
    nodes = "osmid;x;y;highway\n1;-122.4;37.7;traffic_signals\n2;-122.41;37.7;\n"
    links = "uniqueid;u;v;miles;limit;lanes;kind\n5;1;2;0.5;25;3;big\n6;2;1;;;;\n"
    (tmp_path / "n.csv.gz").write_bytes(gzip.compress(nodes.encode()))
    (tmp_path / "l.csv.gz").write_bytes(gzip.compress(links.encode()))
    raw = read_tables(tmp_path / "n.csv.gz", tmp_path / "l.csv.gz", tmp_path / "map.toml")
    assert raw.link_length[0] == pytest.approx(804.672)
    assert raw.link_speed[0] == pytest.approx(25 * MPH)
    assert raw.link_class.tolist() == [RoadClass.MOTORWAY, RoadClass.TERTIARY]
    assert raw.link_ramp.tolist() == [True, False]
    assert raw.node_signal.tolist() == [True, False]


@pytest.mark.parametrize(
    ("old", "new", "row", "field"),
    [
        ("37.501", "200", 4, "y_coord"),
        ("37.501", "nan", 4, "y_coord"),
        ("37.501", "north", 4, "y_coord"),
        ("37.501", "", 4, "y_coord"),
        ("127.001,37.5,signal", "1e400,37.5,signal", 3, "x_coord"),
        ("\n3,", "\n2,", 4, "node_id"),
        ("\n3,", "\nthree,", 4, "node_id"),
        ("ctrl_type\n", "node_id\n", 1, "node_id"),
        ("127.0,37.5,", "127.0,37.5", 2, None),
        ("y_coord", "latitude", 1, "y_coord"),
    ],
)
def test_rubbish_in_nodes(files, old, new, row, field):
    assert old in NODES
    nodes, links = files(nodes=NODES.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        read_tables(nodes, links)
    assert (caught.value.file, caught.value.row, caught.value.field) == (str(nodes), row, field)


@pytest.mark.parametrize(
    ("old", "new", "row", "field"),
    [
        ("88.5", "-88.5", 2, "length"),
        ("88.5", "inf", 2, "length"),
        (",50,2,", ",1000,2,", 2, "free_speed"),
        (",50,2,", ",0,2,", 2, "free_speed"),
        (",50,2,", ",50,99,", 2, "lanes"),
        (",50,2,", ",50,1.5,", 2, "lanes"),
        (",50,2,", ",50,-1,", 2, "lanes"),
        ("8,2,3", "8,2,33", 3, "to_node_id"),
        ("8,2,3", "7,2,3", 3, "link_id"),
        ("true", "perhaps", 3, "directed"),
        ("residential", "canal", 3, "facility_type"),
        ("37.5001", "", 2, "geometry"),
        ("127.0005 37.5001", "127.0005 375", 2, "geometry"),
        ("127.0005 37.5001", "127.0005 nan", 2, "geometry"),
        ("LINESTRING (127.0 37.5, 127.0005 37.5001, 127.001 37.5)", "POINT (1 1)", 2, "geometry"),
    ],
)
def test_rubbish_in_links(files, old, new, row, field):
    assert old in LINKS
    nodes, links = files(links=LINKS.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        read_tables(nodes, links)
    assert (caught.value.file, caught.value.row, caught.value.field) == (str(links), row, field)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"node_id,x_coord,y_coord\n", "no rows"),
        ("node_id,x_coord,y_coord\n1,2,3\n4,5,남산".encode("euc-kr"), "row 3.*not UTF-8"),
        (gzip.compress(NODES.encode(), mtime=0)[:-12], "cut short"),
        (b"\x1f\x8brubbish", "cut short or damaged"),
    ],
)
def test_unreadable_files(files, content, says):
    with pytest.raises(InputError, match=says):
        read_tables(*files(nodes=content))


def test_missing_file(files, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_tables(tmp_path / "absent.csv", files()[1])


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[nodes]\ncolour = 'x'", "nodes.colour"),
        ("[links]\nspeed_unit = 'knots'", "links.speed_unit"),
        ("nodes = [", None),
    ],
)
def test_bad_mapping(files, tmp_path, text, field):
    (tmp_path / "map.toml").write_text(text)
    with pytest.raises(InputError) as caught:
        read_tables(*files(), tmp_path / "map.toml")
    assert caught.value.field == field
    assert caught.value.file == str(tmp_path / "map.toml")


def test_a_column_that_the_mapping_names_must_be_there(files, tmp_path):
    (tmp_path / "map.toml").write_text("[links]\nlanes = 'n_lanes'")
    with pytest.raises(InputError, match=r"n_lanes.*missing"):
        read_tables(*files(), tmp_path / "map.toml")
