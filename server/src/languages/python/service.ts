// BCC scripts' part of the language table. Their diagnostics come by the same way as C's; completion, hover and definition inside the
// string are still to come, and Python's own server answers for the rest of the script.

import type { LanguageService } from '../language-service.ts';

export const bcc: LanguageService = {
  complete: () => Promise.resolve([]),
  hover: () => Promise.resolve(undefined),
  definition: () => Promise.resolve(undefined),
};
