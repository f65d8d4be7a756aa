import { expect, test } from 'vitest';
import { codeBlock } from './describe.ts';
import { languageOf } from './documents.ts';

const language = (text: string, uri = 'file:///project/x.c'): string | undefined =>
  languageOf({ uri, languageId: 'c', getText: () => text });

test.each([
  ['a loader', '#include <stdio.h>\n#include <bpf/libbpf.h>\nint main(void) { printf("x"); }', undefined],
  ['a loader with the interface', '#include <linux/bpf.h>\n#include <unistd.h>\nint load(void);', undefined],
  ['a loader with its skeleton', '#include <linux/bpf.h>\n#include "count.skel.h"\n', undefined],
  ['a user program that speaks of SEC', '#include <stdlib.h>\n// SEC("xdp")\nconst char *usage = "SEC(\\"xdp\\")";', undefined],
  ['plain C', 'int add(int a, int b) { return a + b; }\n// SEC("xdp")\n', undefined],
  ['libbpf style', '#include "vmlinux.h"\n', 'c'],
  ['a vmlinux.h by architecture', '#include "../vmlinux/x86/vmlinux.h"\n', 'c'],
  ['helpers', '#include <bpf/bpf_helpers.h>\n', 'c'],
  ['the interface alone', '#include <linux/bpf.h>\n', 'c'],
  ['a section without any include', 'SEC("xdp") int x(void *ctx) { return 2; }', 'c'],
] as const)('%s', (_, text, expected) => expect(language(text)).toBe(expected));

test('a new file is BPF by its name', () => {
  expect(language('', 'file:///project/count.bpf.c')).toBe('c');
  expect(language('', 'file:///project/count.c')).toBeUndefined();
});

test('what a program says does not end the fence', () => {
  expect(codeBlock('/* ``` */ int x;')).toBe('````c\n/* ``` */ int x;\n````');
  expect(codeBlock('int x;')).toBe('```c\nint x;\n```');
});
