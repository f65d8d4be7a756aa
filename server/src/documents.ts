// The open documents as the server reads them: which of them are BPF, their lines, and for C the syntax tree, made when first asked for.

import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { CParser, CSyntax } from './languages/c-syntax.ts';
import { AsmSyntax } from './languages/asm-syntax.ts';
import { Lines } from './positions.ts';

export type Language = 'c' | 'asm';

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

  /** Undefined for assembly, and where the C parser could not be loaded. */
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
export function languageOf(document: TextDocument): Language | undefined {
  if (document.languageId === 'ebpf-asm') return 'asm';
  if (document.languageId === 'c' && looksLikeBpf(document.getText())) return 'c';
  return undefined;
}

export function looksLikeBpf(text: string): boolean {
  return /\bSEC\s*\(\s*"|#[ \t]*include[ \t]*[<"](?:bpf\/bpf_|bpf_helpers\.h|vmlinux\.h|linux\/bpf\.h)/.test(text);
}
