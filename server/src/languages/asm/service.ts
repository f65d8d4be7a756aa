// Assembly's part of the language table.

import { completeAsm } from '../../features/completion-asm.ts';
import { definitionAsm } from '../../features/definition-asm.ts';
import { hoverAsm } from '../../features/hover-asm.ts';
import type { LanguageService } from '../language-service.ts';

export const assembly: LanguageService = {
  complete: (document, position, { settings }) => Promise.resolve(completeAsm(document, position, settings)),
  hover: (document, position, { settings, checked }) => Promise.resolve(hoverAsm(document, position, settings, checked)),
  definition: (document, position) => Promise.resolve(definitionAsm(document, position)),
};
