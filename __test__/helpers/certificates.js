'use strict'

// Certificates and PKCS#12 files for tests, made anew each time with nothing but node:crypto, which can make keys and
// signatures but no certificates: these few structures of X.509 and PKCS#12 are written here as DER.

const crypto = require('node:crypto')
const net = require('node:net')

const OID = {
  commonName: '2.5.4.3',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  sha256: '2.16.840.1.101.3.4.2.1',
  data: '1.2.840.113549.1.7.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  localKeyId: '1.2.840.113549.1.9.21',
}

/** @param {number} tag @param {...Buffer} parts */
function der(tag, ...parts) {
  const body = Buffer.concat(parts)
  /** @type {number[]} */
  const length = []
  if (body.length < 0x80) length.push(body.length)
  else {
    for (let left = body.length; left > 0; left = Math.floor(left / 256)) length.unshift(left % 256)
    length.unshift(0x80 | length.length)
  }
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}

/** @param {...Buffer} parts */
const sequence = (...parts) => der(0x30, ...parts)
/** @param {...Buffer} parts */
const set = (...parts) => der(0x31, ...parts)
/** @param {Buffer} bytes */
const octets = (bytes) => der(0x04, bytes)
/** @param {number} number @param {...Buffer} parts */
const explicit = (number, ...parts) => der(0xa0 | number, ...parts)
/** @param {string} text */
const utf8 = (text) => der(0x0c, Buffer.from(text))
/** @param {Buffer} bytes big-endian, not negative */
const integer = (bytes) => der(0x02, bytes[0] & 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes)
/** @param {number} value less than 128 */
const small = (value) => der(0x02, Buffer.from([value]))
/** @param {Date} date */
const time = (date) => der(0x18, Buffer.from(date.toISOString().replace(/[-:T]|\.\d+/g, '')))

/** @param {string} dotted */
function oid(dotted) {
  const [first, second, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (let value of rest) {
    const group = [value & 0x7f]
    while ((value = Math.floor(value / 128)) > 0) group.unshift((value & 0x7f) | 0x80)
    bytes.push(...group)
  }
  return der(0x06, Buffer.from(bytes))
}

/** @param {string} host a name or an address of IPv4 */
function alternativeName(host) {
  return net.isIPv4(host) ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host))
}

/** @typedef {{ name: string, key: crypto.KeyObject, der: Buffer, cert: string, pem: string }} Identity pem: the key */

/**
 * A key and a certificate for it.
 * @param {string} name  the common name
 * @param {{ issuer?: Identity, hosts?: string[], expired?: boolean }} [options]  without an issuer, its own
 * @returns {Identity}
 */
function certificate(name, { issuer, hosts = [], expired = false } = {}) {
  const { privateKey, publicKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const nameOf = (/** @type {string} */ text) => sequence(set(sequence(oid(OID.commonName), utf8(text))))
  const DAY = 86_400_000
  const now = Date.now()
  const extensions = [
    sequence(oid(OID.basicConstraints), octets(sequence(...(issuer ? [] : [der(0x01, Buffer.from([0xff]))])))),
  ]
  if (hosts.length > 0) {
    extensions.push(sequence(oid(OID.subjectAltName), octets(sequence(...hosts.map(alternativeName)))))
  }
  const algorithm = sequence(oid(OID.ecdsaWithSha256))
  const toBeSigned = sequence(
    explicit(0, small(2)),
    integer(Buffer.concat([Buffer.from([1]), crypto.randomBytes(15)])),
    algorithm,
    nameOf(issuer ? issuer.name : name),
    sequence(time(new Date(now - 2 * DAY)), time(new Date(expired ? now - DAY : now + 2 * DAY))),
    nameOf(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions)),
  )
  const signature = crypto.sign('sha256', toBeSigned, issuer ? issuer.key : privateKey)
  const bytes = sequence(toBeSigned, algorithm, der(0x03, Buffer.alloc(1), signature))
  const lines = /** @type {string[]} */ (bytes.toString('base64').match(/.{1,64}/g)).join('\n')
  return {
    name,
    key: privateKey,
    der: bytes,
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/**
 * A PKCS#12 file: the key encrypted (PBES2, AES-256), the certificates not, all under a MAC.
 * @param {Identity} identity
 * @param {string} passphrase
 * @param {Identity[]} [chain]
 */
function pkcs12(identity, passphrase, chain = []) {
  const shrouded = identity.key.export({ type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase })
  const keyId = set(sequence(oid(OID.localKeyId), set(octets(Buffer.from([1])))))
  const certBag = (/** @type {Identity} */ { der: bytes }, /** @type {Buffer[]} */ ...attributes) => {
    const content = sequence(oid(OID.x509Certificate), explicit(0, octets(bytes)))
    return sequence(oid(OID.certBag), explicit(0, content), ...attributes)
  }
  const contents = sequence(
    sequence(oid(OID.shroudedKeyBag), explicit(0, shrouded), keyId),
    certBag(identity, keyId),
    ...chain.map((one) => certBag(one)),
  )
  const data = (/** @type {Buffer} */ content) => sequence(oid(OID.data), explicit(0, octets(content)))
  const safe = sequence(data(contents))
  const salt = crypto.randomBytes(16)
  const mac = crypto.createHmac('sha256', macKey(passphrase, salt)).update(safe).digest()
  const digest = sequence(sequence(oid(OID.sha256), der(0x05)), octets(mac))
  return sequence(small(3), data(safe), sequence(digest, octets(salt), small(1)))
}

/** RFC 7292, appendix B, for a key of one SHA-256 and one iteration. @param {string} passphrase @param {Buffer} salt */
function macKey(passphrase, salt) {
  const BLOCK = 64
  const fill = (/** @type {Buffer} */ bytes) => Buffer.alloc(Math.ceil(bytes.length / BLOCK) * BLOCK, bytes)
  const text = Buffer.from(`${passphrase}\0`, 'utf16le').swap16()
  return crypto.createHash('sha256').update(Buffer.alloc(BLOCK, 3)).update(fill(salt)).update(fill(text)).digest()
}

module.exports = { certificate, pkcs12 }
