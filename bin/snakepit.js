#!/usr/bin/env node
// Written for any Node, so that one that is too old is told so instead of failing on new syntax.
import { existsSync } from 'node:fs';

const [major, minor] = process.versions.node.split('.').map(Number);
const main = new URL('../dist/cli/main.js', import.meta.url);

const refuse = (message) => {
  process.stderr.write(`snakepit: ${message}\n`);
  process.exitCode = 2;
};

if (major < 20 || (major === 20 && minor < 19)) {
  refuse(`needs Node 20.19 or later; this is ${process.version}.`);
} else if (!existsSync(main)) {
  refuse('this checkout is not built yet. Run `npm run build` in its folder.');
} else {
  void import(main.href).then(({ run }) => run(process.argv));
}
