import { expect, test } from 'vitest';
import { DATE_PLACEHOLDER, VaryingAnswer } from '../../src/wire/varying-answer.ts';

test('each copy of an answer has ids and quotas of its own, a date of now, and the same body', () => {
  const answer = new VaryingAnswer(`HTTP/1.1 200 OK\r\ndate: ${DATE_PLACEHOLDER}\r\nrequest-id: req_********************\r\nleft: 3###\r\ncf-ray: %%%%%%%%\r\n\r\n`, Buffer.from('{"#####":"***"}'));
  const copies = Array.from({ length: 200 }, () => answer.next().toString('latin1'));
  expect(new Set(copies).size).toBe(200);
  for (const copy of copies) {
    expect(copy).toMatch(/^HTTP\/1\.1 200 OK\r\ndate: \w{3}, \d\d \w{3} 20\d\d \d\d:\d\d:\d\d GMT\r\nrequest-id: req_[A-Za-z0-9]{20}\r\nleft: 3\d{3}\r\ncf-ray: [0-9a-f]{8}\r\n\r\n\{"#####":"\*\*\*"\}$/);
  }
});
