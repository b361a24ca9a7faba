import {
  type FamilyCopy,
  type HistogramCopy,
  type LabelSource,
  type RowLabels,
  type ScalarCopy,
  type SummaryCopy,
  strideOf,
} from '../family.ts';
import { openMetricsName } from '../record/names.ts';
import type { Dialect } from './dialect.ts';
import { labelText } from './escape.ts';
import { exemplarText } from './exemplar.ts';
import { epochSeconds, sampleValue } from './number.ts';

/** Characters of a slice. About a thousand lines, a millisecond or two of work: what a request may have to wait behind. */
export const SLICE_CHARACTERS = 100_000;

/** The labels of a series, without braces. */
export const textOf = (copy: FamilyCopy, row: number): string => {
  if (!Array.isArray(copy.labels)) return (copy.labels as LabelSource).textOf(row);
  const labels = copy.labels[row] as RowLabels;
  return typeof labels === 'string' ? labels : labelText(copy.spec.labels, labels);
};

const createdLine = (copy: FamilyCopy, row: number, braces: string): string => {
  const at = copy.created?.[row];
  return at === undefined ? '' : `${openMetricsName(copy.spec)}_created${braces} ${epochSeconds(at)}\n`;
};

const scalarRow = (copy: ScalarCopy, row: number, { rich }: Dialect): string => {
  const labels = textOf(copy, row);
  const braces = labels === '' ? '' : `{${labels}}`;
  const value = sampleValue(copy.values[row] as number);
  if (!rich || copy.spec.type !== 'counter') return `${copy.spec.name}${braces} ${value}\n`;
  // A counter of somebody else's registry may lack the suffix, which OpenMetrics wants.
  const line = `${openMetricsName(copy.spec)}_total${braces} ${value}`;
  return `${line}${exemplarText(copy.exemplars, row)}\n${createdLine(copy, row, braces)}`;
};

/** @param bounds - each with what comes after it: `0.5"} ` */
const histogramRow = (
  copy: HistogramCopy,
  row: number,
  { rich }: Dialect,
  bounds: readonly string[],
): string => {
  const { name } = copy.spec;
  const labels = textOf(copy, row);
  const open = labels === '' ? '{' : `{${labels},`;
  const start = row * strideOf(copy.bounds);
  const bucket = `${name}_bucket${open}le="`;
  let count = 0;
  let text = '';
  for (let i = 0; i < bounds.length; i++) {
    count += copy.cells[start + i] as number;
    const exemplar = rich ? exemplarText(copy.exemplars, start + i) : '';
    text += `${bucket}${bounds[i]}${count}${exemplar}\n`;
  }
  const braces = labels === '' ? '' : `{${labels}}`;
  // OpenMetrics has neither sum nor count where observations may be negative: such a sum can fall.
  const signed = rich && (copy.bounds[0] ?? 0) < 0;
  if (!signed) {
    text += `${name}_sum${braces} ${sampleValue(copy.cells[start + bounds.length] as number)}\n`;
    text += `${name}_count${braces} ${count}\n`;
  }
  return rich ? text + createdLine(copy, row, braces) : text;
};

const summaryRow = (copy: SummaryCopy, row: number, { rich, bound }: Dialect): string => {
  const { name } = copy.spec;
  const labels = textOf(copy, row);
  const open = labels === '' ? '{' : `{${labels},`;
  const values = copy.quantilesOf(row);
  let text = '';
  copy.quantiles.forEach((q, i) => {
    text += `${name}${open}quantile="${bound(q)}"} ${sampleValue(values[i] as number)}\n`;
  });
  const braces = labels === '' ? '' : `{${labels}}`;
  text += `${name}_sum${braces} ${sampleValue(copy.cells[row * 2 + 1] as number)}\n`;
  text += `${name}_count${braces} ${copy.cells[row * 2] as number}\n`;
  return rich ? text + createdLine(copy, row, braces) : text;
};

const rowText = (copy: FamilyCopy, row: number, dialect: Dialect, bounds: readonly string[]): string => {
  switch (copy.kind) {
    case 'scalar':
      return scalarRow(copy, row, dialect);
    case 'histogram':
      return histogramRow(copy, row, dialect, bounds);
    case 'summary':
      return summaryRow(copy, row, dialect);
  }
};

/**
 * Renders families in slices of about {@link SLICE_CHARACTERS}, so that the caller can let others run in between.
 * Families without a series are left out.
 */
export function* render(families: readonly FamilyCopy[], dialect: Dialect): Generator<string, void> {
  let pieces: string[] = [];
  let size = 0;
  for (const copy of families) {
    if (copy.rows === 0) continue;
    const bounds =
      copy.kind === 'histogram'
        ? [...Array.from(copy.bounds), Number.POSITIVE_INFINITY].map((bound) => `${dialect.bound(bound)}"} `)
        : [];
    pieces.push(dialect.header(copy.spec));
    for (let row = 0; row < copy.rows; row++) {
      if (copy.hidden?.has(row)) continue;
      const text = rowText(copy, row, dialect, bounds);
      pieces.push(text);
      size += text.length;
      if (size >= SLICE_CHARACTERS) {
        yield pieces.join('');
        pieces = [];
        size = 0;
      }
    }
  }
  pieces.push(dialect.end);
  yield pieces.join('');
}
