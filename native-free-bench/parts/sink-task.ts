// A task that takes what it gets and gives nothing back.
export default function sink(_body: unknown): void {}
