// All files, a page at a time: searched, sorted and paged by the server, so that a million of them are no matter here.

import { ask, passOver } from "./api.js";
import { element, pathLink, say } from "./element.js";
import { count, size } from "./format.js";
import { choice, emptiness, panel } from "./panel.js";
import { address, go } from "./route.js";
import { Rows } from "./rows.js";
import { cell, table } from "./table.js";

const PAGE = 50;
const DAY_MS = 86400000;
// A page is read again as often, while it is looked at: sums over many files cost the server some time.
const REFRESH_MS = 5000;
const COLUMNS = [
  ["path", "File", "wide", (it) => it.path],
  ["downloads", "Downloads", "number", (it) => count(it.downloads)],
  ["requests", "Requests", "number", (it) => count(it.requests)],
  ["completed", "Completed", "number", (it) => count(it.completed)],
  ["aborted", "Aborted", "number", (it) => count(it.aborted)],
  ["in_flight", "In flight", "number", (it) => count(it.in_flight)],
  ["bytes", "Bytes", "number", (it) => size(it.bytes)],
  ["last", "Last day", "text", (it) => it.last ?? "–"],
];
const SPANS = [["", "Ever"], ["1", "Today"], ["7", "7 days"], ["30", "30 days"]];

export class FilesView {
  whole;
  title = "Files";
  /** Settled when there is something to see. */
  ready;
  #query;
  #announce;
  #note;
  #list;
  #rows;
  #empty = emptiness("No file matches", "");
  #pages = element("nav", { class: "pages", "aria-label": "Pages" });
  #asking = new AbortController();
  #asked = 0;
  #announced = "";

  /** `query` is what the address says; `announce` tells screen readers how much was found. */
  constructor(query, announce) {
    this.#query = query;
    this.#announce = announce;
    const heads = COLUMNS.map(([key, title, kind]) => ({ kind, head: this.#head(key, title) }));
    const { whole: list, body, heads: cells } = table("All files", heads, "cards sortable");
    cells.forEach((head, index) => {
      if (COLUMNS[index][0] === this.#sort()) head.setAttribute("aria-sort", this.#order() === "asc" ? "ascending" : "descending");
    });
    this.#list = list;
    const spans = choice("Span of the figures", SPANS, query.days ?? "", (days) => go("files", { ...query, days, offset: "" }));
    const { whole, note } = panel("All files", spans, list, this.#empty, this.#pages);
    this.#note = note;
    this.whole = element("div", {}, element("h1", { class: "unseen" }, "All files"), whole);
    this.#rows = new Rows(body, (it) => it.path, makeRow, updateRow);
    this.ready = this.#ask();
  }

  show() {
    if (Date.now() - this.#asked > REFRESH_MS) this.#ask();
  }

  close() {
    this.#asking.abort();
  }

  #sort() {
    return COLUMNS.some(([key]) => key === this.#query.sort) ? this.#query.sort : "downloads";
  }

  #order() {
    const usual = this.#sort() === "path" ? "asc" : "desc";
    return ["asc", "desc"].includes(this.#query.order) ? this.#query.order : usual;
  }

  #head(key, title) {
    const isChosen = key === this.#sort();
    const turned = this.#order() === "asc" ? "desc" : "asc";
    const mark = element("span", { "aria-hidden": "true" }, isChosen ? (this.#order() === "asc" ? " ↑" : " ↓") : "");
    const button = element("button", { type: "button", "data-sort": key }, title, mark);
    button.addEventListener("click", () => go("files", { ...this.#query, sort: key, order: isChosen ? turned : "", offset: "" }));
    return button;
  }

  async #ask() {
    this.#asked = Date.now();
    const { q, days, offset } = this.#query;
    const since = Number(days) > 0 ? new Date(Date.now() - (Number(days) - 1) * DAY_MS).toISOString().slice(0, 10) : "";
    const wanted = { sort: this.#sort(), order: this.#order(), q, since, limit: PAGE, offset };
    try {
      this.#fill(await ask("files", wanted, this.#asking.signal));
    } catch (error) {
      passOver(error);
      if (error.status === 400) this.#refuse(error.message);
    }
  }

  #fill({ matching, offset, limit, files }) {
    this.#rows.show(files);
    this.#list.hidden = files.length === 0;
    this.#empty.hidden = files.length > 0;
    const [title, text] = this.#query.q
      ? ["No file matches", "No path that was ever asked for contains this text. Esc clears the search."]
      : ["No file yet", "A file stands here from the moment it is first asked for."];
    say(this.#empty.firstChild, title);
    say(this.#empty.lastChild, text);
    const found = `${count(matching)} ${matching === 1 ? "file" : "files"}${this.#query.q ? " found" : ""}`;
    say(this.#note, found);
    if (this.#announced !== found) this.#announce(found);
    this.#announced = found;
    const links = matching <= limit ? [] : this.#links(matching, offset, limit, files.length);
    if (this.#pages.dataset.shown !== `${offset}/${matching}`) this.#pages.replaceChildren(...links);
    this.#pages.dataset.shown = `${offset}/${matching}`;
  }

  #refuse(sentence) {
    this.#rows.show([]);
    this.#list.hidden = true;
    this.#empty.hidden = false;
    say(this.#empty.firstChild, "The server refused");
    say(this.#empty.lastChild, sentence);
    this.#pages.replaceChildren();
  }

  #links(matching, offset, limit, here) {
    const link = (text, to, key) => {
      const isPlace = to >= 0 && to < matching && to !== offset;
      const href = isPlace ? address("files", { ...this.#query, offset: to || "" }) : null;
      return element("a", { href, "data-page": key, "aria-disabled": isPlace ? null : "true" }, text);
    };
    const last = Math.floor((matching - 1) / limit) * limit;
    const place = element("span", {}, `${count(here ? offset + 1 : offset)}–${count(offset + here)} of ${count(matching)}`);
    return [link("First", 0, "first"), link("Previous", offset === 0 ? -1 : Math.max(0, offset - limit), "previous"), place, link("Next", offset + limit, "next"), link("Last", last, "last")];
  }
}

function makeRow(file) {
  const [, ...figures] = COLUMNS;
  return element("tr", {}, cell("wide", "File", pathLink(file.path)), ...figures.map(([, title, kind]) => cell(kind, title)));
}

function updateRow(row, file) {
  COLUMNS.forEach(([key, , , text], index) => {
    if (key === "path") return;
    say(row.children[index], text(file));
    if (key === "aborted" || key === "in_flight") row.children[index].classList.toggle("some", file[key] > 0);
  });
}
