// A worker in another language than Python, written from proto/snakepit/v1/worker.proto alone: JSON, a call for each request.
// Usage: node foreign-worker.mjs [PORT] [KIND] [CERT KEY]; prints the port. KIND `other-protocol` claims another version.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const proto = fileURLToPath(new URL('../../../proto/snakepit/v1/worker.proto', import.meta.url));
const { snakepit } = grpc.loadPackageDefinition(loadSync(proto, { keepCase: true, longs: Number }));
const [port = '0', kind = '', cert, key] = process.argv.slice(2);

const commands = {
  echo: ({ value }) => value ?? null,
  add: ({ a, b }) => a + b,
  pid: () => process.pid,
  slow: ({ ms }) => new Promise((resolve) => setTimeout(resolve, ms, 'slow')),
  boom: () => {
    throw new Error('a foreign failure');
  },
};
const read = (bytes) => (bytes?.length ? JSON.parse(bytes.toString()) : {});
const write = (value) => Buffer.from(JSON.stringify(value));
const watching = new Set();

const service = {
  Hello: ({ request }, answer) => {
    if (!request.codecs.includes('json'))
      return answer({ code: grpc.status.FAILED_PRECONDITION, details: `no common codec: ${request.codecs}` });
    answer(null, {
      protocol: kind === 'other-protocol' ? 99 : 1,
      codec: 'json',
      concurrency: 4,
      runtime: `node ${process.versions.node}`,
      pid: process.pid,
    });
  },
  Watch: (call) => {
    watching.add(call);
    call.on('cancelled', () => watching.delete(call));
    call.write({ phase: 'import' });
    call.write({
      ready: { commands: Object.keys(commands).map((name) => ({ name, kind: 'plain', parameters: [] })) },
    });
  },
  Execute: async ({ request, metadata }, answer) => {
    const command = commands[request.command];
    if (command === undefined)
      return answer({ code: grpc.status.UNIMPLEMENTED, details: `there is no command ${request.command}` });
    for (const call of watching)
      call.write({
        log: {
          request_id: request.request_id,
          level: 'info',
          logger: 'foreign',
          message: `ran ${request.command} for ${metadata.get('x-correlation-id')}`,
          time_ms: Date.now(),
          // What it claims is not for it to say.
          fields: write({ worker_id: 'somebody else' }),
        },
      });
    const began = performance.now();
    try {
      answer(null, {
        result: write(await command(read(request.args))),
        python_ms: performance.now() - began,
      });
    } catch (error) {
      answer({ code: grpc.status.UNKNOWN, details: error.message });
    }
  },
};

const server = new grpc.Server();
server.addService(snakepit.v1.Worker.service, service);
const credentials =
  cert === undefined
    ? grpc.ServerCredentials.createInsecure()
    : grpc.ServerCredentials.createSsl(null, [
        { cert_chain: readFileSync(cert), private_key: readFileSync(key) },
      ]);
server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) => {
  if (error) throw error;
  process.stdout.write(`${bound}\n`);
});
