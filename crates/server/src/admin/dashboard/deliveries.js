// The last deliveries: what has just ended, and how.

import { element, pathLink, say } from "./element.js";
import { clock, count, client, size, span } from "./format.js";
import { emptiness, panel } from "./panel.js";
import { Rows } from "./rows.js";
import { cell, table } from "./table.js";

const KINDS = { head: "HEAD", full: "200", partial: "206", not_modified: "304" };

export class DeliveriesPanel {
  whole;
  #list;
  #empty = emptiness("Nothing yet", "Each answer that has ended stands here, with its number.");
  #rows;

  constructor(title) {
    const columns = [
      { title: "Ended", kind: "text" },
      { title: "File", kind: "wide" },
      { title: "N", kind: "number" },
      { title: "Client", kind: "text" },
      { title: "Answer", kind: "text" },
      { title: "Bytes", kind: "number" },
      { title: "Took", kind: "number" },
    ];
    const { whole: list, body } = table(title, columns, "cards");
    this.#list = list;
    this.whole = panel(title, null, list, this.#empty).whole;
    this.whole.id = "deliveries";
    this.#rows = new Rows(body, (it) => `${it.n} ${it.ended} ${it.port} ${it.path}`, makeRow, () => {});
  }

  show(deliveries) {
    this.#rows.show(deliveries);
    this.#list.hidden = deliveries.length === 0;
    this.#empty.hidden = deliveries.length > 0;
  }
}

function makeRow(it) {
  const aborted = it.outcome === "aborted";
  const row = element(
    "tr",
    {},
    cell("text", "Ended", element("time", { datetime: it.ended }, clock(it.ended))),
    cell("wide", "File", pathLink(it.path)),
    cell("number", "N", count(it.n)),
    cell("text client", "Client", client(it.client, it.port)),
    cell("text", "Answer", element("span", { class: aborted ? "badge bad" : "badge" }, aborted ? `${KINDS[it.kind]} aborted` : KINDS[it.kind])),
    cell("number", "Bytes", size(it.bytes)),
    cell("number", "Took"),
  );
  say(row.lastChild, it.duration_ms < 1000 ? `${it.duration_ms} ms` : span(it.duration_ms / 1000));
  return row;
}
