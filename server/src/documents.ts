// The open documents as the server reads them: which of them are BPF, their lines, and for C the syntax tree, made when first asked for.

import type { TextDocument } from 'vscode-languageserver-textdocument';
import { mentionsBpf } from '#core/bcc';
import type { CParser, CSyntax } from './languages/c/c-syntax.ts';
import { AsmSyntax } from './languages/asm/asm-syntax.ts';
import { scanMacros } from './languages/c/c-macros.ts';
import { Lines } from './positions.ts';

/** `bcc` is a Python script with C in a string. */
export type Language = 'c' | 'asm' | 'bcc';

/** One version of one document. */
export class Document {
  private linesMade: Lines | undefined;
  private syntaxMade: CSyntax | undefined;
  private asmMade: AsmSyntax | undefined;

  constructor(
    readonly uri: string,
    readonly file: string,
    readonly language: Language,
    readonly version: number,
    readonly text: string,
    private readonly parser: CParser | undefined,
  ) {}

  get lines(): Lines {
    return (this.linesMade ??= new Lines(this.text));
  }

  /** Undefined for assembly and scripts, and where the C parser could not be loaded. */
  get syntax(): CSyntax | undefined {
    if (this.language !== 'c' || !this.parser) return undefined;
    return (this.syntaxMade ??= this.parser.parse(this.text));
  }

  /** Undefined for C. */
  get asm(): AsmSyntax | undefined {
    return this.language === 'asm' ? (this.asmMade ??= new AsmSyntax(this.text, this.file)) : undefined;
  }

  /** Headers are read with the programs that include them. */
  get isHeader(): boolean {
    return this.language === 'c' && /\.h$/i.test(this.file);
  }

  /** Whether a compiler's or assembler's file name means this document. Windows writes one file's name in several ways. */
  isFile(file: string): boolean {
    return file === '' || file === this.file || (/^[A-Za-z]:[\\/]/.test(file) && file.toLowerCase() === this.file.toLowerCase());
  }

  dispose(): void {
    this.syntaxMade?.dispose();
    this.syntaxMade = undefined;
  }
}

/** The language of a document, or undefined where it is none of ours: C that says nothing of BPF is left to others. */
export function languageOf(document: Pick<TextDocument, 'languageId' | 'uri' | 'getText'>): Language | undefined {
  const { languageId, uri } = document;
  if (languageId === 'ebpf-asm') return 'asm';
  if (languageId === 'python') return mentionsBpf(document.getText()) ? 'bcc' : undefined;
  if (languageId !== 'c') return undefined;
  // The name that libbpf's builds go by: a new file of it is BPF before it says anything.
  return /\.bpf\.[ch]$/i.test(uri) || looksLikeBpf(document.getText()) ? 'c' : undefined;
}

const BPF_INCLUDE =
  /^[ \t]*#[ \t]*include[ \t]*[<"](?:bpf\/)?(?:bpf_helpers|bpf_tracing|bpf_core_read)\.h|^[ \t]*#[ \t]*include[ \t]*[<"](?:[\w.]+\/)*vmlinux\.h/m;
/** The kernel's interface, which loaders include as well. */
const INTERFACE_INCLUDE = /^[ \t]*#[ \t]*include[ \t]*[<"](?:linux\/bpf\.h|bpf\/bpf_endian\.h)/m;
const USER_SPACE =
  /^[ \t]*#[ \t]*include[ \t]*(?:<(?:stdio|stdlib|unistd|signal|pthread|getopt|argp|sys\/\w+|bpf\/(?:bpf|libbpf|xsk|btf))\.h>|<xdp\/\w+\.h>|"[^"\n]*\.skel\.h")|\bint[ \t\n]+main[ \t]*\(/m;

/** Whether a C text is a BPF program by what it says in code: comments and strings do not count. */
export function looksLikeBpf(text: string): boolean {
  if (BPF_INCLUDE.test(text)) return true;
  if (USER_SPACE.test(text)) return false;
  return INTERFACE_INCLUDE.test(text) || (text.includes('SEC') && scanMacros(text).sections.length > 0);
}
