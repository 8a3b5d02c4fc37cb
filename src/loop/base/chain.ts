// Chains of turns that wait for each other. What it keeps: a chain only ever grows at its inner end, so whoever holds a
// node holds all that waits for it.

/** One turn that waits, and the turn that waits for it. */
export interface ChainNode {
  readonly agent: string
  readonly turn: number
  readonly parent: ChainNode | undefined
  /** How many turns wait, this one included. */
  readonly depth: number
}

/** Calls may nest so deep; beyond it the request is refused, since it is a recursion without an end. */
export const MAX_CHAIN = 64
