// Throughput and connections over time: the last minutes from the feed, longer spans from the API.

import { ask, passOver } from "./api.js";
import { element } from "./element.js";
import { count, moment, rate } from "./format.js";
import { choice, panel } from "./panel.js";
import { Area } from "./plot.js";

const REFRESH_MS = 10000;
const KEPT = 120;
const SPANS = [["live", "Live"], ["hour", "Hour"], ["day", "Day"], ["month", "30 days"]];

// What the feed told since the page was opened, whichever view was shown.
const kept = [];

/** Keeps what a snapshot tells of the traffic. */
export function remember({ summary: { time, traffic } }) {
  kept.push({ time, bytes_per_s: traffic.bytes_per_s, connections: traffic.connections });
  if (kept.length > KEPT) kept.shift();
}

export class TrafficPanel {
  whole;
  #span = "live";
  #throughput = new Area("Throughput", rate);
  #connections = new Area("Connections", count);
  #asked = 0;

  constructor() {
    const spans = choice("Span of the plots", SPANS, this.#span, (span) => {
      this.#span = span;
      this.#asked = 0;
      this.show();
    });
    const plots = element("div", { class: "plots" }, this.#throughput.whole, this.#connections.whole);
    this.whole = panel("Traffic", spans, plots).whole;
    this.whole.id = "traffic";
  }

  show() {
    if (this.#span === "live") this.#draw(kept.map((it) => ({ ...it, when: moment(it.time, "hour") })));
    else if (Date.now() - this.#asked > REFRESH_MS) this.#ask();
  }

  async #ask() {
    const span = this.#span;
    this.#asked = Date.now();
    try {
      const { points, step_s: step } = await ask("history", { span });
      if (span !== this.#span) return;
      const perSecond = (point) => point.sent_bytes ?? (span === "month" ? point.bytes : null);
      this.#draw(points.map((point, index) => {
        const bytes = perSecond(point);
        // The last step is not over: its rate is that of its part that is.
        const seconds = index === points.length - 1 ? Math.min(step, Math.max(1, (Date.now() - Date.parse(point.start)) / 1000)) : step;
        return { when: moment(point.start, span), connections: point.connections, bytes_per_s: bytes === null ? null : Math.round(bytes / seconds) };
      }));
    } catch (error) {
      passOver(error);
    }
  }

  #draw(points) {
    this.#throughput.show(points.map(({ when, bytes_per_s: value }) => ({ when, value })), rate);
    this.#connections.show(points.map(({ when, connections: value }) => ({ when, value })), count);
  }
}
