// The totals: what was ever handed out, and what goes on at this moment.

import { element, say } from "./element.js";
import { briefCount, count, rate, size } from "./format.js";

const TILES = [
  ["Downloads", (it) => briefCount(it.totals.downloads), (it) => `of ${count(it.totals.files)} ${it.totals.files === 1 ? "file" : "files"}`],
  ["Requests", (it) => briefCount(it.totals.requests), (it) => `${briefCount(it.totals.aborted)} aborted`],
  ["Delivered", (it) => size(it.totals.bytes), (it) => `since ${it.totals.created.slice(0, 10)}`],
  ["Throughput", (it) => rate(it.traffic.bytes_per_s), (it) => `${it.traffic.requests_per_s.toFixed(1)} requests/s`],
  ["In flight", (it) => count(it.traffic.transfers), (it) => `${count(it.traffic.connections)} ${it.traffic.connections === 1 ? "client" : "clients"} connected`],
];

export class Totals {
  whole;
  #tiles;

  constructor() {
    this.#tiles = TILES.map(([name, value, remark]) => ({
      value,
      remark,
      figure: element("dd", { class: "figure" }, "–"),
      note: element("dd", { class: "remark" }),
      name,
    }));
    const boxes = this.#tiles.map(({ name, figure, note }) => element("div", { class: "tile" }, element("dt", {}, name), figure, note));
    this.whole = element("section", { "aria-label": "Totals" }, element("dl", { class: "tiles" }, ...boxes));
  }

  show(snapshot) {
    for (const { value, remark, figure, note } of this.#tiles) {
      say(figure, value(snapshot.summary));
      say(note, remark(snapshot.summary));
    }
  }
}
