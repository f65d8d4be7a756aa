// How the debug views show that something changed since the last stop: the label marked, and an icon in the theme's colours.

import * as vscode from 'vscode';

export const changedLabel = (text: string, changed: boolean): vscode.TreeItemLabel => ({
  label: text,
  ...(changed ? { highlights: [[0, text.length]] } : {}),
});

export function changedIcon(changed: boolean, added: boolean): vscode.ThemeIcon {
  if (added) return new vscode.ThemeIcon('diff-added', new vscode.ThemeColor('gitDecoration.addedResourceForeground'));
  return changed
    ? new vscode.ThemeIcon('diff-modified', new vscode.ThemeColor('gitDecoration.modifiedResourceForeground'))
    : new vscode.ThemeIcon('blank');
}
