"""The public files that San Francisco is made from."""

from __future__ import annotations

from calibration.recipes.recipe import SourceFile

CALLS = SourceFile(
    "san_francisco/ems/sffd_calls_2016-12-31_2017-01-07.csv.gz",
    "fire department calls for service, 2016-12-31 to 2017-01-07",
    "https://data.sfgov.org/d/nuek-vuh3 (DataSF; filter by call date)",
    "ODC PDDL",
)
NODES = SourceFile(
    "san_francisco/network/bayarea_nodes.csv.gz",
    "junctions of the Bay Area's streets, tertiary and above",
    "https://github.com/Xuan-1998/LPSim (berkeley_2018/new_tertiary/nodes.csv), "
    "made from OpenStreetMap",
    "ODbL, (c) OpenStreetMap contributors",
)
EDGES = SourceFile(
    "san_francisco/network/bayarea_edges.csv.gz",
    "streets of the Bay Area, tertiary and above, with lanes and speeds",
    "https://github.com/Xuan-1998/LPSim (berkeley_2018/new_tertiary/edges.csv), "
    "made from OpenStreetMap",
    "ODbL, (c) OpenStreetMap contributors",
)
STATIONS = SourceFile(
    "san_francisco/facilities/sf_fire_stations.csv",
    "the 45 fire stations",
    "https://data.sfgov.org (DataSF, city facilities: fire stations)",
    "ODC PDDL",
)
HOSPITALS = SourceFile(
    "san_francisco/facilities/sf_health_care_facilities.csv",
    "health care facilities",
    "https://data.sfgov.org/d/dakv-kk95 (DataSF)",
    "ODC PDDL",
)
ZONES = SourceFile(
    "san_francisco/demand/sf_taz981.geojson.gz",
    "the 981 traffic analysis zones",
    "https://github.com/cb-cities/sf_abm (1_OD), from SFCTA TNCs Today",
    "SFCTA public data",
)
DISTRICTS = SourceFile(
    "san_francisco/demand/sf_dist15.geojson.gz",
    "the 15 districts of the origin-destination tables",
    "https://github.com/sfcta/prospector (assets/connectsf), SFCTA ConnectSF",
    "Apache-2.0",
)
PEOPLE = SourceFile(
    "san_francisco/demand/sfcta_taz_pop_jobs_2015_2050.csv.gz",
    "population and jobs by zone, 2015",
    "https://github.com/sfcta/prospector (assets/connectsf/jobpop.zip), SFCTA ConnectSF",
    "Apache-2.0",
)
TRIPS = SourceFile(
    "san_francisco/demand/sfcta_od_15districts_mode_purpose_2015_2050.csv.gz",
    "modelled person trips of a weekday between districts by mode and purpose, 2015",
    "https://github.com/sfcta/prospector (assets/connectsf/trippattern.zip), SFCTA ConnectSF",
    "Apache-2.0",
)
RIDE_HAIL = SourceFile(
    "san_francisco/demand/sfcta_tnc_pickups_dropoffs_taz_dow_hour.csv.gz",
    "ride-hail pick-ups and drop-offs by zone, weekday and hour, late 2016",
    "https://tncstoday.sfcta.org (SFCTA TNCs Today)",
    "SFCTA public data",
)
DETECTORS = SourceFile(
    "san_francisco/traffic/pems_hour_sf_2016_2020.csv.gz",
    "hourly flows of a typical weekday on the freeways",
    "https://github.com/BayAreaMetro/pems-typical-weekday, from Caltrans PeMS "
    "(https://pems.dot.ca.gov)",
    "public data; credit Caltrans PeMS and MTC",
)
FILES = (
    *(CALLS, NODES, EDGES, STATIONS, HOSPITALS, ZONES),
    *(DISTRICTS, PEOPLE, TRIPS, RIDE_HAIL, DETECTORS),
)
