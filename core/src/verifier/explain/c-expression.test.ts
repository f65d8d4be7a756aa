import { describe, expect, it } from 'vitest';
import { assignedName, expressionAt, pointerOf } from './c-expression.ts';

/** The line with `@` before the character that the compiler points at. */
const at = (marked: string): string | undefined => expressionAt(marked.replace('@', ''), marked.indexOf('@') + 1)?.text;

describe('the expression at a place of a line', () => {
  it.each([
    ['  return @data[idx];', 'data[idx]'],
    ['  return value->@count;', 'value->count'],
    ['  x = a->b->@c[i].d;', 'a->b->c[i]'],
    ['  sum += @*value;', '*value'],
    ['  @*value += 1;', '*value'],
    ['  *value @+= 1;', '*value += 1'],
    ['  __sync_fetch_and_add(@&value->hits, 1);', '&value->hits'],
    ['  long *v = @bpf_map_lookup_elem(&counts, &key);', 'bpf_map_lookup_elem(&counts, &key)'],
    ['  if (data + 14 @> data_end)', 'data + 14 > data_end'],
    ['  if ((void *)(eth + 1) @> data_end) return 0;', '(void *)(eth + 1) > data_end'],
    ['  if (a @&& b == c)', 'a && b == c'],
    ['  if (a && b @== c)', 'b == c'],
    ['  total = x @* (y + 1) - 3;', 'x * (y + 1)'],
    ['  total = x + y @- 3;', 'x + y - 3'],
    ['  @return x ? 1 : 2; // done', 'return x ? 1 : 2'],
    ['  @if (x > 4) {', 'if (x > 4)'],
    ['  for (int i = 0; i @< n; i++)', 'i < n'],
    ['  for (int i = 0; i < n; i@++)', 'i++'],
    ['  y @= x, z = 3;', 'y = x'],
    ['  int y = @(int)x;', '(int)x'],
    ['  call(a, @b[2], c);', 'b[2]'],
    ['  call(a, *@p);', 'p'],
    ['  return *(__u32 *)@(data + off);', '(data + off)'],
    ['  f(x@->y);', 'x->y'],
    ['  return @t->data[idx].x;', 't->data[idx]'],
    ['  return @t->data;', 't'],
  ])('%s', (line, expected) => expect(at(line)).toBe(expected));

  it.each(['  @asm volatile ("r0 = 0");', '  int @BPF_PROG(f, int a)', '  @', '  x@ = 3', '@', '  } @'])('is not made up: %j', (line) =>
    expect(at(line)).toBeUndefined(),
  );
});

describe('the variable that takes a value', () => {
  it.each([
    ['  long *value = @bpf_map_lookup_elem(&m, &k);', 'value'],
    ['  value = @bpf_map_lookup_elem(&m, &k);', 'value'],
    ['  struct event *e = (struct event *)@bpf_ringbuf_reserve(&rb, 8, 0);', 'e'],
    ['  s->last @= x;', 's->last'],
    ['  __u32 @idx = 3;', 'idx'],
    ['  if (@x == 3)', undefined],
    ['  return @f(x);', undefined],
  ])('%s', (line, expected) => expect(assignedName(line.replace('@', ''), line.indexOf('@') + 1)).toBe(expected));
});

describe('the pointer that an expression goes through', () => {
  it.each([
    ['*value', 'value'],
    ['*value += 1', 'value'],
    ['task->pid', 'task'],
    ['a->b.c', 'a->b'],
    ['data[idx]', 'data'],
    ['return e->x', 'e'],
    ['*(u8 *)p', 'p'],
    ['f(x)', undefined],
    ['x', undefined],
  ])('%s', (expression, expected) => expect(pointerOf(expression)).toBe(expected));
});
