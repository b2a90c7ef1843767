// Times, durations, sizes and counts as people read them.

const number = new Intl.NumberFormat("en-US");
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long", hour12: false });

export const count = (value) => number.format(value);
export const short = (value) => (value < 10_000 ? number.format(value) : compact.format(value));
export const plural = (value, one, many = one + "s") => `${count(value)} ${value === 1 ? one : many}`;
export const ms = (time) => (time === null || time === undefined ? NaN : typeof time === "number" ? time : Date.parse(time));

/** 0.42 → `0.4 s`, 75 → `1 min 15 s`, 90000 → `1 d 1 h`; seconds. */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const s = Math.max(0, seconds);
  if (s < 0.0995) return `${Math.round(s * 1000)} ms`;
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 59.5) return `${Math.round(s)} s`;
  const [days, hours, minutes, rest] = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60, Math.floor(s) % 60];
  if (days) return hours ? `${days} d ${hours} h` : `${days} d`;
  if (hours) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
}

/** `12 s ago`, `in 3 min`; about a time that is given as RFC 3339 or as ms. */
export function ago(time, now = Date.now()) {
  const seconds = (now - ms(time)) / 1000;
  if (!Number.isFinite(seconds)) return "–";
  if (Math.abs(seconds) < 2) return "just now";
  const rounded = coarse(Math.abs(seconds));
  return seconds > 0 ? `${rounded} ago` : `in ${rounded}`;
}

/** The largest unit alone: 75 → `1 min`. */
export function coarse(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

export const exact = (time) => (Number.isFinite(ms(time)) ? whole.format(ms(time)) : "");

/** `14:03:22`, with the day where it is not today's. */
export function at(time, now = Date.now()) {
  const value = ms(time);
  if (!Number.isFinite(value)) return "–";
  const today = new Date(value).toDateString() === new Date(now).toDateString();
  return today ? clock.format(value) : `${day.format(value)}, ${clock.format(value)}`;
}

/** `1.4 MB`. */
export function bytes(value) {
  if (!Number.isFinite(value)) return "–";
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** A value in one line, cut where it is long. */
export function brief(value, most = 80) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text && text.length > most ? text.slice(0, most - 1) + "…" : text;
}

/** Parameters in one line: `start=1 end=2`. */
export const params = (values, most = 100) =>
  brief(Object.entries(values || {}).map(([name, value]) => `${name}=${brief(value, 40)}`).join("  "), most);
