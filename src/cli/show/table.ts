import type { Paint, Style } from './paint.ts';
import { cutTo, endOf, plainLine } from './plain.ts';

/** A column of a {@link table}. */
export interface Column {
  readonly title: string;
  /** Figures stand on the right. */
  readonly right?: boolean;
  /** Cut where the table is too wide, at its end or at its start. The others never are: an id that is cut is good for nothing. */
  readonly flexible?: boolean | 'start';
}

/** A cell, coloured or not. */
export type Cell = string | { readonly text: string; readonly style: Style | undefined };

const textOf = (cell: Cell | undefined): string =>
  plainLine(typeof cell === 'object' ? cell.text : (cell ?? ''));
const GAP = '  ';
/** Narrower than this says nothing. */
const LEAST = 8;

/** Aligned text, one line a row, as wide as `width` where its fixed columns allow that. All cells are made safe for a terminal. */
export const table = (
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  { width, paint }: { readonly width: number; readonly paint: Paint },
): string => {
  const texts = rows.map((row) => columns.map((_, i) => textOf(row[i])));
  const widths = narrow(
    columns,
    columns.map(({ title }, i) => Math.max(...[title, ...texts.map((row) => row[i] as string)].map(length))),
    width,
  );
  const line = (cells: readonly string[], styles: readonly (Style | undefined)[]) =>
    columns
      .map(({ right, flexible }, i) => {
        const cut = flexible === 'start' ? endOf : cutTo;
        const text = cut(cells[i] as string, widths[i] as number);
        const pad = ' '.repeat((widths[i] as number) - length(text));
        const painted = paint(styles[i], text);
        return right ? pad + painted : painted + pad;
      })
      .join(GAP)
      .trimEnd();
  const heading = line(
    columns.map(({ title }) => title),
    columns.map(() => 'dim'),
  );
  const body = texts.map((cells, r) =>
    line(
      cells,
      columns.map((_, i) => styleOf(rows[r]?.[i])),
    ),
  );
  return [heading, ...body].join('\n');
};

const length = (text: string): number => [...text].length;
const styleOf = (cell: Cell | undefined): Style | undefined =>
  typeof cell === 'object' ? cell.style : undefined;

/** Takes what is too much from the flexible columns, always from the widest. */
const narrow = (columns: readonly Column[], wanted: readonly number[], width: number): number[] => {
  const widths = [...wanted];
  let excess = widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1) - width;
  for (; excess > 0; excess--) {
    const widest = Math.max(...widths.filter((_, i) => columns[i]?.flexible));
    if (widest <= LEAST) break;
    widths[widths.findIndex((each, i) => columns[i]?.flexible && each === widest)] = widest - 1;
  }
  return widths;
};
