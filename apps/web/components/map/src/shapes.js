// Icons drawn by ourselves: nothing is fetched, and each is sharp at any size.

/** Trace the outline of a state's shape around (0, 0), "radius" r. */
export function outline(g, shape, r) {
  g.beginPath();
  if (shape === "circle") g.arc(0, 0, r, 0, 2 * Math.PI);
  else if (shape === "square") g.roundRect(-r * 0.9, -r * 0.9, r * 1.8, r * 1.8, r * 0.25);
  else polygon(g, shape === "diamond" ? 4 : shape === "hexagon" ? 6 : 3, shape === "triangle" ? r * 1.2 : r * 1.15);
}

function polygon(g, corners, r) {
  const turn = corners === 6 ? 0 : -Math.PI / 2;
  for (let i = 0; i < corners; i += 1) {
    const a = turn + (2 * Math.PI * i) / corners;
    if (i) g.lineTo(r * Math.cos(a), r * Math.sin(a));
    else g.moveTo(r * Math.cos(a), r * Math.sin(a));
  }
  g.closePath();
}

/** A cross: ambulance. */
function cross(g, r) {
  g.fillRect(-r * 0.16, -r * 0.52, r * 0.32, r * 1.04);
  g.fillRect(-r * 0.52, -r * 0.16, r * 1.04, r * 0.32);
}

/** A flame: fire engine. */
function flame(g, r) {
  g.beginPath();
  g.moveTo(0, -r * 0.62);
  g.bezierCurveTo(r * 0.15, -r * 0.2, r * 0.52, -r * 0.1, r * 0.42, r * 0.28);
  g.bezierCurveTo(r * 0.36, r * 0.56, -r * 0.36, r * 0.56, -r * 0.42, r * 0.28);
  g.bezierCurveTo(-r * 0.46, r * 0.02, -r * 0.2, -r * 0.05, 0, -r * 0.62);
  g.fill();
}

/** A unit: the shape and colour of its state, the sign of its kind; `changed` colours its outline. */
export function unit(g, kind, {shape, color}, r, changed = "") {
  outline(g, shape, r);
  g.fillStyle = color;
  g.fill();
  g.lineWidth = changed ? Math.max(2.5, r * 0.32) : Math.max(1, r * 0.14);
  g.strokeStyle = changed || "#0b1020";
  g.stroke();
  g.fillStyle = "#10182c";
  if (kind === "ambulance") cross(g, r * 0.95);
  else flame(g, r * 0.92);
}

/** A hospital: a rounded square with an H. */
export function hospital(g, color, r) {
  g.beginPath();
  g.roundRect(-r, -r, 2 * r, 2 * r, r * 0.35);
  g.fillStyle = "#0f2a2b";
  g.fill();
  g.lineWidth = Math.max(1, r * 0.18);
  g.strokeStyle = color;
  g.stroke();
  g.fillStyle = color;
  g.fillRect(-r * 0.5, -r * 0.55, r * 0.26, r * 1.1);
  g.fillRect(r * 0.24, -r * 0.55, r * 0.26, r * 1.1);
  g.fillRect(-r * 0.3, -r * 0.13, r * 0.6, r * 0.26);
}

/** A station: a house. */
export function station(g, color, r) {
  g.beginPath();
  g.moveTo(0, -r);
  g.lineTo(r, -r * 0.15);
  g.lineTo(r * 0.78, -r * 0.15);
  g.lineTo(r * 0.78, r * 0.85);
  g.lineTo(-r * 0.78, r * 0.85);
  g.lineTo(-r * 0.78, -r * 0.15);
  g.lineTo(-r, -r * 0.15);
  g.closePath();
  g.fillStyle = "#1a2440";
  g.fill();
  g.lineWidth = Math.max(1, r * 0.16);
  g.strokeStyle = color;
  g.stroke();
  g.fillStyle = color;
  g.fillRect(-r * 0.35, r * 0.1, r * 0.7, r * 0.75);
}

/** An incident: a disc with the initial of its kind. */
export function incident(g, kind, color, r, letter) {
  g.beginPath();
  g.arc(0, 0, r, 0, 2 * Math.PI);
  g.fillStyle = color;
  g.fill();
  g.lineWidth = Math.max(1, r * 0.18);
  g.strokeStyle = "#ffffff";
  g.stroke();
  g.fillStyle = "#1a1020";
  g.font = `700 ${Math.round(r * 1.25)}px system-ui, sans-serif`;
  g.textAlign = "center";
  g.textBaseline = "middle";
  g.fillText(letter, 0, r * 0.06);
}

/** A closed road: a disc with a bar; with some lanes closed, half of the bar. */
export function closure(g, color, r, whole) {
  g.beginPath();
  g.arc(0, 0, r, 0, 2 * Math.PI);
  g.fillStyle = whole ? color : "#1a1020";
  g.fill();
  g.lineWidth = Math.max(1.5, r * 0.2);
  g.strokeStyle = whole ? "#ffffff" : color;
  g.stroke();
  g.fillStyle = "#ffffff";
  if (whole) g.fillRect(-r * 0.62, -r * 0.2, r * 1.24, r * 0.4);
  else g.fillRect(-r * 0.62, -r * 0.2, r * 0.62, r * 0.4);
}

/** A stroke through a place that takes nobody, or a plus on one that is new. */
export function badge(g, color, r, plus) {
  g.lineWidth = Math.max(2, r * 0.3);
  g.strokeStyle = color;
  g.lineCap = "round";
  g.beginPath();
  if (plus) {
    g.moveTo(r * 0.55, -r);
    g.lineTo(r * 1.45, -r);
    g.moveTo(r, -r * 1.45);
    g.lineTo(r, -r * 0.55);
  } else {
    g.moveTo(-r * 1.1, r * 1.1);
    g.lineTo(r * 1.1, -r * 1.1);
  }
  g.stroke();
}
