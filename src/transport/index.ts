export { type CodecName, codecs, type Prepared, prepare, UnserializableValue } from './codec/index.ts';
export * from './contract.ts';
export { createSocketTransport, type SocketTransportSettings } from './socket/transport.ts';
