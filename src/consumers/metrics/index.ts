export { type MetricName, metricCatalog } from './catalog.ts';
export type { Exposition } from './expose/scrape.ts';
export { Metrics, type MetricsInit } from './metrics.ts';
export type { PromRegistryLike } from './offer/adapter.ts';
export type { BoundMetric, LabelValues } from './record/application.ts';
export type { MetricSpec } from './record/spec.ts';
export type { CatalogEntry } from './source.ts';
