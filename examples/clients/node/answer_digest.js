// The digest of an answer, for ReportResultRequest.answer_digest: a gateway that does not want to send the answer itself
// sends this. It needs nothing beside Node.
//
//   answerDigest(['It is done.', ['read', { path: 'a.go' }]])
//
// The parts of the answer in their order: a text, or a tool call as a pair of its name and its arguments, decoded. Leave
// out thoughts, also those between <think> tags in a text. Run as a program it reads one JSON list of such parts a line and prints the digest of each.
'use strict';

const [P1, P2, P3, P4, P5] = [
  0x9E3779B185EBCA87n, 0xC2B2AE3D27D4EB4Fn, 0x165667B19E3779F9n, 0x85EBCA77C2B2AE63n, 0x27D4EB2F165667C5n,
];
const u64 = (n) => BigInt.asUintN(64, n);
const rotate = (n, by) => u64(n << by | n >> 64n - by);
const round = (lane, word) => u64(rotate(u64(lane + word * P2), 31n) * P1);

function answerDigest(parts) {
  const items = [];
  let words = '';
  const item = (letter, sum) => items.push(letter + sum.toString(16).padStart(16, '0'));
  for (const part of [...parts, null]) {
    if (typeof part === 'string') {
      words += part; // texts beside each other are one
      continue;
    }
    words = words.replace(/^[ \t\r\n]+/, '').replace(/[ \t\r\n]+$/, '');
    if (words) item('a', textSum(words));
    words = '';
    if (part) item('c', mix('f', textSum(part[0]), valueSum(part[1] ?? {})));
  }
  return items.join('');
}

// XXH64 of the text as the shortest JSON string says it, between the quotes.
function textSum(text) {
  return xxh64(Buffer.from(JSON.stringify(text).slice(1, -1)));
}

// Of a JSON value, whatever the order of its members and the writing of its numbers.
function valueSum(value, depth = 1) {
  if (typeof value === 'boolean') return mix('b', value ? 1n : 0n, 0n);
  if (typeof value === 'string') return mix('s', textSum(value), 0n);
  if (typeof value === 'number') {
    const bits = Buffer.alloc(8);
    bits.writeDoubleLE(value + 0);
    return mix('n', bits.readBigUInt64LE(), 0n);
  }
  if (Array.isArray(value) && depth <= 32) {
    return mix('e', value.reduce((sum, element) => mix('l', sum, valueSum(element, depth + 1)), 0n), 0n);
  }
  if (value !== null && typeof value === 'object' && !Array.isArray(value) && depth <= 32) {
    const members = Object.entries(value).map(([name, member]) => mix('k', textSum(name), valueSum(member, depth + 1)));
    return mix('o', u64(members.reduce((sum, member) => sum + member, 0n)), 0n);
  }
  return mix('z', 0n, 0n); // null, and what is nested too deep
}

function mix(letter, a, b) {
  const block = Buffer.alloc(17);
  block.write(letter, 'latin1');
  block.writeBigUInt64LE(a, 1);
  block.writeBigUInt64LE(b, 9);
  return xxh64(block);
}

// XXH64 with seed 0. Packages such as xxhash-wasm have it, much faster.
function xxh64(data) {
  let at = 0;
  let h = P5;
  if (data.length >= 32) {
    let lanes = [u64(P1 + P2), P2, 0n, u64(-P1)];
    for (; at + 32 <= data.length; at += 32) {
      lanes = lanes.map((lane, i) => round(lane, data.readBigUInt64LE(at + 8 * i)));
    }
    h = u64([1n, 7n, 12n, 18n].reduce((sum, by, i) => sum + rotate(lanes[i], by), 0n));
    for (const lane of lanes) h = u64((h ^ round(0n, lane)) * P1 + P4);
  }
  h = u64(h + BigInt(data.length));
  for (; at + 8 <= data.length; at += 8) h = u64(rotate(h ^ round(0n, data.readBigUInt64LE(at)), 27n) * P1 + P4);
  if (at + 4 <= data.length) {
    h = u64(rotate(h ^ u64(BigInt(data.readUInt32LE(at)) * P1), 23n) * P2 + P3);
    at += 4;
  }
  for (; at < data.length; at++) h = u64(rotate(h ^ u64(BigInt(data[at]) * P5), 11n) * P1);
  h = u64((h ^ h >> 33n) * P2);
  h = u64((h ^ h >> 29n) * P3);
  return h ^ h >> 32n;
}

module.exports = { answerDigest };

if (require.main === module) {
  for (const line of require('node:fs').readFileSync(0, 'utf8').split('\n')) {
    if (line) console.log(answerDigest(JSON.parse(line)));
  }
}
