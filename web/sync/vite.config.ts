import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

/** The module for the app: one file with a stable name, beside the pages. */
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  publicDir: false,
  build: {
    outDir: "../../src/moderation_craft/serve/static/sync",
    emptyOutDir: true,
    target: "es2022",
    lib: { entry: "index.ts", formats: ["es"], fileName: () => "mcraft-sync.js" },
    rolldownOptions: { output: { minify: true } },
  },
});
