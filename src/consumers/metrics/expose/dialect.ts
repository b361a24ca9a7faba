import type { FamilySpec } from '../family.ts';
import { openMetricsName } from '../record/names.ts';
import { escapeHelp, escapeLabel } from './escape.ts';
import { goFloat, openMetricsFloat } from './number.ts';

/** The text formats we write. */
export type TextFormat = 'text' | 'openmetrics';
/** All formats we write. */
export type Format = TextFormat | 'protobuf';

/** What differs between the formats; samples read the same in both. */
export interface Dialect {
  readonly contentType: string;
  /** The lines before a family's samples. */
  header(spec: FamilySpec): string;
  /** A bucket's bound. */
  bound(value: number): string;
  /** Whether it takes exemplars and `_created`. */
  readonly rich: boolean;
  /** The last line. */
  readonly end: string;
}

/** Prometheus text exposition format 0.0.4. */
const text: Dialect = {
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  header: ({ name, type, help }) =>
    `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type === 'info' ? 'gauge' : type}\n`,
  bound: goFloat,
  rich: false,
  end: '',
};

/** OpenMetrics 1.0.0. Metadata speaks of the family, whose name lacks the suffixes of its samples. */
const openmetrics: Dialect = {
  contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  header: (spec) => {
    const name = openMetricsName(spec);
    const unit = spec.unit === undefined ? '' : `# UNIT ${name} ${spec.unit}\n`;
    return `# HELP ${name} ${escapeLabel(spec.help)}\n# TYPE ${name} ${spec.type}\n${unit}`;
  },
  bound: openMetricsFloat,
  rich: true,
  end: '# EOF\n',
};

export const dialects: Readonly<Record<TextFormat, Dialect>> = { text, openmetrics };

/** The `Content-Type` of each format. */
export const contentTypes: Readonly<Record<Format, string>> = {
  text: text.contentType,
  openmetrics: openmetrics.contentType,
  protobuf: 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
};
