import {
  isAnyArrayBuffer,
  isDate,
  isMap,
  isNativeError,
  isProxy,
  isSet,
  isStringObject,
  isTypedArray,
} from 'node:util/types';

/**
 * Reads of values that may be hostile. Getters are taken from the built-in prototypes, since an own property of the same name on
 * the value could run anything; a proxy is never touched at all: each of its traps is the user's code, and may not return.
 */

/** Getters of the built-in prototypes. */
const builtin = <T>(prototype: object, name: PropertyKey): ((value: object) => T) => {
  const get = Object.getOwnPropertyDescriptor(prototype, name)?.get as () => T;
  return (value) => get.call(value);
};
const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
export const mapSize = builtin<number>(Map.prototype, 'size');
export const setSize = builtin<number>(Set.prototype, 'size');
const arrayLength = builtin<number>(typedArray, 'length');
const arrayName = builtin<string>(typedArray, Symbol.toStringTag);
const viewBytes = builtin<number>(DataView.prototype, 'byteLength');
const bufferBytes = builtin<number>(ArrayBuffer.prototype, 'byteLength');
const sharedBytes = builtin<number>(SharedArrayBuffer.prototype, 'byteLength');

const bytesOf = (buffer: object): number => {
  try {
    return bufferBytes(buffer);
  } catch {
    return sharedBytes(buffer);
  }
};

const binaryShape = (value: object): string | undefined => {
  if (isTypedArray(value)) {
    const name = arrayName(value);
    return `${name === 'Uint8Array' ? 'bytes' : name}(${arrayLength(value)})`;
  }
  if (ArrayBuffer.isView(value)) return `bytes(${viewBytes(value)})`;
  return isAnyArrayBuffer(value) ? `bytes(${bytesOf(value)})` : undefined;
};

/** `bytes(1024)` or `Float32Array(3)` for binary data, undefined for anything else. */
export const binaryShapeOf = (value: object): string | undefined => {
  try {
    return binaryShape(value);
  } catch {
    // A DataView whose buffer shrank has no length any more.
    return 'bytes(detached)';
  }
};

/**
 * What a value is, without what it holds: `array(3)`, `object(2 keys)`, `bytes(1024)`, `map(1)`. Undefined for scalars, whose
 * shape would say nothing. Never throws.
 */
export const shapeOf = (value: unknown): string | undefined => {
  if (typeof value === 'function') return 'function';
  if (typeof value !== 'object' || value === null) return undefined;
  if (isProxy(value)) return 'proxy';
  if (Array.isArray(value)) return `array(${value.length})`;
  if (isDate(value)) return undefined;
  if (isNativeError(value)) return 'error';
  if (isMap(value)) return `map(${mapSize(value)})`;
  if (isSet(value)) return `set(${setSize(value)})`;
  return binaryShapeOf(value) ?? objectShape(value);
};

const objectShape = (value: object): string => {
  try {
    const count = Object.keys(value).length;
    return `object(${count} ${count === 1 ? 'key' : 'keys'})`;
  } catch {
    // The namespace of a module that is still loading refuses to be listed.
    return 'object';
  }
};

/** The value of an own property without running a getter. */
export const ownValue = (value: object, key: PropertyKey): unknown => {
  const property = Object.getOwnPropertyDescriptor(value, key);
  if (property === undefined) return undefined;
  return property.get === undefined && property.set === undefined ? property.value : '[getter]';
};

/** The text of a `new String('…')`, whose entries would otherwise be shown letter by letter. */
export const boxedText = (value: object): string | undefined =>
  isStringObject(value) ? String.prototype.valueOf.call(value) : undefined;
