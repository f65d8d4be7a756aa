import { expect, test } from 'vitest';
import { formatProblem } from '#core/problem';
import { readClangMessages } from './clang-messages.ts';

const read = (text: string): string[] =>
  readClangMessages(text).flatMap((problem) => [
    `${formatProblem(problem)}${problem.code ? ` <${problem.code}>` : ''}${problem.span?.endColumn ? ` to ${problem.span.endLine}:${problem.span.endColumn}` : ''}`,
    ...(problem.related ?? []).map(({ message, span }) => `  ${span.file}:${span.line}:${span.column}: ${message}`),
  ]);

test('an error carries its place, its option as code and its notes as related places', () => {
  expect(
    read(
      [
        "/p/e.c:4:32:{4:36-4:37}: error: incompatible integer to pointer conversion initializing 'int *' with an expression of type 'int' [-Wint-conversion]",
        "/p/e.c:4:58:{4:58-4:70}: error: use of undeclared identifier 'nope'",
        "/p/e.c:3:21:{3:21-3:25}: note: expanded from macro 'FOO'",
        '/p/e.c:9:1: warning: unused [-Werror,-Wunused-value]',
        '3 errors generated.',
      ].join('\n'),
    ),
  ).toEqual([
    "/p/e.c:4:32: error: incompatible integer to pointer conversion initializing 'int *' with an expression of type 'int' <-Wint-conversion>",
    "/p/e.c:4:58: error: use of undeclared identifier 'nope' to 4:70",
    "  /p/e.c:3:21: expanded from macro 'FOO'",
    '/p/e.c:9:1: warning: unused <-Wunused-value>',
  ]);
});

test('the way a header was included is related to its errors', () => {
  expect(
    read(
      "In file included from /p/n.c:1:\nIn file included from /p/a.h:7:\n/p/inc.h:1:9:{1:9-1:23}: error: use of undeclared identifier 'x'\n",
    ),
  ).toEqual([
    "/p/inc.h:1:9: error: use of undeclared identifier 'x' to 1:23",
    '  /p/n.c:1:1: included from here',
    '  /p/a.h:7:1: included from here',
  ]);
});

test('paths of Windows keep their colon', () => {
  expect(read("C:\\p\\e.c:4:5: fatal error: 'nope.h' file not found\r\n")).toEqual(["C:\\p\\e.c:4:5: error: 'nope.h' file not found"]);
});

test('the backend says each thing once and leaves out that it knows no better place', () => {
  const message =
    '/p/s.c:3:5: error: Looks like the BPF stack limit is exceeded.\n\n/p/s.c:3:5: note: could not determine the original source location for s.c:0:0\n';
  expect(read(message + message)).toEqual(['/p/s.c:3:5: error: Looks like the BPF stack limit is exceeded.']);
});

test('a crash of the backend is one sentence with a place, not a stack dump', () => {
  expect(
    read(
      [
        'fatal error: error in backend: Cannot select: 0x55: i32,ch = AtomicLoadAdd<(load store seq_cst (s16) on `ptr null`)> 0x56:1, Constant:i64<0>, Constant:i32<1>, s.c:6:42',
        'In function: h',
        'PLEASE submit a bug report to https://github.com/llvm/llvm-project/issues/ and include the crash backtrace',
        'Stack dump:',
        '0.\tProgram arguments: clang-22 -g',
        ' #0 0x00007efc968b8786 llvm::sys::PrintStackTrace(llvm::raw_ostream&, int)',
        'clang-22: error: clang frontend command failed with exit code 70 (use -v to see invocation)',
        'clang-22: note: diagnostic msg: /scratch/s-473c88.c',
      ].join('\n'),
    ),
  ).toEqual([
    's.c:6:42: error: BPF has no instruction for this operation (LLVM: AtomicLoadAdd). Another operand size, or a newer -mcpu, may have one (in function h) <clang-backend>',
  ]);
});

test('the driver has no place', () => {
  expect(read("clang: error: unknown argument: '-fnope'\n")).toEqual(["error: unknown argument: '-fnope'"]);
});
