import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The compiled file that the listener's thread runs. A thread takes JavaScript only, so from the sources it is the one in `dist`.
 *
 * @throws Error when it is not there
 */
export const threadFile = (here: string = import.meta.url): URL => {
  const compiled = !here.endsWith('.ts');
  const file = new URL(compiled ? './entry.js' : '../../../dist/http/thread/entry.js', here);
  if (existsSync(file)) return file;
  const remedy = compiled
    ? 'A bundler has left it out: keep this package external to the bundle.'
    : 'Build it: npm run build.';
  throw new Error(`${fileURLToPath(file)} is not there. ${remedy}`);
};
