export function present(values: readonly (number | null)[]): number[] {
  return values.filter((value): value is number => value !== null);
}

export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

export function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Median absolute deviation, scaled to a normal's standard deviation. */
export function spread(values: readonly number[]): number | null {
  const centre = median(values);
  if (centre === null) return null;
  return 1.4826 * (median(values.map((value) => Math.abs(value - centre))) ?? 0);
}
