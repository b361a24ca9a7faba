/**
 * Names that give a secret away. Precision counts as much as recall: `max_tokens: 512` or `primary_key` must survive, or nobody
 * reads the log.
 */

/** Spelled anywhere in the name, separators aside: nothing but a secret is called that. */
export const strong = new RegExp(
  [
    ...[
      'p[a4]ssw(?:[o0]r)?d(?!less)',
      'passphrase',
      'passcode',
      '(?:store|user|db|root|admin|key)pass$',
      'secret(?!ar)',
    ],
    ...['passwort', 'kennwort', 'contrasena', 'motdepasse', 'credential', 'authori[sz]ation(?!s$)', 'cookie'],
    ...['connect(?:ion)?str(?:ing)?$', 'connectsid', 'sess(?:ion)?key', 'phpsessid', 'jsessionid'],
    '(?:api|private|access|signing|encryption|encrypt|decryption|account|master|service)key',
    '(?:access|auth|refresh|bearer|api|session|csrf|xsrf|id|identity|security|bot|deploy|service|oauth)token',
    ...['accesssignature', 'seedphrase', 'mnemonicphrase', '(?:recovery|backup|otp|pin)code', 'pinnumber'],
    ...['cardnumber', 'creditcard', 'securitycode', 'socialsecurity'],
  ].join('|'),
);

export const strongWords = new Set([
  ...['pwd', 'dsn', 'jwt', 'bearer', 'passwd', 'passwds', 'pw', 'otp', 'totp', 'cvv', 'cvv2', 'cvc', 'ssn'],
  ...['senha', 'mnemonic', 'sas'],
]);

/** Often a secret, but a count or a switch of that name is none. */
export const weakWords = new Set(['token', 'tokens', 'auth', 'csrf', 'xsrf']);

/** A last word that makes the name speak about a secret instead of holding it. */
export const aboutWords = new Set([
  ...['at', 'age', 'budget', 'chars', 'class', 'count', 'created', 'changed', 'days', 'enabled', 'endpoint'],
  ...['error', 'errors', 'expires', 'expiry', 'field', 'fields', 'file', 'format', 'hint', 'host', 'ids'],
  ...[
    'index',
    'indices',
    'invalid',
    'kind',
    'label',
    'len',
    'length',
    'limit',
    'max',
    'method',
    'min',
    'mode',
  ],
  ...[
    'ms',
    'name',
    'names',
    'path',
    'policy',
    'position',
    'prompt',
    'provider',
    'reason',
    'required',
    'rotated',
  ],
  ...['seconds', 'size', 'status', 'strength', 'supported', 'ttl', 'type', 'types', 'uri', 'updated', 'url'],
  ...['usage', 'valid', 'version', 'sock', 'socket', 'dir', 'folder'],
]);

/** Before `token` these speak of language models and parsers, before `pass` of rounds. */
export const plainBefore = new Set([
  ...[
    'bos',
    'cached',
    'cls',
    'completion',
    'end',
    'eos',
    'first',
    'generated',
    'image',
    'input',
    'last',
    'mask',
  ],
  ...[
    'max',
    'min',
    'n',
    'new',
    'next',
    'num',
    'output',
    'pad',
    'prompt',
    'reasoning',
    'sep',
    'special',
    'start',
  ],
  ...[
    'stop',
    'text',
    'total',
    'unexpected',
    'unk',
    'used',
    'backward',
    'forward',
    'second',
    'multi',
    'single',
  ],
]);

/** Keys of data, not of locks. */
export const plainKeys = new Set([
  ...[
    'attribute',
    'blob',
    'bucket',
    'cache',
    'column',
    'composite',
    'config',
    'data',
    'dedup',
    'dict',
    'event',
  ],
  ...['feature', 'field', 'file', 'foreign', 'group', 'hash', 'idempotency', 'index', 'item', 'join', 'json'],
  ...[
    'label',
    'lookup',
    'map',
    'message',
    'metric',
    'missing',
    'object',
    'param',
    'partition',
    'primary',
    'public',
  ],
  ...[
    'query',
    'record',
    'routing',
    'row',
    'shard',
    'sort',
    'span',
    'state',
    'storage',
    'tag',
    'trace',
    'unique',
  ],
]);
