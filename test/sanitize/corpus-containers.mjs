const names = [
  'password',
  'api_key',
  'DB_PASSWORD',
  'clientSecret',
  'accessToken',
  'secret',
  'db-passwd',
  'authToken',
  'ｐａｓｓｗｏｒｄ',
];
const plainNames = ['note', 'message', 'input', 'detail', 'line'];
const name = ({ pick }) => pick(names);
const python = (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;

const withError = (secret, { pick }) => {
  const error = new Error('failed', { cause: new TypeError(`cannot use ${secret}`) });
  return pick([
    error,
    Object.assign(new Error('x'), { detail: [secret] }),
    new Error(`request with ${secret} failed`),
  ]);
};

class Labelled {
  constructor(value) {
    this.inner = { value };
  }
  toJSON() {
    return { leaked: this.inner.value };
  }
}

/** Where secrets stand. `named`: beside or under a name that gives them away; the others must be told by their form. */
export const containers = {
  field: { named: true, wrap: (secret, tools) => ({ user: 'ann', [name(tools)]: secret }) },
  'field deep down': {
    named: true,
    wrap: (secret, tools) => ({ a: [{ b: { c: { [name(tools)]: secret } } }] }),
  },
  'entry of a Map': { named: true, wrap: (secret, tools) => ({ config: new Map([[name(tools), secret]]) }) },
  'pair in a list': {
    named: true,
    wrap: (secret, tools) => [
      ['host', 'a.example'],
      [name(tools), secret],
    ],
  },
  'flat headers': {
    named: true,
    wrap: (secret) => ({ rawHeaders: ['Host', 'a.example', 'X-Api-Key', secret, 'Accept', '*/*'] }),
  },
  'name and value': {
    named: true,
    wrap: (secret, tools) => ({ vars: [{ name: name(tools), value: secret }] }),
  },
  argv: {
    named: true,
    wrap: (secret, { pick }) => [
      'deploy',
      pick(['--password', '--api-key', '--client-secret']),
      secret,
      '--verbose',
    ],
  },
  'argv with sign': {
    named: true,
    wrap: (secret, { pick }) => ['deploy', `--${pick(['password', 'token', 'api-key'])}=${secret}`],
  },
  'mysql -p': { named: true, wrap: (secret) => ['mysql', '-u', 'root', `-p${secret}`] },
  'json text': {
    named: true,
    wrap: (secret, tools) => `body was ${JSON.stringify({ id: 7, [name(tools)]: secret, z: [1] })}`,
  },
  'json in json': {
    named: true,
    wrap: (secret, tools) => JSON.stringify({ body: JSON.stringify({ [name(tools)]: secret, z: 1 }) }),
  },
  'python dict': {
    named: true,
    wrap: (secret, tools) => `args: {'id': 7, ${python(name(tools))}: ${python(secret)}, 'z': None}`,
  },
  'python keyword': {
    named: true,
    wrap: (secret, { pick }) =>
      `Client(host='a', ${pick(['password', 'api_key', 'token'])}=${python(secret)}, port=1)`,
  },
  'python tuples': {
    named: true,
    wrap: (secret, tools) => `headers=[('host', 'a'), (${python(name(tools))}, ${python(secret)})]`,
  },
  traceback: {
    named: true,
    wrap: (secret, { pick }) =>
      `Traceback (most recent call last):\n  File "/srv/app.py", line 33, in connect\n    ${pick(['password', 'self.api_key', 'SECRET'])} = ${python(secret)}\nValueError: nope`,
  },
  'command line': {
    named: true,
    wrap: (secret, { pick }) =>
      `deploy ${pick(['--password', '--api-key', '--client-secret'])} '${secret}' --verbose`,
  },
  yaml: { named: true, wrap: (secret) => `host: a\npassword: "${secret}"\nport: 1` },
  xml: { named: true, wrap: (secret) => `<db><user>sa</user><password>${secret}</password></db>` },
  'name and value in json text': {
    named: true,
    wrap: (secret, tools) => JSON.stringify([{ name: name(tools), value: secret }]),
  },
  text: { named: false, wrap: (secret) => secret },
  'under a plain name': { named: false, wrap: (secret, { pick }) => ({ [pick(plainNames)]: secret }) },
  'item of a list': { named: false, wrap: (secret) => ({ list: ['a', secret, 'b'] }) },
  'item of a Set': { named: false, wrap: (secret) => new Set([secret]) },
  'key of an object': { named: false, wrap: (secret) => ({ [secret]: 1 }) },
  sentence: { named: false, wrap: (secret) => `the call with ${secret} was refused` },
  'line of a log': {
    named: false,
    wrap: (secret) => `2024-01-01T00:00:00Z INFO worker 3 sent\n${secret}\nand went on`,
  },
  'json text without a name': { named: false, wrap: (secret) => JSON.stringify({ note: secret, n: 1 }) },
  'python list': { named: false, wrap: (secret) => `items: [${python(secret)}, 1]` },
  error: { named: false, wrap: withError },
  'object with toJSON': { named: false, wrap: (secret) => new Labelled(secret) },
  'behind a long text': { named: false, wrap: (secret) => `${'word '.repeat(3000)}${secret}` },
  'at the cut of a long text': {
    named: false,
    wrap: (secret) => `${'w '.repeat(5455)}${secret} ${'v '.repeat(30_000)}`,
  },
};
