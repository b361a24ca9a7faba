/** A program with an instance, whose main thread can be blocked: argv is the options as JSON. It blocks until a file is there. */
import { existsSync } from 'node:fs';
import { createSnakepit } from '../../dist/index.js';

const pit = await createSnakepit(JSON.parse(process.argv[2]));
process.on('message', ({ until }) => {
  while (!existsSync(until));
});
process.on('disconnect', () => pit.close());
const { opsUrl, livenessUrl, grpcHealthAddress } = pit;
process.send({ opsUrl, livenessUrl, grpcHealthAddress });
