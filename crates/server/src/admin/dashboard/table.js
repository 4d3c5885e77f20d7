// Tables with figures: a caption for screen readers, columns that say how they are aligned.

import { element } from "./element.js";

/** Columns are `{ title, kind }` with the kind `text`, `number` or `wide`. Returns the element and its body. */
export function table(caption, columns, name = null) {
  const heads = columns.map(({ title, kind, head }) => element("th", { scope: "col", class: kind }, head ?? title));
  const body = element("tbody");
  const whole = element("table", { class: name }, element("caption", { class: "unseen" }, caption), element("thead", {}, element("tr", {}, ...heads)), body);
  return { whole: element("div", { class: "scroll" }, whole), body, heads };
}

/** A cell; `label` names it where rows are shown as cards, on narrow screens. */
export function cell(kind, label, ...children) {
  return element("td", { class: kind, "data-label": label }, ...children);
}
