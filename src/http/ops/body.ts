import { SnakepitError } from '../../errors/index.ts';
import { Refusal } from '../problem.ts';

/** Far more than any change needs. */
const MAX_BYTES = 16 * 1024;
const JSON_TYPE = /^application\/json\s*(?:;|$)/i;

const readText = async (body: ReadableStream<Uint8Array> | null, maxBytes = MAX_BYTES): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels the rest of the body.
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes)
      throw new SnakepitError('payload_too_large', `The body has more than ${maxBytes} bytes. Send less.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
};

/**
 * Reads the JSON object in a body. No body is an empty object.
 *
 * @param known - the members that are taken
 * @throws Refusal `unsupported_media_type` or `malformed_body`
 * @throws SnakepitError `payload_too_large`
 */
export const readMembers = async (
  request: Request,
  known: readonly string[],
): Promise<Readonly<Record<string, unknown>>> => {
  const text = await readText(request.body);
  if (text === '') return {};
  const type = request.headers.get('content-type');
  if (type === null || !JSON_TYPE.test(type)) {
    const got = type === null ? 'missing' : `'${type.slice(0, 100)}'`;
    throw new Refusal(
      'unsupported_media_type',
      `The body's Content-Type is ${got}. Send 'Content-Type: application/json'.`,
      { headers: { accept: 'application/json' } },
    );
  }
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed('is not a JSON object', known);
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) throw malformed(`has the member '${unknown.slice(0, 100)}'`, known);
  return value as Record<string, unknown>;
};

const MERGE_PATCH = 'application/merge-patch+json';
const PATCH_TYPE = /^application\/(?:merge-patch\+)?json\s*(?:;|$)/i;
/** A configuration with many pools and rules. */
const MAX_PATCH_BYTES = 256 * 1024;
/** The types a merge patch may come as, for the header `Accept-Patch`. */
export const ACCEPT_PATCH = `${MERGE_PATCH}, application/json`;

/**
 * Reads a JSON merge patch (RFC 7396) that is an object.
 *
 * @throws Refusal `unsupported_media_type` or `malformed_body`
 * @throws SnakepitError `payload_too_large`
 */
export const readMergePatch = async (request: Request): Promise<Readonly<Record<string, unknown>>> => {
  const type = request.headers.get('content-type');
  if (type === null || !PATCH_TYPE.test(type)) {
    const got = type === null ? 'missing' : `'${type.slice(0, 100)}'`;
    throw new Refusal(
      'unsupported_media_type',
      `The body's Content-Type is ${got}. Send 'Content-Type: ${MERGE_PATCH}'.`,
      { headers: { 'accept-patch': ACCEPT_PATCH } },
    );
  }
  const value = parse(await readText(request.body, MAX_PATCH_BYTES));
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new Refusal(
    'malformed_body',
    'The body is not a JSON object. Send a merge patch (RFC 7396), such as { "logs": { "level": "debug" } }.',
  );
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** A body that is not usable. */
export const malformed = (what: string, known: readonly string[]): Refusal =>
  new Refusal('malformed_body', `The body ${what}. Send a JSON object of ${known.join(', ')}, or nothing.`);
