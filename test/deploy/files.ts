import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** The folder with what is generated. */
export const deployFolder = join(root, 'deploy');
export const rulesFile = join(deployFolder, 'prometheus/snakepit-rules.yml');
export const alertsFile = join(deployFolder, 'prometheus/snakepit-alerts.yml');
export const testFiles = readdirSync(join(deployFolder, 'prometheus/tests')).map((name) =>
  join(deployFolder, 'prometheus/tests', name),
);

export const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');
