// What an object is on the wire, where what it is to everybody (agent/kinds.ts) does not say it.
import { types } from 'node:util'
import { AGENT_ID, DERIVED, kindOf, RECORD, TOPIC_ID, URL_PARAMS, WEB_URL } from '../agent/kinds.js'
import * as ext from './extensions.js'
import { isError } from './wire-error.js'

const extensions: Readonly<Record<number, number>> = {
  [AGENT_ID]: ext.AGENT_ID,
  [TOPIC_ID]: ext.TOPIC_ID,
  [WEB_URL]: ext.URL,
  [URL_PARAMS]: ext.URL_PARAMS,
}

/** The number of the extension for an object that consists of its texts; undefined for every other kind. */
export function textExtension(kind: number): number | undefined {
  return extensions[kind]
}

/** The texts of which an object of that kind consists. */
export function textsOf(kind: number, value: object): readonly string[] {
  switch (kind) {
    case AGENT_ID: {
      const { type, key } = value as { type: string; key: string }
      return [type, key]
    }
    case TOPIC_ID: {
      const { type, source } = value as { type: string; source: string }
      return [type, source]
    }
    default:
      return [String(value)]
  }
}

/** Which kind of container comes later where values are nested too deep; -1 for none. */
export function laterKind(value: object): number {
  if (Array.isArray(value)) return ext.LATER_LIST
  if (types.isMap(value)) return ext.LATER_MAP
  if (types.isSet(value)) return ext.LATER_SET
  if (isError(value)) return -1
  const prototype: object | null = Object.getPrototypeOf(value)
  const kind = prototype === null ? RECORD : kindOf(prototype)
  return kind === RECORD || kind === DERIVED ? ext.LATER_OBJECT : -1
}
