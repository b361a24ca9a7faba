import type { Context } from 'hono';
import { Refusal } from '../problem.ts';

const MAX_SHOWN = 100;

/** A parameter of the query that is not usable: which, what was got, what is allowed. */
export const badParameter = (parameter: string, got: string, allowed: string): Refusal =>
  new Refusal('bad_request', `${parameter}: got ${quote(got)}; allowed: ${allowed}.`, {
    members: {
      title: 'A parameter of the query is not usable.',
      parameter,
      got: got.slice(0, MAX_SHOWN),
      allowed,
    },
  });

const quote = (text: string) => `'${text.slice(0, MAX_SHOWN)}'`;

/**
 * The parameters of a query, each at most once.
 *
 * @param several - names that may come more than once; of those the first is returned
 * @param known - the names that are taken; a misspelt one must not be ignored, for it would widen what is asked for
 * @throws Refusal `bad_request`
 */
export const parametersOf = (
  c: Context,
  known: readonly string[],
  several: readonly string[] = [],
): ReadonlyMap<string, string> => {
  const parameters = new Map<string, string>();
  for (const [name, values] of Object.entries(c.req.queries())) {
    if (!known.includes(name)) throw unknownParameter(name, known);
    if (values.length > 1 && !several.includes(name))
      throw badParameter(name, values.join(`' and '`), 'once');
    parameters.set(name, values[0] as string);
  }
  return parameters;
};

const unknownParameter = (name: string, known: readonly string[]): Refusal => {
  const allowed = known.join(', ');
  const taken = known.length === 0 ? 'none is taken' : `taken are ${allowed}`;
  return new Refusal('bad_request', `The query has the parameter ${quote(name)}; here ${taken}.`, {
    members: {
      title: 'The query has an unknown parameter.',
      parameter: name.slice(0, MAX_SHOWN),
      allowed,
    },
  });
};
