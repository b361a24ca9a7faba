import type { ExemplarSource, FamilySpec, ScalarCopy } from '../family.ts';
import { RecordedFamily, type Setting } from './family.ts';

/** Counters and gauges: one cell per series. */
export class ScalarFamily extends RecordedFamily {
  readonly #hidden = new Set<number>();

  constructor(spec: FamilySpec, setting: Setting, exemplars = false) {
    super(spec, setting, 1, exemplars);
  }

  /** Binds a series, so that counting needs no look-up. */
  bind(...values: string[]): BoundCounter {
    return new BoundCounter(this, this.row(values));
  }

  /**
   * Counts.
   *
   * @param step - finite, 0 or more
   * @param source - what an exemplar may be made from
   * @returns false, and nothing is counted, for any other step: a sum once NaN stays NaN
   */
  add(row: number, step: number, source?: ExemplarSource): boolean {
    if (!(step >= 0 && step < Number.POSITIVE_INFINITY)) return false;
    this.cells[row] = (this.cells[row] as number) + step;
    this.keepExemplar(row, source, step);
    return true;
  }

  /** Sets a gauge. */
  set(row: number, value: number): void {
    this.cells[row] = value;
    if (this.#hidden.size > 0) this.#hidden.delete(row);
  }

  /** Leaves a gauge out of scrapes until it is set again. */
  hide(row: number): void {
    this.#hidden.add(row);
  }

  override copy(withExemplars: boolean): ScalarCopy {
    return {
      kind: 'scalar',
      spec: this.spec,
      rows: this.created.length,
      labels: this.index,
      values: this.copyCells(),
      created: this.created,
      ...(this.#hidden.size > 0 && { hidden: new Set(this.#hidden) }),
      exemplars: withExemplars ? this.copyExemplars() : undefined,
    };
  }
}

/** One series of a counter. */
export class BoundCounter {
  readonly #family: ScalarFamily;
  readonly #row: number;

  constructor(family: ScalarFamily, row: number) {
    this.#family = family;
    this.#row = row;
  }

  /** See {@link ScalarFamily.add}. */
  add(step: number, source?: ExemplarSource): boolean {
    return this.#family.add(this.#row, step, source);
  }
}
