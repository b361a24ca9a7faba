import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadSync } from '@grpc/proto-loader';
import { expect, it } from 'vitest';

const proto = fileURLToPath(new URL('../../../proto/snakepit/v1/worker.proto', import.meta.url));
const recorded = new URL('../../../proto/snakepit/v1/worker.fields.txt', import.meta.url);

interface Field {
  readonly name: string;
  readonly number: number;
  readonly type: string;
  readonly typeName: string;
  readonly label: string;
}

/** What is on the wire: every field with its number and type, every method with what it takes and gives. */
const onTheWire = (): string[] =>
  Object.entries(loadSync(proto, { keepCase: true })).flatMap(([name, definition]) => {
    if ('format' in definition) {
      const { field = [] } = definition.type as { field?: Field[] };
      return field.map(({ name: of, number, type, typeName, label }) =>
        `${name}.${of} = ${number} ${label} ${typeName || type}`.replaceAll(/LABEL_|TYPE_/g, ''),
      );
    }
    return Object.values(definition as Record<string, Method>).map(
      ({ path, requestStream, responseStream, requestType, responseType }) =>
        `${path} ${requestStream ? 'stream ' : ''}${requestType.type.name} -> ${responseStream ? 'stream ' : ''}${responseType.type.name}`,
    );
  });

interface Method {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestType: { readonly type: { readonly name: string } };
  readonly responseType: { readonly type: { readonly name: string } };
}

it('what was ever on the wire in v1 is there still, with its number and type', () => {
  const now = new Set(onTheWire());
  const ever = readFileSync(recorded, 'utf8').trim().split('\n');
  expect(
    ever.filter((line) => !now.has(line)),
    'changed or gone: v1 only ever grows; give what is new a number of its own',
  ).toEqual([]);
  expect(
    [...now].filter((line) => !ever.includes(line)),
    'new: add these lines to proto/snakepit/v1/worker.fields.txt',
  ).toEqual([]);
});
