import { describe, expect, it } from 'vitest';
import { sanitize, sanitizeConfig } from '../../src/sanitize/index.ts';

const maskedUnder = (key: string, value: unknown = 'value'): boolean =>
  (sanitize({ [key]: value }) as Record<string, unknown>)[key] === '[SANITIZED]';

describe('keys that name a secret', () => {
  it.each([
    ...['password', 'PASSWORD', 'dbPassword', 'user_passwd', 'pwd', 'passphrase', 'secret', 'client-secret'],
    ...['apiKey', 'api_key', 'APIKEY', 'x-api-key', 'privateKey', 'AWS_SECRET_ACCESS_KEY', 'key', 'tls_key'],
    ...['token', 'accessToken', 'csrf_token', 'authtoken', 'Authorization', 'authorisation', 'cookie'],
    ...['Set-Cookie', 'credentials', 'dsn', 'SENTRY_DSN', 'jwt', 'connectionString', 'auth'],
    ...['ｐａｓｓｗｏｒｄ', 'pass\u200bword', 'pásswörd'],
  ])('masks %s', (key) => {
    expect(maskedUnder(key)).toBe(true);
    expect(maskedUnder(key, { nested: 1 })).toBe(true);
  });

  it.each([
    ...['key_count', 'primary_key', 'publicKey', 'cache_key', 'keyboard', 'monkey', 'keys', 'tokenizer'],
    ...['token_count', 'token_type', 'password_policy', 'secretary', 'author', 'session_id', 'request_id'],
    ...['path', 'message', 'compass', 'python_traceback', 'worker_id', 'key_file', 'token_limit'],
  ])('leaves %s alone', (key) => {
    expect(maskedUnder(key)).toBe(false);
  });

  it('takes a number for a secret only where the name leaves no doubt', () => {
    expect(maskedUnder('max_tokens', 512)).toBe(false);
    expect(maskedUnder('tokens', 512)).toBe(false);
    expect(maskedUnder('tokens', ['a', 'b'])).toBe(true);
    expect(maskedUnder('password', 1234)).toBe(true);
    expect(maskedUnder('password', true)).toBe(false);
    expect(maskedUnder('password', null)).toBe(false);
  });

  it('judges an endless key without reading it', () => {
    expect(Object.values(sanitize({ ['x'.repeat(1_000_000)]: 'v' }) as object)).toEqual(['[SANITIZED]']);
  });
});

describe('texts that are a secret by their form', () => {
  it.each([
    'ghp_0123456789abcdefghijABCDEFGHIJ456789',
    'sk-proj-0123456789abcdefghij',
    'sk_live_0123456789abcdefghij',
    'xoxb-123456789012-abcdefghij',
    'AKIAIOSFODNN7EXAMPLE',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
    '-----BEGIN RSA PRIVATE KEY-----\nMIIE…',
    'Bearer abcdefghijklmnop',
  ])('masks %s', (text) => {
    expect(sanitize({ note: text, list: [text] })).toEqual({ note: '[SANITIZED]', list: ['[SANITIZED]'] });
  });

  it.each([
    'the password was wrong',
    '0af7651916cd43dd8448eb211c80319c',
    '550e8400-e29b-41d4-a716-446655440000',
    'app.py:33 in predict',
    'sk-learn',
    'torch.Size([1, 3, 224, 224])',
    'Basic usage of the thing',
  ])('leaves %s alone', (text) => {
    expect(sanitize(text)).toBe(text);
  });
});

describe('sanitizeConfig', () => {
  it('masks secrets and every environment value, and keeps the rest', () => {
    const config = {
      app: new URL('file:///srv/app.py'),
      workers: 4,
      env: { PATH: '/usr/bin', LOG: 'x' },
      ops: { token: 'abcdefghijklmnopq', host: '127.0.0.1', allowedHosts: ['a'] },
      errors: { showArgs: ['model'] },
    };
    const before = structuredClone({ ...config, app: undefined });
    expect(sanitizeConfig(config)).toEqual({
      app: 'file:///srv/app.py',
      workers: 4,
      env: { PATH: '[SANITIZED]', LOG: '[SANITIZED]' },
      ops: { token: '[SANITIZED]', host: '127.0.0.1', allowedHosts: ['a'] },
      errors: { showArgs: ['model'] },
    });
    expect({ ...config, app: undefined }).toEqual(before);
  });
});
