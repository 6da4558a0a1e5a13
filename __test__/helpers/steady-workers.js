'use strict'

/**
 * What processes that terminate worker threads are run with. Node.js takes a worker's isolate off its platform before it disposes
 * of it (nodejs/node#30846 tells why); a thread of V8's compiler that asks for a garbage collection in between makes the process
 * abort: "node_platform.cc … Assertion failed: (data.first) != nullptr". Seen once in some thousand terminations under load, with no
 * frame of ours in it. Without compilation in the background no such thread is there.
 */
const FLAGS = ['--no-concurrent-recompilation']

module.exports = { FLAGS }
