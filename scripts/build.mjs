import { ensureBuild, ensureDashboard, ensureDependencies } from './lib/ensure.mjs';

await ensureDependencies();
await ensureBuild();
await ensureDashboard();
