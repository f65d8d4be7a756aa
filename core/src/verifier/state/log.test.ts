import { expect, test } from 'vitest';
import { VerifierLog } from './log.ts';

test('a long log keeps its end, from a whole line on, and can still be cut back', () => {
  const log = new VerifierLog(2, 100);
  for (let i = 0; i < 1000; i++) log.write(`line ${i}\n`);
  const lines = log.text().trimEnd().split('\n');
  expect(lines[0]).toMatch(/^line \d+$/);
  expect(lines.at(-1)).toBe('line 999');
  expect(log.text().length).toBeLessThanOrEqual(200);
  const here = log.position;
  log.write('gone\n');
  log.truncate(here);
  expect(log.text().trimEnd().split('\n')).toEqual(lines);
  log.truncate(5);
  expect(log.position).toBe(5);
  expect(log.text()).toBe('');
  log.write('on\n');
  expect(log.position).toBe(8);
});

test('a short log is kept whole', () => {
  const log = new VerifierLog(1);
  log.write('one\n');
  log.write('two\n');
  expect(log.text()).toBe('one\ntwo\n');
  log.truncate(4);
  expect(log.text()).toBe('one\n');
});
