// Writes schemas/events.schema.json from the field table of event files. A test compares the two.

import { writeFileSync } from 'node:fs';
import { scenarioJsonSchema } from '#core/sim';

writeFileSync(new URL('../schemas/events.schema.json', import.meta.url), scenarioJsonSchema());
