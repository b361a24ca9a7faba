/** Views and what they show are in the query of the address, so that a link shows what its sender saw. */

export const viewNames = [
  'overview',
  'pools',
  'worker',
  'latency',
  'errors',
  'slow',
  'events',
  'health',
  'telemetry',
] as const;
export type View = (typeof viewNames)[number];
export type Params = Readonly<Record<string, string>>;
export type Changes = Readonly<Record<string, string | number | null | undefined>>;

export interface Route {
  readonly view: View;
  readonly params: Params;
}

export const parseRoute = (search: string): Route => {
  const { view, ...params } = Object.fromEntries(new URLSearchParams(search));
  return { view: viewNames.find((name) => name === view) ?? 'overview', params };
};

/** Address of a view: `?view=errors&code=timeout`. What is empty is left out. */
export const href = (view: View, params: Changes = {}): string => {
  const query = new URLSearchParams({ view });
  for (const [name, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== '') query.set(name, String(value));
  }
  return `?${query}`;
};

export const changed = ({ view, params }: Route, changes: Changes): string =>
  href(view, { ...params, ...changes });
