/** Types for the tests. */

export interface Case {
  readonly name?: string;
  readonly series: Readonly<Record<string, string>>;
  readonly at: string;
}

export interface Alert {
  readonly name: string;
  readonly expr: string;
  readonly severity: 'page' | 'ticket';
  readonly summary: string;
  readonly description: string;
  readonly needs?: readonly string[];
  readonly fires: readonly Case[];
  readonly silent: readonly Case[];
}

export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly legendFormat?: string;
  }[];
}

export interface Dashboard {
  readonly uid: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
}

export type Metrics = Map<string, { readonly type: string; readonly labels: Set<string> }>;

export interface Sources {
  readonly metrics: Metrics;
  readonly recording: readonly { readonly name: string; readonly rules: readonly RecordingRule[] }[];
  readonly groups: readonly { readonly name: string; readonly alerts: readonly Alert[] }[];
  readonly alerts: readonly Alert[];
  readonly dashboard: Dashboard;
}

export const sources: () => Sources;
export const deployFiles: () => Record<string, string>;
export const faultsOf: (of: Omit<Sources, 'groups'>) => string[];
export const knownMetrics: (
  catalog?: Readonly<Record<string, { readonly type: string; readonly labels: readonly string[] }>>,
) => Metrics;
/** Also those whose metrics are not there yet. */
export const allAlerts: readonly Alert[];
export const anchorOf: (alert: Alert) => string;
