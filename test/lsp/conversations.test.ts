// Every conversation under conversations/ is played against the language server. Those with C programs need a compiler.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { missing } from '#test/requirements';
import { findCompiler } from '#toolchain';
import { play } from './conversation.ts';

const folder = path.join(import.meta.dirname, 'conversations');
const { compiler } = await findCompiler();

for (const name of readdirSync(folder).filter((file) => file.endsWith('.txt'))) {
  const file = path.join(folder, name);
  const text = readFileSync(file, 'utf8');
  const needsCompiler = /^> (?:open|write) \S+\.c\b/m.test(text) && /^> (?:diagnostics|verify)/m.test(text);
  const runs = !needsCompiler || compiler !== undefined || (missing('clang', 'no compiler that knows BPF was found') ?? false);
  test.skipIf(!runs)(name.replace('.txt', ''), async () => {
    await expect(await play(file)).toMatchFileSnapshot(file);
  });
}
