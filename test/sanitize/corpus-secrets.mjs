const lower = 'abcdefghijklmnopqrstuvwxyz';
const upper = lower.toUpperCase();
const digits = '0123456789';
const word = `${lower}${upper}${digits}`;
const hex = '0123456789abcdef';
const base64url = (text) => Buffer.from(text).toString('base64url');

const checkDigit = (body) => {
  for (let digit = 0; digit < 10; digit++) {
    const sum = [...`${body}${digit}`].reverse().reduce((total, character, i) => {
      const value = Number(character) * (i % 2 === 1 ? 2 : 1);
      return total + (value > 9 ? value - 9 : value);
    }, 0);
    if (sum % 10 === 0) return digit;
  }
  throw new Error('unreachable');
};

const card = ({ pick, text, int }) => {
  const [start, length] = pick([
    ['4', 16],
    ['52', 16],
    ['2345', 16],
    ['37', 15],
    ['6011', 16],
  ]);
  const body = start + text(digits, length - 1 - start.length);
  const number = `${body}${checkDigit(body)}`;
  if (length !== 16) return number;
  return [number, number.replace(/(\d{4})(?=\d)/g, '$1 '), number.replace(/(\d{4})(?=\d)/g, '$1-')][int(3)];
};

const iban = ({ pick, text, int }) => {
  const [country, form] = pick([
    ['DE', '999999999999999999'],
    ['GB', 'AAAA99999999999999'],
    ['FR', '9999999999AAAAAAAAAAA99'],
    ['NL', 'AAAA9999999999'],
  ]);
  const account = [...form].map((kind) => text(kind === '9' ? digits : upper, 1)).join('');
  const numbers = [...`${account}${country}00`].map((character) => Number.parseInt(character, 36)).join('');
  const check = String(98n - (BigInt(numbers) % 97n)).padStart(2, '0');
  const whole = `${country}${check}${account}`;
  return int(2) === 0 ? whole : whole.replace(/(.{4})(?=.)/g, '$1 ');
};

const password = ({ pick, text }) =>
  pick([
    () => text(`${word}!#$%^*+_-`, 14),
    () => `${text(lower, 5)}${text(digits, 3)}`,
    () => `${text(upper, 1)}${text(lower, 6)}${text(digits, 2)}!`,
    () => text(word, 20),
    () => text(hex, 32),
  ])();

const pem = ({ pick, text }) => {
  const kind = pick(['RSA ', 'EC ', 'OPENSSH ', '', 'ENCRYPTED ']);
  const lines = Array.from({ length: 6 }, () => text(`${word}+/`, 64));
  return {
    secret: lines[2],
    shown: `-----BEGIN ${kind}PRIVATE KEY-----\n${lines.join('\n')}\n-----END ${kind}PRIVATE KEY-----`,
  };
};

const provider = ({ pick, text }) =>
  pick([
    () => `AKIA${text(`${upper}234567`, 16)}`,
    () => `ghp_${text(word, 36)}`,
    () => `github_pat_${text(word, 22)}_${text(word, 59)}`,
    () => `glpat-${text(word, 20)}`,
    () => `xoxb-${text(digits, 12)}-${text(word, 24)}`,
    () => `sk_live_${text(word, 24)}`,
    () => `whsec_${text(word, 32)}`,
    () => `sk-proj-${text(word, 48)}`,
    () => `sk-ant-api03-${text(`${word}_-`, 60)}A1b`,
    () => `sk-${text(word, 44)}7`,
    () => `AIza${text(`${word}_-`, 35)}`,
    () => `npm_${text(word, 36)}`,
    () => `pypi-AgEIcHlwaS5vcmc${text(word, 60)}`,
    () => `SG.${text(word, 22)}.${text(word, 43)}`,
    () => `hf_${text(`${lower}${upper}`, 34)}`,
    () => `dop_v1_${text(hex, 64)}`,
    () => `shpat_${text(hex, 32)}`,
    () => `hvs.${text(word, 24)}`,
    () => `GOCSPX-${text(word, 28)}`,
  ])();

const jwt = ({ text }) =>
  `${base64url('{"alg":"HS256","typ":"JWT"}')}.${base64url(`{"sub":"${text(digits, 8)}"}`)}.${text(word, 43)}`;

const urlPassword = ({ text }) => `${text(word, 8)}${text(digits, 2)}`;

/** How to make a secret of each kind. `shown` is the text around it that belongs to it, such as the URL of a password. */
export const secrets = {
  password: { needsName: true, make: (tools) => ({ secret: password(tools) }) },
  'provider key': { make: (tools) => ({ secret: provider(tools) }) },
  jwt: { make: (tools) => ({ secret: jwt(tools) }) },
  'bearer auth': {
    own: true,
    make: ({ text }) => {
      const secret = text(word, 31) + text(digits, 1);
      return { secret, shown: `Bearer ${secret}` };
    },
  },
  'basic auth': {
    own: true,
    make: ({ text }) => {
      const secret = Buffer.from(`${text(lower, 6)}:${text(word, 12)}`).toString('base64');
      return { secret, shown: `Basic ${secret}` };
    },
  },
  'url with password': {
    own: true,
    make: (tools) => {
      const secret = urlPassword(tools);
      const scheme = tools.pick([
        'postgres',
        'mysql',
        'mongodb+srv',
        'redis',
        'amqp',
        'https',
        'postgresql+psycopg2',
      ]);
      return {
        secret,
        shown: `${scheme}://${tools.pick(['app', 'svc_user', 'root'])}:${secret}@db-1.internal:5432/data`,
      };
    },
  },
  'connection string': {
    own: true,
    make: (tools) => {
      const secret = urlPassword(tools);
      const shown = tools.pick([
        `Server=db;Database=app;User Id=sa;Password=${secret};Encrypt=True`,
        `host=db port=5432 user=app password=${secret} dbname=data`,
        `DefaultEndpointsProtocol=https;AccountName=store;AccountKey=${secret}${secret}==;EndpointSuffix=core`,
        `cache.local:6380,password=${secret},ssl=True,abortConnect=False`,
      ]);
      return { secret, shown };
    },
  },
  'query string': {
    own: true,
    make: (tools) => {
      const secret = tools.text(word, 20);
      const name = tools.pick([
        'token',
        'access_token',
        'api_key',
        'key',
        'sig',
        'X-Amz-Signature',
        'client_secret',
        'auth',
      ]);
      const sign = name === 'X-Amz-Signature' ? 'X-Amz-Security-Token' : name;
      return { secret, shown: `https://api.example.com/v1/items?page=2&${sign}=${secret}&sort=asc` };
    },
  },
  cookie: {
    own: true,
    make: ({ text, pick }) => {
      const secret = text(word, 24);
      const line = pick([
        `Cookie: theme=dark; sid=${secret}; lang=en`,
        `Set-Cookie: sid=${secret}; Path=/; HttpOnly`,
      ]);
      return { secret, shown: line };
    },
  },
  'private key': { own: true, make: pem },
  'card number': { make: (tools) => ({ secret: card(tools) }) },
  iban: { make: (tools) => ({ secret: iban(tools) }) },
};
