// The rooms of the house, and which rooms each may import from (see ARCHITECTURE.md). Type-only imports count: a type is knowledge too.
const order = ['sanitize', 'errors', 'events', 'config', 'process', 'transport', 'core'];
const consumers = ['sanitize', 'errors', 'events', 'config'];

/** A room may import from these rooms and from itself. */
const only = (room, allowed, extra = []) => ({
  name: `room-${room.replaceAll('/', '-')}`,
  comment: `src/${room} may import only from: ${[...allowed, ...extra].join(', ') || 'itself'}`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: {
    path: '^src/',
    pathNot: [
      `^src/${room}/`,
      ...allowed.map((name) => `^src/${name}/`),
      ...extra.map((file) => `^src/${file}$`),
    ],
  },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: '^src/cli/main' },
      to: {},
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-dev-dependencies',
      severity: 'error',
      from: { path: '^src/' },
      // An optional peer is a development dependency besides, so that the tests drive the real thing.
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm-peer', 'npm-optional'],
      },
    },
    ...order.map((room, i) => only(room, order.slice(0, i))),
    ...['metrics', 'logging', 'health', 'errors', 'live', 'tracing'].map((name) =>
      only(`consumers/${name}`, consumers),
    ),
    // Read models of the consumers as types; of the core only the port.
    only('http', ['errors', 'events', 'config', 'consumers'], ['core/port.ts']),
    only('cli', ['http', 'config', 'process', 'errors', 'events', 'sanitize'], ['runtime.ts', 'version.ts']),
    only('testing', ['errors', 'events'], ['index.ts', 'runtime.ts']),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
