// One file: its figures, how its answers ended, its history, its versions, and what is under way.

import { ask, passOver } from "./api.js";
import { DeliveriesPanel } from "./deliveries.js";
import { element, say } from "./element.js";
import { count, moment, occasion, size } from "./format.js";
import { choice, emptiness, panel } from "./panel.js";
import { Area } from "./plot.js";
import { Rows } from "./rows.js";
import { split } from "./split.js";
import { cell, table } from "./table.js";
import { TransfersPanel } from "./transfers.js";

const REFRESH_MS = 2000;
const DAY_MS = 86400000;
const TILES = [
  ["Downloads", (it) => count(it.counters.downloads)],
  ["Requests", (it) => count(it.counters.requests)],
  ["Delivered", (it) => size(it.counters.bytes)],
  ["In flight", (it) => count(it.counters.in_flight)],
  ["Last asked for", (it) => it.last ?? "–"],
];
const OUTCOMES = [["completed", "completed", "good"], ["aborted", "aborted", "bad"], ["in_flight", "in flight", "busy"]];
const ANSWERS = [["full", "200 whole", "good"], ["partial", "206 partial", "busy"], ["not_modified", "304 not modified", "soft"], ["head", "HEAD", "faint"]];
const SPANS = [["minutes", "Hour"], ["hours", "Day"], ["days", "30 days"]];

export class FileView {
  whole;
  title;
  #path;
  #span = "days";
  #figures = TILES.map(() => element("dd", { class: "figure" }, "–"));
  #outcomes = element("div", { class: "split" });
  #answers = element("div", { class: "split" });
  #plot = new Area("Requests", count);
  #unknown = emptiness("No history", "Minutes and hours are kept of the most active files, since the start. Days are kept of all.");
  #versions;
  #noVersions = emptiness("None since the start", "A version that is delivered stands here.");
  #versionList;
  #transfers = new TransfersPanel();
  #deliveries = new DeliveriesPanel("Last deliveries");
  #missing = emptiness("Never asked for", "The ledger has no figures of this path.");
  #body = element("div", { class: "of-file" });
  #latest = null;
  #asked = 0;
  #asking = new AbortController();

  constructor({ path = "" }) {
    this.#path = path;
    this.title = path;
    const tiles = TILES.map(([name], index) => element("div", { class: "tile" }, element("dt", {}, name), this.#figures[index]));
    const columns = [["Version", "text"], ["Length", "number"], ["Completed", "number"], ["Aborted", "number"], ["First", "text"], ["Last", "text"]];
    const { whole: list, body } = table("Versions", columns.map(([title, kind]) => ({ title, kind })), "cards");
    this.#versionList = list;
    this.#versions = new Rows(body, (it) => it.id, () => makeVersion(columns), updateVersion);
    const spans = choice("Span of the history", SPANS, this.#span, (span) => {
      this.#span = span;
      this.#draw();
    });
    this.#body.append(
      element("dl", { class: "tiles" }, ...tiles),
      panel("Outcomes", null, element("div", { class: "splits" }, this.#outcomes, this.#answers)).whole,
      panel("History", spans, this.#plot.whole, this.#unknown).whole,
      this.#transfers.whole,
      panel("Versions", null, list, this.#noVersions).whole,
      this.#deliveries.whole,
    );
    const back = element("p", { class: "back" }, element("a", { href: "#/files" }, "← All files"));
    this.whole = element("div", {}, back, element("h1", { class: "file-name" }, element("bdi", {}, path)), this.#missing, this.#body);
    this.#ask();
  }

  show() {
    if (Date.now() - this.#asked > REFRESH_MS) this.#ask();
  }

  close() {
    this.#asking.abort();
  }

  async #ask() {
    this.#asked = Date.now();
    const { signal } = this.#asking;
    try {
      const [file, transfers] = await Promise.all([ask("file", { path: this.#path }, signal), ask("transfers", { path: this.#path }, signal)]);
      this.#fill(file, { total: transfers.transfers.length, transfers: transfers.transfers });
    } catch (error) {
      passOver(error);
      if (error.status !== 404 && error.status !== 400) return;
      this.#missing.hidden = false;
      this.#body.hidden = true;
    }
  }

  #fill(file, transfers) {
    this.#missing.hidden = true;
    this.#body.hidden = false;
    this.#latest = file;
    TILES.forEach(([, text], index) => say(this.#figures[index], text(file)));
    split(this.#outcomes, "How transfers ended", OUTCOMES, file.counters);
    split(this.#answers, "How requests were answered", ANSWERS, file.counters);
    this.#draw();
    this.#transfers.show(transfers);
    this.#versions.show(file.versions);
    this.#versionList.hidden = file.versions.length === 0;
    this.#noVersions.hidden = file.versions.length > 0;
    this.#deliveries.show(file.recent.slice(0, 50));
  }

  #draw() {
    const known = this.#latest && (this.#span === "days" ? days(this.#latest.days) : this.#latest[this.#span]);
    this.#plot.whole.hidden = !known;
    this.#unknown.hidden = Boolean(known);
    if (!known) return;
    const span = this.#span === "days" ? "month" : "hour";
    this.#plot.show(known.map((it) => ({ value: it.requests, when: moment(it.start, span) })), count);
  }
}

/** The last 30 days, with those between on which nothing was asked for. */
function days(known) {
  const requests = new Map(known.map((it) => [it.day, it.requests]));
  return Array.from({ length: 30 }, (_, index) => {
    const start = new Date(Date.now() - (29 - index) * DAY_MS).toISOString().slice(0, 10);
    return { start, requests: requests.get(start) ?? 0 };
  });
}

function makeVersion(columns) {
  return element("tr", {}, ...columns.map(([title, kind]) => cell(kind, title)));
}

function updateVersion(row, it) {
  const texts = [it.id, size(it.length), count(it.completed), count(it.aborted), occasion(it.first), occasion(it.last)];
  texts.forEach((text, index) => say(row.children[index], text));
}
