// The first view: totals, what is in flight, what was fetched most, and the traffic.

import { element } from "./element.js";
import { BusiestPanel } from "./busiest.js";
import { DeliveriesPanel } from "./deliveries.js";
import { Totals } from "./totals.js";
import { TrafficPanel } from "./traffic.js";
import { TransfersPanel } from "./transfers.js";

export class Overview {
  whole;
  title = "Overview";
  #totals = new Totals();
  #transfers = new TransfersPanel();
  #busiest = new BusiestPanel();
  #traffic = new TrafficPanel();
  #deliveries = new DeliveriesPanel("Last deliveries");

  constructor() {
    const parts = [this.#totals, this.#transfers, this.#busiest, this.#traffic, this.#deliveries];
    this.whole = element("div", { class: "overview" }, element("h1", { class: "unseen" }, "Overview"), ...parts.map((part) => part.whole));
  }

  show(snapshot) {
    this.#totals.show(snapshot);
    this.#transfers.show(snapshot.transfers);
    this.#busiest.show(snapshot);
    this.#traffic.show();
    this.#deliveries.show(snapshot.recent);
  }

  close() {}
}
