// Numbers and times as people read them.

const pad = (n) => String(n).padStart(2, "0");

/** "17:05:09" of seconds since midnight; hours run past 24 on later days. */
export function clock(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  return `${pad(Math.floor(s / 3600))}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`;
}

/** "17:05" of seconds since midnight. */
export function hourMinute(seconds) {
  return clock(seconds).slice(0, 5);
}

/** "7:42" of a duration in seconds. */
export function minutes(seconds) {
  const s = Math.max(0, Math.round(seconds));
  return `${Math.floor(s / 60)}:${pad(s % 60)}`;
}

/** A count with thin grouping. */
export function count(n) {
  return Math.round(n).toLocaleString("en-US");
}

/** Fill "{name}" places of a sentence. */
export function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** A round step that cuts `span` into about `parts` pieces, from 1, 2, 5 times a power of ten. */
export function niceStep(span, parts) {
  const rough = span / Math.max(1, parts);
  const power = 10 ** Math.floor(Math.log10(rough));
  const scaled = rough / power;
  return (scaled <= 1 ? 1 : scaled <= 2 ? 2 : scaled <= 5 ? 5 : 10) * power;
}

/** A step of city time that cuts `span` seconds into at most `parts` pieces. */
export function niceTimeStep(span, parts) {
  const steps = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400];
  return steps.find((step) => span / step <= parts) ?? 86400;
}

/** Index of the last entry of the sorted `times` that is not after `t`, or -1. */
export function lastBefore(times, t) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= t) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
