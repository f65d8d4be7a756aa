// BCC: the C inside a Python string. Reads the script, finds the C text and what is done with it, and writes it as plain C for libbpf.
// Runs no Python, starts no compiler, and gets its parsers from whoever calls.

export { attachments } from './attachments.ts';
export type { BpfObject, LocatedText } from './python-values.ts';
export { type KernelFacts, mentionsBpf, readPython } from './read-python.ts';
export { recordName, rewrite, type Rewritten } from './rewrite.ts';
export type { Parse, SyntaxNode } from './syntax-node.ts';
