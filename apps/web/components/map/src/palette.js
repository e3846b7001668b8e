// Colours. The states of units differ in colour and in shape, so that neither is needed alone.

/** Shape and colour of each state of a unit; keys are the states that a run records. */
export const STATES = {
  off_shift: {shape: "circle", color: "#5d6a85"},
  idle: {shape: "circle", color: "#aab6cf"},
  turnout: {shape: "circle", color: "#ffd23f"},
  to_scene: {shape: "diamond", color: "#ff7a59"},
  on_scene: {shape: "square", color: "#ffd23f"},
  transporting: {shape: "hexagon", color: "#5cc1ff"},
  at_hospital: {shape: "square", color: "#5cc1ff"},
  returning: {shape: "triangle", color: "#c3a6ff"},
  moving_up: {shape: "triangle", color: "#7ee08a"},
  on_break: {shape: "circle", color: "#d9a86c"},
  restocking: {shape: "circle", color: "#6fae9f"},
  off_road: {shape: "circle", color: "#a0525f"},
};

/** States in which a unit stands at its station and is drawn small. */
export const PARKED = new Set(["off_shift", "idle", "on_break", "restocking", "off_road"]);

export const KINDS = {medical: "#ff6b81", fire: "#ff9f43", collision: "#ffe066"};

/** What a scenario changes: nothing else on the map has this colour. */
export const CHANGED = "#ff4fe0";

export const HOSPITAL = "#7fd6c2";
export const STATION = "#b9c4dc";

// Slow to fast. The first is what drivers know; the second can be told apart with any colour sight.
export const PALETTES = {
  traffic: ["#e5484d", "#f2803f", "#f5c84c", "#9bd25a", "#2fb56a"],
  safe: ["#ff9d2e", "#ffcf8a", "#d9d6e8", "#8db8f5", "#3d86f0"],
};

export const UNSEEN = "#33415f";
/** Streets of a run that measures none. */
export const UNMEASURED = "#51638f";

/** Upper ends of the classes below the last: share of free flow, and km/h. */
export const BREAKS = {share: [0.25, 0.45, 0.65, 0.85], speed: [10, 20, 30, 50]};

/** [r, g, b] of "#rrggbb". */
export function rgb(hex) {
  const n = parseInt(hex.slice(1), 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
}

/** Index of the class of a value. */
export function classOf(value, breaks) {
  let k = 0;
  while (k < breaks.length && value >= breaks[k]) k += 1;
  return k;
}
