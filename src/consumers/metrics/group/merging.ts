import { eachLabel, labelText } from '../expose/escape.ts';
import type { Aggregate, SketchCopy } from '../family.ts';
import { addNative, addSketches } from './native.ts';
import { cellsPerRow, type NativeRow, type Packed, type PackedExemplar } from './packed.ts';

type Combine = (a: number, b: number) => number;
const add: Combine = (a, b) => a + b;
/** A gauge that is NaN says nothing. */
const unlessNaN =
  (pick: Combine): Combine =>
  (a, b) =>
    Number.isNaN(a) ? b : Number.isNaN(b) ? a : pick(a, b);

const earliest = unlessNaN(Math.min);

const combiners: Readonly<Record<Aggregate, Combine>> = {
  sum: add,
  max: unlessNaN(Math.max),
  min: unlessNaN(Math.min),
  first: (a) => a,
};

/** A family of several members, as the first has it: the others may have been started with another configuration. */
export class Merging {
  readonly #first: Packed;
  /** The buckets of the first that has a series: without one prom-client does not tell them. */
  #bounds: Float64Array;
  #stride: number;
  #pinned: boolean;
  readonly #combine: Combine;
  readonly #rows = new Map<string, number>();
  readonly #labels: string[] = [];
  readonly #cells: number[] = [];
  readonly #created: number[] = [];
  readonly #exemplars = new Map<number, PackedExemplar>();
  readonly #native: (NativeRow | undefined)[] = [];
  readonly #sketches: (SketchCopy | undefined)[] = [];
  #zeroThreshold = 0;
  /** Whether all members record exponential buckets; those of some would be less than the classic ones. */
  #allNative = true;
  #allSketched = true;

  constructor(first: Packed) {
    this.#first = first;
    this.#bounds = first.bounds;
    this.#stride = cellsPerRow(first);
    this.#pinned = first.labels.length > 0;
    const { type, aggregate = 'sum' } = first.spec;
    this.#combine = type === 'gauge' || type === 'info' ? combiners[aggregate] : add;
  }

  /** @returns false, and nothing is added, where it is not the same kind of metric */
  add(of: Packed): boolean {
    if (of.kind !== this.#first.kind || of.spec.type !== this.#first.spec.type) return false;
    if (!this.#pinned && of.labels.length > 0) {
      this.#bounds = of.bounds;
      this.#stride = cellsPerRow(of);
      this.#pinned = true;
    }
    const keyOf = keysFor(of, this.#first.spec.labels);
    const targets = this.#targets(of);
    const rows = of.labels.map((text, row) => this.#addRow(of, row, keyOf(text), targets));
    this.#addExemplars(of, rows, targets);
    this.#addNative(of, rows);
    this.#addSketches(of, rows);
    return true;
  }

  result(): Packed {
    const { spec, kind } = this.#first;
    const bounds = this.#bounds;
    const zeroThreshold = this.#zeroThreshold;
    const rows = this.#native.map((row) => addNative(row, undefined, zeroThreshold));
    const withNative = kind === 'histogram' && this.#allNative && rows.length > 0;
    return {
      spec,
      kind,
      bounds,
      labels: this.#labels,
      cells: Float64Array.from(this.#cells),
      created: Float64Array.from(this.#created),
      exemplars: [...this.#exemplars.values()],
      ...(withNative && { native: { zeroThreshold, rows } }),
      ...(kind === 'summary' && this.#allSketched && { sketches: this.#sketches }),
    };
  }

  /** Where each cell of a series of theirs goes. A bucket goes to the first of ours that has room for all of it. */
  #targets({ bounds, kind }: Packed): readonly number[] {
    const ours = this.#bounds;
    if (kind !== 'histogram') return Array.from({ length: this.#stride }, (_, i) => i);
    const buckets = Array.from(bounds, (bound) => {
      const found = ours.findIndex((of) => of >= bound);
      return found === -1 ? ours.length : found;
    });
    return [...buckets, ours.length, ours.length + 1];
  }

  #addRow(of: Packed, theirs: number, key: string, targets: readonly number[]): number {
    const known = this.#rows.get(key);
    const row = known ?? this.#labels.length;
    const start = row * this.#stride;
    const created = of.created[theirs] as number;
    if (known === undefined) {
      this.#rows.set(key, row);
      this.#labels.push(of.labels[theirs] as string);
      this.#created.push(created);
      for (let i = 0; i < this.#stride; i++) this.#cells.push(0);
    } else this.#created[row] = earliest(this.#created[row] as number, created);
    const isNew = known === undefined && of.kind === 'scalar';
    targets.forEach((target, i) => {
      const cell = start + target;
      const value = of.cells[theirs * targets.length + i] as number;
      this.#cells[cell] = isNew ? value : this.#combine(this.#cells[cell] as number, value);
    });
    return row;
  }

  #addExemplars({ exemplars }: Packed, rows: readonly number[], targets: readonly number[]): void {
    for (const { cell, value, source } of exemplars) {
      const row = rows[Math.floor(cell / targets.length)] as number;
      const to = row * this.#stride + (targets[cell % targets.length] as number);
      const before = this.#exemplars.get(to);
      if (before === undefined || before.source.timestamp < source.timestamp)
        this.#exemplars.set(to, { cell: to, value, source });
    }
  }

  #addNative({ native, labels }: Packed, rows: readonly number[]): void {
    if (native === undefined) {
      if (labels.length > 0) this.#allNative = false;
      return;
    }
    this.#zeroThreshold = Math.max(this.#zeroThreshold, native.zeroThreshold);
    rows.forEach((row, i) => {
      this.#native[row] = addNative(this.#native[row], native.rows[i], this.#zeroThreshold);
    });
  }

  #addSketches({ sketches, labels }: Packed, rows: readonly number[]): void {
    if (sketches === undefined) {
      if (labels.length > 0) this.#allSketched = false;
      return;
    }
    rows.forEach((row, i) => {
      this.#sketches[row] = addSketches(this.#sketches[row], sketches[i]);
    });
  }
}

/**
 * What tells the series apart: their labels in one order. Those of a prom-client registry stand in that of the first update, which may
 * be another one in each process.
 */
const keysFor = ({ spec }: Packed, order: readonly string[]): ((text: string) => string) => {
  const same = spec.labels.length === order.length && spec.labels.every((label, i) => label === order[i]);
  if (same && order.length > 0) return (text) => text;
  return (text) => {
    const pairs: [string, string][] = [];
    eachLabel(text, (name, value) => pairs.push([name, value]));
    if (pairs.length < 2) return text;
    pairs.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b) || (a < b ? -1 : 1));
    return labelText(
      pairs.map(([name]) => name),
      pairs.map(([, value]) => value),
    );
  };
};
