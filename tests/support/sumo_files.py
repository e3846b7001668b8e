"""A crossing with signals and a side street, as SUMO writes it, and vehicles on it."""

from __future__ import annotations

NET = """<?xml version="1.0" encoding="UTF-8"?>
<net version="1.20">
 <location netOffset="0.00,0.00" convBoundary="0,0,400,200" projParameter="!"/>
 <edge id=":C_0" function="internal">
  <lane id=":C_0_0" index="0" speed="13.89" length="10.00" shape="190,0 210,0"/>
  <lane id=":C_0_1" index="1" speed="13.89" length="10.00" shape="190,3 210,3"/>
 </edge>
 <edge id=":C_2" function="internal">
  <lane id=":C_2_0" index="0" speed="8.00" length="4.00" shape="190,3 200,10"/>
 </edge>
 <edge id=":C_5" function="internal">
  <lane id=":C_5_0" index="0" speed="8.00" length="6.00" shape="200,10 200,20"/>
 </edge>
 <edge id=":C_3" function="internal">
  <lane id=":C_3_0" index="0" speed="13.89" length="10.00" shape="210,6 190,6"/>
 </edge>
 <edge id=":C_4" function="internal">
  <lane id=":C_4_0" index="0" speed="6.50" length="9.00" shape="200,20 190,6"/>
 </edge>
 <edge id=":C_c0" function="crossing"><lane id=":C_c0_0" index="0" allow="pedestrian" speed="1"
  length="5"/></edge>
 <edge id="in" from="A" to="C" priority="1" type="highway.secondary" name="High Street">
  <lane id="in_0" index="0" allow="pedestrian" speed="1.5" length="190"/>
  <lane id="in_1" index="1" speed="13.89" length="190.00" shape="0,0 190,0"/>
  <lane id="in_2" index="2" speed="13.89" length="190.00" shape="0,3 190,3"/>
 </edge>
 <edge id="out" from="C" to="B" priority="1"><lane id="out_0" index="0" speed="13.89" length="190"/>
  <lane id="out_1" index="1" speed="13.89" length="190.00"/></edge>
 <edge id="back" from="B" to="C" priority="1"><lane id="back_0" index="0" speed="13.89"
  length="190"/></edge>
 <edge id="home" from="C" to="A" priority="1"><lane id="home_0" index="0" speed="13.89"
  length="190"/></edge>
 <edge id="up" from="C" to="D" shape="200,0 210,50 200,200"><lane id="up_0" index="0" speed="8.33"
  length="180"/></edge>
 <edge id="down" from="D" to="C"><lane id="down_0" index="0" speed="8.33" length="180"/></edge>
 <edge id="path" from="A" to="D"><lane id="path_0" index="0" allow="pedestrian bicycle" speed="2"
  length="250"/></edge>
 <edge id="rail" from="A" to="D"><lane id="rail_0" index="0" allow="tram" speed="9"
  length="250"/></edge>
 <tlLogic id="C" type="{kind}" programID="0" offset="5">
  <phase duration="30" state="GGgGr"/>
  <phase duration="3" state="yyyyr"/>
  <phase duration="24" state="rrrrG"/>
  <phase duration="3" state="rrrry"/>
 </tlLogic>
 <junction id="A" type="dead_end" x="0" y="0" incLanes="home_0"/>
 <junction id="B" type="priority" x="400" y="0" incLanes="out_0 out_1">
  <request index="0" response="0" foes="0" cont="0"/>
 </junction>
 <junction id="D" type="dead_end" x="200" y="200" incLanes="up_0"/>
 <junction id="C" type="traffic_light" x="200" y="0" incLanes="in_1 in_2 back_0 down_0"
  intLanes=":C_0_0 :C_0_1 :C_5_0 :C_3_0 :C_4_0">
  <request index="0" response="00000" foes="00000" cont="0"/>
  <request index="1" response="00000" foes="00000" cont="0"/>
  <request index="2" response="01000" foes="11000" cont="1"/>
  <request index="3" response="00000" foes="10100" cont="0"/>
  <request index="4" response="01100" foes="01100" cont="0"/>
 </junction>
 <connection from="in" to="out" fromLane="1" toLane="0" via=":C_0_0" tl="C" linkIndex="0" dir="s"
  state="o"/>
 <connection from="in" to="out" fromLane="2" toLane="1" via=":C_0_1" tl="C" linkIndex="1" dir="s"
  state="o"/>
 <connection from="in" to="up" fromLane="2" toLane="0" via=":C_2_0" tl="C" linkIndex="2" dir="l"
  state="o"/>
 <connection from="back" to="home" fromLane="0" toLane="0" via=":C_3_0" tl="C" linkIndex="3" dir="s"
  state="o"/>
 <connection from="down" to="home" fromLane="0" toLane="0" via=":C_4_0" tl="C" linkIndex="4" dir="r"
  state="o"/>
 <connection from="out" to="back" fromLane="1" toLane="0" dir="t" state="M"/>
 <connection from=":C_2" to="up" fromLane="0" toLane="0" via=":C_5_0" dir="l" state="m"/>
 <connection from=":C_5" to="up" fromLane="0" toLane="0" dir="l" state="M"/>
 <roundabout nodes="C" edges="in"/>
</net>
""".replace("{kind}", "static")

ROUTES = """<routes>
 <vType id="small" vClass="passenger" length="4" speedFactor="normc(1.0,0.05,0.8,1.2)"/>
 <vType id="lorry" vClass="truck" length="12" maxSpeed="22"/>
 <vType id="tram" vClass="tram"/>
 <vTypeDistribution id="mix" vTypes="small lorry" probabilities="0.7 0.3"/>
 <route id="through" edges="in out"/>
 <vehicle id="first" type="small" route="through" depart="0" departLane="best"/>
 <vehicle id="clock" type="lorry" depart="0:01:05.5" arrivalPos="50"><route edges="in up"/>
 </vehicle>
 <trip id="round" from="in" to="home" via="out" depart="20" departPos="40"/>
 <flow id="many" type="mix" route="through" begin="30" end="90" number="6"/>
 <flow id="hourly" route="through" begin="0" end="60" vehsPerHour="600"/>
 <flow id="luck" route="through" begin="0" end="200" probability="0.1"/>
 <vehicle id="tram1" type="tram" depart="5"><route edges="in out"/></vehicle>
 <vehicle id="stops" route="through" depart="70"><stop lane="out_0" duration="20"/></vehicle>
 <person id="p" depart="3"/>
</routes>
"""
