export {
  type Access,
  type AccessOptions,
  type Caller,
  listenerAccess,
  type MountedAccessOptions,
  mountedAccess,
} from './access.ts';
export { createGatewayApp } from './gateway/app.ts';
export { signLogHeader } from './gateway/log-header.ts';
export type { GatewayParts } from './gateway/parts.ts';
export { type FetchLike, type NodeHandler, toNodeHandler } from './node-handler.ts';
export { createOpsApp, type OpsParts } from './ops/app.ts';
export { type OpsHandler, type OpsHandlerParts, opsHandler } from './ops/handler.ts';
export { Page } from './page/page.ts';
export type { PageSources } from './page/sources.ts';
export type {
  ConfigChanged,
  ConfigControl,
  ErrorFilter,
  ErrorsReader,
  EventFilter,
  EventViewer,
  Exposition,
  HealthCheck,
  HealthReader,
  HealthReport,
  LiveReader,
  MetricsReader,
  OpsControl,
  ReportBug,
  StartupReport,
} from './ports.ts';
export { type HttpServer, type ListenOptions, listen } from './server/listen.ts';
export { listenOps, type OpsListenOptions, OpsServer } from './thread/ops-server.ts';
