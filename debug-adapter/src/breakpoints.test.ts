import { expect, test } from 'vitest';
import { Breakpoints } from './breakpoints.ts';
import type { ExpressionScope } from './expression.ts';

test.each([
  ['2', [2]],
  ['== 2', [2]],
  ['>= 2', [2, 3, 4]],
  ['> 2', [3, 4]],
  ['<= 2', [1, 2]],
  ['< 2', [1]],
  ['% 2', [2, 4]],
])('hit count %s stops at hits %j', (hitCondition, expected) => {
  const breakpoints = new Breakpoints(() => []);
  breakpoints.setInstructions([{ at: { program: 1, slot: 0 }, hitCondition }]);
  const scope = (): ExpressionScope => {
    throw new Error('nothing is to be evaluated');
  };
  expect([1, 2, 3, 4].filter(() => breakpoints.meet(1, 0, scope).stops.length > 0)).toEqual(expected);
});
