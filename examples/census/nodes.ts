// The child fields of every kind of syntax node, in source order, and a walk over them that needs no stack of its own:
// a chain of ten thousand additions is as deep as it is long.
import type { AnyNode } from 'acorn'

const table = `
Program body|ExpressionStatement expression|BlockStatement body|StaticBlock body|EmptyStatement|DebuggerStatement
WithStatement object body|ReturnStatement argument|LabeledStatement label body|BreakStatement label
ContinueStatement label|IfStatement test consequent alternate|SwitchStatement discriminant cases
SwitchCase test consequent|ThrowStatement argument|TryStatement block handler finalizer|CatchClause param body
WhileStatement test body|DoWhileStatement body test|ForStatement init test update body
ForInStatement left right body|ForOfStatement left right body|VariableDeclaration declarations
VariableDeclarator id init|FunctionDeclaration id params body|FunctionExpression id params body
ArrowFunctionExpression params body|ClassDeclaration id superClass body|ClassExpression id superClass body
ClassBody body|MethodDefinition key value|PropertyDefinition key value|PrivateIdentifier|ThisExpression|Super
ArrayExpression elements|ObjectExpression properties|Property key value|UnaryExpression argument
UpdateExpression argument|BinaryExpression left right|LogicalExpression left right|AssignmentExpression left right
MemberExpression object property|ConditionalExpression test consequent alternate|CallExpression callee arguments
NewExpression callee arguments|SequenceExpression expressions|YieldExpression argument|AwaitExpression argument
TemplateLiteral quasis expressions|TemplateElement|TaggedTemplateExpression tag quasi|ChainExpression expression
ImportExpression source options|MetaProperty|ParenthesizedExpression expression|SpreadElement argument
RestElement argument|ObjectPattern properties|ArrayPattern elements|AssignmentPattern left right|Identifier|Literal
ImportDeclaration specifiers source attributes|ImportSpecifier local|ImportDefaultSpecifier local
ImportNamespaceSpecifier local|ImportAttribute|ExportNamedDeclaration declaration specifiers source attributes
ExportSpecifier local|ExportDefaultDeclaration declaration|ExportAllDeclaration source attributes`

/** What is known of one kind of node. */
export interface Kind {
  /** A number that stands for the kind in fingerprints. */
  readonly code: number
  /** Its child fields, last first: that is the order in which a stack takes them. */
  readonly fields: readonly string[]
  readonly isFunction: boolean
}

/** FNV-1a, 32 bits. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

const kinds = new Map<string, Kind>(
  table
    .trim()
    .split(/[|\n]/)
    .map(line => {
      const [type = '', ...fields] = line.split(' ')
      return [type, { code: hashText(type), fields: fields.reverse(), isFunction: /^(Arrow)?Function/.test(type) }]
    }),
)

const unknown: Kind = { code: 0, fields: [], isFunction: false }

/**
 * Goes through a tree in source order.
 * @param enter called for every node; a field that it returns is not gone into
 * @param leave called for every function after all that is in it
 */
export function walk(
  root: AnyNode,
  enter: (node: AnyNode, kind: Kind) => string | undefined,
  leave: (node: AnyNode) => void,
): void {
  // A number on the stack means: leave the function that was entered last and not left yet.
  const stack: (AnyNode | 0)[] = [root]
  const open: AnyNode[] = []
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node === 0) {
      leave(open.pop()!)
      continue
    }
    const kind = kinds.get(node.type) ?? unknown
    const skip = enter(node, kind)
    if (kind.isFunction) {
      open.push(node)
      stack.push(0)
    }
    for (const field of kind.fields) {
      if (field === skip) continue
      const child = (node as unknown as Record<string, AnyNode | (AnyNode | null)[] | null | undefined>)[field]
      if (child === null || child === undefined) continue
      if (!Array.isArray(child)) stack.push(child)
      else for (let i = child.length - 1; i >= 0; i--) if (child[i] != null) stack.push(child[i]!)
    }
  }
}
