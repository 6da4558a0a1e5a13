'use strict'
/** Puts figures into a Markdown file, between `<!-- bench: NAME -->` and `<!-- bench end -->`. */

const PLACES = /(<!-- bench: (\S+) -->\n)[^]*?(<!-- bench end -->)/g

/**
 * NAME is a suite (one table, a line for each workload), `tables` (a table with all figures for each workload of the
 * first suite), `goals`, or `about` (where and how it was measured).
 * @param {string} text of the file
 * @param {import('./report').Report} report
 * @param {string} about
 * @param {string} goals
 * @returns {string} in which the places are new of which this run tells something
 */
function fill(text, report, about, goals) {
  return text.replace(PLACES, (place, begin, name, end) => {
    const content = contentOf(name, report, about, goals)
    return content ? `${begin}${content}\n${end}` : place
  })
}

/** @param {string} name @param {import('./report').Report} report @param {string} about @param {string} goals */
function contentOf(name, report, about, goals) {
  if (name === 'about') return about
  if (name === 'goals') return goals
  if (name === 'tables') {
    return report.workloads.filter(({ suites }) => suites[0] === 'core')
      .map((workload) => `#### ${workload.title}\n\n${report.table(workload)}`).join('\n\n')
  }
  return report.suites.includes(name) ? report.matrix(name) : ''
}

module.exports = { fill }
