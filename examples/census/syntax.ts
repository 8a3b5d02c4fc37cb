// Text to syntax tree, by acorn. No text can end the process: nesting is bounded here, by what the parser's own
// recursion takes of the stack, because V8 does not throw but aborts when it compiles a regular expression of the
// parser close to the stack's end. The bound is the same on every thread, so every engine refuses the same files.
import { type Options, Parser, type Program } from 'acorn'
import type { RefusalKind } from './tree.js'

/** Why a text has no syntax tree. */
export class Unparsable extends Error {
  readonly kind: RefusalKind
  constructor(kind: RefusalKind, reason: string) {
    super(reason)
    this.kind = kind
  }
}

/** Bytes of stack, as measured with cold code, that each of acorn's recursive methods takes for itself and its helpers. */
const frames = {
  parseStatement: 600,
  parseFunctionBody: 600,
  parseClassElement: 300,
  parseMaybeAssign: 450,
  parseExprOp: 330,
  parseMaybeUnary: 330,
  parseAwait: 450,
  parseExprAtom: 1100,
  parseSubscript: 1000,
  parseTemplate: 350,
  parseBindingAtom: 800,
  regexp_disjunction: 650,
  regexp_eatNestedClass: 480,
}

/** Half of the stack that Node gives to the main thread (984 KB); worker threads have more. */
const STACK = 480_000

type Method = (this: unknown, ...args: unknown[]) => unknown

/** Charges every call of the recursive methods to the budget while it runs. */
function bounded(Base: typeof Parser): typeof Parser {
  const Bounded = class extends (Base as unknown as new (...args: never[]) => Parser) {}
  const target = Bounded.prototype as unknown as Record<string, Method>
  let used = 0
  const charged = (method: Method, cost: number): Method =>
    function (this: unknown, ...args) {
      used += cost
      if (used > STACK) {
        used = 0
        throw new Unparsable('too deeply nested', 'more levels than the parser can take safely')
      }
      const result = method.apply(this, args)
      used -= cost
      return result
    }
  for (const [name, cost] of Object.entries(frames)) target[name] = charged(target[name]!, cost)
  // An error leaves the count where it was: every parse begins from nothing.
  const { parse } = Bounded.prototype
  Bounded.prototype.parse = function () {
    used = 0
    return parse.call(this)
  }
  return Bounded as unknown as typeof Parser
}

const BoundedParser = Parser.extend(bounded)

const options: Options = { ecmaVersion: 'latest', allowHashBang: true }

/** What to try, by the end of the name. Most of what is called .js reads as a module, whatever it was meant as. */
function goals(path: string): readonly ('module' | 'commonjs')[] {
  if (path.endsWith('.mjs')) return ['module']
  return path.endsWith('.cjs') ? ['commonjs'] : ['module', 'commonjs']
}

/**
 * Parses a file's text.
 * @throws Unparsable with what is wrong and where; of two readings, the one that got further
 */
export function parse(path: string, text: string): Program {
  let best: { at: number; message: string } | undefined
  for (const sourceType of goals(path)) {
    try {
      return BoundedParser.parse(text, { ...options, sourceType })
    } catch (error) {
      if (error instanceof Unparsable) throw error
      if (error instanceof RangeError || String(error).includes('Not enough stack space')) {
        throw new Unparsable('too deeply nested', 'more levels than the parser can take safely')
      }
      if (!(error instanceof SyntaxError)) throw error
      const at = (error as SyntaxError & { pos?: number }).pos ?? 0
      if (best === undefined || at > best.at) best = { at, message: error.message }
    }
  }
  throw new Unparsable('syntax error', best?.message ?? 'unknown')
}
