// What a parser must give: the shape of tree-sitter's nodes, so that this room imports no parser and loads no WebAssembly.

export interface SyntaxNode {
  readonly type: string;
  readonly text: string;
  /** UTF-16 offsets into the parsed text. */
  readonly startIndex: number;
  readonly endIndex: number;
  readonly parent: SyntaxNode | null;
  readonly namedChildren: readonly (SyntaxNode | null)[];
  readonly children: readonly (SyntaxNode | null)[];
  childForFieldName(name: string): SyntaxNode | null;
}

export type Parse = (text: string) => SyntaxNode;

export const named = (node: SyntaxNode): SyntaxNode[] => node.namedChildren.filter((child) => child !== null);

/** The node and everything below it, parents first; `into` false leaves out what is below. */
export function* descend(node: SyntaxNode, into: (node: SyntaxNode) => boolean = () => true): Generator<SyntaxNode> {
  yield node;
  if (into(node)) for (const child of named(node)) yield* descend(child, into);
}
