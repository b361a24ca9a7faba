/** A place in a {@link Chain}; belongs to one owner for its life. */
export class Link<T> {
  prev: Link<T> | undefined;
  next: Link<T> | undefined;
  chain: Chain<T> | undefined;
  constructor(readonly owner: T) {}
}

/**
 * A doubly linked list whose links live in their owners, so that any of them can leave in O(1): a queue must let go of a request that is cancelled in
 * its middle, and at once, or memory grows with every deadline not reached.
 */
export class Chain<T> {
  #first: Link<T> | undefined;
  #last: Link<T> | undefined;
  size = 0;

  get first(): T | undefined {
    return this.#first?.owner;
  }

  push(link: Link<T>): void {
    link.chain = this;
    link.prev = this.#last;
    link.next = undefined;
    if (this.#last === undefined) this.#first = link;
    else this.#last.next = link;
    this.#last = link;
    this.size++;
  }

  unshift(link: Link<T>): void {
    link.chain = this;
    link.prev = undefined;
    link.next = this.#first;
    if (this.#first === undefined) this.#last = link;
    else this.#first.prev = link;
    this.#first = link;
    this.size++;
  }

  shift(): T | undefined {
    const link = this.#first;
    if (link !== undefined) this.remove(link);
    return link?.owner;
  }

  /** Moves the first to the end and returns it. */
  rotate(): T | undefined {
    const link = this.#first;
    if (link !== undefined && link !== this.#last) {
      this.remove(link);
      this.push(link);
    }
    return link?.owner;
  }

  /** Takes a link out; does nothing when it is in no chain or another. */
  remove(link: Link<T>): void {
    if (link.chain !== this) return;
    if (link.prev === undefined) this.#first = link.next;
    else link.prev.next = link.next;
    if (link.next === undefined) this.#last = link.prev;
    else link.next.prev = link.prev;
    link.chain = link.prev = link.next = undefined;
    this.size--;
  }
}
