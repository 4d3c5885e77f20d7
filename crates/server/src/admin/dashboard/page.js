// The page: which view is shown, and what the feed tells it.

import { say } from "./element.js";
import { follow } from "./feed.js";
import { FileView } from "./file.js";
import { FilesView } from "./files.js";
import { count, span } from "./format.js";
import { listen } from "./keyboard.js";
import { Overview } from "./overview.js";
import { go, place } from "./route.js";
import { remember } from "./traffic.js";
import { Warnings } from "./warnings.js";

const TYPING_PAUSE_MS = 200;
const STATES = { live: "Live", connecting: "Connecting", waiting: "Reconnecting" };

const find = (id) => document.getElementById(id);
const [main, search, state, stateText, announcement, about] = ["main", "q", "state", "state-text", "announcement", "about"].map(find);
const warnings = new Warnings(find("warnings"), announce);

let view = null;
let latest = null;
let typing = 0;

function announce(text) {
  say(announcement, text);
}

function open() {
  const { view: name, query } = place();
  view?.close();
  const before = view;
  const next = name === "files" ? new FilesView(query, announce) : name === "file" ? new FileView(query) : new Overview();
  view = next;
  // A list gives way to the next one when that is there, so that nothing flickers while one types.
  if (before instanceof FilesView && next instanceof FilesView) next.ready.then(() => view === next && mount());
  else mount();
  document.title = `${view.title} · tallyd`;
  find("to-overview").setAttribute("aria-current", view instanceof Overview ? "page" : "false");
  find("to-files").setAttribute("aria-current", view instanceof Overview ? "false" : "page");
  if (document.activeElement !== search) search.value = query.q ?? "";
  if (latest) view.show(latest);
}

function mount() {
  const sort = document.activeElement?.dataset?.sort;
  main.replaceChildren(view.whole);
  if (sort) main.querySelector(`[data-sort="${sort}"]`)?.focus();
}

function show(snapshot) {
  const { server } = snapshot.summary;
  // Another version of the server has another version of this page.
  if (latest && latest.summary.server.version !== server.version) location.reload();
  latest = snapshot;
  remember(snapshot);
  warnings.show(snapshot.summary.warnings);
  const stage = server.stage === "draining" ? "; it is ending, and accepts nobody any more" : "";
  say(about, `tallyd ${server.version} serves ${server.root} at ${server.addresses.join(", ")} with ${count(server.workers)} ${server.workers === 1 ? "worker" : "workers"}, for ${span(server.uptime_s)}${stage}.`);
  view.show(snapshot);
}

function showState(name) {
  // Each attempt is a step of the same wait: it is said once.
  if (name === "connecting" && state.dataset.state === "waiting") return;
  if (state.dataset.state !== name && latest) announce(name === "live" ? "Connected again" : "Connection lost, reconnecting");
  state.dataset.state = name;
  document.body.classList.toggle("stale", name === "waiting");
  say(stateText, STATES[name]);
}

search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    const { view: name, query } = place();
    const kept = name === "files" ? query : {};
    go("files", { ...kept, q: search.value, offset: "" }, name === "files");
  }, TYPING_PAUSE_MS);
});
find("search").addEventListener("submit", (event) => {
  event.preventDefault();
  main.querySelector("a.path")?.focus();
});

// Its target is no view.
find("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", open);
listen(search);
open();
follow(show, showState);
