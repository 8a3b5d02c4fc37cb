// The same task, for workerpool.
import workerpool from 'workerpool'
import sink from './sink-task.js'

workerpool.worker({ sink })
