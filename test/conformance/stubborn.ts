// An agent that never yields and never looks whether it is still wanted.
import { agent, request } from 'ringreeve'

export const Spin = request<void, void>('spin-for-ever')
export const stubborn = agent('stubborn', { deadline: 50 }).on(Spin, () => {
  while (true);
})
