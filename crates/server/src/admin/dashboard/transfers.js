// Transfers in flight: who fetches what, how far along, how fast, and for how long still.

import { element, pathLink, say } from "./element.js";
import { client, count, rate, size, timeLeft } from "./format.js";
import { emptiness, panel } from "./panel.js";
import { Rows } from "./rows.js";
import { cell, table } from "./table.js";

const COLUMNS = [
  { title: "File", kind: "wide" },
  { title: "Client", kind: "text" },
  { title: "Progress", kind: "progress" },
  { title: "Rate", kind: "number" },
  { title: "Time left", kind: "number" },
];

export class TransfersPanel {
  whole;
  #note;
  #list;
  #empty = emptiness("All quiet", "A transfer shows up here while it is under way.");
  #rows;

  constructor() {
    const { whole: list, body } = table("Transfers in flight", COLUMNS, "cards");
    this.#list = list;
    const { whole, note } = panel("In flight", null, list, this.#empty);
    this.whole = whole;
    this.#note = note;
    whole.id = "in-flight";
    this.#rows = new Rows(body, (it) => it.id, makeRow, updateRow);
  }

  show({ total, transfers }) {
    this.#rows.show(transfers);
    this.#list.hidden = transfers.length === 0;
    this.#empty.hidden = transfers.length > 0;
    say(this.#note, total > transfers.length ? `${count(total)}, of which ${count(transfers.length)} are shown` : count(total));
  }
}

function makeRow(transfer) {
  const bar = element("progress", { "aria-label": `Progress of ${transfer.path}` });
  return element(
    "tr",
    {},
    cell("wide", "File", pathLink(transfer.path)),
    cell("text client", "Client", client(transfer.client, transfer.port)),
    cell("progress", "Progress", bar, element("span", { class: "share" }), element("span", { class: "amount" })),
    cell("number", "Rate"),
    cell("number", "Time left"),
  );
}

function updateRow(row, transfer) {
  const { acknowledged, length, bytes_per_s: pace } = transfer;
  const [, , progress, speed, left] = row.children;
  const [bar, share, amount] = progress.children;
  bar.max = Math.max(1, length);
  bar.value = acknowledged;
  // Whole only when it is: 99.9 % is not 100 %.
  say(share, `${length === 0 ? 0 : Math.floor((acknowledged / length) * 100)} %`);
  say(amount, `${size(acknowledged)} of ${size(length)}`);
  say(speed, rate(pace));
  say(left, timeLeft(length - acknowledged, pace));
}
