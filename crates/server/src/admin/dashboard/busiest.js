// The busiest files of the last hour (from the feed), of today or of 30 days (asked for, less often).

import { ask, passOver } from "./api.js";
import { element, pathLink, say } from "./element.js";
import { count, size } from "./format.js";
import { choice, emptiness, panel } from "./panel.js";
import { bars } from "./plot.js";
import { Rows } from "./rows.js";
import { cell, table } from "./table.js";

const SHOWN = 10;
const REFRESH_MS = 10000;
const DAY_MS = 86400000;
const COLUMNS = ["Requests", "Downloads", "Aborted", "Bytes"];
const SPANS = [["hour", "Hour"], ["day", "Today"], ["month", "30 days"]];
const HISTORY_TEXT = { hour: "the last hour", day: "the last 24 hours", month: "the last 30 days" };

export class BusiestPanel {
  whole;
  #span = "hour";
  #list;
  #heads;
  #empty = emptiness("Nothing fetched", "The files that are asked for most within this time stand here.");
  #rows;
  #latest = [];
  #asked = 0;

  constructor() {
    const columns = [
      { title: "File", kind: "wide" },
      ...COLUMNS.map((title) => ({ title, kind: "number" })),
      { title: "History", kind: "history" },
    ];
    const { whole: list, body, heads } = table("Busiest files", columns, "cards");
    this.#list = list;
    this.#heads = heads;
    const spans = choice("Span of the busiest files", SPANS, this.#span, (span) => this.#choose(span));
    this.whole = panel("Busiest files", spans, list, this.#empty).whole;
    this.whole.id = "busiest";
    this.#rows = new Rows(body, (it) => it.path, makeRow, (row, it) => updateRow(row, it, this.#span));
    this.#name();
  }

  show(snapshot) {
    this.#latest = snapshot.busiest;
    if (this.#span === "hour") this.#fill(snapshot.busiest);
    else if (Date.now() - this.#asked > REFRESH_MS) this.#ask();
  }

  #choose(span) {
    this.#span = span;
    this.#name();
    if (span === "hour") this.#fill(this.#latest);
    else this.#ask();
  }

  /** Of the last hour it is known what was completed; what a download is, the ledger says of days. */
  #name() {
    say(this.#heads[2], this.#span === "hour" ? "Completed" : "Downloads");
  }

  async #ask() {
    const span = this.#span;
    this.#asked = Date.now();
    const since = new Date(Date.now() - (span === "day" ? 0 : 29 * DAY_MS)).toISOString().slice(0, 10);
    try {
      const { files } = await ask("files", { sort: "requests", limit: SHOWN, since, history: span });
      if (span === this.#span) this.#fill(files);
    } catch (error) {
      passOver(error);
    }
  }

  #fill(files) {
    this.#rows.show(files.slice(0, SHOWN));
    this.#list.hidden = files.length === 0;
    this.#empty.hidden = files.length > 0;
  }
}

function makeRow({ path }) {
  const figures = COLUMNS.map((title) => cell("number", title));
  return element("tr", {}, cell("wide", "File", pathLink(path)), ...figures, cell("history", "History"));
}

function updateRow(row, file, span) {
  const [, requests, downloads, aborted, bytes, history] = row.children;
  say(requests, count(file.requests));
  downloads.dataset.label = span === "hour" ? "Completed" : "Downloads";
  say(downloads, count(span === "hour" ? file.completed : file.downloads));
  say(aborted, count(file.aborted));
  aborted.classList.toggle("some", file.aborted > 0);
  say(bytes, size(file.bytes));
  const values = file.history ?? [];
  const drawn = values.join();
  if (history.dataset.drawn === drawn) return;
  history.dataset.drawn = drawn;
  history.replaceChildren(bars(values, `Requests over ${HISTORY_TEXT[span]}, at most ${count(Math.max(0, ...values))} at a time`));
}
