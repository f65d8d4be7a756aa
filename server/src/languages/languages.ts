// The language table: who answers for which document.

import type { Language } from '../documents.ts';
import { assembly } from './asm/service.ts';
import { c } from './c/service.ts';
import { bcc } from './python/service.ts';
import type { LanguageService } from './language-service.ts';

export const LANGUAGES: Readonly<Record<Language, LanguageService>> = { c, asm: assembly, bcc };
