/** A sample value: `NaN`, `+Inf` and `-Inf` in the spelling both formats share. */
export const sampleValue = (value: number): string => {
  if (Number.isFinite(value)) return `${value}`;
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
};

/**
 * A bound as `strconv.FormatFloat(x, 'g', -1, 64)` of Go writes it: `0.005`, `10`, `1e+06`, `1e-05`. Bounds are label
 * values, so a spelling of our own would make
 * other series of them than every other client does.
 */
export const goFloat = (value: number): string => {
  if (!Number.isFinite(value)) return sampleValue(value);
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
  const power = Number(exponent);
  if (power >= -4 && power < 6) return `${value}`;
  const sign = power < 0 ? '-' : '+';
  return `${mantissa}e${sign}${String(Math.abs(power)).padStart(2, '0')}`;
};

/** The same bound in OpenMetrics, which wants a point or an exponent in it: `10.0`. */
export const openMetricsFloat = (value: number): string => {
  const text = goFloat(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
};

/** Epoch milliseconds as seconds with at most three decimals. */
export const epochSeconds = (milliseconds: number): string => `${Math.round(milliseconds) / 1000}`;
