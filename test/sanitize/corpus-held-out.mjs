/**
 * A second corpus, written after the rules and never used to make them: what it says of them is what a stranger's data would. Secrets
 * as they stand in files, dumps and messages of all sorts, and harmless lines from the same places. Its first figures, before anything
 * was mended for it, are told in docs/sanitizing.md.
 */
const lower = 'abcdefghijklmnopqrstuvwxyz';
const upper = lower.toUpperCase();
const digits = '0123456789';
const word = `${lower}${upper}${digits}`;
const hex = '0123456789abcdef';
const base64 = (text) => Buffer.from(text).toString('base64');

const phrase = ({ pick, text }) =>
  pick([
    () => text(word, 16),
    () => `${text(lower, 6)}${text(digits, 2)}`,
    () => `${text(upper, 1)}${text(lower, 7)}${text(digits, 2)}!`,
    () => text(hex, 40),
  ])();

/** A line or value around a phrase. */
const around = (wrap) => (tools) => {
  const secret = phrase(tools);
  return { secret, value: wrap(secret, tools) };
};
const around40 = (wrap) => (tools) => {
  const secret = tools.text(word, 40);
  return { secret, value: wrap(secret, tools) };
};

class Credential {
  #hidden = 1;
  constructor(value) {
    this.clientSecret = value;
  }
  get hidden() {
    return this.#hidden;
  }
}

export const heldOutSecrets = {
  'dotenv file': around(
    (s, { pick }) =>
      `NODE_ENV=production\n${pick(['DB_PASS', 'STRIPE_SECRET', 'SMTP_PASSWORD', 'APP_KEY'])}=${s}\nPORT=1`,
  ),
  'shell export': around40((s) => `export AWS_SECRET_ACCESS_KEY=${s}`),
  'variable before a command': around((s) => `PGPASSWORD=${s} psql -h db -U app -c 'select 1'`),
  'compose file': around(
    (s) => `services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: ${s}\n      POSTGRES_DB: app`,
  ),
  'kubernetes secret': ({ text }) => {
    const secret = base64(text(word, 16));
    return { secret, value: `kind: Secret\ndata:\n  password: ${secret}` };
  },
  'java properties': around((s) => `spring.datasource.username=app\nspring.datasource.password=${s}`),
  'ini section': around((s) => `[client]\nuser = root\npassword = ${s}\n`),
  'toml file': around40((s) => `[auth]\napi_token = "${s}"\n`),
  terraform: around40((s) => `provider "x" {\n  secret_key = "${s}"\n}`),
  npmrc: around40((s) => `//registry.example.org/:_authToken=${s}`),
  netrc: around((s) => `machine h.example login ann password ${s}`),
  'postgres dsn': around((s) => `dsn: host=db user=app password='${s}' sslmode=require`),
  'jdbc url': around((s) => `jdbc:postgresql://db:5432/app?user=app&password=${s}`),
  'engine repr': around((s) => `Engine(postgresql+psycopg2://app:${s}@db:5432/app)`),
  'amqp url with slash': around((s) => `amqps://app:${s}@mq.internal/%2Fvhost`),
  'git remote': ({ text }) => {
    const secret = `ghp_${text(word, 36)}`;
    return { secret, value: `origin https://x-access-token:${secret}@github.com/org/repo.git (fetch)` };
  },
  'dataclass repr': around((s) => `Settings(host='db', port=5432, db_password='${s}', debug=False)`),
  'go struct': around((s) => `config: {User:app Password:${s} Port:5432}`),
  'java toString': around((s) => `User{name=ann, password=${s}, active=true}`),
  'rust debug': around((s) => `Config { host: "db", password: "${s}", port: 1 }`),
  'ruby hash': around((s) => `{:user=>"ann", :password=>"${s}"}`),
  'php source': around((s) => `$db_pass = '${s}';`),
  'node inspect': around((s) => `{ user: 'ann', secretKey: '${s}', n: [ 1, 2 ] }`),
  logfmt: around40((s) => `level=info api_key=${s} msg="request done" ms=3`),
  'form body': around((s) => `grant_type=password&username=ann&password=${s}&scope=all`),
  'form body first': around((s) => `password=${s}&username=ann`),
  'multipart body': around(
    (s) => `--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n${s}\r\n--b--`,
  ),
  'graphql variables': around((s) =>
    JSON.stringify({ query: 'mutation', variables: { input: { newPassword: s } } }),
  ),
  'json three deep': around((s) =>
    JSON.stringify({ a: JSON.stringify({ b: JSON.stringify({ apiKey: s }) }) }),
  ),
  'json with blanks': around((s) => `{ "user" : "ann" , "password" : "${s}" }`),
  'html field': around((s) => `<input type="password" name="password" value="${s}">`),
  'xml attribute': around((s) => `<datasource user="app" password="${s}" pool="4"/>`),
  'soap element': around((s) => `<wsse:Password Type="#PasswordText">${s}</wsse:Password>`),
  'api key header': around40((s) => `curl -s -H "X-API-Key: ${s}" https://api.example.org`),
  'header dump': around40((s) => `> GET / HTTP/1.1\n> Host: a\n> Authorization: token ${s}\n> Accept: */*`),
  'proxy basic': ({ text }) => {
    const secret = base64(`ann:${text(word, 14)}`);
    return { secret, value: `Proxy-Authorization: Basic ${secret}\r\nHost: a` };
  },
  'set-cookie list': around40((s) => ({ headers: { 'Set-Cookie': [`session=${s}; Path=/`, 'lang=en'] } })),
  'cookies object': around40((s) => ({ cookies: { sessionid: s, lang: 'en' } })),
  'axios error': around40((s) =>
    Object.assign(new Error('Request failed with status code 401'), {
      config: { url: 'https://a.example', headers: { Authorization: `Bearer ${s}` } },
    }),
  ),
  'class instance': around((s) => ({ credential: new Credential(s) })),
  'map in a map': around((s) => new Map([['db', new Map([['password', s]])]])),
  'sas url': ({ text }) => {
    const secret = encodeURIComponent(base64(text(word, 24)));
    return {
      secret,
      value: `https://acc.blob.example.net/c/f?sv=2022-11-02&se=2024-01-01&sr=b&sp=r&sig=${secret}`,
    };
  },
  'presigned url': ({ text }) => {
    const secret = text(hex, 64);
    return {
      secret,
      value: `https://b.s3.example.com/k?X-Amz-Date=20240101T000000Z&X-Amz-Expires=60&X-Amz-Signature=${secret}`,
    };
  },
  'service account': ({ text }) => {
    const secret = text(`${word}+/`, 64);
    const private_key = `-----BEGIN PRIVATE KEY-----\n${text(word, 64)}\n${secret}\n-----END PRIVATE KEY-----\n`;
    return { secret, value: JSON.stringify({ type: 'service_account', private_key }) };
  },
  'powershell option': around((s) => `Connect-Thing -Server a -Password ${s} -Force`),
  'openssl option': around((s) => `openssl rsa -in k.pem -passin pass:${s}`),
  'mysqldump option': around((s) => `mysqldump --user=root --password=${s} app`),
  'redis command': around((s) => `redis-cli -h cache -a ${s} ping`),
  'sql statement': around((s) => `ALTER USER app WITH PASSWORD '${s}'`),
  'argv after equals sign': around40((s) => ['node', 'app.js', `--auth-token=${s}`]),
  'argv in json text': around((s) => JSON.stringify({ argv: ['tool', '--password', s, '-v'] })),
  'subprocess repr': around(
    (s) => `CalledProcessError: Command '['tool', '--password', '${s}']' returned non-zero exit status 1.`,
  ),
  'german message': around((s) => `Anmeldung mit Passwort '${s}' fehlgeschlagen`),
  'message that quotes it': around((s) => `the password "${s}" is too weak`),
  'full-width colon': around((s) => `ｐａｓｓｗｏｒｄ：${s}`),
  'words with a blank': around((s) => `API Key: ${s}`),
  'markdown table': around((s) => `| password | ${s} |`),
  'traceback locals': around(
    (s) =>
      `Traceback (most recent call last):\n  File "a.py", line 3, in f\n    connect(user, "x")\n    password = '${s}'\n    user = 'ann'`,
  ),
  'telegram bot url': ({ text }) => {
    const secret = `${text(digits, 9)}:AA${text(word, 33)}`;
    return { secret, value: `https://api.telegram.org/bot${secret}/getMe` };
  },
  'slack webhook': ({ text }) => {
    const secret = `T${text(upper, 8)}/B${text(upper, 8)}/${text(word, 24)}`;
    return { secret, value: `post to https://hooks.slack.com/services/${secret} failed` };
  },
  'jwt in a cookie': ({ text }) => {
    const secret = `eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI${text(word, 20)}.${text(word, 86)}`;
    return { secret, value: `cookie jar: access=${secret}; lang=en` };
  },
  'provider keys': ({ pick, text }) => {
    const secret = pick([
      () => `rk_live_${text(word, 24)}`,
      () => `sk-or-v1-${text(hex, 64)}`,
      () => `xoxp-${text(digits, 12)}-${text(digits, 12)}-${text(hex, 32)}`,
      () => `ASIA${text(`${upper}234567`, 16)}`,
      () => `glrt-${text(word, 20)}`,
      () => `hf_${text(`${lower}${upper}`, 34)}`,
      () => `lin_api_${text(word, 40)}`,
      () => `AccountKey=${base64(text(word, 64))}`.slice(11),
    ]);
    return pickOrAccount(secret());
  },
  'card in a sentence': ({ text }) => {
    const body = `4${text(digits, 14)}`;
    const secret = `${body}${luhnDigit(body)}`.replace(/(\d{4})(?=\d)/g, '$1-');
    return { secret, value: `charged ${secret}, thank you` };
  },
};

/** An account key has no form of its own; it comes with its name. */
const pickOrAccount = (secret) => ({
  secret,
  value: /==$|=$/.test(secret) ? `AccountKey=${secret}` : `got ${secret} here`,
});

const luhnDigit = (body) => {
  const sum = [...body].reverse().reduce((total, c, i) => {
    const n = Number(c) * (i % 2 === 0 ? 2 : 1);
    return total + (n > 9 ? n - 9 : n);
  }, 0);
  return (10 - (sum % 10)) % 10;
};

const oneOf =
  (...list) =>
  ({ pick }) =>
    pick(list);

export const heldOutInnocents = {
  'messages about passwords': oneOf(
    'password authentication failed for user "app"',
    'Password must contain at least one digit',
    'the passwords do not match',
    'Your password expires in 3 days',
    'password: too short',
    'Passwort: zu kurz',
    'password reset requested by user 42',
  ),
  'messages about tokens': oneOf(
    'token expired at 2024-01-01T00:00:00Z',
    "Invalid token '=' at line 3, column 7",
    'csrf token missing',
    'tokens per second: 42.1',
    'token: EOF',
    'unexpected token < in JSON at position 0',
    'tokens used: 512 of 4096',
    "tokens=['hello', 'world', '##ing']",
  ),
  'messages about keys': oneOf(
    'cache key: user:42:profile',
    'primary key: id',
    'key=user:42 hit=true',
    'sort_key=created_at',
    'hotkey: ctrl+shift+k',
    'foreign key (user_id) references users',
    "KeyError: 'layers.0.weight'",
    'missing keys: [decoder.bias]',
  ),
  'messages about auth': oneOf(
    'auth: ok',
    'authenticated=true user=ann',
    'Authorization header missing',
    'cookie: disabled',
    'authorization failed for role reader',
    'OAuth flow: authorization_code',
    'the secret garden: a novel from 1911',
  ),
  'test results': oneOf(
    'pass: 12, fail: 0',
    'passed=12 failed=0',
    'bypass: true',
    'compass: N34E118',
    'passes=3',
  ),
  'shell variables': oneOf(
    'PWD=/srv/app',
    'OLDPWD=/root',
    'pwd: /home/app',
    'SSH_AUTH_SOCK=/tmp/ssh/agent.1',
    'HISTSIZE=1000',
  ),
  'model config': ({ int }) => ({
    bos_token: '<s>',
    eos_token_id: int(9),
    tokenizer: 'bert-base-uncased',
    vocab_size: 30_522,
    num_key_value_heads: int(32),
    key_dim: 64,
    mask_token: '[MASK]',
    unk_token: '<unk>',
  }),
  'usage counts': ({ int }) => ({
    prompt_tokens: int(999),
    completion_tokens: int(999),
    total_tokens: int(9999),
    tokens_per_second: 41.5,
  }),
  'openapi scheme': () => ({ type: 'apiKey', name: 'X-API-Key', in: 'header' }),
  'json schema': () => ({ required: ['username', 'password'], properties: { username: { type: 'string' } } }),
  'sql text': oneOf(
    'SELECT id, password FROM users WHERE email = $1',
    'CREATE TABLE t (id int primary key, token text not null)',
    'UPDATE users SET password = $2 WHERE id = $1',
  ),
  'source lines': oneOf(
    'const token = await getToken(user);',
    '    self.password = password',
    'if not check_password(password, user.hash):',
    'token = request.headers.get("x-token")',
    'api_key = os.getenv("API_KEY")',
    'password: str = Field(min_length=8)',
    'let secret = config.secret.clone();',
    '  pass',
    'key, value = item',
  ),
  'integrity and digests': ({ text }) => [
    `sha512-${base64(text(word, 64))}`,
    `sha256:${text(hex, 64)}`,
    `image@sha256:${text(hex, 64)}`,
    `ETag: W/"${text(hex, 16)}"`,
    `index 1a2b3c4..${text(hex, 7)} 100644`,
  ],
  'names of machines': ({ text, int }) => [
    `web-7d4b9c6f5-${text(lower, 5)}`,
    `ip-10-0-${int(9)}-12.eu-west-1.compute.internal`,
    `arn:aws:s3:::bucket-${text(lower, 6)}/key`,
    `i-0${text(hex, 16)}`,
    `2001:db8::${text(hex, 4)}:1`,
    '02:42:ac:11:00:02',
  ],
  'figures and ids': ({ text, int }) => [
    `order ${2024}${text(digits, 10)}`,
    `+49 30 ${text(digits, 8)}`,
    `ISBN 978-3-16-148410-${int(9)}`,
    `lat=52.${text(digits, 6)} lon=13.${text(digits, 6)}`,
    `tracking 1Z${text(upper + digits, 16)}`,
    `v${int(9)}.${int(9)}.${int(9)}-rc.1+build.${int(99)}`,
  ],
  'paths and modules': oneOf(
    '/usr/lib/python3.11/site-packages/jwt/api_jwt.py:168',
    'from django.contrib.auth.hashers import check_password',
    'node_modules/passport-local/lib/strategy.js',
    '/run/secrets/db_password',
    'C:\\Users\\ann\\tokens.json',
    'secrets/production/key.pem',
  ),
  'logs of a worker': ({ int }) =>
    `2024-05-01 12:00:00,123 INFO app.auth [req-${int(999)}] login ok user=ann role=admin ms=${int(99)}`,
  'tensors and arrays': ({ random }) => [
    `tensor([[${random()}, ${random()}]], device='cuda:0', dtype=torch.float16)`,
    'array([1, 2, 3], dtype=int64)',
    'DataFrame shape: (1000, 12), columns: [id, token_count, key]',
  ],
  'links and mail': oneOf(
    'https://example.org/reset-password?lang=en',
    'https://example.org/docs/tokens#refresh-token',
    'https://example.org/search?q=secret+garden&page=2',
    'mailto:ann@example.org?subject=password',
    'https://cdn.example.org/a/b@2x.png',
  ),
  'help text': oneOf(
    'usage: tool [--token TOKEN] [--password PASSWORD] file',
    '  --api-key KEY      key of the service',
    'set PASSWORD in the environment',
    'Pass --token to authenticate',
  ),
};
