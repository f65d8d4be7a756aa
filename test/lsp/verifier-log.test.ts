// A verifier log over LSP: what is said of the source, what takes it back, and what the log's own document offers.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Diagnostic, DocumentSymbol, FoldingRange, Hover, Location } from 'vscode-languageserver';
import { repository } from '#test/requirements';
import { LspClient } from './lsp-client.ts';

const given = path.join(repository, 'test/verifier-log');
const logOf = (name: string): string => readFileSync(path.join(given, 'logs', `${name}.log`), 'utf8');
const program = readFileSync(path.join(given, 'programs/refused.bpf.c'), 'utf8');
const lineOf = (text: string, part: string): number => text.split('\n').findIndex((line) => line.includes(part));

interface Answer {
  message: string;
  warning: boolean;
  programs: { name?: string; verdict: string; summary: string; location?: Location }[];
}

let client: LspClient;
let workspace: string;
let outside: string;
beforeAll(async () => {
  client = await LspClient.start({ settings: { diagnostics: { enabled: false } }, docs: 'file:///pages' });
});
afterAll(() => client.stop());
beforeEach(() => {
  workspace = mkdtempSync(path.join(os.tmpdir(), 'ebpf-logs-'));
  outside = mkdtempSync(path.join(os.tmpdir(), 'ebpf-outside-'));
  mkdirSync(path.join(workspace, 'src'));
  client.published.length = 0;
  return async () => {
    await client.ask('ebpf/clearVerifierLog', {});
    rmSync(workspace, { recursive: true });
    rmSync(outside, { recursive: true });
  };
});

const file = (name: string): string => path.join(workspace, name);
const uriOf = (name: string): string => pathToFileURL(file(name)).href;
const read = (text: string, more: object = {}): Promise<Answer> =>
  client.ask('ebpf/readVerifierLog', { text, folders: [pathToFileURL(workspace).href], ...more });
const saidOf = (uri: string): readonly Diagnostic[] | undefined => client.published.findLast((one) => one.uri === uri)?.diagnostics;

describe('a log of libbpf', () => {
  it("stands on the source, with the cause, the code's page and the registers", async () => {
    writeFileSync(file('src/refused.bpf.c'), program);
    const uri = uriOf('src/refused.bpf.c');
    const answer = await read(logOf('no-null-check.libbpf-level1'));
    expect(answer).toMatchObject({ warning: false, programs: [{ name: 'no_null_check', verdict: 'rejected', location: { uri } }] });
    const [diagnostic, ...others] = (await client.until(() => saidOf(uri)))!;
    expect(others).toEqual([]);
    const line = lineOf(program, '*count += 1;');
    expect(diagnostic).toMatchObject({
      range: { start: { line, character: 1 }, end: { line, character: 13 } },
      severity: 1,
      source: 'eBPF verifier log',
      code: 'null-dereference',
      codeDescription: { href: 'file:///pages/null-dereference.md' },
    });
    expect(diagnostic!.message).toContain("The kernel says: R0 invalid mem access 'map_value_or_null'");
    expect(diagnostic!.relatedInformation).toMatchObject([
      {
        message: 'bpf_map_lookup_elem() may return NULL here',
        location: { uri, range: { start: { line: lineOf(program, '*count = bpf_map_lookup_elem') } } },
      },
    ]);
    const hover = await client.ask<Hover>('textDocument/hover', { textDocument: { uri }, position: { line, character: 3 } });
    expect((hover.contents as { value: string }).value).toContain('→ R0     map_value_or_null(id=1,map=counts,ks=4,vs=8)');
  });

  it("of Linux 7.3 points at the column, and says the kernel's reason", async () => {
    writeFileSync(file('refused.bpf.c'), program);
    await read(logOf('linux-7.3'));
    const [diagnostic] = (await client.until(() => saidOf(uriOf('refused.bpf.c'))))!;
    expect(diagnostic!.range.start.character).toBe(8);
    expect(diagnostic!.message).toContain('The kernel suggests: Add a NULL check');
  });

  it('without file names finds the line by its text', async () => {
    writeFileSync(file('src/refused.bpf.c'), program);
    const { programs } = await read(logOf('linux-5.15-no-places'));
    expect(programs[0]?.location).toMatchObject({
      uri: uriOf('src/refused.bpf.c'),
      range: { start: { line: lineOf(program, '*count += 1;') } },
    });
  });

  it("without instructions stands at the program's name", async () => {
    writeFileSync(file('refused.bpf.c'), program);
    const { programs } = await read(logOf('several.ci'));
    expect(programs.map(({ name, location }) => [name, location?.range.start.line])).toEqual([
      ['never_submitted', lineOf(program, 'int never_submitted')],
      ['too_long', undefined],
    ]);
  });
});

describe('a source that has changed since', () => {
  it('has the line where it stands now, with a note', async () => {
    const moved = program.replace('SEC("xdp")', '\n\n\n/* three lines more */\nSEC("xdp")');
    writeFileSync(file('refused.bpf.c'), moved);
    await read(logOf('no-null-check.libbpf-level1'));
    const [diagnostic] = (await client.until(() => saidOf(uriOf('refused.bpf.c'))))!;
    expect(diagnostic!.range.start.line).toBe(lineOf(moved, '*count += 1;'));
    expect(diagnostic!.message).toContain('The log says line 35; the line stands here now.');
  });

  it('has the line that is most like it', async () => {
    const edited = program.replace('\t*count += 1;', '\t\t*count += 2;');
    writeFileSync(file('refused.bpf.c'), edited);
    await read(logOf('no-null-check.libbpf-level1'));
    const [diagnostic] = (await client.until(() => saidOf(uriOf('refused.bpf.c'))))!;
    expect(diagnostic!.range.start.line).toBe(lineOf(edited, '*count += 2;'));
    expect(diagnostic!.message).toContain('The text has changed since.');
  });

  it('is chosen by its path and its text among files of one name', async () => {
    mkdirSync(file('other'));
    writeFileSync(file('other/refused.bpf.c'), '// nothing of that\n'.repeat(50));
    writeFileSync(file('src/refused.bpf.c'), program);
    const { programs } = await read(logOf('no-null-check.libbpf-level1'));
    expect(programs[0]?.location?.uri).toBe(uriOf('src/refused.bpf.c'));
  });
});

describe('what a log said is taken back', () => {
  const open = async (name: string, text: string, languageId = 'c'): Promise<string> => {
    writeFileSync(file(name), text);
    client.tell('textDocument/didOpen', { textDocument: { uri: uriOf(name), languageId, version: 1, text } });
    return uriOf(name);
  };
  const close = (uri: string): void => client.tell('textDocument/didClose', { textDocument: { uri } });

  it('when the source is edited, and not when it is opened', async () => {
    writeFileSync(file('refused.bpf.c'), program);
    await read(logOf('no-null-check.libbpf-level1'));
    const uri = await open('refused.bpf.c', program);
    await client.ask('textDocument/hover', { textDocument: { uri }, position: { line: 0, character: 0 } });
    expect(saidOf(uri)).toHaveLength(1);
    client.tell('textDocument/didChange', { textDocument: { uri, version: 2 }, contentChanges: [{ text: `// new\n${program}` }] });
    await client.until(() => (saidOf(uri)?.length === 0 ? true : undefined));
    close(uri);
  });

  it('by the command, and by the next log', async () => {
    writeFileSync(file('refused.bpf.c'), program);
    const uri = uriOf('refused.bpf.c');
    await read(logOf('no-null-check.libbpf-level1'));
    await read(logOf('no-packet-check.libbpf-level1'));
    expect(saidOf(uri)!.map(({ code }) => code)).toEqual(['packet-bounds']);
    await client.ask('ebpf/clearVerifierLog', {});
    expect(saidOf(uri)).toEqual([]);
  });

  it("counts the editor's text, not the file's", async () => {
    const uri = await open('refused.bpf.c', program);
    writeFileSync(file('refused.bpf.c'), 'nothing\n');
    const { programs } = await read(logOf('no-null-check.libbpf-level1'));
    expect(programs[0]?.location).toMatchObject({ uri, range: { start: { line: lineOf(program, '*count += 1;') } } });
    close(uri);
  });

  it("the log's own document has an outline, folds, the refusal, and leads to the source", async () => {
    writeFileSync(file('refused.bpf.c'), program);
    const text = logOf('through-a-function.libbpf-level2');
    await read('nothing'); // Tells the folders.
    const uri = await open('saved.verifier.log', text, 'bpf-verifier-log');
    const [diagnostic] = (await client.until(() => saidOf(uri)))!;
    expect(text.split('\n')[diagnostic!.range.start.line]).toContain('R0 invalid mem access');
    const at = (part: string): object => ({ textDocument: { uri }, position: { line: lineOf(text, part), character: 4 } });
    const symbols = await client.ask<DocumentSymbol[]>('textDocument/documentSymbol', { textDocument: { uri } });
    expect(symbols.map(({ name, detail, children }) => [name, detail, children?.map((child) => child.name)])).toEqual([
      ['through_a_function', 'rejected', ["R0 invalid mem access 'map_value_or_null'"]],
    ]);
    expect((await client.ask<FoldingRange[]>('textDocument/foldingRange', { textDocument: { uri } })).length).toBeGreaterThan(0);
    const line = async (part: string): Promise<number> =>
      (await client.ask<Location>('textDocument/definition', at(part))).range.start.line;
    expect(await line('; return bpf_map_lookup_elem')).toBe(lineOf(program, 'return bpf_map_lookup_elem'));
    expect(await line('12: (85) call')).toBe(lineOf(program, 'return bpf_map_lookup_elem'));
    expect(await line('R0 invalid mem access')).toBe(lineOf(program, 'return *count > 5'));
    close(uri);
  });
});

describe('a log is not trusted', () => {
  it('names paths outside the workspace in vain, also through a link', async () => {
    writeFileSync(path.join(outside, 'refused.bpf.c'), program);
    symlinkSync(outside, file('link'));
    symlinkSync(path.join(outside, 'refused.bpf.c'), file('refused.bpf.c'));
    const text = logOf('linux-7.3').replaceAll('refused.bpf.c', path.join(outside, 'refused.bpf.c'));
    const { message, warning, programs } = await read(text);
    expect([warning, programs[0]?.location]).toEqual([true, undefined]);
    expect(message).toContain(
      "The source line is not in this workspace: open the folder with the program's source, and read the log again.",
    );
    expect(client.published.filter(({ diagnostics }) => diagnostics.length > 0)).toEqual([]);
  });

  it.each(['../../../etc/passwd', '/etc/passwd', '..\\..\\x', 'con', ''])('opens nothing for %j', async (name) => {
    const { programs } = await read(
      `; x @ ${name}:1\n0: (95) exit\nR0 !read_ok\nprocessed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n`,
    );
    expect(programs[0]?.location).toBeUndefined();
  });

  it('a text without a log is answered with one sentence', async () => {
    const answer = await read('hello');
    expect(answer).toMatchObject({ warning: true, programs: [] });
    expect(answer.message).toMatch(/^No verifier log is in this text\./);
  });

  it('a whole folder is searched quickly', async () => {
    cpSync(path.join(repository, 'core/src'), file('many'), { recursive: true });
    writeFileSync(file('src/refused.bpf.c'), program);
    const before = performance.now();
    const { programs } = await read(logOf('linux-5.15-no-places'));
    expect(programs[0]?.location?.uri).toBe(uriOf('src/refused.bpf.c'));
    expect(performance.now() - before).toBeLessThan(5000);
  });
});
