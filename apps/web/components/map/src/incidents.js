// Incidents and their stages over time.

import {lastBefore} from "./format.js";

export class Incidents {
  constructor(list) {
    this.replace(list);
  }

  /** `list` is [{id, kind, priority, x, y, district, unit, response_s, t_onscene, stages: [[t, stage], ...]}]. */
  replace(list) {
    this.list = list;
    this.byId = new Map(list.map((each) => [each.id, each]));
    this.times = list.map((each) => each.stages[0][0]);
  }

  /** The stage of an incident at `t`, or null before it is received. */
  stageAt(incident, t) {
    const i = lastBefore(incident.stages.map(([at]) => at), t);
    return i < 0 ? null : incident.stages[i][1];
  }

  /** Incidents received and not yet closed at `t`, the latest first. */
  openAt(t) {
    const last = lastBefore(this.times, t);
    const open = [];
    for (let i = last; i >= 0; i -= 1) {
      const {stages} = this.list[i];
      const [end, stage] = stages[stages.length - 1];
      if (stage !== "closed" || end > t) open.push(this.list[i]);
    }
    return open;
  }
}
