// Agent types that are called what every object has.
import { agent, request } from 'ringreeve'

export const Counted = request<void, string>('counted')
export const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']
export const [proto, constructed, text, owner, value] = names.map(name =>
  agent(name, { state: () => ({ n: 0 }) }).on(Counted, (_, ctx) => `${ctx.id} ${++ctx.state.n}`),
)
