// When documents are checked: some time after the last keystroke, never two versions of one document at once, and a result
// is given on only if the document still is as it was. Knows nothing of how results are shown.

import { note } from '#core/problem';
import { type Checked, type CheckedProgram, withPrograms } from './check.ts';
import type { Document } from './documents.ts';
import type { Host } from './host.ts';
import type { ServerSettings } from './settings.ts';

export interface AnalysisOptions {
  host: Host;
  settings: () => ServerSettings;
  /** The current version of a document; undefined when it is closed or none of ours. */
  document: (uri: string) => Document | undefined;
  /** Unsaved texts of all open documents, by path. */
  unsaved: () => ReadonlyMap<string, string>;
  done: (document: Document, checked: Checked) => void;
  /** Verdicts are there, and what takes longer is not: further errors, what hovers know. `done` follows. */
  soFar?: (document: Document, checked: Checked) => void;
  /** Something of ours went wrong: said in the log, never to the user's programs. */
  failed: (document: Document, reason: unknown) => void;
}

interface Work {
  timer?: ReturnType<typeof setTimeout>;
  /** Ends the compiler of the version that runs. */
  running?: { version: number; controller: AbortController; finished: Promise<void> };
  last?: Checked;
  /** Told when a check is done, or given up for a newer text. */
  waiting: (() => void)[];
}

function wake(work: Work | undefined): void {
  for (const tell of work?.waiting.splice(0) ?? []) tell();
}

export class Analysis {
  private readonly work = new Map<string, Work>();

  constructor(private readonly options: AnalysisOptions) {}

  /** A new text: what runs for the old one is ended now, the new one is checked when the typing pauses. */
  schedule(uri: string, delay: number): void {
    const work = this.of(uri);
    clearTimeout(work.timer);
    work.running?.controller.abort();
    wake(work);
    work.timer = setTimeout(() => {
      delete work.timer;
      void this.start(uri);
    }, delay);
  }

  forget(uri: string): void {
    const work = this.work.get(uri);
    clearTimeout(work?.timer);
    work?.running?.controller.abort();
    wake(work);
    this.work.delete(uri);
  }

  /** The last complete result, perhaps of an older version. */
  last(uri: string): Checked | undefined {
    return this.work.get(uri)?.last;
  }

  /** The result of the current version, checked now if it was not yet. Undefined where it changed again meanwhile. */
  async current(uri: string): Promise<Checked | undefined> {
    const document = this.options.document(uri);
    if (!document) return undefined;
    const work = this.of(uri);
    if (work.last?.version === document.version && work.last.kernel === this.options.settings().targetKernel) return work.last;
    if (work.running?.version !== document.version || work.running.controller.signal.aborted) {
      clearTimeout(work.timer);
      delete work.timer;
      void this.start(uri);
    }
    await work.running?.finished;
    return work.last?.version === document.version ? work.last : undefined;
  }

  /** The result of this version when it is there, however long the typing pauses are. Undefined where the text changes before. */
  async settled(uri: string): Promise<Checked | undefined> {
    const document = this.options.document(uri);
    if (!document || document.isHeader || !this.options.settings().diagnostics.enabled) return undefined;
    const { version } = document;
    const work = this.of(uri);
    // A check of this very text may be begun anew, as when a setting changes.
    do {
      if (work.last?.version === version && !work.timer && !work.running) return work.last;
      await new Promise<void>((resolve) => work.waiting.push(resolve));
    } while (this.work.get(uri) === work && this.options.document(uri)?.version === version);
    return undefined;
  }

  private of(uri: string): Work {
    let work = this.work.get(uri);
    if (!work) this.work.set(uri, (work = { waiting: [] }));
    return work;
  }

  private async start(uri: string): Promise<void> {
    const document = this.options.document(uri);
    const work = this.of(uri);
    if (!document || document.isHeader) return;
    work.running?.controller.abort();
    const controller = new AbortController();
    const finished = this.check(document, controller.signal)
      .then((checked) => {
        if (!checked || this.work.get(uri) !== work) return;
        work.last = checked;
        this.options.done(document, checked);
      })
      .catch((reason: unknown) => this.options.failed(document, reason))
      .finally(() => {
        if (work.running?.controller !== controller) return;
        delete work.running;
        wake(work);
      });
    work.running = { version: document.version, controller, finished };
    await finished;
  }

  private async check(document: Document, signal: AbortSignal): Promise<Checked | undefined> {
    const { host } = this.options;
    const settings = this.options.settings();
    const stale = (): boolean => signal.aborted || this.options.document(document.uri)?.version !== document.version;
    const { file, text, language, version } = document;
    const opened = await host.open({ file, text, language, unsaved: this.options.unsaved(), settings, signal });
    if (opened.cancelled || stale()) return undefined;
    const started = performance.now();
    const kernel = settings.targetKernel;
    // What the assembler could not read is missing from the code: a verdict on the rest would speak of another program.
    const whole =
      opened.object && !(language === 'asm' && opened.problems.some(({ severity }) => severity === 'error')) ? opened.object : undefined;
    const problems = [...opened.problems];
    const checked = (programs: readonly CheckedProgram[]): Checked => ({
      version,
      kernel,
      programs,
      problems,
      timings: { ...opened.timings, verify: performance.now() - started },
      ...(opened.object ? { object: opened.object } : {}),
    });
    const verdicts = whole
      ? await host
          .verify({
            object: whole,
            file,
            text,
            language,
            settings,
            logLevel: 0,
            keepStates: true,
            signal,
            soFar: (known) => {
              if (!stale()) this.options.soFar?.(document, checked(withPrograms(whole, known)));
            },
          })
          .catch((reason: unknown) => {
            // Our own mistake must not hide what the compiler said, nor look like a verdict.
            this.options.failed(document, reason);
            problems.push(
              note(
                'The verifier itself failed on this program, so there is no verdict. The log of the language server says more: please report it',
                { code: 'verifier-failed' },
              ),
            );
            return [];
          })
      : [];
    const programs = verdicts && (whole ? withPrograms(whole, verdicts) : []);
    if (!programs || stale()) return undefined;
    return checked(programs);
  }
}
