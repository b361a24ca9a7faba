import { describe, expect, it } from 'vitest';
import { ask, dial, fakePort, post, serveGateway, until } from './support.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

describe('arguments', () => {
  const send = async (body: string | Uint8Array, headers: Record<string, string> = JSON_TYPE) => {
    const port = fakePort({ result: () => 1 });
    const { url } = await serveGateway(port);
    const answer = await ask(`${url}/v1/commands/a`, { method: 'POST', headers, body });
    return { answer, args: port.seen[0]?.args };
  };

  it.each([
    ['an object', '{"a":[1,"x",null,{"b":true}]}', { a: [1, 'x', null, { b: true }] }],
    ['a byte order mark', '\uFEFF{"a":1}', { a: 1 }],
    ['nothing', '', {}],
    [
      'integers that a number cannot hold',
      '{"a":[9007199254740993,-18446744073709551615],"b":9007199254740991}',
      { a: [9007199254740993n, -18446744073709551615n], b: 9007199254740991 },
    ],
    [
      'digits in strings and fractions',
      '{"a":"12345678901234567890","b":0.12345678901234567890,"\\"1234567890123456789":1e30}',
      { a: '12345678901234567890', b: 0.12345678901234568, '"1234567890123456789': 1e30 },
    ],
    [
      'bytes',
      '{"a":{"$bytes":"AP8="},"b":[{"$bytes":""}]}',
      { a: Uint8Array.of(0, 255), b: [new Uint8Array(0)] },
    ],
    [
      'what only looks like bytes',
      '{"a":{"$bytes":"not base64!"},"b":{"$bytes":"AP8=","more":1},"c":{"$bytes":1},"d":{"$bytes":"AP8"}}',
      {
        a: { $bytes: 'not base64!' },
        b: { $bytes: 'AP8=', more: 1 },
        c: { $bytes: 1 },
        d: { $bytes: 'AP8' },
      },
    ],
    ['arguments that look like bytes themselves', '{"$bytes":"AP8="}', { $bytes: 'AP8=' }],
  ])('%s', async (_, body, expected) => {
    const { answer, args } = await send(body);
    expect(answer.status).toBe(200);
    expect(args).toEqual(expected);
  });

  it('__proto__ stays a key like any other', async () => {
    const { args } = await send('{"__proto__":{"$bytes":"AP8="},"n":12345678901234567890}');
    expect(Object.getOwnPropertyDescriptor(args, '__proto__')?.value).toEqual(Uint8Array.of(0, 255));
    expect(Object.getPrototypeOf(args)).toBe(Object.prototype);
    expect(args?.n).toBe(12345678901234567890n);
  });

  it('values nested too deep for a stack reach the core, which refuses them', async () => {
    const depth = 200_000;
    const { answer, args } = await send(
      `{"big":12345678901234567890,"a":${'['.repeat(depth)}${']'.repeat(depth)}}`,
    );
    expect(answer.status).toBe(200);
    expect(args?.big).toBe(12345678901234567890n);
  });

  it('long integers beside long strings and many escapes', async () => {
    const { args } = await send(
      `{"a":"${'\\\\'.repeat(2_000_000)}","b":"\\"12345678901234567890,","c":[ -12345678901234567890 ]}`,
    );
    expect(args?.a).toHaveLength(2_000_000);
    expect(args?.b).toBe('"12345678901234567890,');
    expect(args?.c).toEqual([-12345678901234567890n]);
  });

  it('bytes of many megabytes', async () => {
    const bytes = Buffer.alloc(8 * 2 ** 20, 7);
    const { args } = await send(JSON.stringify({ image: { $bytes: bytes.toString('base64') } }));
    expect(Buffer.compare(args?.image as Uint8Array, bytes)).toBe(0);
  });

  it('no body needs no content type', async () => {
    const { answer, args } = await send('', {});
    expect(answer.status).toBe(200);
    expect(args).toEqual({});
  });

  it.each([
    ['an array', '[1]', 'is an array'],
    ['a string', '"x"', 'is a string'],
    ['a number', '12345678901234567890', 'is a number'],
    ['null', 'null', 'is null'],
    ['no JSON', '{"a":', 'not valid JSON'],
    ['two values', '{} {}', 'not valid JSON'],
    ['white space', '  ', 'not valid JSON'],
    ['bad UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), 'not valid UTF-8'],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), 'not valid JSON'],
  ])('%s is malformed', async (_, body, why) => {
    const { answer, args } = await send(body);
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json).toMatchObject({ code: 'malformed_body', category: 'request', retryable: false });
    expect(answer.json.detail).toContain(why);
    expect(args).toBeUndefined();
  });

  it.each([
    ['application/json; charset=utf-8', 200],
    ['Application/JSON;charset="UTF-8"', 200],
    ['application/ld+json', 200],
    ['application/json; charset=latin1', 415],
    ['application/x-www-form-urlencoded', 415],
    ['text/plain', 415],
    ['multipart/form-data; boundary=x', 415],
    ['application/jsonp', 415],
    ['', 415],
  ])("content type '%s'", async (type, status) => {
    const { answer } = await send('{}', { 'content-type': type });
    expect(answer.status).toBe(status);
    if (status === 415) {
      expect(answer.json).toMatchObject({ code: 'unsupported_media_type' });
      expect(answer.json.detail).toContain('application/json');
    }
  });

  it('a body without a content type, or compressed, is of a type not taken', async () => {
    expect((await send('{}', {})).answer.status).toBe(415);
    const packed = await send('{}', { ...JSON_TYPE, 'content-encoding': 'gzip' });
    expect(packed.answer.status).toBe(415);
    expect(packed.answer.json.detail).toContain("'gzip'");
  });
});

describe('the size limit', () => {
  const limit = 1000;
  const fitting = JSON.stringify({ a: 'x'.repeat(limit - 8) });
  const over = JSON.stringify({ a: 'x'.repeat(limit - 7) });

  it.each([
    ['declared', { 'content-length': '' }],
    ['chunked', { 'transfer-encoding': 'chunked' }],
  ])('%s', async (_, headers) => {
    const port = fakePort();
    const { url } = await serveGateway(port, { maxBodyBytes: limit });
    const send = (body: string) => {
      const length = 'content-length' in headers ? { 'content-length': String(body.length) } : headers;
      return ask(`${url}/v1/commands/a`, { method: 'POST', headers: { ...JSON_TYPE, ...length }, body });
    };
    expect(fitting.length).toBe(limit);
    expect((await send(fitting)).status).toBe(200);
    const answer = await send(over);
    expect(answer.status).toBe(413);
    expect(answer.json).toMatchObject({ code: 'payload_too_large', category: 'request' });
    expect(answer.json.detail).toContain('gateway.maxBodyBytes');
    expect(port.seen).toHaveLength(1);
  });

  it('answers before a large body has come', async () => {
    const server = await serveGateway(fakePort(), { maxBodyBytes: limit });
    const socket = await dial(server);
    socket.write(
      'POST /v1/commands/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n{',
    );
    await until(() => socket.received().includes('payload_too_large'), 'the refusal');
    expect(socket.received()).toMatch(/^HTTP\/1.1 413 /);
  });

  it('a chunked body without end is cut off', async () => {
    const server = await serveGateway(fakePort(), { maxBodyBytes: limit });
    const socket = await dial(server);
    socket.write(
      'POST /v1/commands/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`;
    const feed = setInterval(() => socket.write(chunk), 1);
    await until(() => socket.received().includes('payload_too_large') && socket.closed, 'the refusal');
    clearInterval(feed);
  });
});

it('a caller that hangs up within its body makes no call', async () => {
  const port = fakePort();
  const server = await serveGateway(port);
  for (const framing of [
    'Content-Length: 100\r\n\r\n{"a":',
    'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n',
  ]) {
    const socket = await dial(server);
    socket.write(
      `POST /v1/commands/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${framing}`,
    );
    socket.destroySoon();
    await until(() => socket.closed, 'the hang-up');
  }
  expect((await post(`${server.url}/v1/commands/b`)).status).toBe(200);
  expect(port.seen.map(({ command }) => command)).toEqual(['b']);
});
