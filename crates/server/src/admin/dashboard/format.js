// Figures as people read them.

const grouping = new Intl.NumberFormat("en-US");
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** 1234567 → 1,234,567 */
export function count(number) {
  return grouping.format(number);
}

/** Large counts for a tile: 1,234,567 → 1.23 M; what is below a million is exact. */
export function briefCount(number) {
  if (number < 1e6) return count(number);
  const [divisor, unit] = number < 1e9 ? [1e6, "M"] : number < 1e12 ? [1e9, "G"] : [1e12, "T"];
  return `${(number / divisor).toPrecision(3)} ${unit}`;
}

/** Powers of 1024, three digits: 1536 → 1.50 KiB */
export function size(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${UNITS[unit]}`;
}

/** Bytes a second. */
export function rate(bytes) {
  return `${size(bytes)}/s`;
}

/** A span of time in its two largest units: 3725 → 1 h 2 min */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${count(Math.floor(whole / 86400))} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** How long what is left will take at this rate. */
export function timeLeft(bytes, bytesPerSecond) {
  if (bytes <= 0) return "ending";
  if (bytesPerSecond <= 0) return "stalled";
  const seconds = bytes / bytesPerSecond;
  return seconds > 99 * 86400 ? "> 99 d" : span(seconds);
}

/** The time of day, in the reader's own zone. */
export function clock(time) {
  return new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
}

/** The time of day if it is of today, else the day. */
export function occasion(time) {
  const date = new Date(time);
  return date.toDateString() === new Date().toDateString() ? clock(time) : date.toLocaleDateString("sv-SE");
}

/** The beginning of a plot's step, as its span needs it. */
export function moment(time, span) {
  const date = new Date(time);
  if (span === "month") return date.toISOString().slice(0, 10);
  return date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** An address with its port; of IPv6 in brackets. */
export function client(address, port) {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
