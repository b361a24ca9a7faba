import { spawnSync } from 'node:child_process';
import { testPython } from '../../support/tools.ts';

const run = (file: string, args: readonly string[], input: string) => {
  const { stdout, stderr, status, error } = spawnSync(file, args, {
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (error !== undefined) throw error;
  return { stdout, stderr, status };
};

/** What `promtool check metrics` finds fault with: parse errors and naming. Empty when it is content. */
export const promtoolFaults = (exposition: string): string => {
  const { stdout, stderr, status } = run('promtool', ['check', 'metrics'], exposition);
  return status === 0 ? `${stdout}${stderr}` : `exit ${status}\n${stdout}${stderr}`;
};

const STRICT = `
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
families = []
for text in json.loads(sys.stdin.buffer.read()):
    for family in parse(text):
        families.append({
            "name": family.name, "type": family.type, "unit": family.unit, "help": family.documentation,
            "samples": [[s.name, s.labels, repr(float(s.value)), s.exemplar and s.exemplar.labels] for s in family.samples],
        })
print(json.dumps(families))
`;

export interface StrictFamily {
  readonly name: string;
  readonly type: string;
  readonly unit: string;
  readonly help: string;
  readonly samples: readonly (readonly [
    string,
    Record<string, string>,
    string,
    Record<string, string> | null,
  ])[];
}

/** Reads OpenMetrics with the strict parser of Python's prometheus_client. @throws Error with its message on what it refuses */
export const strictFamilies = (...expositions: string[]): StrictFamily[] => {
  const { stdout, stderr, status } = run(testPython(), ['-c', STRICT], JSON.stringify(expositions));
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as StrictFamily[];
};
