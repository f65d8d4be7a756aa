// Tells views when an eBPF session has stopped, moved to another frame or ended, so that they ask the adapter again.

import * as vscode from 'vscode';

/** Called with the session that stands still now, or undefined when none does. */
export type OnStop = (session: vscode.DebugSession | undefined) => void;

export function watchStops(onStop: OnStop): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.debug.registerDebugAdapterTrackerFactory('ebpf', {
      createDebugAdapterTracker: (session) => ({
        onDidSendMessage: (message: { type?: string; event?: string }) => {
          if (message.type === 'event' && (message.event === 'stopped' || message.event === 'invalidated')) onStop(session);
          if (message.type === 'event' && message.event === 'terminated') onStop(undefined);
        },
        onExit: () => onStop(undefined),
      }),
    }),
    vscode.debug.onDidChangeActiveDebugSession((session) => onStop(session?.type === 'ebpf' ? session : undefined)),
    vscode.debug.onDidChangeActiveStackItem((item) => {
      if (item?.session.type === 'ebpf') onStop(item.session);
    }),
  );
}

/** A tree in the debug side bar that is asked of the session anew at each stop. */
export abstract class SessionTree<T> implements vscode.TreeDataProvider<T> {
  private readonly changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  /** The session that stands still, if one does. */
  protected session: vscode.DebugSession | undefined;

  show(session: vscode.DebugSession | undefined): void {
    this.session = session;
    this.changed.fire(undefined);
  }

  abstract getChildren(node?: T): Promise<T[]>;
  abstract getTreeItem(node: T): vscode.TreeItem;
}

/** The frame that the person has selected, for requests that depend on it. */
export function selectedFrame(session: vscode.DebugSession): number | undefined {
  const item = vscode.debug.activeStackItem;
  return item instanceof vscode.DebugStackFrame && item.session.id === session.id ? item.frameId : undefined;
}
