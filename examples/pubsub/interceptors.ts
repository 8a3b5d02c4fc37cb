// Sees every event on its way out, on whichever thread it is published: replaces it, drops it, or lets it pass.
import { DROP, interceptor } from 'ringreeve'

export const sane = interceptor({
  onPublish(payload, { message }) {
    if (message !== 'reading') return undefined
    const { celsius } = payload as { celsius: number }
    if (celsius < -273.15) return DROP // colder than anything can be: a broken thermometer
    return { celsius: Math.round(celsius * 10) / 10 }
  },
})
