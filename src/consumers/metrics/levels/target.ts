import type { ScalarCopy } from '../family.ts';

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** A resource attribute's key as a label name: `service.name` becomes `service_name`. */
const labelOf = (key: string): string => {
  const name = key.replace(/[^a-zA-Z0-9_]+/g, '_');
  return /^[0-9]/.test(name) ? `_${name}` : name;
};

/** Keys and values of `OTEL_RESOURCE_ATTRIBUTES`: `key=value,key=value`, values percent-encoded. What is no pair is left out. */
const pairsOf = (attributes: string): [string, string][] =>
  attributes.split(',').flatMap((pair): [string, string][] => {
    const equals = pair.indexOf('=');
    const key = pair.slice(0, equals).trim();
    return equals < 1 || key === '' ? [] : [[decode(key), decode(pair.slice(equals + 1).trim())]];
  });

/**
 * `target_info` after the OpenTelemetry specification ("Prometheus and OpenMetrics Compatibility", resource attributes): what this process is, for joins with what OpenTelemetry sends.
 *
 * @returns undefined where the environment says nothing
 */
export const targetInfo = (
  environment: Readonly<Record<string, string | undefined>>,
): ScalarCopy | undefined => {
  const found = new Map(pairsOf(environment.OTEL_RESOURCE_ATTRIBUTES ?? ''));
  const service = environment.OTEL_SERVICE_NAME?.trim();
  if (service) found.set('service.name', service);
  const labels = new Map<string, string>();
  // Keys that become the same name share it, their values in the order of the keys.
  for (const [key, value] of [...found].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const name = labelOf(key);
    if (name.startsWith('__')) continue;
    const before = labels.get(name);
    labels.set(name, before === undefined ? value : `${before};${value}`);
  }
  if (labels.size === 0) return undefined;
  return {
    kind: 'scalar',
    spec: { type: 'info', name: 'target_info', help: 'What this process is.', labels: [...labels.keys()] },
    rows: 1,
    labels: [[...labels.values()]],
    values: [1],
  };
};
