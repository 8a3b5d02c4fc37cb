// Promises of one thing that is to come, for as many as ask. What it keeps: whoever has asked is told once.

/** Who waits for something. */
export class Waiting {
  readonly #all: { resolve(): void; reject(error: unknown): void }[] = []

  /** Resolves when it has come. */
  join(): Promise<void> {
    return new Promise((resolve, reject) => this.#all.push({ resolve, reject }))
  }

  /** It has come. */
  resolve(): void {
    for (const { resolve } of this.#all.splice(0)) resolve()
  }

  /** It does not come for those who wait now. */
  reject(error: unknown): void {
    for (const { reject } of this.#all.splice(0)) reject(error)
  }
}
