// The same task, for comlink.
import { workerData } from 'node:worker_threads'
import { type Endpoint, expose } from 'comlink'
import sink from './sink-task.js'

expose({ sink }, workerData as Endpoint)
