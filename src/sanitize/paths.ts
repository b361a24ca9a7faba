/** A place on the way of one or more paths. */
interface Node {
  readonly next: Map<string, Node>;
  any: Node | undefined;
  /** What follows `**`: it may begin at any level below. */
  deep: Node | undefined;
  end: boolean;
}

/** Where a walk stands in all paths at once. */
export type Cursor = readonly Node[];

const node = (): Node => ({ next: new Map(), any: undefined, deep: undefined, end: false });

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

/** The first layer: places that are named. `*` stands for one step, `**` for any number of them, a list's step is its index. */
export class Paths {
  readonly start: Cursor;

  constructor(paths: readonly string[]) {
    const root = node();
    for (const path of paths) stepsOf(path).reduce(below, root).end = true;
    this.start = spread([root]);
  }

  /** Where one stands after a step. Undefined: no path goes there. */
  static enter(cursor: Cursor | undefined, key: string): Cursor | undefined {
    if (cursor === undefined) return undefined;
    const found = cursor.flatMap((at) => {
      const named = at.next.get(key);
      return [named, at.any].filter((one) => one !== undefined);
    });
    // A node behind `**` stays: the name may still come further down.
    const staying = cursor.filter((at) => deepNodes.has(at));
    const all = [...new Set([...spread(found), ...staying])];
    return all.length === 0 ? undefined : all;
  }

  /** Whether a path ends here; `**` at the end of a path takes in all that is below. */
  static ends(cursor: Cursor | undefined): boolean {
    return cursor?.some((at) => at.end) === true;
  }
}

const deepNodes = new WeakSet<Node>();

const spread = (nodes: readonly Node[]): Node[] =>
  nodes.flatMap((at) => {
    if (at.deep === undefined) return [at];
    deepNodes.add(at.deep);
    return [at, at.deep];
  });
