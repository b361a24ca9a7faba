/** What others use to keep secrets out of logs, set up as their documentation and common practice have it. */
import { DeepRedact } from '@hackylabs/deep-redact';
import { pino } from 'pino';

/** The paths that are found in most projects. */
const paths = [
  ...['password', '*.password', 'token', '*.token', 'secret', '*.secret', 'apiKey', '*.apiKey'],
  ...['headers.authorization', 'headers.cookie', 'req.headers.authorization'],
];

const keys = [
  ...['password', 'passwd', 'secret', 'token', 'apikey', 'authorization', 'cookie', 'credential'],
  ...['privatekey', 'accesskey', 'connectionstring', 'sessionid'],
];

/** Patterns for values, as they are passed around. */
const patterns = [
  /\bBearer\s+[\w.~+/-]+=*/gi,
  /\bBasic\s+[A-Za-z0-9+/]{8,}=*/gi,
  /\beyJ[\w-]+\.[\w-]+\.[\w-]+/g,
  /\b(?:gh[pousr]_|sk_live_|glpat-|xox[abp]-|AKIA|npm_|hf_|AIza)[\w-]{10,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g,
  /(?<=:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g,
  /(?<=[?&](?:token|key|sig|api_key|access_token|client_secret)=)[^&\s]+/gi,
  /(?<=\b(?:password|pwd|accountkey)=)[^;,\s]+/gi,
  /\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,4}\b/g,
].map((pattern) => ({ pattern, replacer: (value, own) => value.replace(own, '[REDACTED]') }));

const sink = () => {
  let last = '';
  const stream = { write: (line) => (last = line) };
  return { stream, last: () => last };
};

const withPino = (options) => {
  const { stream, last } = sink();
  const logger = pino({ base: null, timestamp: false, ...options }, stream);
  return {
    /** What the line shows of a value. A text is a message, anything else fields. */
    show: (value) => {
      if (typeof value !== 'object' || value === null) {
        logger.info(String(value));
        return JSON.parse(last()).msg;
      }
      const isRecord = Object.getPrototypeOf(value) === Object.prototype;
      logger.info(isRecord ? value : { value });
      const { level, ...shown } = JSON.parse(last());
      return isRecord ? shown : shown.value;
    },
    run: (value) => logger.info(value),
  };
};

const redacted = withPino({ redact: { paths } });
const plain = withPino({});
const deep = new DeepRedact({
  blacklistedKeys: keys,
  fuzzyKeyMatch: true,
  caseSensitiveKeyMatch: false,
  types: ['string', 'number', 'object'],
  stringTests: patterns,
  serialise: false,
});

const safely = (work) => (value) => {
  try {
    return work(value);
  } catch {
    // What throws shows nothing, and loses the line.
    return '[threw]';
  }
};

export const contenders = [
  {
    name: "pino's redaction, 11 paths",
    show: safely(redacted.show),
    run: redacted.run,
    note: 'the line included',
    baseline: plain.run,
  },
  {
    name: '@hackylabs/deep-redact, 12 keys and 9 patterns',
    show: safely((value) => deep.redact(value)),
    run: (value) => deep.redact(value),
  },
];
