// A document that was closed and is opened again is a new one: the verdict of the old text is not shown for it.
import { expect, test } from 'vitest';
import type { ProgramInfo } from '../../server/src/features/programs.ts';
import { missing } from '#test/requirements';
import { findCompiler } from '#toolchain';
import { LspClient } from './lsp-client.ts';

const { compiler } = await findCompiler();
const runs = compiler !== undefined || (missing('clang', 'no compiler that knows BPF was found') ?? false);

test.skipIf(!runs)('the verdict goes with the document', async () => {
  const client = await LspClient.start({ settings: {} });
  const uri = 'file:///closing/closing.bpf.c';
  const open = (returned: string): void =>
    client.tell('textDocument/didOpen', {
      textDocument: {
        uri,
        languageId: 'c',
        version: 1,
        text: `#include <vmlinux.h>\n#include <bpf/bpf_helpers.h>\nSEC("xdp") int x(struct xdp_md *ctx) { return ${returned}; }\n`,
      },
    });
  const verdicts = async (): Promise<string[]> =>
    (await client.ask<{ programs: ProgramInfo[] }>('ebpf/programs', { uri })).programs.map(({ verdict }) => verdict);
  open('2');
  await client.until(() => client.changed.find((one) => one.uri === uri));
  expect(await verdicts()).toEqual(['accepted']);
  client.tell('textDocument/didClose', { textDocument: { uri } });
  open('*(int *)0');
  expect(await verdicts()).toEqual(['pending']);
  await client.stop();
});
