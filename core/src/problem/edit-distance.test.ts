// Edits between names, and the limit beyond which nobody counts.
import { expect, it } from 'vitest';
import { editDistance } from './index.ts';

it.each([
  ['', '', 0],
  ['', 'abc', 3],
  ['kprobe', 'kprobe', 0],
  ['kprobe', 'kprobes', 1],
  ['kprobe', 'kporbe', 1],
  ['kprobe', 'uprobe', 1],
  ['vfs_read', 'vfs_write', 4],
] as const)('"%s" and "%s" are %i apart', (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
  expect(editDistance(b, a)).toBe(distance);
  expect(editDistance(a, b, distance)).toBe(distance);
  if (distance > 0) expect(editDistance(a, b, distance - 1)).toBe(Infinity);
});
