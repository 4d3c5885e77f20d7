// A bar in parts, with a legend that says the same in words.

import { element } from "./element.js";
import { count } from "./format.js";

/** Draws it into `node`; `parts` are [counter, name, tone]. */
export function split(node, title, parts, counters) {
  const text = parts.map(([key]) => counters[key]).join();
  if (node.dataset.drawn === text) return;
  node.dataset.drawn = text;
  const bar = element("div", { class: "split-bar", "aria-hidden": "true" });
  const legend = element("ul", { class: "legend" });
  for (const [key, name, tone] of parts) {
    const piece = element("span", { class: tone });
    piece.style.flexGrow = counters[key];
    if (counters[key] > 0) bar.append(piece);
    legend.append(element("li", { class: tone }, element("b", {}, count(counters[key])), ` ${name}`));
  }
  node.replaceChildren(element("h3", {}, title), bar, legend);
}
