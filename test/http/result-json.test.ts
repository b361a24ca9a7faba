import { describe, expect, it } from 'vitest';
import { toResultJson } from '../../src/http/gateway/result-json.ts';
import { fakePort, post, serveGateway } from './support.ts';

const through = (value: unknown) => {
  const { value: prepared, lossy } = toResultJson(value);
  return { json: JSON.parse(JSON.stringify(prepared)) as unknown, lossy };
};

describe('results as JSON', () => {
  it.each([
    ['BigInt', { a: [2n ** 53n] }, { a: ['9007199254740992'] }, ['$.a[0]']],
    [
      'NaN and infinities',
      [Number.NaN, 1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
      [null, 1, null, null],
      ['$[0]', '$[2]', '$[3]'],
    ],
    ['bytes', { raw: Uint8Array.of(0, 255) }, { raw: { $bytes: 'AP8=' } }, ['$.raw']],
    [
      'a Buffer that is part of a larger one',
      Buffer.from('abcdef').subarray(2, 4),
      { $bytes: 'Y2Q=' },
      ['$'],
    ],
    ['dates', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }, []],
    ['an invalid date', { at: new Date(Number.NaN) }, { at: null }, ['$.at']],
    ['the root', 1n, '1', ['$']],
    ['nothing', undefined, null, []],
    ['keys that are no names', { 'a b': { '': [1n] } }, { 'a b': { '': ['1'] } }, ['$["a b"][""][0]']],
    ['lone surrogates', ['\ud800'], ['\ud800'], []],
  ])('%s', (_, value, json, lossy) => {
    expect(through(value)).toEqual({ json, lossy });
  });

  it('keeps the members around a changed one, __proto__ among them', () => {
    const source = JSON.parse('{"__proto__": [1], "k": 1, "x": {"y": 2}}') as Record<string, unknown>;
    const list = [1n];
    Object.defineProperty(source, '__proto__', { value: list, enumerable: true });
    const { json, lossy } = through(source);
    expect(JSON.stringify(json)).toBe('{"__proto__":["1"],"k":1,"x":{"y":2}}');
    expect(lossy).toEqual(['$.__proto__[0]']);
  });

  it('leaves the result untouched, and copies nothing where nothing changes', () => {
    const plain = { a: [1, 'x', { b: null }], at: new Date(0) };
    expect(toResultJson(plain).value).toBe(plain);
    const source = { same: { deep: [1] }, list: [1n, 2] };
    const { value } = toResultJson(source) as { value: typeof source };
    expect(source.list).toEqual([1n, 2]);
    expect(value.same).toBe(source.same);
    expect(value.list).toEqual(['1', 2]);
  });

  it('lossy stands in the answer only where something was lost', async () => {
    const port = fakePort({ result: ({ args }) => (args.lose === true ? { n: 1n } : { n: 1 }) });
    const { url } = await serveGateway(port);
    expect((await post(`${url}/v1/commands/a`, { lose: true })).json).toMatchObject({
      result: { n: '1' },
      lossy: ['$.n'],
    });
    expect((await post(`${url}/v1/commands/a`)).json).not.toHaveProperty('lossy');
  });

  it('what the gateway answers can be sent back to it', async () => {
    const port = fakePort({ result: () => ({ raw: Uint8Array.of(1, 2) }) });
    const { url } = await serveGateway(port);
    const { result } = (await post(`${url}/v1/commands/a`)).json;
    await post(`${url}/v1/commands/b`, result);
    expect(port.seen[1]?.args).toEqual({ raw: Uint8Array.of(1, 2) });
  });
});
