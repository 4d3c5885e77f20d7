// Keys: / searches, arrows choose a file, Enter opens it (as any link), Esc goes back a step.

import { go, place } from "./route.js";

export function listen(search) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const isTyping = event.target instanceof HTMLInputElement;
    if (event.key === "/" && !isTyping) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "Escape") {
      event.preventDefault();
      leave(search);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (move(event.key === "ArrowDown" ? 1 : -1, event.target, search)) event.preventDefault();
    }
  });
}

/** From a search to all files, from a file to its list, from the list to the overview. */
function leave(search) {
  const { view, query } = place();
  if (view === "files" && query.q) {
    search.value = "";
    go("files", { ...query, q: "", offset: "" }, true);
  } else if (document.activeElement === search) {
    search.blur();
  } else if (view === "file") {
    history.length > 1 ? history.back() : go("files");
  } else if (view !== "") {
    go("");
  }
}

/** To the next file in sight; whether there was one. */
function move(way, from, search) {
  const links = [...document.querySelectorAll("main a.path")].filter((link) => link.offsetParent !== null);
  if (links.length === 0) return false;
  const at = links.indexOf(from);
  if (at < 0 && from !== search && from !== document.body && from.id !== "main") return false;
  const next = at < 0 ? (way > 0 ? 0 : -1) : at + way;
  if (next < 0) {
    search.focus();
    return true;
  }
  links[Math.min(next, links.length - 1)].focus();
  return true;
}
