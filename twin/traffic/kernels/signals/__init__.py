"""Signals: which groups are green, by plan, by what stands before the line, or by order.

By its plan a group follows from the clock alone (`plan`). A controller that does more decides
between *stages*, the sets of groups that its plan has green together; it asks for one by marking
every group to be held green or red (`stages`), and `holding` brings that about with yellow and
all-red between. Which stage comes next is decided by `actuated` or `max_pressure`, or for a unit
under siren by `preemption`; `controllers` says which of them has the word. A decision made in one
tick shows in the next. Every controller writes only its own record, stages and groups, so
controllers may be worked on in any order.
"""
