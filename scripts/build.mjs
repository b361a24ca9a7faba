import { ensureBuild, ensureDependencies } from './lib/ensure.mjs';

await ensureDependencies();
await ensureBuild();
