import { expect, test } from 'vitest';
import { scanMacros } from './c-macros.ts';

const TEXTS = [
  'SEC("xdp") int x(struct xdp_md *ctx) { return 2; }',
  'SEC("?tc")\nstatic __always_inline int x(void) { return bpf_f(SEC); }',
  'struct { __uint(type, BPF_MAP_TYPE_HASH); __array(values, struct { __uint(type, 1); }); __type(key, struct { int a; }); } m SEC(".maps");',
  'char s[] = "SEC(\\"no\\")"; // SEC("no")\n/* SEC("no") */ char l[] SEC("license") = "GPL";',
  'int f(void) __attribute__((section("a"), used)); extern int g(void) __ksym __weak;',
];

test.each(TEXTS)('the masked text has the same length and lines: %s', (text) => {
  const { masked } = scanMacros(text);
  expect(masked.length).toBe(text.length);
  expect([...masked].map((char, index) => (char === '\n' ? index : -1)).filter((index) => index >= 0)).toEqual(
    [...text].map((char, index) => (char === '\n' ? index : -1)).filter((index) => index >= 0),
  );
  expect(masked).not.toMatch(/SEC\("(?!no)/);
});

test('sections are found where they are code, with the offsets of their names', () => {
  const names = (text: string): string[] => scanMacros(text).sections.map(({ nameStart, nameEnd }) => text.slice(nameStart, nameEnd));
  expect(TEXTS.map(names)).toEqual([['xdp'], ['?tc'], ['.maps'], ['license'], []]);
});

test('members of maps, also of inner ones', () => {
  const text = TEXTS[2]!;
  expect(
    scanMacros(text).members.map(({ macro, key, value, valueStart }) => [macro, key, value, text.startsWith(value, valueStart)]),
  ).toEqual([
    ['__uint', 'type', 'BPF_MAP_TYPE_HASH', true],
    ['__array', 'values', 'struct { __uint(type, 1); }', true],
    ['__type', 'key', 'struct { int a; }', true],
  ]);
});

test('a macro that is being typed swallows no more than its line', () => {
  expect(scanMacros('SEC("td\nint x;').sections).toEqual([{ start: 0, end: 7, nameStart: 5, nameEnd: 7, name: 'td' }]);
  expect(scanMacros('__uint(type, \n} m;\nint x;').masked).toMatch(/\} m;\nint x;$/);
});
