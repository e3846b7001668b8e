"""A crossing of two roads with a NEMA plan of eight phases in two rings, as GMNS tables.

Links 10, 11, 12 and 13 come from the west, the east, the north and the south; 20 to 23 lead back
there.
"""

from __future__ import annotations

from pathlib import Path

NODES = """node_id,x_coord,y_coord
1,127.0,37.5
2,126.99,37.5
3,127.01,37.5
4,127.0,37.51
5,127.0,37.49
"""
LINKS = """link_id,from_node_id,to_node_id,directed,lanes,facility_type
10,2,1,true,3,primary
11,3,1,true,3,primary
12,4,1,true,3,primary
13,5,1,true,3,primary
20,1,2,true,3,primary
21,1,3,true,3,primary
22,1,4,true,3,primary
23,1,5,true,3,primary
"""
MOVEMENTS = """mvmt_id,node_id,ib_link_id,ob_link_id,type,ctrl_type
EBL,1,10,22,left,signal
EBT,1,10,21,thru,signal
EBR,1,10,23,right,signal
WBL,1,11,23,left,signal
WBT,1,11,20,thru,signal
WBR,1,11,22,right,signal
SBL,1,12,21,left,signal
SBT,1,12,23,thru,signal
SBR,1,12,20,right,signal_with_RTOR
NBL,1,13,20,left,signal
NBT,1,13,22,thru,signal
NBR,1,13,21,right,signal
"""
CONTROLLERS = "controller_id\nmain\n"
COORDINATION = """coordination_id,timing_plan_id,controller_id,coord_contr_id,\
coord_phase,coord_ref_to,offset
c,noon,main,main,2,begin_of_green,20
"""
PLANS = """timing_plan_id,controller_id,time_day,cycle_length
noon,main,01111100_0600_2200,90
"""
# Ring 2 is done 5 s before ring 1 at the first barrier, ring 1 3 s before ring 2 at the second.
PHASES = """timing_phase_id,timing_plan_id,signal_phase_num,min_green,max_green,extension,\
clearance,walk_time,ped_clearance,ring,barrier,position
p1,noon,1,5,10,2,5,,,1,1,1
p2,noon,2,12,30,2,5,7,15,1,1,2
p3,noon,3,8,,,4,,,1,2,1
p4,noon,4,10,20,2,5,7,15,1,2,2
p5,noon,5,5,15,2,5,,,2,1,1
p6,noon,6,12,20,2,5,7,15,2,1,2
p7,noon,7,5,12,2,4,,,2,2,1
p8,noon,8,10,19,2,5,7,15,2,2,2
"""
PHASE_MOVEMENTS = """signal_phase_mvmt_id,timing_phase_id,mvmt_id,link_id,protection
1,p1,WBL,,protected
2,p2,EBT,,protected
3,p2,EBR,,protected
4,p3,NBL,,protected
5,p3,EBR,,protected
6,p4,SBT,,protected
7,p4,SBR,,protected
8,p4,SBL,,permitted
9,p4,WBR,,
10,p5,EBL,,protected
11,p6,WBT,,protected
12,p6,WBR,,
13,p7,SBL,,protected
14,p8,NBT,,protected
15,p8,NBR,,protected
16,p2,SBR,,rtor
17,p2,,11,
"""
TABLES = {
    "node": NODES,
    "link": LINKS,
    "movement": MOVEMENTS,
    "signal_controller": CONTROLLERS,
    "signal_coordination": COORDINATION,
    "signal_timing_plan": PLANS,
    "signal_timing_phase": PHASES,
    "signal_phase_mvmt": PHASE_MOVEMENTS,
}
# Worked out by hand: begin and end in seconds of the cycle.
GREENS = {
    "WBL": [(0, 10)],
    "EBT": [(15, 45)],
    # Phases 2 and 3 follow one another: green lasts through the clearance between them.
    "EBR": [(15, 58)],
    "EBL": [(0, 15)],
    # Until 40 by its length, and 5 s of rest until ring 1 crosses the barrier.
    "WBT": [(20, 45)],
    "NBL": [(50, 58)],
    "SBT": [(62, 85)],
    "SBR": [(62, 85)],
    # Protected from 50 to 62, then permitted.
    "SBL": [(50, 85)],
    "NBT": [(66, 85)],
    "NBR": [(66, 85)],
    "WBR": [(20, 45), (62, 85)],
}


def write_tables(folder: Path, **changed: str | None) -> None:
    """Write the tables, some of them changed, or left out (None)."""
    for name, text in (TABLES | changed).items():
        if text is not None:
            (folder / f"{name}.csv").write_text(text)
