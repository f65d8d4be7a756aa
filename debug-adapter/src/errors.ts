// Every sentence with which a request is refused, with a code that stays: one place to read and to test them.

/** A request that cannot be answered; `showUser` for what a person must see at once. */
export class RequestError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly showUser = false,
  ) {
    super(message);
  }
}

export const unknownRequest = (command: string): RequestError => new RequestError(1000, `this debugger has no request '${command}'`);
export const notLaunched = (): RequestError => new RequestError(1001, 'no program is being debugged');
export const notStopped = (): RequestError => new RequestError(1002, 'the program is running; pause it first');
export const noProgramGiven = (): RequestError =>
  new RequestError(1003, "the launch configuration needs 'program': the path of a .bpf.c, .bpf.s or .o file", true);
export const wrongOption = (name: string, value: unknown, allowed: readonly string[]): RequestError =>
  new RequestError(1004, `'${name}' cannot be ${JSON.stringify(value)}; it is one of ${allowed.join(', ')}`, true);
export const launchFailed = (sentence: string): RequestError => new RequestError(1005, sentence, true);
export const refusedByVerifier = (program: string, message: string): RequestError =>
  new RequestError(1006, `the verifier rejects ${program}: ${message}`, true);
export const unknownFrame = (): RequestError => new RequestError(1010, 'this stack frame is gone: the program has moved on');
export const unknownReference = (): RequestError => new RequestError(1011, 'this variable is gone: the program has moved on');
export const unknownVariable = (name: string): RequestError => new RequestError(1012, `there is no ${name} here any more`);
export const notSettable = (name: string): RequestError => new RequestError(1013, `${name} cannot be changed`);
export const refusedValue = (sentence: string): RequestError => new RequestError(1014, sentence);
export const expressionFailed = (sentence: string): RequestError => new RequestError(1015, sentence);
export const noAddress = (text: string): RequestError => new RequestError(1016, `'${text}' is no address`);
export const noSourceText = (): RequestError =>
  new RequestError(1017, 'the text of this source is not known: the file is missing and the program keeps no lines of it');
export const missingField = (command: string, field: string): RequestError =>
  new RequestError(1018, `the request '${command}' lacks its field '${field}', or it is of another type`);
export const alreadyLaunched = (): RequestError =>
  new RequestError(1019, 'this session debugs a program already: restart it, or start another session');
export const internal = (cause: unknown): RequestError =>
  new RequestError(
    1099,
    `the debugger failed: ${cause instanceof Error ? cause.message : String(cause)}. This is a mistake in the extension; please report it with the program`,
    true,
  );
