// The testing kit: the public surface of `ringreeve/testing`, nothing else.
export { type Published, type Sent, type TestAgentOptions, type TestedAgent, testAgent } from './agent.js'
export { TestClock } from './clock.js'
