export { type CodecName, codecs, type Prepared, prepare, UnserializableValue } from './codec/index.ts';
export * from './contract.ts';
export { createGrpcTransport, type GrpcTransportSettings } from './grpc/local.ts';
export {
  createRemoteTransport,
  type RemoteTransport,
  type RemoteTransportSettings,
} from './grpc/remote.ts';
export { createSocketTransport, type SocketTransportSettings } from './socket/transport.ts';
