const hex = '0123456789abcdef';
const word = 'abcdefghijklmnopqrstuvwxyz0123456789';
const digits = '0123456789';

const uuid = ({ text }) =>
  `${text(hex, 8)}-${text(hex, 4)}-4${text(hex, 3)}-a${text(hex, 3)}-${text(hex, 12)}`;

/** Values that have nothing to hide, many of which look as if they had. */
export const innocents = {
  uuid: (tools) => ({ request_id: uuid(tools), text: `request ${uuid(tools)} took 3 ms` }),
  hash: ({ text }) => ({ sha256: text(hex, 64), git: `commit ${text(hex, 40)}`, etag: `"${text(hex, 32)}"` }),
  trace: ({ text }) => `traceparent: 00-${text(hex, 32)}-${text(hex, 16)}-01`,
  'worker id': ({ text, int }) => ({
    worker_id: `default-${int(9)}-${text(word, 6)}`,
    session_id: text(word, 20),
    pid: int(99_999),
  }),
  'numeric id': ({ text, int }) => ({
    id: `1${text(digits, 17)}`,
    seq: int(1e9),
    order: `order 10${text(digits, 7)}`,
  }),
  timestamp: ({ int }) => ({
    at: new Date(17e11 + int(1e9)).toISOString(),
    ms: 17e11 + int(1e9),
    us: `${17e14 + int(1e9)}`,
    line: `12:30:${10 + int(49)}`,
  }),
  shape: ({ int }) => [
    `torch.Size([1, ${int(9)}, 224, 224])`,
    `shape=(${int(99)}, 768) dtype=float32`,
    'tensor(0.4111111111111111)',
  ],
  'file and line': ({ int, pick }) =>
    pick([
      `app.py:${int(999)} in predict`,
      `File "/srv/token_utils.py", line ${int(999)}, in get_token`,
      `at Pool.submit (file:///app/pool.ts:${int(99)}:7)`,
    ]),
  prose: ({ pick }) =>
    pick([
      'the password was wrong',
      'Invalid password: must be at least 8 characters',
      'wrong password: try again in 5 minutes',
      'Unexpected token: expected a comma',
      "SyntaxError: Unexpected token '}' in JSON at position 12",
      "KeyError: 'password'",
      "missing key: 'user_id' in request",
      'Basic usage of the tool',
      'bearer authentication is required',
      'use --password to set one, or --token from the file',
      'the secret of success: work',
      'a cookie: the small thing you eat',
      'authorization: denied by the policy',
      'token budget: 512, password policy: strict',
      'the auth module failed: cannot connect',
    ]),
  'names of fields': ({ pick }) =>
    pick([
      { columns: ['id', 'password', 'email', 'token'] },
      { required: ['password', 'username'] },
      { key: 'user', value: 'ann' },
      { name: 'colour', value: 'red' },
      "fields: ['username', 'password', 'email']",
      { passwordless: 'x', primary_key: 'id', author: 'ann', secretary: 'bob', keyboard: 'qwerty' },
    ]),
  counts: ({ int }) => ({
    max_tokens: int(4096),
    token_count: int(99),
    tokens: [int(999), int(999)],
    pass_rate: 0.9,
    has_password: true,
    key_count: int(9),
  }),
  'model options': ({ int }) => ({
    model: 'bert-base-uncased',
    eos_token: '</s>',
    pad_token: '[PAD]',
    temperature: 0.7,
    seed: int(99_999),
    token_type: 'bpe',
  }),
  url: ({ int, pick }) =>
    pick([
      `https://example.com:8080/a/b?page=${int(9)}&sort=asc#top`,
      'git@github.com:org/repo.git',
      'ssh://git@example.com/repo',
      'redis://cache:6379/0',
      'https://registry.example/@scope/pkg@1.2.3',
    ]),
  code: ({ pick }) =>
    pick([
      '    client = Client(password=password, token=self.token)',
      'def login(user: str, password: str, token: Optional[str] = None) -> None:',
      'password = os.environ["DB_PASSWORD"]',
      'token = get_token(user)',
      'sorted(items, key=len)',
      'key=lambda row: row.id',
      'auth=auth, timeout=30',
      '    raise ValueError(f"bad token: {token}")',
      'if password == None: pass',
    ]),
  placeholder: ({ pick }) =>
    pick([
      'password=***',
      'password: <password>',
      `token=$${'{TOKEN}'}`,
      'Authorization: [SANITIZED]',
      '{"password": null}',
      '{"password": ""}',
      '--password=[SANITIZED]',
    ]),
  mail: ({ text }) => ({ to: `${text(word, 6)}@example.com`, text: 'write to ops@example.com' }),
  package: ({ int }) => [
    `scikit-learn==1.${int(9)}.0`,
    'sk-learn-contrib-some-estimators',
    `snakepit@0.${int(9)}.1`,
    `task-${int(999)}0123456789abcdef`,
  ],
  numbers: ({ random, int }) => [
    random(),
    -random() * 1e9,
    `p50=${random()} p99=${random() * 100}`,
    `${int(256)}.${int(256)}.0.1:8080`,
  ],
  base64: ({ text }) => ({ image: `data:image/png;base64,iVBORw0KGgo${text(word, 60)}==` }),
};
