import { SnakepitError } from '../../errors/index.ts';
import { Refusal } from '../problem.ts';
import { isJsonObject, parseArguments } from './arguments-json.ts';

const JSON_TYPE = /^application\/(?:[\w.!#$&^-]+\+)?json$/i;
const decoder = new TextDecoder('utf-8', { fatal: true });

const requireJson = (headers: Headers): void => {
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    throw new Refusal(
      'unsupported_media_type',
      `The body is encoded as '${encoding.slice(0, 100)}'. Send it without Content-Encoding.`,
      { headers: { 'accept-encoding': 'identity' } },
    );
  }
  const header = headers.get('content-type');
  if (header === null) return;
  const [type = '', ...parameters] = header.split(';').map((part) => part.trim());
  const charset = parameters.find((parameter) => /^charset=/i.test(parameter))?.slice('charset='.length);
  if (JSON_TYPE.test(type) && (charset === undefined || /^"?utf-?8"?$/i.test(charset))) return;
  throw wrongType(`'${header.slice(0, 200)}'`);
};

const wrongType = (got: string) =>
  new Refusal(
    'unsupported_media_type',
    `The body's Content-Type is ${got}. Send 'Content-Type: application/json', in UTF-8.`,
    { headers: { accept: 'application/json' } },
  );

const tooLarge = (got: string, limit: number) =>
  new SnakepitError(
    'payload_too_large',
    `The body has ${got} bytes; at most ${limit} are taken. Send less, or raise gateway.maxBodyBytes.`,
  );

const readChunks = async (body: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels the rest of the body.
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > limit) throw tooLarge(`more than ${limit}`, limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

const readBytes = async (request: Request, limit: number): Promise<Uint8Array> => {
  const declared = Number(request.headers.get('content-length') ?? Number.NaN);
  if (declared > limit) throw tooLarge(String(declared), limit);
  try {
    // With a declared length, node:http hands over no more than that, so the quick way is bounded too.
    if (!Number.isNaN(declared)) return new Uint8Array(await request.arrayBuffer());
    return request.body === null ? new Uint8Array(0) : await readChunks(request.body, limit);
  } catch (error) {
    if (error instanceof SnakepitError) throw error;
    throw new Refusal('malformed_body', 'The body broke off. Send as many bytes as Content-Length says.');
  }
};

const malformed = (why: string) =>
  new Refusal('malformed_body', `${why} Send a JSON object of the command's arguments, e.g. {"text": "hi"}.`);

/**
 * Reads the arguments of a command from a request's body. No body means no arguments.
 *
 * @throws Refusal `unsupported_media_type` or `malformed_body`
 * @throws SnakepitError `payload_too_large`
 */
export const readArguments = async (request: Request, limit: number): Promise<Record<string, unknown>> => {
  requireJson(request.headers);
  const bytes = await readBytes(request, limit);
  if (bytes.byteLength > limit) throw tooLarge(String(bytes.byteLength), limit);
  if (bytes.byteLength === 0) return {};
  if (!request.headers.has('content-type')) throw wrongType('missing');
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw malformed('The body is not valid UTF-8.');
  }
  let args: unknown;
  try {
    args = parseArguments(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw malformed(`The body is not valid JSON: ${error.message}.`);
  }
  if (isJsonObject(args)) return args;
  throw malformed(
    `The body is ${args === null ? 'null' : Array.isArray(args) ? 'an array' : `a ${typeof args}`}.`,
  );
};
