// The view "eBPF Maps" in the debug side bar: every map with its entries, what changed since the last stop highlighted.

import * as vscode from 'vscode';
import { MAPS } from '../requests.ts';
import type { ShownEntry, ShownMap } from '../requests.ts';
import { SessionTree, watchStops } from '../stop-watcher.ts';
import { changedIcon, changedLabel } from '../tree-look.ts';

type Node = { kind: 'map'; map: ShownMap } | { kind: 'entry'; map: ShownMap; entry: ShownEntry } | { kind: 'note'; text: string };

export function activate(context: vscode.ExtensionContext): void {
  const provider = new MapsProvider();
  context.subscriptions.push(
    vscode.window.createTreeView('ebpf.maps', { treeDataProvider: provider }),
    watchStops((session) => provider.show(session)),
  );
}

class MapsProvider extends SessionTree<Node> {
  async getChildren(node?: Node): Promise<Node[]> {
    if (!node) return (await this.maps()).map((map) => ({ kind: 'map', map }));
    if (node.kind !== 'map') return [];
    const { map } = node;
    return [
      ...map.entries.map((entry): Node => ({ kind: 'entry', map, entry })),
      ...(map.removed > 0 ? [{ kind: 'note', text: `${map.removed} deleted since the last stop` } as const] : []),
      ...(map.more > 0 ? [{ kind: 'note', text: `${map.more} more` } as const] : []),
    ];
  }

  private async maps(): Promise<readonly ShownMap[]> {
    try {
      const answer = (await this.session?.customRequest(MAPS)) as { maps: readonly ShownMap[] } | undefined;
      return answer?.maps ?? [];
    } catch {
      // The program has gone on in the meantime: the next stop fills the view again.
      return [];
    }
  }

  getTreeItem(node: Node): vscode.TreeItem {
    if (node.kind === 'note')
      return Object.assign(new vscode.TreeItem('', vscode.TreeItemCollapsibleState.None), { description: node.text });
    if (node.kind === 'map') {
      const { map } = node;
      const item = new vscode.TreeItem(
        changedLabel(map.name, map.changed),
        map.entries.length > 0 ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.None,
      );
      return Object.assign(item, { id: `map ${map.id}`, description: map.summary, iconPath: new vscode.ThemeIcon('database') });
    }
    const { entry, map } = node;
    const item = new vscode.TreeItem(changedLabel(`[${entry.key}]`, entry.changed), vscode.TreeItemCollapsibleState.None);
    return Object.assign(item, {
      id: `map ${map.id} ${entry.key}`,
      description: entry.value,
      tooltip: `${map.name}[${entry.key}] = ${entry.value}${entry.added ? '\nadded since the last stop' : entry.changed ? '\nchanged since the last stop' : ''}`,
      contextValue: 'value',
      iconPath: changedIcon(entry.changed, entry.added),
    });
  }
}
