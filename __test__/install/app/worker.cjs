'use strict'

const { Worker, isMainThread, parentPort } = require('node:worker_threads')

if (isMainThread) {
  // Two at a time: what one leaves behind, or shares by mistake, the other meets.
  const workers = [new Worker(__filename), new Worker(__filename)]
  const answers = workers.map(worker => new Promise((resolve, reject) => {
    let seen
    worker.on('message', message => { seen = message })
    worker.on('error', reject)
    worker.on('exit', code => code === 0 ? resolve(seen) : reject(new Error(`a worker exited with ${code}`)))
  }))
  Promise.all(answers).then(([one, other]) => {
    if (JSON.stringify(one) !== JSON.stringify(other)) throw new Error(`${one} is not ${other}`)
    console.log(JSON.stringify(one))
  })
} else {
  const { roundTrip } = require('./round-trip.cjs')
  roundTrip(require('kafka-oxide'), require('kafka-oxide/testing')).then(seen => parentPort.postMessage(seen))
}
