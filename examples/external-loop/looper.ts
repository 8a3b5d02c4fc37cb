// The agent of both programs. It says when it starts and when it stops; agents are made on demand, so who wants it
// there from the beginning asks for it: `runtime.get('looper/default', { lazy: false })`.
import { agent } from 'ringreeve'

export const looper = agent('looper')
  .onStart(() => console.log('INFO: [looper]: >>> Looper is starting up.'))
  .onStop(() => console.log('INFO: [looper]: >>> Looper is shutting down.'))
