// MessagePack, as the codec uses it. What it keeps: every thread loads this, so nothing is imported from CommonJS, which
// would have each thread compile Node's analyser of CommonJS exports first (10 ms and more); it is required instead.
import { createRequire } from 'node:module'
import type * as MessagePack from '@msgpack/msgpack'

export type { DecoderOptions } from '@msgpack/msgpack'
export type ExtData = MessagePack.ExtData
export const { Decoder, Encoder, ExtData, ExtensionCodec, encodeTimestampExtension } = createRequire(import.meta.url)(
  '@msgpack/msgpack',
) as typeof MessagePack
