// What a person should look at: trouble of the ledger, lines that were dropped. Hidden while all is well.

import { element, say } from "./element.js";
import { Rows } from "./rows.js";

export class Warnings {
  #section;
  #rows;
  #announce;
  #told = new Set();

  constructor(section, announce) {
    this.#section = section;
    this.#announce = announce;
    this.#rows = new Rows(section.querySelector("ul"), (it) => it.code, () => element("li"), (node, it) => say(node, it.text));
  }

  show(warnings) {
    this.#section.hidden = warnings.length === 0;
    this.#rows.show(warnings);
    // Each kind is read out once while it lasts, however its text changes.
    for (const { code, text } of warnings) {
      if (!this.#told.has(code)) this.#announce(text);
    }
    this.#told = new Set(warnings.map(({ code }) => code));
  }
}
