// C's part of the language table.

import { completeC } from '../../features/completion-c.ts';
import {
  type CPlaces,
  definitionC,
  documentLinksC,
  highlightsC,
  prepareRenameC,
  referencesC,
  renameC,
  typeDefinitionC,
} from '../../features/c-definition.ts';
import { hoverC } from '../../features/hover.ts';
import { signatureHelp } from '../../features/signature-help.ts';
import type { Document } from '../../documents.ts';
import type { LanguageService, Workbench } from '../language-service.ts';
import type { CIndex } from './c-index.ts';

const othersOf = ({ project, others }: Workbench): Promise<CIndex[]> => Promise.all(others.map((one) => project.index(one)));

const placesOf = async (document: Document, { host, settings, project }: Workbench): Promise<CPlaces> => ({
  index: await project.index(document),
  kernelHeader: () => host.kernelHeader(settings),
  uriOf: (file) => host.uriOf(file),
  findInclude: (name, quoted) => project.find(name, quoted, document.file),
});

export const c: LanguageService = {
  complete: async (document, position, { settings, snippets, project }) =>
    completeC(document, position, settings, snippets, await project.index(document)),
  hover: async (document, position, { settings, checked, details, project }) =>
    hoverC(document, position, settings, checked, { details }, await project.index(document)),
  signature: (document, position, { settings }) => signatureHelp(document, position, settings),
  definition: async (document, position, workbench) => definitionC(document, position, await placesOf(document, workbench)),
  typeDefinition: async (document, position, workbench) => typeDefinitionC(document, position, await placesOf(document, workbench)),
  references: async (document, position, declaration, workbench) =>
    referencesC(document, position, await workbench.project.index(document), await othersOf(workbench), declaration),
  highlights: async (document, position, { project }) => highlightsC(document, position, await project.index(document)),
  prepareRename: async (document, position, { project }) => prepareRenameC(document, position, await project.index(document)),
  rename: async (document, position, name, workbench) =>
    renameC(document, position, name, await workbench.project.index(document), await othersOf(workbench)),
  links: async (document, workbench) => documentLinksC(document, await placesOf(document, workbench)),
};
