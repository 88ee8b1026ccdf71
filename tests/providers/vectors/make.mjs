// Makes clickpesa_checksums.json: bodies with both sums, as the provider's own language reckons them.
//
//     node tests/providers/vectors/make.mjs > tests/providers/vectors/clickpesa_checksums.json

import { createHmac } from "node:crypto";

const KEY = "CHK-key of an account";

function canonical(value) {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(canonical);
  return Object.keys(value)
    .sort()
    .reduce((sorted, key) => {
      sorted[key] = canonical(value[key]);
      return sorted;
    }, {});
}

const mac = (text) => createHmac("sha256", KEY).update(text).digest("hex");

const newSum = (payload) => mac(JSON.stringify(canonical(payload)));

function oldSum(payload) {
  const sorted = Object.keys(payload)
    .sort()
    .reduce((all, key) => {
      all[key] = payload[key];
      return all;
    }, {});
  return mac(Object.values(sorted).join(""));
}

const received = {
  event: "PAYMENT RECEIVED",
  data: {
    id: "ORD987654LCP2C95",
    status: "SUCCESS",
    paymentReference: "0969231256",
    orderReference: "ORD987654",
    collectedAmount: "10000",
    collectedCurrency: "TZS",
    message: "Payment successful",
    updatedAt: "2026-04-10T18:22:56.153Z",
    createdAt: "2026-04-10T18:22:16.949Z",
    customer: { customerName: "Zuhura Ngũgĩ Ñandú 😀", customerEmail: null },
  },
};

const cases = {
  "a payment": received,
  "its keys in another order": { data: { ...received.data }, event: received.event },
  "a prompt": {
    amount: "25000",
    currency: "TZS",
    orderReference: "a1b2c3",
    phoneNumber: "255712345678",
  },
  "numbers": { amount: 10000, rate: 2510.55, half: 0.5, small: 1e-7, big: 1e21, minus: -0.1 },
  "words": { yes: true, no: false, nothing: null, empty: "" },
  "lists": { list: [3, "x", null, [true, {}], { b: 1, a: [] }], none: [] },
  "texts": { text: 'a"b\\c/d\b\f\n\r\t\u0001\u001f\u007f\u2028\u2029', key: "é" },
  "half of a pair": { text: "a\ud83dz", "\ude00": "x" },
  "keys": { b: 1, a: 2, B: 3, é: 4, "😀": 5, "\uffee": 6, "": 7, "10": 8, "9": 9, "01": 10, "4294967295": 11, "4294967294": 12, "-1": 13 },
  "nothing": {},
};

const out = Object.entries(cases).map(([name, payload]) => ({
  name,
  body: JSON.stringify(payload),
  new: newSum(payload),
  old: oldSum(payload),
}));
process.stdout.write(JSON.stringify({ key: KEY, cases: out }, null, 1) + "\n");
