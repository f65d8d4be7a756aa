// Which conditions the engine tests itself, and what it is told; the rest says `evaluated`.
import { expect, test } from 'vitest';
import { integerType } from './c-type.ts';
import { engineCondition } from './engine-condition.ts';
import type { LocatedVariable } from './engine-condition.ts';

const VARIABLES: Readonly<Record<string, LocatedVariable>> = {
  i: { type: integerType('int', 4, true), location: { kind: 'register', register: 3 } },
  count: { type: integerType('__u64', 8, false), location: { kind: 'memory', register: 10, offset: -16 } },
  byte: { type: integerType('__u8', 1, false), location: { kind: 'register', register: 2 } },
  gone: { type: integerType('int', 4, true), location: undefined },
  r5: { type: integerType('int', 4, true), location: { kind: 'register', register: 7 } },
};

const CASES: readonly (readonly [string, string])[] = [
  ['i == 3', 'r3:32 == 3 signed'],
  ['i < -1', 'r3:32 < -1 signed'],
  ['i == 0x7fffffff', 'r3:32 == 2147483647 signed'],
  ['i == 2147483648', 'evaluated'],
  ['i == 3u', 'evaluated'],
  ['i == 0xffffffff', 'evaluated'],
  ['count >= 1000000', '[r10-16]:8 >= 1000000 unsigned'],
  ['count == -1', 'evaluated'],
  ['byte != 255', 'r2:8 != 255 unsigned'],
  ['byte < 256', 'evaluated'],
  ['byte > -1', 'evaluated'],
  ['r1 == 1000', 'r1 == 1000 unsigned'],
  ['r5 == 1', 'r7:32 == 1 signed'],
  ['gone == 1', 'evaluated'],
  ['unknown == 1', 'evaluated'],
  ['i % 10 == 3', 'evaluated'],
  ['i == 3 && byte == 1', 'evaluated'],
  ['3 == i', 'evaluated'],
  ['i', 'evaluated'],
  ['i ==', 'evaluated'],
];

test.each(CASES)('%s', (text, expected) => {
  const condition = engineCondition(text, 7, (name) => VARIABLES[name]);
  const shown = (): string => {
    if (!condition) return 'evaluated';
    const { left, comparison, right, signed } = condition;
    const place =
      left.kind === 'register'
        ? `r${left.register}${left.bits === undefined ? '' : `:${left.bits}`}`
        : left.kind === 'memory'
          ? `[r${left.base}${left.offset}]:${left.size}`
          : '?';
    return `${place} ${comparison} ${right.kind === 'constant' ? right.value : '?'} ${signed ? 'signed' : 'unsigned'}`;
  };
  expect(shown()).toBe(expected);
});
