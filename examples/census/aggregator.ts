// The aggregator: aggregator/<run> hears the topic census/<run>, so each correlation id has an agent that gathers what
// belongs to it, whichever thread it comes from and in whatever order. When asked to close, it asks the bands which
// functions met and makes the report.
import { agent } from 'ringreeve'
import { BANDS } from './fingerprint.js'
import { Agreeing, Close, Counted } from './messages.js'
import { buildReport, type Gathered } from './report.js'

export const aggregator = agent('aggregator', {
  description: 'gathers one census and reports it',
  state: (): Gathered => ({ files: new Map(), refused: new Map() }),
  subscriptions: ['census'],
})
  .on(Counted, (outcome, ctx) => {
    const { files, refused } = ctx.state
    if ('refused' in outcome) refused.set(outcome.refused.path, outcome.refused)
    else files.set(outcome.measure.path, outcome)
  })
  .on(Close, async ({ run, subject }, ctx) => {
    const bands = await Promise.all(
      Array.from({ length: BANDS }, (_, band) => ctx.send(Agreeing, { run }, `bands/${band}`)),
    )
    const { files, refused } = ctx.state
    let compared = 0
    for (const { prints } of files.values()) compared += prints.exact.length
    const complete = files.size + refused.size === subject.found
    for (const [band, { seen }] of bands.entries()) {
      // A census that was cut short may have lost events on their way: they were published by cancelled requests.
      if (complete && seen !== compared) throw new Error(`band ${band} saw ${seen} functions of ${compared}`)
    }
    const report = buildReport(
      subject,
      ctx.state,
      bands.flatMap(band => band.groups),
    )
    ctx.state = { files: new Map(), refused: new Map() }
    return report
  })
