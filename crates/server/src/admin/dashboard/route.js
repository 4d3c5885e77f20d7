// Where in the page one is: `#/`, `#/files?q=…`, `#/file?path=…`.

/** The view and its parameters that the address names; an unknown one is the overview. */
export function place() {
  const [, view = "", query = ""] = /^#\/([^?]*)\??(.*)$/.exec(location.hash) ?? [];
  return { view, query: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a view; parameters that are empty are left out. */
export function address(view, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  const text = new URLSearchParams(given).toString();
  return `#/${view}${text && `?${text}`}`;
}

/** Goes there; `replace` leaves no trace in the history, as while one types. */
export function go(view, query = {}, replace = false) {
  if (replace) {
    history.replaceState(null, "", address(view, query));
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = address(view, query);
  }
}
