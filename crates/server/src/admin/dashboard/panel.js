// A titled part of a view, and what stands in it while there is nothing to show.

import { element } from "./element.js";

let made = 0;

/** A section with a heading; `tools` stand beside it. */
export function panel(title, tools, ...content) {
  made += 1;
  const id = `panel-${made}`;
  const note = element("span", { class: "note" });
  const heading = element("h2", { id }, title);
  const head = element("div", { class: "head" }, element("div", { class: "title" }, heading, note), tools);
  return { whole: element("section", { class: "panel", "aria-labelledby": id }, head, ...content), heading, note };
}

/** What is said in place of a list that is empty. */
export function emptiness(title, text) {
  return element("div", { class: "empty", hidden: "" }, element("strong", {}, title), element("p", {}, text));
}

/** A choice among few: buttons of which one is pressed. `choices` are [value, label]. */
export function choice(label, choices, chosen, onChoose) {
  const buttons = choices.map(([value, text]) => element("button", { type: "button", "aria-pressed": String(value === chosen), value }, text));
  const group = element("div", { class: "choice", role: "group", "aria-label": label }, ...buttons);
  group.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    for (const each of buttons) each.setAttribute("aria-pressed", String(each === button));
    onChoose(button.value);
  });
  return group;
}
