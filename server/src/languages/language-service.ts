// What a language gives to each LSP feature. The server asks the table in languages.ts; a language that leaves a feature out has none.

import type {
  CompletionItem,
  CompletionList,
  DocumentHighlight,
  DocumentLink,
  Hover,
  Location,
  Position,
  Range,
  SignatureHelp,
  WorkspaceEdit,
} from 'vscode-languageserver';
import type { Checked } from '../check.ts';
import type { Document } from '../documents.ts';
import type { Host } from '../host.ts';
import type { ServerSettings } from '../settings.ts';
import type { CProject } from './c/project.ts';

/** What surrounds a document. */
export interface Workbench {
  host: Host;
  settings: ServerSettings;
  project: CProject;
  /** The client takes snippets. */
  snippets: boolean;
  /** Hovers may fold with <details>. */
  details: boolean;
  /** The last complete check, perhaps of an older version. */
  checked: Checked | undefined;
  /** The other open documents of the same language. */
  others: readonly Document[];
}

export interface LanguageService {
  complete(document: Document, position: Position, workbench: Workbench): Promise<CompletionItem[] | CompletionList>;
  hover(document: Document, position: Position, workbench: Workbench): Promise<Hover | undefined>;
  definition(document: Document, position: Position, workbench: Workbench): Promise<Location | undefined>;
  signature?(document: Document, position: Position, workbench: Workbench): SignatureHelp | undefined;
  typeDefinition?(document: Document, position: Position, workbench: Workbench): Promise<Location | undefined>;
  references?(document: Document, position: Position, declaration: boolean, workbench: Workbench): Promise<Location[]>;
  highlights?(document: Document, position: Position, workbench: Workbench): Promise<DocumentHighlight[]>;
  prepareRename?(document: Document, position: Position, workbench: Workbench): Promise<Range | undefined>;
  rename?(document: Document, position: Position, name: string, workbench: Workbench): Promise<WorkspaceEdit | undefined>;
  links?(document: Document, workbench: Workbench): Promise<DocumentLink[]>;
}
