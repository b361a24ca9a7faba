import { type FamilyCopy, type HistogramCopy, type RowLabels, type ScalarCopy, strideOf } from '../family.ts';
import { openMetricsName } from '../record/names.ts';
import type { Dialect } from './dialect.ts';
import { labelText } from './escape.ts';
import { exemplarText } from './exemplar.ts';
import { epochSeconds, sampleValue } from './number.ts';

/** Characters of a slice. About a thousand lines, a millisecond or two of work: what a request may have to wait behind. */
export const SLICE_CHARACTERS = 100_000;

const textOf = (copy: FamilyCopy, row: number): string => {
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
  const line = `${copy.spec.name}${braces} ${sampleValue(copy.values[row] as number)}`;
  if (!rich || copy.spec.type !== 'counter') return `${line}\n`;
  return `${line}${exemplarText(copy.exemplars, row)}\n${createdLine(copy, row, braces)}`;
};

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
  let count = 0;
  let text = '';
  for (let i = 0; i < bounds.length; i++) {
    count += copy.cells[start + i] as number;
    const exemplar = rich ? exemplarText(copy.exemplars, start + i) : '';
    text += `${name}_bucket${open}le="${bounds[i]}"} ${count}${exemplar}\n`;
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
        ? [...Array.from(copy.bounds, dialect.bound), dialect.bound(Number.POSITIVE_INFINITY)]
        : [];
    pieces.push(dialect.header(copy.spec));
    for (let row = 0; row < copy.rows; row++) {
      const text =
        copy.kind === 'histogram' ? histogramRow(copy, row, dialect, bounds) : scalarRow(copy, row, dialect);
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
