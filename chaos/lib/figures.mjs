/**
 * A quantile of some readings, by the nearest rank; null where there are none.
 *
 * @param {number[]} values
 * @param {number} share from 0 to 1
 */
export const quantile = (values, share) => {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? sorted[0];
};

/** What the report says of some times, in milliseconds. */
export const summary = (values) => ({
  count: values.length,
  p50: quantile(values, 0.5),
  p99: quantile(values, 0.99),
});
