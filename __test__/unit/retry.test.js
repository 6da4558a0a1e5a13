'use strict'
const assert = require('node:assert/strict')
const { test } = require('node:test')
const { createRetry, delays, totalDelay } = require('../../lib/kafkajs/retry')
const { connectBudget } = require('../../lib/kafkajs/options')
const { KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded, KafkaJSError } = require('../../lib/errors')

const quiet = () => {
  const slept = /** @type {number[]} */ ([])
  return {
    slept,
    sleep: async (/** @type {number} */ ms) => {
      slept.push(ms)
    },
  }
}

test('waits double, within the jitter, up to the longest', () => {
  assert.deepEqual([...delays({ retries: 4, factor: 0 })], [300, 600, 1200, 2400])
  assert.deepEqual([...delays({ retries: 3, factor: 0, maxRetryTime: 500 })], [300, 500, 500])
  assert.deepEqual([...delays({ retries: 1 }, () => 0)], [240])
  for (const delay of delays({ retries: 1 })) assert.ok(delay >= 240 && delay <= 360, String(delay))
})

test('an attempt that succeeds ends the loop', async () => {
  const { slept, sleep } = quiet()
  let calls = 0
  const result = await createRetry({ retries: 5 }, { sleep }).retry(async (_bail, retryCount) => {
    calls += 1
    if (retryCount < 2) throw new Error('again')
    return retryCount
  })
  assert.deepEqual([result, calls, slept.length], [2, 3, 2])
})

test('used up, it rejects with the last failure as the cause', async () => {
  const { slept, sleep } = quiet()
  const failing = createRetry({ retries: 2, factor: 0 }, { sleep }).retry(() => {
    throw new Error('boom')
  })
  await assert.rejects(failing, (/** @type {any} */ error) => {
    assert.ok(error instanceof KafkaJSNumberOfRetriesExceeded)
    assert.deepEqual([error.message, error.retryCount, error.retryTime, error.cause.message], ['boom', 2, 600, 'boom'])
    return true
  })
  assert.deepEqual(slept, [300, 600])
})

test('what cannot be retried ends it at once', async () => {
  const { slept, sleep } = quiet()
  const { retry } = createRetry({ retries: 5 }, { sleep })
  const type = new TypeError('program')
  await assert.rejects(
    retry(() => {
      throw type
    }),
    { name: 'KafkaJSNonRetriableError', message: 'program', cause: type },
  )
  const own = new KafkaJSNonRetriableError('mine')
  await assert.rejects(
    retry(() => {
      throw own
    }),
    (error) => error === own,
  )
  await assert.rejects(
    retry(() => {
      throw new KafkaJSError('x', { retriable: false })
    }),
    { name: 'KafkaJSNonRetriableError' },
  )
  assert.deepEqual(slept, [])
})

test('bail rejects with exactly that error', async () => {
  const error = new Error('raw')
  await assert.rejects(
    createRetry().retry(async (bail) => {
      bail(error)
    }),
    (raised) => raised === error,
  )
})

test('no retries means one attempt', async () => {
  let calls = 0
  await assert.rejects(
    createRetry({ retries: 0 }).retry(() => {
      calls += 1
      throw new Error('no')
    }),
  )
  assert.equal(calls, 1)
})

test("the time for connecting follows from kafkajs's rules", () => {
  assert.equal(connectBudget({}), 300 + 600 + 1200 + 2400 + 4800 + 6 * 1000)
  assert.equal(connectBudget({ retry: { retries: 0 }, connectionTimeout: 3000 }), 3000)
  assert.ok(Number.isSafeInteger(connectBudget({ retry: { retries: Number.MAX_SAFE_INTEGER } })))
  assert.ok(totalDelay({ retries: Infinity }) > 0)
})
