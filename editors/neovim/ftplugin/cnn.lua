-- Starts `specc lsp` for every .cnn file with Neovim's own client: no plugin is needed.
-- vim.g.specc_command names another program, such as { "/path/to/python", "-m", "specc", "lsp" }.

vim.bo.commentstring = "# %s"
vim.bo.comments = ":#"
vim.bo.shiftwidth = 2
vim.bo.expandtab = true
vim.b.undo_ftplugin = "setlocal commentstring< comments< shiftwidth< expandtab<"

local file = vim.api.nvim_buf_get_name(0)
local folder = file == "" and vim.fn.getcwd() or vim.fn.fnamemodify(file, ":p:h")

-- What is found in this folder or in one above it, as an absolute path.
local function above(find, name)
  local found = find(name, vim.fn.escape(folder, " ,;") .. ";")
  return found ~= "" and vim.fn.fnamemodify(found, ":p") or nil
end

local own = above(vim.fn.findfile, ".venv/bin/specc") or above(vim.fn.findfile, "venv/bin/specc")
local command = vim.g.specc_command or { own or "specc", "lsp" }
local project = above(vim.fn.finddir, ".git") or above(vim.fn.findfile, "pyproject.toml")

if vim.fn.executable(command[1]) == 0 then
  vim.notify("specc: there is no `" .. command[1] .. '`; install specc with its extra "lsp"', vim.log.levels.WARN)
  return
end

local config = {
  name = "specc",
  cmd = command,
  root_dir = project and vim.fn.fnamemodify(project, ":p:s?[/\\]$??:h") or folder,
  on_attach = function(_, buffer)
    if vim.lsp.inlay_hint then -- Neovim 0.10
      vim.lsp.inlay_hint.enable(true, { bufnr = buffer })
    end
  end,
}

if vim.lsp.start then
  vim.lsp.start(config)
else -- Neovim 0.7
  vim.lsp.buf_attach_client(0, vim.lsp.start_client(config))
end
