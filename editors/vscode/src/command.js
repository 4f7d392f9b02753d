// Which command is the server: a setting, else the virtual environment of the folder, else what is on the path.
// @ts-check
"use strict";

const fs = require("node:fs");
const path = require("node:path");

/**
 * @param {string} program the setting `specc.path`
 * @param {string} interpreter the setting `specc.interpreter`
 * @param {string | undefined} folder the open folder
 * @param {NodeJS.Platform} platform
 * @returns {{ command: string, args: string[] }}
 */
function commandFor(program, interpreter, folder, platform = process.platform) {
  if (program) {
    return { command: expanded(program, folder), args: ["lsp"] };
  }
  if (interpreter) {
    return { command: expanded(interpreter, folder), args: ["-m", "specc", "lsp"] };
  }
  const inside = platform === "win32" ? ["Scripts", "specc.exe"] : ["bin", "specc"];
  const own = [".venv", "venv"].map((name) => path.join(folder ?? "", name, ...inside));
  const found = folder ? own.find((candidate) => fs.existsSync(candidate)) : undefined;
  return { command: found ?? "specc", args: ["lsp"] };
}

/**
 * `${workspaceFolder}` and `~` as people write them in settings.
 * @param {string} setting
 * @param {string | undefined} folder
 */
function expanded(setting, folder) {
  const home = process.env.HOME ?? process.env.USERPROFILE ?? "~";
  return setting.replaceAll("${workspaceFolder}", folder ?? ".").replace(/^~(?=[\\/])/, home);
}

module.exports = { commandFor };
