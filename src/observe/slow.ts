// A turn past its soft deadline, and how it stands in shared memory as a line of text: both ends of that in one place.

/** A turn past its soft deadline. */
export interface Slow {
  readonly agent: string
  readonly message: { readonly name: string; readonly id: string | undefined } | undefined
  readonly softDeadline: number
}

/** As a line, which is cut where there is no more room: the agent comes last. */
export function slowText({ agent, message, softDeadline }: Slow): string {
  const { name = '', id = '' } = message ?? {}
  return `${softDeadline} ${name} ${/^[!-~]{1,64}$/.test(id) ? id : ''} ${agent}`
}

/** Reads such a line; undefined when it is none. */
export function slowTurnOf(text: string): Slow | undefined {
  const [, ms, name, id, agent] = /^([\d.]+) (\S*) (\S*) (.*)$/s.exec(text) ?? []
  if (agent === undefined || name === undefined) return undefined
  return { agent, message: name === '' ? undefined : { name, id: id || undefined }, softDeadline: Number(ms) }
}
