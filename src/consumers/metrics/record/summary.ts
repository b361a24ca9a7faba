import type { FamilySpec, SummaryCopy } from '../family.ts';
import { RecordedFamily, type Setting } from './family.ts';
import { WindowSketch } from './sketch.ts';

/** Quantiles of a summary where none are given. */
export const QUANTILES: readonly number[] = [0.5, 0.9, 0.95, 0.99];
/** How far back they look where nothing else is said. Milliseconds. */
export const WINDOW_MS = 600_000;

/** Summaries: per series the count and the sum of everything, and quantiles of the last minutes. */
export class SummaryFamily extends RecordedFamily {
  readonly #sketches: WindowSketch[] = [];
  readonly #windowMs: number;
  readonly #clock: () => number;

  constructor(spec: FamilySpec, setting: Setting) {
    super(spec, setting, 2, false);
    this.#windowMs = spec.windowMs ?? WINDOW_MS;
    this.#clock = setting.now;
  }

  /** Whether the family has a place for this value: a negative one would let the sum fall. */
  takes(value: number): boolean {
    return value >= 0 && value < Number.POSITIVE_INFINITY;
  }

  /** @returns false, and nothing is counted, for a value it does not take */
  observe(row: number, value: number): boolean {
    if (!this.takes(value)) return false;
    const cells = this.cells;
    const cell = row * 2;
    cells[cell] = (cells[cell] as number) + 1;
    cells[cell + 1] = (cells[cell + 1] as number) + value;
    let sketch = this.#sketches[row];
    if (sketch === undefined) {
      while (this.#sketches.length <= row) this.#sketches.push(new WindowSketch(this.#windowMs));
      sketch = this.#sketches[row] as WindowSketch;
    }
    sketch.observe(value, this.#clock());
    return true;
  }

  override copy(): SummaryCopy {
    const quantiles = this.spec.quantiles ?? QUANTILES;
    const now = this.#clock();
    const none = new Float64Array(quantiles.length).fill(Number.NaN);
    return {
      kind: 'summary',
      spec: this.spec,
      rows: this.created.length,
      labels: this.index,
      cells: this.copyCells(),
      created: this.created,
      quantiles,
      quantilesOf: (row) => this.#sketches[row]?.quantiles(quantiles, now) ?? none,
      sketchOf: (row) => this.#sketches[row]?.window(now),
    };
  }
}
