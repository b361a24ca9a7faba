/** The smallest whole program: two warm Python workers, a call, a stream, an error. Run: node examples/quickstart.mjs */
import { createSnakepit, isSnakepitError } from 'snakepit';

const app = new URL('library/app.py', import.meta.url);
// Logs would go to standard error; here the program says itself what went wrong.
const pit = await createSnakepit({ pools: { default: { app, workers: 2 } }, logs: false });
try {
  const [best] = await pit.execute('search', { query: 'the winter of despair', limit: 1 });
  console.log(`${best.title}: ${best.snippet}`);

  for await (const { rank, sentence } of pit.stream('summarize', { title: 'gettysburg-address' })) {
    console.log(`${rank}. ${sentence}`);
  }

  await pit.execute('keywords', { title: 'moby-dik' });
} catch (error) {
  if (!isSnakepitError(error)) throw error;
  // The code is for programs, the message for people.
  console.log(`${error.code}: ${error.message}`);
} finally {
  await pit.close();
}
