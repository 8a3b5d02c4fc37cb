// Promised: running until a signal, and leaving the host alone.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { InvalidArgumentError } from 'ringreeve'
import { expect, it } from 'vitest'
import { type Engine, failure, onEveryEngine, open, sleep } from './engines.js'
import * as kit from './kit.js'
import * as lives from './lives.js'

const runner = fileURLToPath(new URL('./runner.js', import.meta.url))

class Program {
  readonly process: ChildProcess
  text = ''
  readonly exited: Promise<unknown[]>

  constructor(engine: Engine, ...args: string[]) {
    this.process = spawn(process.execPath, [runner, String(engine.threads), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.process.stdout?.setEncoding('utf8').on('data', text => {
      this.text += text
    })
    this.exited = once(this.process, 'exit')
  }

  async says(line: string): Promise<void> {
    while (!this.text.includes(`${line}\n`)) await once(this.process.stdout as Readable, 'data')
  }
}

onEveryEngine('run()', engine => {
  it('goes on until SIGTERM or SIGINT, then stops, with what is under way done', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const program = new Program(engine)
      await program.says('running')
      program.process.kill(signal)
      expect(await program.exited).toEqual([0, null])
      expect(program.text).toBe('running\nworked 1\nstopped\n')
    }
  })

  it.each(['twice', 'two', 'too'])('one signal is one, whoever else stops by it: %s', async how => {
    const program = new Program(engine, how)
    await program.says('running')
    program.process.kill('SIGINT')
    expect(await program.exited).toEqual([0, null])
    expect(program.text).toBe('running\nworked 1\nstopped\n')
  })

  it('refuses signals that there are not, or that nobody can listen to, and leaves nothing behind', async () => {
    const timers = () => process.getActiveResourcesInfo().filter(kind => kind === 'Timeout').length
    await using runtime = await open(engine, { autoStart: false })
    const before = timers()
    for (const signals of [['SIGKILL'], ['SIGSTOP'], ['SIGINT', 'SIGNONE'], ['toString'], [2], 'SIGINT', null]) {
      expect(await failure(runtime.run({ signals: signals as never }))).toBeInstanceOf(InvalidArgumentError)
    }
    expect(await failure(runtime.run(null as never))).toBeInstanceOf(InvalidArgumentError)
    expect(runtime.running).toBe(false)
    expect(timers()).toBe(before)
  })

  it('a second signal ends the process at once', async () => {
    const program = new Program(engine, 'long')
    await program.says('running')
    program.process.kill('SIGINT')
    while (!program.text.includes('stopping')) {
      program.process.kill('SIGUSR2')
      await sleep(10)
    }
    program.process.kill('SIGINT')
    expect(await program.exited).toEqual([null, 'SIGINT'])
    expect(program.text).not.toContain('stopped')
  })

  it('resolves when the runtime is stopped in another way, and leaves no listener behind', async () => {
    const before = process.listenerCount('SIGTERM')
    await using runtime = await open(engine)
    const ran = runtime.run()
    await runtime.send(kit.Echo, 1, 'echo/x')
    await runtime.stop()
    await ran
    const again = runtime.run() // starts it again
    await runtime.send(kit.Echo, 1, 'echo/x').catch(() => {})
    while (!runtime.running) await new Promise(resolve => setImmediate(resolve))
    await runtime.close()
    await again
    expect(process.listenerCount('SIGTERM')).toBe(before)
  })
})

onEveryEngine('the host', engine => {
  it('keeps its timers, servers, connections and promises across a stop', async () => {
    let ticks = 0
    const timer = setInterval(() => ticks++, 1)
    const server = createServer((_, response) => setTimeout(() => response.end('served'), 20)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    let mine!: (value: string) => void
    const promise = new Promise<string>(resolve => {
      mine = resolve
    })
    const runtime = await open(engine, { agents: [new URL('./lives.js', import.meta.url)] })
    await runtime.send(lives.Look, undefined, 'ticking/x')
    const fetched = fetch(url) // under way while the runtime stops
    await runtime.close()
    const before = ticks
    expect(await (await fetched).text()).toBe('served')
    expect(await (await fetch(url)).text()).toBe('served')
    setTimeout(() => mine('mine'), 5)
    expect(await promise).toBe('mine')
    expect(ticks).toBeGreaterThan(before)
    clearInterval(timer)
    server.closeAllConnections()
    server.close()
  })

  it('a stopped runtime leaves no timer', async () => {
    const timers = () => process.getActiveResourcesInfo().filter(kind => kind === 'Timeout').length
    const before = timers()
    const runtime = await open(engine, { agents: [new URL('./lives.js', import.meta.url)] })
    for (const agent of ['ticking/x', 'full/x', 'rarely/x', 'idling/x', 'fragile/x']) {
      await runtime.send(lives.Look, undefined, agent)
    }
    await runtime.send(lives.Later, { ms: 1_000_000 }, 'full/x')
    await runtime.close()
    expect(timers()).toBeLessThanOrEqual(before)
  })
})
