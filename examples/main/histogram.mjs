/** Bounds are this far apart, so a quantile is off by 1 % at most. */
const STEP = 1.02;

/** Latencies of a run of any length in little memory: how many fell between one bound and the next. */
export class Histogram {
  count = 0;
  #buckets = new Map();

  add(ms) {
    const bucket = Math.round(Math.log(Math.max(ms, 0.001)) / Math.log(STEP));
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
    this.count++;
  }

  /** The value that this share of the latencies does not exceed; undefined when there are none. */
  quantile(share) {
    let left = Math.max(1, Math.ceil(share * this.count));
    for (const [bucket, count] of [...this.#buckets].sort(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return STEP ** bucket;
    }
    return undefined;
  }
}
