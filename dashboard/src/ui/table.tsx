import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { count } from './format.ts';
import { Icon } from './icon.tsx';
import { flipped, type Sort, type SortValue } from './order.ts';
import { useOrder } from './use-order.ts';

export interface Column<Row> {
  readonly id: string;
  readonly label: string;
  /** What it is sorted by, and shown where there is no `cell`. */
  readonly value: (row: Row) => SortValue;
  readonly cell?: (row: Row) => ComponentChildren;
  readonly align?: 'end';
  readonly width?: string;
  readonly title?: string;
  /** Left out where there is no room: below 640 px, below 1000 px. */
  readonly hide?: 'narrow' | 'medium';
  readonly sortable?: false;
}

export interface TableProps<Row> {
  /** Name of the table, for those who do not see it. */
  readonly caption: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly rowKey: (row: Row) => string;
  readonly sort: Sort;
  readonly pageSize?: number;
  readonly empty?: ComponentChildren;
  readonly onOpen?: (row: Row) => void;
  readonly selected?: string | null | undefined;
}

const classOf = <Row,>({ align, hide }: Column<Row>): string =>
  [align === 'end' ? 'num' : '', hide ? `hide-${hide}` : ''].join(' ').trim();

interface HeadProps<Row> {
  readonly column: Column<Row>;
  readonly sort: Sort;
  readonly onSort: (sort: Sort) => void;
}

function Head<Row>({ column, sort, onSort }: HeadProps<Row>) {
  const active = sort.by === column.id;
  const order = active ? (sort.dir === 'asc' ? 'ascending' : 'descending') : undefined;
  const style = column.width ? { '--width': column.width } : undefined;
  if (column.sortable === false) {
    return (
      <th scope="col" class={classOf(column)} style={style} title={column.title}>
        {column.label}
      </th>
    );
  }
  return (
    <th scope="col" class={classOf(column)} style={style} aria-sort={order} title={column.title}>
      <button
        type="button"
        onClick={() => onSort(flipped(sort, column.id, column.align === 'end' ? 'desc' : 'asc'))}
      >
        <span>{column.label}</span>
        <span class={`sort ${active ? '' : 'idle'}`}>
          <Icon name={active && sort.dir === 'asc' ? 'up' : 'down'} size={12} />
        </span>
      </button>
    </th>
  );
}

/** Arrow keys go from row to row where rows can be opened. */
const onArrow = (event: KeyboardEvent): void => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const row = event.target instanceof Element ? event.target.closest('tr[tabindex]') : null;
  if (!step || !row) return;
  const next = step > 0 ? row.nextElementSibling : row.previousElementSibling;
  if (!(next instanceof HTMLElement)) return;
  event.preventDefault();
  next.focus();
};

const isInside = (event: Event): boolean =>
  event.target instanceof Element && event.target.closest('a, button, input, summary') !== null;

interface RowProps<Row> {
  readonly row: Row;
  readonly columns: readonly Column<Row>[];
  readonly onOpen: ((row: Row) => void) | undefined;
  readonly selected: boolean;
}

function BodyRow<Row>({ row, columns, onOpen, selected }: RowProps<Row>) {
  const opens = onOpen && {
    tabIndex: 0,
    onClick: (event: MouseEvent) => isInside(event) || onOpen(row),
    onKeyDown: (event: KeyboardEvent) => event.key === 'Enter' && !isInside(event) && onOpen(row),
  };
  return (
    <tr {...opens} class={onOpen ? 'opens' : ''} aria-current={selected ? 'true' : undefined}>
      {columns.map((column) => (
        <td key={column.id} class={classOf(column)}>
          {column.cell ? column.cell(row) : (column.value(row) ?? '–')}
        </td>
      ))}
    </tr>
  );
}

interface PagerProps {
  /** Of the table. */
  readonly name: string;
  readonly page: number;
  readonly pages: number;
  readonly total: number;
  readonly onPage: (page: number) => void;
}

function Pager({ name, page, pages, total, onPage }: PagerProps) {
  return (
    <nav class="row pager" aria-label={`Pages of ${name}`}>
      <button type="button" class="button" disabled={page === 0} onClick={() => onPage(page - 1)}>
        Previous
      </button>
      <span class="muted num">
        Page {page + 1} of {pages} · {count(total)} rows
      </span>
      <button type="button" class="button" disabled={page >= pages - 1} onClick={() => onPage(page + 1)}>
        Next
      </button>
    </nav>
  );
}

export function Table<Row>(props: TableProps<Row>) {
  const { caption, rows, columns, rowKey, pageSize = 50, empty, onOpen, selected } = props;
  const [sort, setSort] = useState(props.sort);
  const [wanted, setPage] = useState(0);
  const by = columns.find(({ id }) => id === sort.by) ?? columns[0];
  const ordered = useOrder(rows, rowKey, (row) => by?.value(row), sort);
  const pages = Math.max(1, Math.ceil(rows.length / pageSize));
  const page = Math.min(wanted, pages - 1);
  if (rows.length === 0 && empty) return <>{empty}</>;
  const shown = ordered.rows.slice(page * pageSize, (page + 1) * pageSize);
  return (
    <div class="table-wrap" {...ordered.hold}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <section class="table-scroll" tabIndex={0} aria-label={caption}>
        <table>
          <caption class="visually-hidden">{caption}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <Head key={column.id} column={column} sort={sort} onSort={setSort} />
              ))}
            </tr>
          </thead>
          <tbody onKeyDown={onArrow}>
            {shown.map((row) => (
              <BodyRow
                key={rowKey(row)}
                row={row}
                columns={columns}
                onOpen={onOpen}
                selected={rowKey(row) === selected}
              />
            ))}
          </tbody>
        </table>
      </section>
      {pages > 1 && <Pager name={caption} page={page} pages={pages} total={rows.length} onPage={setPage} />}
    </div>
  );
}
