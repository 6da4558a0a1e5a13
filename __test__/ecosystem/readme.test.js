'use strict'

// The program in kafkajs's own README.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { bootstrap } = require('../helpers/broker')
const { topicName } = require('../helpers/topic')
const { waitFor } = require('../helpers/wait')
const { installation } = require('./installation')

test("the example of kafkajs's README runs with other addresses and names only", async (t) => {
  const readme = fs.readFileSync(require.resolve('kafkajs/README.md'), 'utf8')
  const [, program] = /** @type {RegExpExecArray} */ (/```javascript\n(const \{ Kafka \}.*?)```/s.exec(readme))
  const topic = topicName(t)
  const { folder } = installation()
  const file = path.join(folder, 'readme.js')
  fs.writeFileSync(file, program.replace(/kafka\d:9092/g, bootstrap()).replaceAll('test-topic', topic).replace('test-group', topic))

  const child = spawn(process.execPath, [file], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close')
  t.after(async () => {
    child.kill()
    await ended
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text) => { stdout += text })
  child.stderr.setEncoding('utf8').on('data', (text) => { stderr += text })
  await waitFor(() => /partition: 0,\s+offset: '0',\s+value: 'Hello KafkaJS user!'/.test(stdout), {
    message: () => `the message; stdout: ${stdout} stderr: ${stderr}`,
  })
  // The log may warn of a broker that has only just started.
  assert.doesNotMatch(stderr, /"level":"ERROR"|Error:/)
})
