import type { ExemplarSource, Exemplars } from '../family.ts';
import { labelText } from './escape.ts';
import { epochSeconds, sampleValue } from './number.ts';

/** OpenMetrics 1.0.0 allows the names and values of an exemplar's labels this many characters together. */
const MAX_LENGTH = 128;
const KEYS = ['request_id', 'trace_id', 'correlation_id'] as const;

/** Names and values of an exemplar's labels; none where the event has no id. */
export const exemplarLabels = (
  source: ExemplarSource,
): { readonly names: readonly string[]; readonly values: readonly string[] } => {
  const names: string[] = [];
  const values: string[] = [];
  let length = 0;
  for (const key of KEYS) {
    const value = source[key];
    if (typeof value !== 'string' || value === '' || values.includes(value)) continue;
    // The limit is in code points, of which there are never more than UTF-16 units.
    if (length + key.length + value.length > MAX_LENGTH) continue;
    length += key.length + value.length;
    names.push(key);
    values.push(value);
  }
  return { names, values };
};

/** ` # {request_id="…"} 0.05 1700000000.123`, or nothing where the cell has counted nothing that has an id. */
export const exemplarText = (exemplars: Exemplars | undefined, cell: number): string => {
  const source = exemplars?.sources[cell];
  if (source === undefined) return '';
  const { names, values } = exemplarLabels(source);
  const labels = labelText(names, values);
  const { timestamp } = source;
  const at = Number.isFinite(timestamp) ? ` ${epochSeconds(timestamp)}` : '';
  return labels === '' ? '' : ` # {${labels}} ${sampleValue(exemplars?.values[cell] ?? 0)}${at}`;
};
