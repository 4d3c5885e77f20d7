// A list that is brought up to date in place: an item that stays keeps its node, and with it focus and selection.

/** `make(item)` gives a node, `update(node, item)` brings it up to date, `keyOf(item)` tells items apart. */
export class Rows {
  #parent;
  #keyOf;
  #make;
  #update;
  #nodes = new Map();

  constructor(parent, keyOf, make, update) {
    this.#parent = parent;
    this.#keyOf = keyOf;
    this.#make = make;
    this.#update = update;
  }

  show(items) {
    const before = this.#nodes;
    this.#nodes = new Map();
    for (const item of items) {
      const key = this.#keyOf(item);
      const node = before.get(key) ?? this.#make(item);
      before.delete(key);
      this.#update(node, item);
      this.#nodes.set(key, node);
    }
    for (const node of before.values()) node.remove();
    let at = this.#parent.firstChild;
    for (const node of this.#nodes.values()) {
      if (node === at) at = at.nextSibling;
      else this.#parent.insertBefore(node, at);
    }
  }
}
