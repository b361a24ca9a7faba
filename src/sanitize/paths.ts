/** A place on the way of one or more paths. */
interface Node {
  readonly id: number;
  readonly next: Map<string, Node>;
  any: Node | undefined;
  /** What follows `**`: it may begin at any level below. */
  deep: Node | undefined;
  end: boolean;
}

/** Where a walk stands in all paths at once. Worked out when a walk first gets there, and there are only so many. */
export interface Cursor {
  /** Whether a path ends here; `**` at the end of a path takes in all that is below. */
  readonly ends: boolean;
  /** Where a step leads. Undefined: no path goes there. */
  enter(key: string): Cursor | undefined;
}

let ids = 0;
const node = (): Node => ({ id: ids++, next: new Map(), any: undefined, deep: undefined, end: false });

const step = /\.?(\*\*|\*|[^.[\]"'*]+)|\[(\*|\d+)\]|\[(?:"([^"]*)"|'([^']*)')\]/y;

const stepsOf = (path: string): string[] => {
  const steps: string[] = [];
  step.lastIndex = 0;
  while (step.lastIndex < path.length) {
    const match = step.exec(path);
    if (match === null) {
      throw new TypeError(`'${path}' is no path: write user.ssn, items[*].pin, **.iban or headers["x-key"]`);
    }
    // A quoted step is a name even if it is a star.
    steps.push(match[1] ?? match[2] ?? `"${match[3] ?? match[4]}`);
  }
  return steps;
};

const below = (at: Node, name: string): Node => {
  if (name === '*') {
    at.any ??= node();
    return at.any;
  }
  if (name === '**') {
    at.deep ??= node();
    return at.deep;
  }
  const key = name.startsWith('"') ? name.slice(1) : name;
  const known = at.next.get(key) ?? node();
  at.next.set(key, known);
  return known;
};

/** A node behind `**` stays where it is: the name may still come further down. */
interface At {
  readonly node: Node;
  readonly stays: boolean;
}

const spread = (at: Node): At[] =>
  at.deep === undefined
    ? [{ node: at, stays: false }]
    : [{ node: at, stays: false }, ...spread(at.deep).map(({ node: deep }) => ({ node: deep, stays: true }))];

/** Not followed yet. */
const UNKNOWN = null;

class State implements Cursor {
  readonly ends: boolean;
  readonly #nodes: readonly At[];
  readonly #states: Map<string, State>;
  /** Where the names lead that a path has here; all other names lead to one and the same place. */
  readonly #named = new Map<string, State | undefined | typeof UNKNOWN>();
  #other: State | undefined | typeof UNKNOWN = UNKNOWN;

  constructor(nodes: readonly At[], states: Map<string, State>) {
    this.#nodes = nodes;
    this.#states = states;
    this.ends = nodes.some(({ node: at }) => at.end);
    for (const { node: at } of nodes) for (const name of at.next.keys()) this.#named.set(name, UNKNOWN);
    states.set(idOf(nodes), this);
  }

  enter(key: string): State | undefined {
    const known = this.#named.get(key);
    if (known !== undefined && known !== UNKNOWN) return known;
    if (!this.#named.has(key)) {
      if (this.#other === UNKNOWN) this.#other = this.#step(undefined);
      return this.#other;
    }
    const found = this.#step(key);
    this.#named.set(key, found);
    return found;
  }

  #step(name: string | undefined): State | undefined {
    const found = this.#nodes.flatMap(({ node: at }) => [
      ...(name === undefined ? [] : [at.next.get(name)]),
      at.any,
    ]);
    const all = new Map<Node, At>();
    for (const at of this.#nodes) if (at.stays) all.set(at.node, at);
    for (const at of found.filter((one) => one !== undefined).flatMap(spread)) {
      if (at.stays || !all.has(at.node)) all.set(at.node, at);
    }
    if (all.size === 0) return undefined;
    const nodes = [...all.values()];
    return this.#states.get(idOf(nodes)) ?? new State(nodes, this.#states);
  }
}

const idOf = (nodes: readonly At[]): string =>
  nodes
    .map(({ node: { id }, stays }) => (stays ? id + 0.5 : id))
    .sort((a, b) => a - b)
    .join();

/**
 * The first layer: places that are named. `*` stands for one step, `**` for any number of them, a list's step is its index.
 *
 * @throws TypeError if a path cannot be read
 */
export const cursorOf = (paths: readonly string[]): Cursor => {
  const root = node();
  for (const path of paths) stepsOf(path).reduce(below, root).end = true;
  return new State(spread(root), new Map());
};

/** Whether a text can be read as a path. */
export const isPath = (path: string): boolean => {
  try {
    return stepsOf(path).length > 0;
  } catch {
    return false;
  }
};
