/** A program with an instance that runs commands when told to: argv is the options as JSON. It ends when whoever started it lets go. */
import { createSnakepit } from '../../../dist/index.js';

const pit = await createSnakepit(JSON.parse(process.argv[2]));
process.on('message', async ({ id, command, args }) => {
  const answer = await pit.execute(command, args).then(
    (result) => ({ result }),
    ({ code, message }) => ({ error: `${code}: ${message}` }),
  );
  // Whoever asked may be gone.
  if (process.connected) process.send({ id, ...answer });
});
process.on('disconnect', () => pit.close());
process.send({ opsUrl: pit.opsUrl });
