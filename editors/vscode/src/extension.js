// A thin client: it starts `specc lsp` and hands the editor over to it.
// @ts-check
"use strict";

const { spawnSync } = require("node:child_process");
const vscode = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");
const { commandFor } = require("./command.js");
const { Drawing, pageOf } = require("./drawing.js");

/** @type {LanguageClient | undefined} */
let client;
/** By the address of its text. @type {Map<string, { drawing: Drawing, panel: vscode.WebviewPanel }>} */
const drawn = new Map();

/** @param {vscode.ExtensionContext} context */
async function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("specc.restartServer", restart),
    vscode.commands.registerTextEditorCommand("specc.showDrawing", showDrawing),
    vscode.workspace.onDidChangeTextDocument(({ document }) => drawn.get(document.uri.toString())?.drawing.changed()),
    vscode.workspace.onDidCloseTextDocument((document) => drawn.get(document.uri.toString())?.panel.dispose()),
    vscode.window.onDidChangeTextEditorSelection(({ textEditor, selections }) =>
      drawn.get(textEditor.document.uri.toString())?.drawing.moved(selections[0].active.line),
    ),
    vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("specc.path") && restart()),
    vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("specc.interpreter") && restart()),
  );
  await start();
}

async function deactivate() {
  await client?.stop();
  client = undefined;
}

async function restart() {
  await deactivate();
  await start();
}

async function start() {
  const settings = vscode.workspace.getConfiguration("specc");
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  const server = commandFor(settings.get("path", ""), settings.get("interpreter", ""), folder);
  const missing = complaint(server);
  if (missing) {
    await complain(missing);
    return;
  }
  const run = { ...server, transport: TransportKind.stdio };
  client = new LanguageClient("specc", "specc", { run, debug: run }, { documentSelector: [{ language: "cnn" }] });
  try {
    await client.start();
  } catch (error) {
    await complain(`The language server did not start; Output → specc says why. (${error})`);
  }
}

/** The network of a text beside it, drawn as it is written. @param {vscode.TextEditor} editor */
async function showDrawing({ document }) {
  const uri = document.uri.toString();
  const open = drawn.get(uri);
  if (open) {
    open.panel.reveal(undefined, true);
    return;
  }
  if (!client) {
    await complain("The network is drawn by the language server, which does not run.");
    return;
  }
  const where = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
  const name = document.uri.path.split("/").at(-1);
  const panel = vscode.window.createWebviewPanel("specc.drawing", `${name}: drawing`, where, { enableScripts: true, localResourceRoots: [] });
  const drawing = new Drawing({
    uri,
    ask: (params) => client?.sendRequest("specc/picture", params) ?? Promise.resolve(null),
    show: (message) => panel.webview.postMessage(message),
    select: ([line, character, lastLine, lastCharacter]) => {
      const selection = new vscode.Range(line, character, lastLine, lastCharacter);
      vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.One, selection });
    },
  });
  drawn.set(uri, { drawing, panel });
  panel.webview.onDidReceiveMessage((message) => drawing.told(message));
  panel.onDidDispose(() => {
    drawing.close();
    drawn.delete(uri);
  });
  try {
    panel.webview.html = pageOf(await client.sendRequest("specc/colours"));
  } catch (error) {
    panel.dispose();
    await complain(`This version of specc draws nothing in an editor; install a newer one. (${error})`);
  }
}

/**
 * Why a command cannot be the server, or nothing where it can.
 * @param {{ command: string, args: string[] }} server
 */
function complaint({ command, args }) {
  const asked = spawnSync(command, [...args.slice(0, -1), "--version"], { encoding: "utf8", timeout: 20000 });
  if (asked.error) {
    return `\`${command}\` cannot be started. Install specc with its extra "lsp", or name it in "specc.path" or "specc.interpreter".`;
  }
  if (asked.status !== 0) {
    return `\`${command}\` has no specc. Install it there with its extra "lsp", or name another one in the settings.`;
  }
  return undefined;
}

/** @param {string} message */
async function complain(message) {
  const settings = "Open settings";
  if ((await vscode.window.showErrorMessage(`specc: ${message}`, settings)) === settings) {
    await vscode.commands.executeCommand("workbench.action.openSettings", "specc");
  }
}

module.exports = { activate, deactivate };
