// The view "eBPF Registers" in the debug side bar: R0 to R10 with their meaning, what changed since the last stop highlighted.

import * as vscode from 'vscode';
import { REGISTERS } from '../requests.ts';
import type { ShownRegister } from '../requests.ts';
import { selectedFrame, SessionTree, watchStops } from '../stop-watcher.ts';
import { changedIcon, changedLabel } from '../tree-look.ts';

export function activate(context: vscode.ExtensionContext): void {
  const provider = new RegistersProvider();
  context.subscriptions.push(
    vscode.window.createTreeView('ebpf.registers', { treeDataProvider: provider }),
    watchStops((session) => provider.show(session)),
    vscode.commands.registerCommand('ebpf.copyValue', (node: unknown) => vscode.env.clipboard.writeText(valueOf(node))),
  );
}

/** The text of a line of either view. */
function valueOf(node: unknown): string {
  const { value, entry } = node as Partial<ShownRegister> & { entry?: { value: string } };
  return value ?? entry?.value ?? '';
}

class RegistersProvider extends SessionTree<ShownRegister> {
  async getChildren(node?: ShownRegister): Promise<ShownRegister[]> {
    if (node || !this.session) return [];
    try {
      const answer = (await this.session.customRequest(REGISTERS, { frameId: selectedFrame(this.session) })) as {
        registers: ShownRegister[];
      };
      return answer.registers;
    } catch {
      // The program has gone on in the meantime: the next stop fills the view again.
      return [];
    }
  }

  getTreeItem(register: ShownRegister): vscode.TreeItem {
    const item = new vscode.TreeItem(changedLabel(register.name, register.changed), vscode.TreeItemCollapsibleState.None);
    return Object.assign(item, {
      id: register.name,
      description: register.meaning,
      tooltip:
        register.value === ''
          ? register.meaning
          : `${register.name} = ${register.value}\n${register.meaning}${register.changed ? '\nchanged since the last stop' : ''}`,
      contextValue: 'value',
      iconPath: changedIcon(register.changed, false),
    });
  }
}
