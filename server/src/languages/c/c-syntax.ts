// How C is read: tree-sitter's grammar over the text without BPF's macros. Knows what a program, a map and a call look like,
// and nothing of types. Runs wherever WebAssembly does: the two modules come as bytes.

import { Language, type Node, Parser, type Tree } from 'web-tree-sitter';
import { type MacroScan, type MapMember, scanMacros, type SectionMacro } from './c-macros.ts';

export type { Node } from 'web-tree-sitter';

export interface CProgram {
  name: string;
  section: SectionMacro;
  /** Offsets of the function, from its type to its closing brace. */
  start: number;
  end: number;
  nameStart: number;
  /** The parameters as written, first the context; of BPF_PROG and the like without the macro's. */
  parameters: readonly CParameter[];
  /** `BPF_KPROBE` where the function is written with a macro. */
  macro?: string;
}

export interface CParameter {
  type: string;
  name: string;
}

export interface CMap {
  name: string;
  nameStart: number;
  start: number;
  end: number;
  members: readonly MapMember[];
}

export interface CFunction {
  name: string;
  nameStart: number;
  start: number;
  end: number;
  parameters: readonly CParameter[];
  /** Text of what it returns. */
  returns: string;
}

/** The macros whose first argument is the function's name, and the context they give it. */
export const PROGRAM_MACROS: Readonly<Record<string, string>> = {
  BPF_PROG: 'unsigned long long *',
  BPF_PROG2: 'unsigned long long *',
  BPF_KPROBE: 'struct pt_regs *',
  BPF_KRETPROBE: 'struct pt_regs *',
  BPF_KSYSCALL: 'struct pt_regs *',
  BPF_KPROBE_SYSCALL: 'struct pt_regs *',
  BPF_UPROBE: 'struct pt_regs *',
  BPF_URETPROBE: 'struct pt_regs *',
  BPF_USDT: 'struct pt_regs *',
};

export class CParser {
  private constructor(private readonly parser: Parser) {}

  /** `runtime` is web-tree-sitter.wasm, `grammar` tree-sitter-c.wasm. */
  static async create(runtime: Uint8Array, grammar: Uint8Array): Promise<CParser> {
    await Parser.init({ wasmBinary: runtime });
    const parser = new Parser();
    parser.setLanguage(await Language.load(grammar));
    return new CParser(parser);
  }

  parse(text: string): CSyntax {
    const macros = scanMacros(text);
    const tree = this.parser.parse(macros.masked);
    if (!tree) throw new Error('the C parser gave no tree');
    return new CSyntax(text, macros, tree);
  }
}

/** One version of one text. Offsets are UTF-16 units, as JavaScript and LSP count. Free the tree with `dispose`. */
export class CSyntax {
  readonly functions: readonly CFunction[];
  readonly programs: readonly CProgram[];
  readonly maps: readonly CMap[];

  constructor(
    readonly text: string,
    readonly macros: MacroScan,
    private readonly tree: Tree,
  ) {
    const top = [...topLevel(tree.rootNode)];
    this.functions = top.filter(({ type }) => type === 'function_definition').flatMap((node) => functionOf(node) ?? []);
    this.programs = macros.sections.flatMap((section) => this.programOf(section, top) ?? []);
    this.maps = macros.sections.filter(({ name }) => name === '.maps').flatMap((section) => this.mapOf(section, top) ?? []);
  }

  dispose(): void {
    this.tree.delete();
  }

  get root(): Node {
    return this.tree.rootNode;
  }

  nodeAt(offset: number): Node {
    return this.tree.rootNode.descendantForIndex(offset) ?? this.tree.rootNode;
  }

  programAt(offset: number): CProgram | undefined {
    return this.programs.find(({ section, end }) => section.start <= offset && offset <= end);
  }

  functionAt(offset: number): CFunction | undefined {
    return this.functions.find(({ start, end }) => start <= offset && offset <= end);
  }

  sectionAt(offset: number): SectionMacro | undefined {
    return this.macros.sections.find(({ nameStart, nameEnd }) => nameStart <= offset && offset <= nameEnd);
  }

  memberAt(offset: number): MapMember | undefined {
    return this.macros.members.find(({ start, end }) => start <= offset && offset <= end);
  }

  /** The function or variable that a section is an attribute of: the one around it, or the next one. */
  private owner(section: SectionMacro, top: readonly Node[]): Node | undefined {
    return (
      top.find((node) => node.startIndex < section.start && section.end <= node.endIndex + 1) ??
      top.find((node) => node.startIndex >= section.end && this.macros.masked.slice(section.end, node.startIndex).trim() === '')
    );
  }

  private programOf(section: SectionMacro, top: readonly Node[]): CProgram | undefined {
    const owner = this.owner(section, top);
    if (owner?.type !== 'function_definition') return undefined;
    const found = functionOf(owner);
    if (!found) return undefined;
    const { name, nameStart, parameters } = found;
    const context = PROGRAM_MACROS[name];
    if (context === undefined) return { name, section, start: owner.startIndex, end: owner.endIndex, nameStart, parameters };
    const [first, ...rest] = parameters;
    if (!first) return undefined;
    return {
      name: first.type,
      section,
      start: owner.startIndex,
      end: owner.endIndex,
      nameStart: this.macros.masked.indexOf(first.type, nameStart + name.length),
      parameters: [{ type: context, name: 'ctx' }, ...rest],
      macro: name,
    };
  }

  private mapOf(section: SectionMacro, top: readonly Node[]): CMap | undefined {
    const owner = this.owner(section, top);
    if (owner?.type !== 'declaration') return undefined;
    const name = identifierIn(owner.childForFieldName('declarator'));
    if (!name) return undefined;
    const members = this.macros.members.filter(({ start, end }) => owner.startIndex <= start && end <= owner.endIndex);
    return { name: name.text, nameStart: name.startIndex, start: owner.startIndex, end: owner.endIndex, members };
  }
}

/** Definitions and declarations of the file, also those inside #if and extern "C". */
function* topLevel(root: Node): Generator<Node> {
  for (const node of root.namedChildren) {
    if (!node) continue;
    if (
      node.type.startsWith('preproc_') ||
      node.type === 'linkage_specification' ||
      node.type === 'declaration_list' ||
      node.type === 'ERROR'
    )
      yield* topLevel(node);
    else yield node;
  }
}

function functionOf(node: Node): CFunction | undefined {
  let declarator = node.childForFieldName('declarator');
  while (declarator && declarator.type !== 'function_declarator') declarator = declarator.childForFieldName('declarator');
  const name = identifierIn(declarator?.childForFieldName('declarator') ?? null);
  const parameters = declarator?.childForFieldName('parameters');
  if (!declarator || !name || !parameters) return undefined;
  return {
    name: name.text,
    nameStart: name.startIndex,
    start: node.startIndex,
    end: node.endIndex,
    parameters: parameters.namedChildren.flatMap((parameter) =>
      parameter?.type === 'parameter_declaration' ? parameterOf(parameter) : [],
    ),
    returns: node.childForFieldName('type')?.text ?? 'int',
  };
}

function parameterOf(node: Node): CParameter {
  const name = identifierIn(node.childForFieldName('declarator'));
  if (!name) return { type: node.text.trim(), name: '' };
  const before = node.text.slice(0, name.startIndex - node.startIndex).trim();
  return { type: before.replace(/\s+/g, ' '), name: name.text };
}

function identifierIn(node: Node | null): Node | undefined {
  for (let at: Node | null = node; at; at = at.childForFieldName('declarator') ?? at.namedChild(0)) {
    if (at.type === 'identifier' || at.type === 'type_identifier') return at;
  }
  return undefined;
}
