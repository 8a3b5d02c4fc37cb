// The same task, for poolifier.
import { ThreadWorker } from 'poolifier'
import sink from './sink-task.js'

export default new ThreadWorker(sink)
