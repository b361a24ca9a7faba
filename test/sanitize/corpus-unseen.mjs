/**
 * A third corpus, written last: nothing was mended for it, and nothing may be. Whoever mends a fault that it shows adds the case to
 * another corpus and thinks of new templates here, or its figures say nothing.
 */
const lower = 'abcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';
const word = `${lower}${lower.toUpperCase()}${digits}`;
const hex = '0123456789abcdef';

const around =
  (wrap, length = 18) =>
  (tools) => {
    const secret = tools.text(word, length);
    return { secret, value: wrap(secret, tools) };
  };

export const unseenSecrets = {
  'systemd unit': around((s) => `Environment="API_TOKEN=${s}" "MODE=prod"`),
  'docker run': around((s) => `docker run --rm -e DB_PASSWORD=${s} -p 80:80 app`),
  'helm value': around((s) => `helm upgrade app ./chart --set auth.password=${s}`),
  'env in a list of a container': around((s) => ({ env: [{ name: 'SMTP_PASS', value: s }] })),
  'vault answer': around((s) => JSON.stringify({ auth: { client_token: s, lease_duration: 60 } })),
  'oauth answer': around(
    (s) => JSON.stringify({ access_token: s, token_type: 'Bearer', expires_in: 60 }),
    40,
  ),
  'refresh form': around((s) => `grant_type=refresh_token&refresh_token=${s}`, 40),
  'django settings': around((s) => `SECRET_KEY = 'django-insecure-${s}'`, 40),
  'rails credential': around((s) => `secret_key_base: ${s}`, 64),
  'jenkins log': around((s) => `+ curl -u deploy:${s} https://ci.example.org/job`),
  'ftp url': around((s) => `fetching ftp://ann:${s}@files.example.org/a.tgz`),
  'mongo url with options': around((s) => `mongodb://root:${s}@a:27017,b:27017/?replicaSet=r`),
  'odbc string': around((s) => `Driver={ODBC};Server=a,1433;Uid=sa;Pwd=${s};`),
  'websocket url': around((s) => `wss://stream.example.org/v1?access_token=${s}&v=2`),
  'pydantic repr': around((s) => `user='ann' password=${JSON.stringify(s)} active=True`),
  'namedtuple repr': around((s) => `Login(user='ann', pin=None, passwd='${s}')`),
  'kwargs in a traceback': around(
    (s) =>
      `TypeError: connect() got an unexpected keyword argument\n  kwargs = {'user': 'a', 'api_secret': '${s}'}`,
  ),
  'response object': around((s) => ({ status: 401, config: { auth: { username: 'ann', password: s } } })),
  'error cause chain': around(
    (s) => new Error('a', { cause: new Error('b', { cause: { clientSecret: s } }) }),
  ),
  'set of texts': around((s) => new Set(['a', `token=${s}`])),
  'list of headers of aws': around((s) => ({ headers: [{ key: 'X-Auth-Token', value: s }] })),
  'login sentence': around((s) => `User ann logged in with password ${s} from 10.0.0.1`),
  'chat message': around((s) => `my api key is ${s}, please keep it`, 32),
  'csv line': around((s) => `id,user,password\n1,ann,${s}`),
  'yaml list of pairs': around((s) => `- name: password\n  value: ${s}`),
  'ssh key block': ({ text }) => {
    const secret = text(word, 60);
    return {
      secret,
      value: `-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n${secret}\n-----END OPENSSH PRIVATE KEY-----`,
    };
  },
  'digest header': ({ text }) => {
    const secret = text(hex, 32);
    return { secret, value: `Authorization: Digest username="ann", realm="r", response="${secret}"` };
  },
  'signed cookie': around((s) => `connect.sid=s%3A${s}.abc; Path=/; HttpOnly`, 32),
  'stripe in code': ({ text }) => {
    const secret = `sk_test_${text(word, 24)}`;
    return { secret, value: `stripe.api_key = "${secret}"` };
  },
  'azure key': ({ text }) => {
    const secret = `${text(word, 43)}=`;
    return {
      secret,
      value: `Endpoint=sb://a.example.net/;SharedAccessKeyName=root;SharedAccessKey=${secret}`,
    };
  },
};

const oneOf =
  (...list) =>
  ({ pick }) =>
    pick(list);

export const unseenInnocents = {
  'training log': oneOf(
    'epoch 3 step 1200 loss=0.412 tokens=8192 lr=3e-5',
    'tok/s=1820 mem=11.2GB',
    'grad_norm: 0.81',
  ),
  'generation options': ({ int }) => ({
    max_new_tokens: int(512),
    stop_token_ids: [int(9), int(9)],
    return_tokens: true,
    key_padding_mask: null,
  }),
  'cuda error': oneOf(
    'CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 15.78 GiB total capacity)',
    'RuntimeError: Expected key.size(1) == value.size(1), but got key: [8, 12, 64] and value: [8, 10, 64]',
  ),
  'json error': oneOf(
    'json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)',
    'Unexpected token u in JSON at position 0',
  ),
  'access log': ({ int }) =>
    `10.0.0.${int(255)} - ann [01/May/2024:12:00:00 +0000] "GET /tokens/list?page=${int(9)} HTTP/1.1" 200 ${int(9999)}`,
  'prometheus line': ({ int }) => `http_requests_total{path="/login",code="200"} ${int(9999)}`,
  'python frames': oneOf(
    '  File "/app/auth/password.py", line 12, in check_password',
    '    return self.tokenizer(text, return_tensors="pt")',
    '    for key, value in secrets.items():',
  ),
  'git output': ({ text }) =>
    `commit ${text(hex, 40)}\nAuthor: Ann <ann@example.org>\n    Rotate the signing key`,
  'kubernetes event': ({ text }) =>
    `Successfully assigned default/auth-service-${text(hex, 9)}-${text(lower, 5)} to node-3`,
  'file listing': oneOf(
    '-rw-r--r-- 1 ann ann 1679 May  1 12:00 id_rsa.pub',
    'drwx------ 2 root root 4096 May  1 secrets',
  ),
  'feature flags': () => ({
    password_login: true,
    token_refresh_interval: 60,
    session_timeout: '30m',
    auth_mode: 'oidc',
  }),
  'public things': ({ text }) => ({
    public_key: text(hex, 32),
    key_id: text(hex, 16),
    fingerprint: `SHA256:${text(word, 43)}`,
  }),
  'sql errors': oneOf(
    'duplicate key value violates unique constraint "users_pkey"',
    'Key (email)=(a@example.org) already exists.',
    'column "token" does not exist',
  ),
  sentences: oneOf(
    'She kept the secret for years.',
    'Press any key to continue',
    'A cookie was set by the site.',
    'The token ring network is obsolete.',
    'Authorization is required: ask the owner',
  ),
};
