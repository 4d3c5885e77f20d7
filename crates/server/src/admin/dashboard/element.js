// Elements of the page. Text goes in as text and never as markup: names of files are whatever their owner liked.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; a child is an element or text. What is null is left out. */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same of an SVG. */
export function drawing(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** Changes a node's text only if it differs, so that a selection in it and its reader are left in peace. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A file's path as a link to its own view: what is cut for lack of room is the folder, not the name. */
export function pathLink(path) {
  const cut = path.lastIndexOf("/") + 1;
  const folder = element("bdi", { class: "folder" }, path.slice(0, cut));
  const name = element("bdi", { class: "name" }, path.slice(cut));
  return element("a", { class: "path", href: fileAddress(path), title: path }, folder, name);
}

/** The address of a file's own view. */
export function fileAddress(path) {
  return `#/file?path=${encodeURIComponent(path)}`;
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}
