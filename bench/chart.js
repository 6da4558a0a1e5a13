'use strict'
/** A bar chart as SVG, in the colours of the page that shows it, light or dark. */

/**
 * @typedef {object} Panel
 * @property {string} title
 * @property {{ label: string, value: number, text: string }[]} bars
 */

const WIDTH = 860
const COLUMNS = 2
const GAP = 28
const LABEL = 200
/** For the figure behind the longest bar. */
const TEXT = 60
const BAR = 14
const STEP = 20
const HEAD = 30

/** The first client's bars stand out; those of a program that is not for JavaScript are only an outline. */
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; }
  .label { text-anchor: end; }
  .bar { fill: #9aa4ae; }
  .ours { fill: #d9480f; }
  .program { fill: none; stroke: #9aa4ae; stroke-dasharray: 3 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .bar { fill: #6e7781; }
    .ours { fill: #ff8a4c; }
    .program { fill: none; stroke: #6e7781; }
  }`

/** @param {string} text */
const escape = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)

/**
 * @param {string} title for those who cannot see it
 * @param {Panel[]} panels two beside each other
 * @param {(label: string) => 'bar' | 'bar ours' | 'program'} styleOf a bar
 * @returns {string}
 */
function chart(title, panels, styleOf) {
  const width = (WIDTH - GAP * (COLUMNS - 1)) / COLUMNS
  /** @type {string[]} */
  const parts = []
  let top = 0
  for (let i = 0; i < panels.length; i += COLUMNS) {
    const row = panels.slice(i, i + COLUMNS)
    row.forEach((panel, column) => parts.push(panelOf(panel, column * (width + GAP), top, width, styleOf)))
    top += HEAD + Math.max(...row.map(({ bars }) => bars.length)) * STEP + GAP
  }
  const height = Math.max(top - GAP, 0)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" ` +
    `height="${height}" role="img" aria-label="${escape(title)}">\n<style>${STYLE}\n</style>\n` +
    `${parts.join('\n')}\n</svg>\n`
}

/**
 * @param {Panel} panel @param {number} left @param {number} top @param {number} width
 * @param {(label: string) => string} styleOf
 */
function panelOf({ title, bars }, left, top, width, styleOf) {
  const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE)
  const lines = bars.map(({ label, value, text }, i) => {
    const y = HEAD + i * STEP
    const length = Math.max(1, (width - LABEL - TEXT) * value / most).toFixed(1)
    return `<text class="label" x="${LABEL - 8}" y="${y + 11}">${escape(label)}</text>` +
      `<rect class="${styleOf(label)}" x="${LABEL}" y="${y}" width="${length}" height="${BAR}" rx="2"/>` +
      `<text x="${(LABEL + Number(length) + 6).toFixed(1)}" y="${y + 11}">${escape(text)}</text>`
  })
  return `<g transform="translate(${left} ${top})">\n<text class="title" x="0" y="14">${escape(title)}</text>\n` +
    `${lines.join('\n')}\n</g>`
}

module.exports = { chart }
