// Plots in SVG, drawn from nothing but numbers: small bars for a table's row, and an area with an axis.

import { drawing, element, say } from "./element.js";

/** Bars of the same width, the highest as high as the plot. What is null is not known and leaves a gap. */
export function bars(values, label) {
  const step = 2;
  const height = 24;
  const most = Math.max(1, ...values.map((value) => value ?? 0));
  const path = values.map((value, index) => {
    if (!value) return "";
    const top = Math.max(2, (value / most) * height);
    return `M${index * step} ${height}v${-top.toFixed(1)}h1.4v${top.toFixed(1)}z`;
  });
  return drawing(
    "svg",
    { class: "bars", viewBox: `0 0 ${Math.max(1, values.length) * step} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    drawing("path", { class: "floor", d: `M0 ${height - 0.5}H${values.length * step}` }),
    drawing("path", { d: path.join("") }),
  );
}

/** An area over time with the highest value at its top; a pointer or the arrow keys read single values. */
export class Area {
  whole;
  #line = drawing("path", { class: "line" });
  #fill = drawing("path", { class: "fill" });
  #cursor = drawing("path", { class: "cursor" });
  #most = element("span", { class: "most" });
  #start = element("span");
  #end = element("span");
  #reading = element("output", { class: "reading" });
  #picture;
  #points = [];
  #at = null;
  #text;

  /** `text(point)` says a point's value, `title` names the plot. */
  constructor(title, text) {
    this.#text = text;
    this.#picture = drawing(
      "svg",
      { viewBox: "0 0 600 120", preserveAspectRatio: "none", role: "img", tabindex: "0", "aria-label": title },
      drawing("path", { class: "grid", d: "M0 .5H600M0 40H600M0 80H600M0 119.5H600" }),
      this.#fill,
      this.#line,
      this.#cursor,
    );
    const head = element("div", { class: "plot-head" }, element("h3", {}, title), this.#reading);
    const frame = element("div", { class: "frame" }, this.#most, this.#picture);
    this.whole = element("div", { class: "plot" }, head, frame, element("div", { class: "axis", "aria-hidden": "true" }, this.#start, this.#end));
    this.#picture.addEventListener("pointermove", (event) => {
      const box = this.#picture.getBoundingClientRect();
      this.#read(Math.round(((event.clientX - box.left) / box.width) * (this.#points.length - 1)));
    });
    this.#picture.addEventListener("pointerleave", () => this.#read(null));
    this.#picture.addEventListener("blur", () => this.#read(null));
    this.#picture.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (way === undefined) return;
      event.preventDefault();
      this.#read((this.#at ?? this.#points.length - 1) + way);
    });
  }

  /** Points are `{ value, when }`, the oldest first; a value that is null is not known. `limit(most)` words the top. */
  show(points, limit) {
    this.#points = points;
    const most = Math.max(1, ...points.map((point) => point.value ?? 0));
    const x = (index) => (points.length < 2 ? 0 : (index / (points.length - 1)) * 600).toFixed(1);
    const y = (value) => (118.5 - (value / most) * 98).toFixed(1);
    let line = "";
    let fill = "";
    for (const [start, end] of runs(points)) {
      const corners = [];
      for (let index = start; index <= end; index += 1) corners.push(`${x(index)} ${y(points[index].value)}`);
      line += `M${corners.join("L")}`;
      fill += `M${x(start)} 119L${corners.join("L")}L${x(end)} 119Z`;
    }
    this.#line.setAttribute("d", line);
    this.#fill.setAttribute("d", fill);
    say(this.#most, limit(most));
    say(this.#start, points.length ? points[0].when : "");
    say(this.#end, points.length ? "now" : "");
    this.#read(this.#at);
  }

  #read(index) {
    const last = this.#points.length - 1;
    this.#at = index === null || last < 0 ? null : Math.max(0, Math.min(last, index));
    const point = this.#points[this.#at ?? last];
    const isKnown = point && point.value !== null;
    const text = isKnown ? this.#text(point.value) : "no figure";
    say(this.#reading, point ? (this.#at === null ? text : `${point.when}: ${text}`) : "");
    const x = last > 0 && this.#at !== null ? ((this.#at / last) * 600).toFixed(1) : null;
    this.#cursor.setAttribute("d", x === null ? "" : `M${x} 0V120`);
  }
}

/** Where known values begin and end. */
function runs(points) {
  const found = [];
  let start = null;
  points.forEach((point, index) => {
    if (point.value !== null && start === null) start = index;
    if (point.value === null && start !== null) {
      found.push([start, index - 1]);
      start = null;
    }
  });
  if (start !== null) found.push([start, points.length - 1]);
  return found;
}
