// TextRank (Mihalcea and Tarau, 2004): what is like much of the rest is what a text is about. Plain computing, no I/O.

const stop = new Set(
  'the and for with that this you your are can will not from have has was but all any use used using its which when into other than then also more only one may see what they their'.split(
    ' ',
  ),
)

/** Prose of a README: without code, markup, tables and addresses. */
export function prose(markdown: string): string {
  return markdown
    .replace(/```[\s\S]*?(```|$)/g, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^\s*(\||\[[^\]]+\]:).*$/gm, ' ')
    .replace(/^#+ .*$/gm, match => `${match.replace(/^#+ /, '')}.`)
    .replace(/https?:\S+/g, ' ')
    .replace(/[*_`>]/g, '')
}

export function sentencesOf(text: string): string[] {
  return text
    .split(/(?<=[.!?])\s+|\n\s*\n|\n\s*[-*] /)
    .map(sentence => sentence.replace(/\s+/g, ' ').trim())
    .filter(sentence => sentence.split(' ').length > 4)
}

export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z][a-z']+/g) ?? []
}

/** The most telling sentences, in the order in which they stand. */
export function summary(text: string, most: number): string[] {
  const sentences = sentencesOf(text)
  const bags = sentences.map(sentence => new Set(wordsOf(sentence).filter(word => word.length > 2 && !stop.has(word))))
  const weights = bags.map((one, i) => bags.map((other, j) => (i === j ? 0 : likeness(one, other))))
  const ranks = pageRank(weights)
  return ranks
    .map((rank, at) => ({ rank, at }))
    .sort((a, b) => b.rank - a.rank)
    .slice(0, most)
    .sort((a, b) => a.at - b.at)
    .map(({ at }) => sentences[at] as string)
}

/** The words that stand near the most others. */
export function keywords(text: string, most: number): string[] {
  const words = wordsOf(text).filter(word => word.length > 2 && !stop.has(word))
  const names = [...new Set(words)].slice(0, 1_200)
  const index = new Map(names.map((name, i) => [name, i]))
  const weights = names.map(() => new Array<number>(names.length).fill(0))
  for (let i = 0; i < words.length; i++) {
    for (let j = i + 1; j < Math.min(i + 4, words.length); j++) {
      const [a, b] = [index.get(words[i] as string), index.get(words[j] as string)]
      if (a === undefined || b === undefined || a === b) continue
      ;(weights[a] as number[])[b]! += 1
      ;(weights[b] as number[])[a]! += 1
    }
  }
  const ranks = pageRank(weights)
  return names
    .map((name, i) => ({ name, rank: ranks[i] as number }))
    .sort((a, b) => b.rank - a.rank)
    .slice(0, most)
    .map(({ name }) => name)
}

/** Words that two sentences share, for their length. */
function likeness(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  if (one.size < 2 || other.size < 2) return 0
  let shared = 0
  for (const word of one) if (other.has(word)) shared++
  return shared / (Math.log(one.size) + Math.log(other.size))
}

function pageRank(weights: readonly (readonly number[])[]): number[] {
  const sums = weights.map(row => row.reduce((sum, weight) => sum + weight, 0))
  let ranks = weights.map(() => 1)
  for (let round = 0; round < 30; round++) {
    ranks = ranks.map((_, i) => {
      let rank = 0
      const row = weights[i] as readonly number[]
      for (let j = 0; j < row.length; j++)
        if (row[j] !== 0) rank += ((row[j] as number) / (sums[j] as number)) * (ranks[j] as number)
      return 0.15 + 0.85 * rank
    })
  }
  return ranks
}
