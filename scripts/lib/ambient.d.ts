// For tsc --checkJs only (tsconfig.json): what the code uses and no typings declare.

/** The packages with the binaries; at most one is installed, in a clone none. */
declare module 'kafka-oxide-*' {
  const addon: unknown
  export = addon
}

/** Faster than toString(encoding, start, end) and present in every Node.js, but not in @types/node. */
interface Buffer {
  utf8Slice (start?: number, end?: number): string
  latin1Slice (start?: number, end?: number): string
}
